"""What a process of an engine does: it prepares for a work once, and then does items of it."""

from __future__ import annotations

import copy
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, overload

from seehear.engines.interface import Done, Item, Work
from seehear.errors import SeehearError

GRACE = 10.0  # seconds for work that is interrupted to write what it has gathered

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
    try:
        return [_sendable(each) for each in _prepared(key, fetch, folder).do(items)]
    except Exception as error:
        sendable = _sendable(error)
        if sendable is error:
            raise
        raise sendable from None


def _prepared(key: str, fetch: Callable[[], Work[Item, Done]], folder: str) -> Work[Item, Done]:
    """Return the work that this process is prepared for; prepare for it if it is another one."""
    global _begun
    if _begun is None or _begun[0] != key:
        _begun = None  # frees what the work before had loaded
        one_thread()
        work_in(folder)
        work = fetch()
        work.begin()
        _begun = (key, work)
    return _begun[1]


def work_in(folder: str) -> None:
    """Change the working folder. If it isn't there, paths that are not relative can still be used."""
    if folder:
        with suppress(OSError):
            os.chdir(folder)


def one_thread() -> None:
    """Give this process one thread: there is one process per core."""
    from threadpoolctl import threadpool_limits

    os.environ.setdefault("SEEHEAR_THREADS", "1")
    os.environ["OMP_NUM_THREADS"] = "1"  # for libraries that are imported later, such as torch
    threadpool_limits(1)  # of those that are there, such as numpy's
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@overload
def _sendable(result: Exception) -> Exception: ...


@overload
def _sendable(result: Done | Exception) -> Done | Exception: ...


def _sendable(result: Done | Exception) -> Done | Exception:
    """Return a result, or for an error that can't be sent to another process one that says the same."""
    if isinstance(result, Exception):
        try:
            pickle.dumps(copy.copy(result))  # a copy is made as the other process makes it
        except Exception:
            if isinstance(result, SeehearError):
                return SeehearError(str(result))
            return RuntimeError(f"{type(result).__name__}: {result}")
    return result
