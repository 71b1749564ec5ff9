"""Atomic files: written under a temporary name in the same folder, then renamed. A file is whole or absent."""

from __future__ import annotations

import codecs
import errno
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.errors import SeehearError

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    )
)
TEMPORARY = re.compile(r"\.([1-9][0-9]{0,6})-[0-9a-f]{8}(\.[^.]+)?")  # as `atomic` names it, with the process first
RENAME_PAUSES = (0.02, 0.1, 0.5)  # seconds, see `_replace`
LINE_END = re.compile(r"\r\n|\r|\n")
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
HEAD = 1 << 16  # bytes that show whether a file is text
MAX_PID = 1 << 22  # Linux gives none above it, so a date in a file's name is not taken for a process

_open: set[str] = set()  # temporaries that this process is writing now, whole paths


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`: renamed to it when the block succeeds, removed when it fails.

    Raises:
        DiskFullError: If the disk is full.
        SeehearError: If `path` can't be written.
    """
    temporary = path.parent / f".{os.getpid()}-{os.urandom(4).hex()}{path.suffix}"
    _open.add(os.path.abspath(temporary))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _replace(temporary, path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"{path}: the disk is full. What was finished is kept: make room and run the same command again"
            ) from None
        if error.errno in UNWRITABLE:
            raise SeehearError(f"{path}: can't be written ({error.strerror})") from None
        raise  # from something else that was read meanwhile, such as a network
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


def sweep(folder: Path) -> None:
    """Remove the temporary files that ended processes left in a folder; see `atomic`. Other files stay."""
    for file in folder.glob(".*-*"):
        name = TEMPORARY.fullmatch(file.name)
        if name and file.is_file() and not file.is_symlink() and not _in_use(int(name[1]), file):
            with suppress(OSError):  # another process may remove it too
                file.unlink(missing_ok=True)


def _in_use(pid: int, temporary: Path) -> bool:
    """Return whether the process that named a temporary file may still write it."""
    if pid == os.getpid():  # a process that was killed may have had the same number
        return os.path.abspath(temporary) in _open
    if pid > MAX_PID or os.name == "nt":  # no temporary file; on Windows, os.kill would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, as another user
        return True
    return True


class DiskFullError(SeehearError):
    """The disk is full: continuing would only fail again."""


def atomic_text(path: Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def atomic_bytes(path: Path, data: bytes) -> None:
    """Write bytes, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def atomic_json(path: Path, value: object, default: Callable[[Any], Any] | None = None) -> None:
    """Write a value as JSON, whole or not at all. default: as in `json.dumps`."""
    atomic_text(path, json.dumps(value, indent=1, ensure_ascii=False, default=default) + "\n")


def sha256(path: Path) -> str:
    """Return the hash of a file's bytes, 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def atomic_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as a .npy file, whole or not at all."""
    import io

    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    atomic_bytes(path, buffer.getvalue())


def read_text(path: Path) -> str:
    """Return a text file's content, line ends as they are: UTF-8, or UTF-16 as spreadsheets save "Unicode text".

    Raises:
        SeehearError: If the file can't be read, or is no text in one of these encodings.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
            _decoded(path, head, whole=False)  # so that no film is read whole
            return _decoded(path, head + stream.read(), whole=True)
    except FileNotFoundError:
        raise SeehearError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise SeehearError(f"{path}: is a folder; name a file") from None
    except (OSError, ValueError) as error:  # a path with a NUL is no value
        raise SeehearError(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from None


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, whether line feeds, carriage returns or both end them. Raises as `read_text`."""
    return LINE_END.split(read_text(path))


def _decoded(path: Path, data: bytes, *, whole: bool) -> str:
    """Return bytes as text. whole: whether a character may not be cut off at the end."""
    encoding = "utf-16" if data.startswith(UTF_16) else "utf-8-sig"
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except UnicodeDecodeError as error:
        line = 1 if encoding == "utf-16" else len(LINE_END.split(data[: error.start].decode("utf-8", "ignore")))
        raise SeehearError(
            f"{path}:{line}: not a text file in UTF-8 ({error.reason} at byte {error.start}); if it is text, such as a "
            "table of a spreadsheet, save it again as UTF-8"
        ) from None
    if "\0" in LINE_END.split(text, maxsplit=1)[0]:
        raise SeehearError(f"{path}:1: not a text file in UTF-8 (it begins with NUL bytes); give a text file")
    return text


def read_json(path: Path) -> Any:
    """Return the JSON value in a file. Raises SeehearError naming the file if it can't be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SeehearError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise SeehearError(f"{path}: can't be read as JSON: {error}") from None
