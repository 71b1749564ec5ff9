"""The errors that seehear raises on purpose. Each message says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SeehearError(Exception):
    """An error that the user can fix. The command line prints its message and exits with 1, without a traceback."""


class ClipError(SeehearError):
    """One clip can't be used. The others are processed."""


def unknown(what: str, name: str, known: Iterable[str], otherwise: str = "") -> SeehearError:
    """Return the error for an unknown name: it suggests names with a similar spelling, or lists all.

    Args:
        what: The kind of thing, such as `network`.
        name: The unknown name.
        known: All names.
        otherwise: A sentence on what else could be given.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names)}."
    return SeehearError(f"no {what} is called {name!r}: {hint} {otherwise}".rstrip())
