"""Zip archives and .npz files, of which each member is checked before anything is written or allocated.

An archive may come from anyone: its members may have names that lead elsewhere, be links, share a name, or be declared
to be of any size. Tar archives of clips are read by `seehear.storage.shards`.
"""

from __future__ import annotations

import math
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from seehear.errors import SeehearError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_BYTES = 4 << 30  # of a weight file, and of all that is unpacked of an archive; the largest takes 0.7 GB
MAX_MEMBERS = 10_000
ENCRYPTED = 1  # bit of a member's flags


class ArchiveError(SeehearError):
    """An archive is damaged, or holds what is not unpacked."""


@contextmanager
def open_member(archive: Path, name: str) -> Iterator[IO[bytes]]:
    """Open one member of a zip archive. It gives at most MAX_BYTES.

    Raises:
        ArchiveError: The archive is damaged, has no such member or several, or the member is refused.
    """
    with _opened(archive) as content, content.open(_member(content, name)) as stream:
        yield stream


def unpack(archive: Path, folder: Path) -> None:
    """Write all members of a zip archive into a folder.

    Raises:
        ArchiveError: The archive is damaged, or a member is refused. Nothing is written if one is.
    """
    with _opened(archive) as content:
        members = content.infolist()
        if len(members) > MAX_MEMBERS:
            raise ArchiveError(f"the archive has {len(members)} members, more than {MAX_MEMBERS}")
        total = sum(member.file_size for member in members)
        if total > MAX_BYTES:
            raise ArchiveError(f"the archive would unpack to {total} bytes, more than {MAX_BYTES}")
        for member in members:
            _check_name(member.filename)
            _check(content, member)
        content.extractall(folder)


def read_npz(archive: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read arrays of a .npz file. Their declared size is compared with that of the file before room is made for them.

    Returns:
        name -> array.

    Raises:
        ArchiveError: The file is damaged, lacks an array, or an array is pickled or larger than its member.
    """
    import numpy as np

    arrays = {}
    with _opened(archive) as content:
        for name in names:
            member = _member(content, f"{name}.npy")
            try:
                with content.open(member) as stream:
                    _check_array(stream, name, member.file_size)
                with content.open(member) as stream:
                    arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
            except zipfile.BadZipFile:
                raise
            except Exception as error:  # numpy raises many kinds for a damaged header
                raise ArchiveError(f"the array {name} can't be read: {error}") from None
    return arrays


def _check_array(stream: IO[bytes], name: str, size: int) -> None:
    """size: bytes of the member."""
    from numpy.lib import format as npy

    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(stream)
    if version not in readers:
        raise ArchiveError(f"the array {name} is of format {version}, which isn't read")
    shape, _, dtype = readers[version](stream)
    if dtype.hasobject:
        raise ArchiveError(f"the array {name} holds pickled objects, which aren't read")
    if math.prod(shape) * dtype.itemsize > size:
        raise ArchiveError(f"the array {name} is declared as {dtype} of shape {shape}, more than the file holds")


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive; whatever zipfile raises for a damaged one becomes an ArchiveError."""
    try:
        with zipfile.ZipFile(archive) as content:
            yield content
    except (
        zipfile.BadZipFile,
        zlib.error,
        LZMAError,
        EOFError,
        struct.error,
        NotImplementedError,  # a compression that zipfile doesn't know
        RuntimeError,
        UnicodeDecodeError,
        OverflowError,
    ) as error:
        raise ArchiveError(f"the archive can't be read: {error}") from None


def _member(content: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Return the one member with this name, checked."""
    named = [member for member in content.infolist() if member.filename == name]
    if not named:
        raise ArchiveError(f"there is no item named {name!r} in the archive")
    _check(content, named[0])
    return named[0]


def _check(content: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    name = member.filename
    kind = stat.S_IFMT(member.external_attr >> 16)  # the file's mode on POSIX; 0 if it was packed elsewhere
    same = sum(other.filename.casefold() == name.casefold() for other in content.infolist())
    if same > 1:
        raise ArchiveError(f"{same} members of the archive are called {name!r}")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveError(f"{name!r} in the archive is a link or a special file")
    if member.flag_bits & ENCRYPTED:
        raise ArchiveError(f"{name!r} in the archive is encrypted")
    if member.file_size > MAX_BYTES:
        raise ArchiveError(f"{name!r} in the archive is declared as {member.file_size} bytes, more than {MAX_BYTES}")


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    unsafe = any(sign in name for sign in "\\:") or any(ord(sign) < 32 for sign in name)
    if path.is_absolute() or ".." in path.parts or not path.parts or unsafe:
        raise ArchiveError(f"{name!r} in the archive would be written outside of the folder")
