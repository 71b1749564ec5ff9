"""A bounded cache of files that came from elsewhere, shared by all processes of this machine.

    CACHE/clips/<ab>/<key>.mp4   a file, whole; when it was modified is when it was last used
    CACHE/clips/.bytes           how many bytes these files take, or more

A file in use is locked (flock), and never removed. The lock ends with its process, however that ends.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seehear.files import atomic_bytes, cache_folder, explained, scratch
from seehear.locks import locked
from seehear.memory import GIB, bytes_of

BOUND = "SEEHEAR_CLIP_CACHE"  # environment variable: GiB
DEFAULT_BOUND = 10 * GIB
ROOM = 0.9  # of the bound: as much is left when files are removed, so that not every new file makes them be counted
COUNT = ".bytes"
SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")
MAX_KEPT = 64  # files of `keep`

_kept: OrderedDict[Path, int] = OrderedDict()  # file -> open descriptor, which is locked


def bound() -> int:
    """Return how many bytes the cache may hold. Raises SeehearError if $SEEHEAR_CLIP_CACHE is no number above 0."""
    return bytes_of(BOUND, DEFAULT_BOUND)


@contextmanager
def lent(identity: str, suffix: str, size: int, fill: Callable[[Path], None]) -> Iterator[Path]:
    """Yield a file of the cache, which stays for as long as the block lasts.

    Args:
        identity: Everything that decides the file's content.
        suffix: Of the file.
        size: Of the file, bytes.
        fill: Writes the content into a path, all of it, or raises. It is called if the cache lacks the file.

    Raises:
        DiskFullError: If there is no room.
        SeehearError: If the cache can't be written.
    """
    file, held = _take(identity, suffix, size, fill)
    try:
        yield file
    finally:
        os.close(held)


def keep(identity: str, suffix: str, size: int, fill: Callable[[Path], None]) -> Path:
    """Return a file of the cache, which stays until this process has asked for MAX_KEPT others. See `lent`."""
    file, held = _take(identity, suffix, size, fill)
    if file in _kept:
        os.close(held)
        _kept.move_to_end(file)
        return file
    _kept[file] = held
    while len(_kept) > MAX_KEPT:
        os.close(_kept.popitem(last=False)[1])
    return file


def _take(identity: str, suffix: str, size: int, fill: Callable[[Path], None]) -> tuple[Path, int]:
    """Return a file, and the open descriptor that keeps it."""
    folder = cache_folder() / "clips"
    key = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:40]
    file = folder / key[:2] / f"{key}{suffix.lower() if SUFFIX.fullmatch(suffix) else ''}"
    while (held := _hold(file, size)) is None:
        with scratch(folder) as room, explained(file):
            temporary = room / file.name
            fill(temporary)
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())  # a file that is there is whole, also after a loss of power
            with locked(folder):
                file.parent.mkdir(exist_ok=True)
                if not file.exists():  # another process may have fetched it meanwhile
                    _make_room(folder, size)
                    os.replace(temporary, file)
                if (held := _hold(file, size)) is not None:  # before another process can remove it
                    break
    return file, held


def _hold(file: Path, size: int) -> int | None:
    """Open and lock a file, so that nobody removes it. None if it is absent or damaged; the latter is removed."""
    try:
        held = os.open(file, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    _flock(held, wait=True)
    with suppress(FileNotFoundError):
        now = os.stat(file)
        if os.path.samestat(os.fstat(held), now):  # else it was removed before it was locked
            if now.st_size == size:
                with suppress(OSError):  # of another user
                    os.utime(file)
                return held
            os.unlink(file)
    os.close(held)
    return None


def _make_room(folder: Path, size: int) -> None:
    """Remove files that were not used for the longest time until there is room for one more, and count that one."""
    count, most = folder / COUNT, bound()
    try:
        total = int(count.read_text("ascii"))
    except (OSError, ValueError):
        total = most  # unknown: the files are counted
    if total + size > most:
        files = sorted((entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in _entries(folder))
        total = sum(bytes_of for _, bytes_of, _ in files)
        limit = most if total + size <= most else most * ROOM
        for _, bytes_of, path in files:
            if total + size <= limit:
                break
            total -= bytes_of if _removed(path) else 0
    atomic_bytes(count, str(total + size).encode(), durable=False)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as parts:
        for part in parts:
            if part.is_dir(follow_symlinks=False) and not part.name.startswith("."):
                with os.scandir(part) as files:
                    yield from (file for file in files if file.is_file(follow_symlinks=False))


def _removed(path: str) -> bool:
    """Remove a file unless somebody uses it. Return whether that was done."""
    with suppress(OSError):
        held = os.open(path, os.O_RDONLY)
        try:
            if _flock(held, wait=False):
                os.unlink(path)
                return True
        finally:
            os.close(held)
    return False


def _flock(held: int, *, wait: bool) -> bool:
    """Lock a file: to use it with others, if `wait`, else to remove it. Return whether that could be done.

    There are no such locks on Windows, which lets nobody remove an open file, and on some network file systems.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(held, fcntl.LOCK_SH if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return wait  # without locks nothing is removed
    return True
