"""Shards: uncompressed tar archives of clips, as WebDataset writes them (`key.mp4`, `key.json`, …).

A shard is never unpacked, and of one elsewhere only the headers are read, then the parts of single members. Nothing is
taken from a shard with a member that would lead elsewhere: a link, a device, an absolute path, or one with `..`.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from seehear.errors import SeehearError
from seehear.files import atomic_json, cache_folder
from seehear.names import breaks_line
from seehear.storage.addresses import shown
from seehear.storage.files import RemoteFile, facts_of, place_and_name
from seehear.storage.remote import Facts
from seehear.stored import Count, read_as
from seehear.texts import is_url

BLOCK = tarfile.BLOCKSIZE
AHEAD = 1 << 16  # bytes that are read at once: headers of small members lie close to each other
MAX_EXTENDED = 1 << 20  # bytes of a long name, or of a header in the format of POSIX
MAX_MEMBERS = 1_000_000
PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")


class ShardError(SeehearError):
    """A shard is damaged, or holds what is not read."""


@dataclass(frozen=True)
class Member:
    """A file in a shard: its name, where its bytes begin, and how many there are."""

    name: str
    start: Count
    size: Count


@dataclass(frozen=True)
class Shard:
    """What a shard holds.

    Attributes:
        files: Its members, in their order.
        fault: Why there may be more; empty if it is whole.
    """

    files: list[RemoteFile]
    fault: str = ""


@dataclass(frozen=True)
class _Index:
    """As it is kept in the cache."""

    members: list[Member]
    fault: str


def members(shard: str) -> Shard:
    """Return the members of a shard. They are read once, and kept in the cache while the shard stays the same.

    Args:
        shard: A path, or an address.

    Raises:
        ShardError: If it is no uncompressed tar archive, or holds a member that is refused.
        SeehearError: If it can't be read.
    """
    try:
        now = facts_of(shard)
    except OSError as error:
        raise SeehearError(f"{shown(shard)}: can't be read ({error.strerror})") from None
    name = repr((shard if is_url(shard) else str(Path(shard).resolve()), *now)).encode("utf-8", "surrogateescape")
    cached = cache_folder() / "shards" / f"{hashlib.sha256(name).hexdigest()[:40]}.json"
    if cached.is_file():
        index = read_as(cached, _Index, "delete it")
    else:
        index = _read(shard, now)
        atomic_json(cached, {"members": [vars(each) for each in index.members], "fault": index.fault})
    files = [RemoteFile(shard, each.size, now.modified, each.name, each.start, now.size) for each in index.members]
    return Shard(files, index.fault)


def _read(shard: str, now: Facts) -> _Index:
    found: list[Member] = []
    fault = ""
    names: set[str] = set()
    try:
        for member in _walk(_Window(shard, now.size)):
            if member.name in names:
                raise ShardError(f"{shown(shard)}: two members are called {member.name!r}: nothing is taken from it")
            names.add(member.name)
            found.append(member)
            if len(found) > MAX_MEMBERS:
                raise ShardError(f"{shown(shard)}: holds more than {MAX_MEMBERS} members")
    except _DamagedError as error:
        fault = f"{shown(shard)}: is damaged after {len(found)} members ({error}): get it again"
    return _Index(found, fault)


class _DamagedError(Exception):
    """A header can't be, or the shard ends before its end."""


class _Window:
    """The bytes of a shard, of which a small part is in memory."""

    def __init__(self, shard: str, size: int) -> None:
        self.shard, self.size = shard, size
        self._place, self._name = place_and_name(shard)
        self._start, self._data = 0, b""

    def read(self, start: int, length: int) -> bytes:
        """Return bytes. Raises _DamagedError if there are fewer."""
        if start + length > self.size:
            raise _DamagedError("it is cut off")
        at = start - self._start
        if at < 0 or at + length > len(self._data):
            stop = min(self.size, start + max(length, AHEAD))
            self._start, self._data = start, self._place.read(self._name, start, stop)
            at = 0
        data = self._data[at : at + length]
        if len(data) < length:
            raise _DamagedError("it is cut off")
        return data


def _walk(window: _Window) -> Iterator[Member]:
    """Yield the plain files of a shard. Raises _DamagedError or ShardError."""
    at, longer = 0, dict[str, str]()  # what the headers before a member say of it: path, size
    if window.size and window.read(0, min(window.size, 6)).startswith(PACKED):
        raise ShardError(f"{shown(window.shard)}: is compressed: parts are read only of plain tar archives")
    while True:
        block = window.read(at, BLOCK)
        if not any(block):  # the end
            return
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            if at == 0:
                raise ShardError(f"{shown(window.shard)}: is no tar archive") from None
            raise _DamagedError(f"{error} at byte {at}") from None
        size = _size(longer.get("size", header.size))
        start = at + BLOCK
        at = start + -(-size // BLOCK) * BLOCK
        if start + size > window.size:
            raise _DamagedError("it is cut off")
        if header.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE):
            longer = _of_posix(_extended(window, start, size), longer, header.type == tarfile.XGLTYPE)
        elif header.type == tarfile.GNUTYPE_LONGNAME:
            longer["path"] = _extended(window, start, size).rstrip(b"\0").decode("utf-8", "surrogateescape")
        else:
            name = longer.get("path", header.name)
            _check(window.shard, name, header.type, sparse=any(key.startswith("GNU.sparse") for key in longer))
            if header.type in PLAIN and not name.endswith("/"):
                yield Member(name, start, size)
            longer = {}


def _extended(window: _Window, start: int, size: int) -> bytes:
    if size > MAX_EXTENDED:
        raise _DamagedError(f"a header of {size} bytes")
    return window.read(start, size)


def _of_posix(data: bytes, known: dict[str, str], for_all: bool) -> dict[str, str]:
    """Return what a header in the format of POSIX says of the next member: records `LENGTH KEY=VALUE`."""
    found = dict(known)
    while data.rstrip(b"\0"):
        digits, _, _ = data.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        key, equals, value = data[len(digits) + 1 : length - 1].partition(b"=")
        if not equals or data[length - 1 : length] != b"\n":
            raise _DamagedError("a header that can't be read")
        name = key.decode("utf-8", "replace")
        if for_all and name in ("path", "size"):
            raise _DamagedError("a name or size for all members")
        if not for_all:
            found[name] = value.decode("utf-8", "surrogateescape")
        data = data[length:]
    return found


def _size(stated: str | int) -> int:
    if isinstance(stated, str) and not (stated.isascii() and stated.isdigit() and len(stated) < 19):
        raise _DamagedError(f"a size of {stated[:20]!r}")
    if int(stated) < 0:
        raise _DamagedError(f"a size of {stated}")
    return int(stated)


def _check(shard: str, name: str, kind: bytes, *, sparse: bool) -> None:
    """Raise ShardError for a member that leads elsewhere, or is no plain file."""
    path = PurePosixPath(name)
    if any("\ud800" <= sign <= "\udfff" for sign in name):
        raise ShardError(f"{shown(shard)}: the name of the member {name!a} is not in UTF-8: nothing is taken from it")
    if path.is_absolute() or ".." in path.parts or "\\" in name or breaks_line(name):
        raise ShardError(f"{shown(shard)}: the member {name!a} would lead out of it: nothing is taken from it")
    if (kind not in (*PLAIN, tarfile.DIRTYPE)) or sparse:
        raise ShardError(f"{shown(shard)}: the member {name!a} is a link or a special file: nothing is taken from it")
