"""The errors that seehear raises on purpose: each says what is wrong, where, and what to do."""


class SeehearError(Exception):
    """Something the user can mend. The command line prints its text and exits with 1, without a traceback."""


class ClipError(SeehearError):
    """One clip can't be used; the others go on."""
