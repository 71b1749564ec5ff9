"""What a process of an engine does: it prepares for a work once, and then does items of it."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from seehear.engines.interface import Done, Item, Work

_begun: tuple[str, Work[Any, Any]] | None = None  # the work that this process is prepared for, and its key


def results(
    key: str, fetch: Callable[[], Work[Item, Done]], items: Sequence[Item], folder: str = ""
) -> list[Done | Exception]:
    """Do items of a work, and return what came of each.

    Args:
        key: Of the work: a process that is prepared for it does not prepare again.
        fetch: Returns the work.
        items: What to do.
        folder: The working folder, to which paths may be relative; by default that which the process has.

    Raises:
        SeehearError: If the process can't do this work, or what is wrong concerns all items.
    """
    global _begun
    if _begun is None or _begun[0] != key:
        _begun = None  # frees what the work before had loaded
        one_thread()
        work_in(folder)
        work = fetch()
        work.begin()
        _begun = (key, work)
    return [_sendable(each) for each in _begun[1].do(items)]


def work_in(folder: str) -> None:
    """Change the working folder. If it isn't there, paths that are not relative can still be used."""
    if folder:
        with suppress(OSError):
            os.chdir(folder)


def one_thread() -> None:
    """Give this process one thread: there is one process per core."""
    os.environ.setdefault("SEEHEAR_THREADS", "1")
    os.environ["OMP_NUM_THREADS"] = "1"  # for torch, if it is imported later
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _sendable(result: Done | Exception) -> Done | Exception:
    """Return a result, or for an error that can't be sent to another process one that says the same."""
    if isinstance(result, Exception):
        try:
            pickle.loads(pickle.dumps(result))
        except Exception:
            return RuntimeError(f"{type(result).__name__}: {result}")
    return result
