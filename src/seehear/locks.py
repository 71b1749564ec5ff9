"""Locks between processes, for files that several processes read, change and write."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seehear.files import explained

LOCK = ".seehear-lock"  # in the folder; it is removed when the lock is given back
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL, errno.EBADF)  # by a file system


@contextmanager
def locked(folder: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Wait until no other process is in such a block for this folder, and keep others waiting.

    It is a lock of the operating system (flock), so it ends with its process, however that ends. It also works between
    hosts that share the folder by NFS, if their server gives locks, as version 4 does. Nobody is kept waiting on
    Windows, and on a file system without locks.

    Args:
        folder: Made if needed.
        on_wait: Called if another process has the lock.

    Raises:
        SeehearError: If the folder can't be written.
    """
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        opened = _acquire(folder / LOCK, on_wait)
    try:
        yield
    finally:
        if opened is not None:
            _give_back(opened, folder)


def unlock(folder: Path) -> None:
    """Remove the lock of a process that was killed; one that a process holds stays."""
    with suppress(OSError):
        opened = _acquire(folder / LOCK, _refuse)
        if opened is not None:
            _give_back(opened, folder)


def _refuse() -> None:
    raise BlockingIOError


def _give_back(opened: int, folder: Path) -> None:
    with suppress(OSError):  # such as a folder that was deleted meanwhile
        if not os.fstat(opened).st_size:  # not a file of the user's
            os.unlink(folder / LOCK)
    os.close(opened)


def _acquire(file: Path, on_wait: Callable[[], None]) -> int | None:
    """Return the open file that is locked; None where there are no locks."""
    if os.name == "nt":
        return None
    while True:
        opened = _open(file)
        try:
            _flock(opened, on_wait)
            # Whoever had the lock has removed the file, and another process may have made it again.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(opened), os.stat(file)):
                    return opened
        except OSError as error:
            os.close(opened)
            if error.errno in UNSUPPORTED:
                return None
            raise
        except BaseException:  # Ctrl-C while it waits
            os.close(opened)
            raise
        os.close(opened)


def _open(file: Path) -> int:
    try:
        return os.open(file, os.O_CREAT | os.O_RDWR, 0o666)  # NFS locks only what is open for writing
    except PermissionError:
        if not file.exists():
            raise
        return os.open(file, os.O_RDONLY)  # of another user


def _flock(opened: int, on_wait: Callable[[], None]) -> None:
    import fcntl

    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        on_wait()
        fcntl.flock(opened, fcntl.LOCK_EX)
