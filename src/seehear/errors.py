"""The errors that seehear raises on purpose: each says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SeehearError(Exception):
    """Something the user can mend. The command line prints its text and exits with 1, without a traceback."""


class ClipError(SeehearError):
    """One clip can't be used; the others go on."""


def unknown(what: str, name: str, known: Iterable[str], otherwise: str = "") -> SeehearError:
    """Of a name that is none of those known: names those that it is nearly spelt like, or else all.

    what: `network`. otherwise: what else could be named, a sentence.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names)}."
    return SeehearError(f"no {what} is called {name!r}: {hint} {otherwise}".rstrip())
