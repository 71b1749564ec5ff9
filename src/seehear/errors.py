"""The errors that seehear raises on purpose. Each message says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from traceback import extract_tb
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

NEAR, FARTHER = 0.6, 0.15  # least similarity of a name that is suggested, and how much less than the best it may have
TRAIN = ("torch", "scipy", "matplotlib")  # the packages of the extra `train`


class SeehearError(Exception):
    """An error that the user can fix. The command line prints its message and exits with 1, without a traceback."""


class ClipError(SeehearError):
    """One clip can't be used. The others are processed."""


def not_installed(error: BaseException | None) -> SeehearError | None:
    """Return the error that says what to install, if an import failed for lack of a package of the extra `train`."""
    while error is not None:
        package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
        if package in TRAIN:
            remedy = "pip install matplotlib" if package == "matplotlib" else "pip install 'seehear[train]'"
            return SeehearError(f"this needs {package}, which is not installed: {remedy}")
        error = error.__cause__ or error.__context__
    return None


def needing_train(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function say what to install, if it needs a package of the extra `train` that is not installed."""

    @wraps(function)
    def explained(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except ImportError as error:
            if missing := not_installed(error):
                raise missing from error
            raise

    return explained


@contextmanager
def costing_one_clip(file: object = "") -> Iterator[None]:
    """Turn an exception that nobody expected into a ClipError, so that it costs one clip and not the run.

    Errors that are raised on purpose stay as they are, and so does an interruption.

    Args:
        file: Of the clip, for the message; left out if empty.

    Raises:
        ClipError: In place of any exception but a SeehearError: it names its type, its message and where it comes from.
        SeehearError: If a package is not installed that every clip needs.
    """
    try:
        yield
    except SeehearError:
        raise
    except Exception as error:
        if missing := not_installed(error):
            raise missing from None
        where = extract_tb(error.__traceback__)[-1]
        raise ClipError(
            f"{f'{file}: ' if file else ''}failed with {type(error).__name__}: {error} "
            f"({Path(where.filename).name}:{where.lineno}); this may be a fault of seehear, so please report it"
        ) from error


def unknown(what: str, name: str, known: Iterable[str], otherwise: str = "") -> SeehearError:
    """Return the error for an unknown name: it suggests names with a similar spelling, or lists all.

    Args:
        what: The kind of thing, such as `network`.
        name: The unknown name.
        known: All names.
        otherwise: A sentence on what else could be given.
    """
    names = sorted(known)
    close = [each for each in names if each.casefold() == name.casefold()] or _near(name.lower(), names)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names)}."
    return SeehearError(f"no {what} is called {name!r}: {hint} {otherwise}".rstrip())


def _near(name: str, names: Iterable[str]) -> list[str]:
    """Return up to three names of a similar spelling, the nearest first, and none that is much farther than that."""
    close = difflib.get_close_matches(name, names, n=3, cutoff=NEAR)
    ratios = [difflib.SequenceMatcher(None, each, name).ratio() for each in close]
    return [each for each, ratio in zip(close, ratios, strict=True) if ratio > ratios[0] - FARTHER]
