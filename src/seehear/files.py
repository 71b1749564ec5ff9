"""Atomic files: written under a temporary name in the same folder, then renamed. A file is whole or absent."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
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
MAX_TEXT, MAX_JSON = 1 << 30, 1 << 28  # bytes of a file that is read as a whole
MAX_NESTING = 60  # lists and objects in each other in JSON; seehear writes fewer than ten
MAX_DIGITS = 20  # of an integer in JSON: 64 bits with a sign
HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")  # a surrogate, of which two make a character
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
        os.replace(temporary, path)
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


def read_text(path: Path, most: int = MAX_TEXT, kind: str = "text") -> str:
    """Return a file's text, line ends as they are. Raises SeehearError if it can't be read as UTF-8.

    Args:
        path: The file.
        most: Bytes that it may have.
        kind: Of the file, for the message.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(most + 1)
        if len(data) > most:
            raise SeehearError(f"{path}: is larger than {most >> 20} MiB")
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise SeehearError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise SeehearError(f"{path}: not a {kind} file in UTF-8 ({error.reason} at byte {error.start})") from None
    except OSError as error:
        raise SeehearError(f"{path}: can't be read: {error.strerror}") from None
    except ValueError as error:  # a NUL in its name
        raise SeehearError(f"{str(path)!r}: can't be read: {error}") from None


def read_json(path: Path) -> Any:
    """Return the JSON value in a file. Raises SeehearError naming the file if it can't be read."""
    return parse_json(read_text(path, MAX_JSON, "JSON"), path)


def parse_json(text: str, where: object) -> Any:
    """Return the JSON value in a text.

    NaN and infinity are read as numbers, since older files have them; who needs a number checks it.

    Args:
        text: The text.
        where: Its place, for the message.

    Raises:
        SeehearError: If it is no JSON, is nested too deeply, or holds integers of more than 64 bits or half characters.
    """
    try:
        value = json.loads(text, parse_int=_integer)
        if _too_deep(value):
            raise RecursionError
        if HALF_CHARACTER.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise SeehearError(f"{where}: can't be read as JSON: {nesting_fault()}") from None
    except UnicodeEncodeError:
        raise SeehearError(f"{where}: can't be read as JSON: a text in it holds half of a character") from None
    except ValueError as error:
        problem = error if text.strip() else "the file is empty"
        raise SeehearError(f"{where}: can't be read as JSON: {problem}") from None
    return value


def nesting_fault() -> str:
    """Say that a file is nested too deeply."""
    return f"it is nested more than {MAX_NESTING} levels deep"


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"it holds an integer of {len(digits)} digits")
    return int(digits)


def _too_deep(value: Any) -> bool:
    """Return whether lists and objects are nested deeper than MAX_NESTING."""
    level = [value]
    for _ in range(MAX_NESTING):
        inner = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [each for values in inner for each in values if isinstance(each, dict | list)]
        if not level:
            return False
    return True
