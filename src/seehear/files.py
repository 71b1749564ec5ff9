"""Atomic files: written under a temporary name, then renamed. A file is whole or absent.

A killed process leaves at most its temporary files. They are removed when a process first writes into their folder
again, and when a command opens a folder that other processes may have filled meanwhile; see `sweep`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from seehear.errors import SeehearError
from seehear.texts import is_url, read_json, without_credentials

if TYPE_CHECKING:
    from numpy.typing import NDArray

A = TypeVar("A")

UNWRITABLE = frozenset(
    (
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EEXIST,  # a file where a folder is to be
        errno.EISDIR,
        errno.ENAMETOOLONG,
        errno.EINVAL,
        errno.EFBIG,
        errno.EIO,
        errno.ENODEV,
        errno.ENXIO,
        errno.ESTALE,  # of a network file system
    )
)
# As `_temporary` names it: the process first, then where that number means this process.
TEMPORARY = re.compile(r"\.([1-9][0-9]{0,6})-([0-9a-f]{8})-[0-9a-f]{8}(\.[^.]+)?")
FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
AWAY_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # seconds, about half a minute in all; see `is_there`
RENAME_PAUSES = (0.02, 0.1, 0.5)  # seconds, see `_replace`
MAX_PID = 1 << 22  # Linux gives none above it, so a date in a file's name is not taken for a process
ABANDONED = 24 * 3600.0  # seconds without a change after which nobody writes a temporary file any more, on any host

_open: set[str] = set()  # temporaries that this process is writing now, whole paths
_swept: set[str] = set()  # folders that this process has swept, whole paths


@contextmanager
def atomic(path: Path, *, durable: bool = True, replace: bool = True, through: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path: renamed to `path` when the block succeeds, removed when it fails.

    Args:
        path: The file. Its folder is made if needed.
        durable: Wait until the content is on the disk before renaming (some milliseconds), so that a file is whole
            after a loss of power too. Without it, a recent file may be empty then: only for content that shows it.
        replace: Whether to replace a file that exists; it is kept otherwise.
        through: The folder of the temporary file, on the same file system; by default that of `path`. It is not made.

    Raises:
        DiskFullError: If the disk is full.
        SeehearError: If `path` can't be written.
    """
    folder = through or path.parent
    temporary = _temporary(folder, path.suffix)
    _open.add(os.path.abspath(temporary))
    try:
        with explained(path):
            if through is not None:
                os.stat(through)  # it may have been unmounted: another one in its place would be no store
            path.parent.mkdir(parents=through is None, exist_ok=True)
            if os.path.abspath(folder) not in _swept:
                sweep(folder)
            yield temporary
            if durable:
                _flush(temporary)
            if replace or not _link(temporary, path):
                _replace(temporary, path)
    except BaseException:
        # The folder may have gone away with the temporary file, as a network's may: it is swept when it is back.
        _swept.discard(os.path.abspath(folder))
        raise
    finally:
        with suppress(OSError):  # if the folder itself can't be made or read
            temporary.unlink(missing_ok=True)
        _open.discard(os.path.abspath(temporary))


def _replace(temporary: Path, path: Path) -> None:
    """Rename a file over another. On Windows a program that has just opened either, such as a scanner, prevents it."""
    for pause in RENAME_PAUSES if os.name == "nt" else ():
        try:
            os.replace(temporary, path)
            return
        except PermissionError:
            time.sleep(pause)
    os.replace(temporary, path)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an error of the operating system on writing a file into one that names the file. Raises as `atomic`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFullError(
                f"{path}: the disk is full. What was finished is kept: make room and run the same command again"
            ) from None
        if error.errno in UNWRITABLE:
            raise SeehearError(f"{path}: can't be written ({error.strerror})") from None
        raise  # from something else that was read meanwhile, such as a network


def _flush(path: Path) -> None:
    """Wait until a file or a folder is on the disk, as far as its file system can tell."""
    write = os.O_RDWR if os.name == "nt" else os.O_RDONLY
    opened = os.open(path, write)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):  # nothing to wait for here
            raise
    finally:
        os.close(opened)


def flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk: what was renamed into it is there after a loss of power."""
    if os.name != "nt":
        with explained(folder):
            _flush(folder)


def _link(temporary: Path, path: Path) -> bool:
    """Give a file another name unless that exists. Return False where that can't be done in one step."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return True
    except OSError:  # a file system without links
        return path.exists()
    return True


def claim(path: Path, value: object, remedy: str = "") -> Any:
    """Write a value as JSON unless the file exists. Return what the file holds, which another process may have written.

    A folder is claimed by its marker before anything else is written into it. So a killed process leaves no file that
    looks like someone else's, and of several that begin at once one is the first.

    Args:
        path: The file.
        value: To be written as JSON.
        remedy: What to do about a file that is no JSON, for the message.

    Raises:
        SeehearError: If the file can't be written, or not be read.
    """
    if not path.exists():
        with atomic(path, replace=False) as temporary:
            temporary.write_text(_as_json(value), encoding="utf-8")
    return read_json(path, remedy)


def check_folder(path: str | Path | None, remedy: str = "choose another --out") -> None:
    """Raise a SeehearError if a folder, or one that it is to lie in, is a file. None is no folder.

    Args:
        path: The folder, which need not exist.
        remedy: What to do, for the message.

    Raises:
        SeehearError: Naming the file.
    """
    if is_url(path):
        raise SeehearError(f"{without_credentials(str(path))}: is elsewhere: name a folder of this machine")
    for place in () if path is None else (Path(path), *Path(path).parents):
        if place.exists():
            if not place.is_dir():
                raise SeehearError(f"{place}: is a file, not a folder; {remedy}")
            return


def cache_folder() -> Path:
    """Return $SEEHEAR_CACHE, or else `seehear` in $XDG_CACHE_HOME, or else ~/.cache/seehear."""
    if own := os.environ.get("SEEHEAR_CACHE"):
        return Path(os.path.expanduser(own))  # unlike Path.expanduser, leaves an unknown ~ as it is
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "seehear"
    home = os.path.expanduser("~")
    if not os.path.isabs(home):  # such as in a container that runs under a number without a user
        raise SeehearError("no home folder to keep weights in: set SEEHEAR_CACHE to a folder for them")
    return Path(home) / ".cache" / "seehear"


def sweep(folder: Path) -> None:
    """Remove what ended processes left in a folder: temporary files, see `atomic`, and locks. Other files stay.

    A process of another host, or of another container, can't be asked: its temporary files are removed once they are
    ABANDONED. So they are if they are older than the last start of this host.
    """
    from seehear.locks import LOCK, unlock  # here, because locks build on this module

    _swept.add(os.path.abspath(folder))
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name == LOCK:
                unlock(folder)
            name = TEMPORARY.fullmatch(entry.name) if entry.name.startswith(".") else None
            if name and entry.is_file(follow_symlinks=False) and not _in_use(int(name[1]), name[2], entry):
                with suppress(OSError):  # another process may remove it too
                    os.unlink(entry)


@contextmanager
def scratch(place: Path) -> Iterator[Path]:
    """Yield a new folder in `place` for temporary files, removed at the end. Those of ended processes are removed too.

    Raises:
        DiskFullError: If the disk is full.
        SeehearError: If `place` can't be written.
    """
    folder = _temporary(place)
    _open.add(os.path.abspath(folder))  # before another thread can take it for one that was left
    try:
        with explained(place):
            folder.mkdir(parents=True)
        with os.scandir(place) as entries:
            for entry in entries:
                name = TEMPORARY.fullmatch(entry.name)
                with suppress(FileNotFoundError):  # another process has just removed its own
                    if name and entry.is_dir(follow_symlinks=False) and not _in_use(int(name[1]), name[2], entry):
                        shutil.rmtree(entry, ignore_errors=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _open.discard(os.path.abspath(folder))


@contextmanager
def mark(folder: Path) -> Iterator[Path]:
    """Yield an empty file in a folder, removed at the end. It is named as a temporary file, so `sweep` removes it too.

    Raises:
        DiskFullError: If the disk is full.
        SeehearError: If the folder can't be written.
    """
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = _temporary(folder)
        file.touch()
    _open.add(os.path.abspath(file))
    try:
        yield file
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)
        _open.discard(os.path.abspath(file))


def while_there(marker: Path, do: Callable[[], A]) -> A:
    """Do something in a folder when it is there, and once more if it vanished meanwhile; see `is_there`.

    Raises:
        SeehearError: If the folder stays away, or as `do` raises while it is there.
    """
    while is_there(marker):
        try:
            return do()
        except (OSError, SeehearError):
            if os.path.exists(marker):
                raise
    raise SeehearError(
        f"{marker.parent}: was deleted or unmounted meanwhile; nothing more is written. What was finished is kept: "
        "when it is back, run the same command again"
    )


def is_there(marker: Path) -> bool:
    """Return whether a folder is there. One that is away, as a network's may be, is waited for: half a minute.

    Args:
        marker: A file that is always in it: a new folder of the same name would be another one.
    """
    for pause in AWAY_PAUSES:
        if os.path.exists(marker):
            return True
        time.sleep(pause)
    return os.path.exists(marker)


def _temporary(folder: Path, suffix: str = "") -> Path:
    """Return a new name in a folder for something temporary, see TEMPORARY."""
    return folder / f".{os.getpid()}-{_host()}-{os.urandom(4).hex()}{suffix}"


def _in_use(pid: int, host: str, temporary: os.DirEntry[str]) -> bool:
    """Return whether the process that named a temporary file may still write it."""
    if os.path.abspath(temporary) in _open or pid > MAX_PID:
        return True
    stat = temporary.stat(follow_symlinks=False)
    if time.time() - max(stat.st_mtime, stat.st_ctime) > ABANDONED:
        return False
    if host != _host() or os.name == "nt":  # on Windows, os.kill would end the process
        return True
    # A process that was killed may have had this one's number.
    return pid != os.getpid() and is_running(pid)


def is_running(pid: int) -> bool:
    """Return whether a process of this host runs. Not for Windows."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, as another user
        return True
    return True


@cache
def _host() -> str:
    """Return 8 hex digits for where numbers of processes are unique: this host since its start, in this container."""
    facts = [platform.node()]
    with suppress(OSError):  # Linux alone has these
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii"))
        facts.append(str(os.stat("/proc/self/ns/pid").st_ino))
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:8]


class DiskFullError(SeehearError):
    """The disk is full: continuing would only fail again."""


def atomic_text(path: Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def atomic_bytes(path: Path, data: bytes, *, durable: bool = True, through: Path | None = None) -> None:
    """Write bytes, whole or not at all. Parameters as for `atomic`."""
    with atomic(path, durable=durable, through=through) as temporary:
        temporary.write_bytes(data)


def atomic_json(path: Path, value: object, default: Callable[[Any], Any] | None = None) -> None:
    """Write a value as JSON, whole or not at all. default: as in `json.dumps`."""
    atomic_text(path, _as_json(value, default))


def json_bytes(value: object) -> bytes:
    """Return a value as the bytes that `atomic_json` writes."""
    return _as_json(value).encode()


def _as_json(value: object, default: Callable[[Any], Any] | None = None) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=default) + "\n"


def sha256(path: Path) -> str:
    """Return the hash of a file's bytes, 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def atomic_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as a .npy file, whole or not at all; without waiting for the disk, see `atomic`."""
    import io

    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    atomic_bytes(path, buffer.getvalue(), durable=False)
