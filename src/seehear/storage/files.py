"""Files wherever they are: on this machine, elsewhere, or inside a shard (an uncompressed tar archive).

A `Location` is a path of this machine, a `RemoteFile`, or a `Part` of either. `fetched` gives a path of this machine.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from seehear import arguments
from seehear.errors import ClipError, SeehearError
from seehear.storage import cache
from seehear.storage.addresses import checked, facts_of_scheme, file_name, inner_path, joined, scheme_of, shown
from seehear.storage.parts import FRAGMENT, Part, split
from seehear.storage.place import LocalPlace, Place
from seehear.storage.remote import Facts, RemotePlace, facts_of_info, info
from seehear.storage.transfers import BrokenTransferError, Doing, attempt, system
from seehear.texts import is_url

PIECE = 8 << 20  # bytes of a member that are read at once
SHARD = ".tar"
IN_SHARD = re.compile(r"(.+?\.tar)/(.+)", re.DOTALL)  # as `RemoteFile` shows a member
PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True, repr=False)
class RemoteFile:
    """A file elsewhere, or a member of a shard, as it was when it was found.

    It travels to other processes. It holds no credentials but a signed query that is part of the user's own address.

    Attributes:
        address: Its URL; of a member the shard's URL or path. To be shown by `str(file)` only.
        size: Bytes.
        modified: As in `Facts`; of a member that of the shard.
        member: Its name in the shard; empty if it is no member.
        start: Where in the shard its bytes begin.
        shard_size: Bytes of the shard.
    """

    address: str
    size: int
    modified: int
    member: str = ""
    start: int = 0
    shard_size: int = 0

    def __str__(self) -> str:
        return joined(shown(self.address), self.member) if self.member else shown(self.address)

    def __repr__(self) -> str:
        return f"RemoteFile({str(self)!r}, {self.size} bytes)"

    @property
    def name(self) -> str:
        """The file's name, without folders."""
        return PurePosixPath(self.member).name if self.member else file_name(self.address)

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The suffix of the name."""
        return PurePosixPath(self.name).suffix

    def facts(self) -> Facts:
        """By which it is known to be the same, as of when it was found."""
        return Facts(self.size, self.modified)

    def read(self, start: int, stop: int) -> bytes:
        """Return a part of its bytes; fewer if it ends before. Raises SeehearError if it can't be read."""
        place, name = place_and_name(self.address)
        stop = min(stop, self.size)
        try:
            return place.read(name, self.start + start, self.start + stop)
        except FileNotFoundError:
            raise SeehearError(f"{self}: no such file any more") from None


File = Path | RemoteFile
Location = File | Part
Local = Path | Part  # of a file of this machine


def file_of(location: Location) -> File:
    """Return the file in which a clip lies: a part's file, or the file itself."""
    return location.file if isinstance(location, Part) else location


def is_remote(location: Location) -> bool:
    """Return whether a clip must be fetched to be read: it lies elsewhere, or in a shard."""
    return isinstance(file_of(location), RemoteFile)


def facts(location: Location) -> Facts:
    """By which a file is known to be the same, without reading it. Raises OSError for a path that isn't there."""
    if isinstance(location, Part):
        return facts(location.file)
    if isinstance(location, RemoteFile):
        return location.facts()
    stat = location.stat()
    return Facts(stat.st_size, stat.st_mtime_ns)


def whereabouts(location: Location) -> str:
    """Return one text for each clip, whichever way it was named. It holds no credentials."""
    if isinstance(location, Part):
        return f"{whereabouts(location.file)}{location.fragment}"
    return str(location) if isinstance(location, RemoteFile) else str(location.resolve())


def is_elsewhere(file: str) -> bool:
    """Return whether a clip's file, as `str(location)` gives it, is no file of this machine that could be played."""
    match = IN_SHARD.fullmatch(file)
    return is_url(file) or (match is not None and not os.path.lexists(file) and os.path.isfile(match[1]))


def remote_file(address: str) -> RemoteFile:
    """Return a file elsewhere. Raises FileNotFoundError, and SeehearError if it can't be looked at."""
    about = info(checked(address))
    if about["type"] != "file":
        raise FileNotFoundError(errno.ENOENT, "is a folder, not a file", shown(address))
    return RemoteFile(address, *facts_of_info(about, address))


def part_of(file: str | Path) -> tuple[str, float, float] | None:
    """Return the file that somebody names a part of, and the part's start and stop in seconds.

    None if a file of this very name exists, or no part is named.

    Raises:
        SeehearError: If what follows `#t=` is no part, or a file elsewhere can't be looked at.
    """
    text = str(file)
    return None if FRAGMENT.fullmatch(text) is None or _exists(text) else split(text)


def _exists(file: str) -> bool:
    """Return whether a file has this very name, which may hold `#t=`; of the web none has, for # ends its addresses."""
    if not is_url(file):
        return os.path.lexists(file)
    if not facts_of_scheme(checked(file)).listed:
        return False
    try:
        remote_file(file)
    except FileNotFoundError:
        return False
    return True


def locate(file: str | Path | RemoteFile | Part) -> Location:
    """Return where a clip is that somebody names: a path, an address, or a member as `SHARD.tar/MEMBER`.

    Each may be followed by `#t=START,STOP`, for a part of the file.

    Raises:
        ClipError: If it is elsewhere, and is not there or can't be looked at.
        SeehearError: If its shard can't be read, or what follows `#t=` is no part.
    """
    if isinstance(file, RemoteFile | Part):
        return file
    if part := part_of(file):
        whole, start, stop = part
        return Part(file_of(locate(whole)), start, stop)
    match = IN_SHARD.fullmatch(str(file))
    if match and is_elsewhere(str(file)):
        from seehear.storage.shards import members

        found = next((each for each in members(match[1]).files if each.member == match[2]), None)
        if found is None:
            raise ClipError(f"{shown(match[1])}: holds no member {match[2]!r}")
        return found
    if not isinstance(file, str) or not is_url(file):
        return arguments.paths(file)[0]  # not the address that a Path can't hold
    try:
        return remote_file(file)
    except FileNotFoundError as error:
        raise ClipError(f"{shown(file)}: {error.strerror}") from None
    except SeehearError as error:
        raise ClipError(str(error)) from None


@contextmanager
def fetched(location: Location) -> Iterator[Path]:
    """Yield a path of this machine with a file's content: the file itself, or a copy in the cache.

    Of a part, it is the whole file; see `of_fetched`.

    Raises:
        ClipError: If the file can't be fetched. An error about the copy names the file instead.
        DiskFullError: If the cache has no room.
    """
    location = file_of(location)
    if isinstance(location, Path):
        yield location
        return
    with cache.lent(_identity(location), location.suffix, location.size, _filler(location)) as file:
        try:
            yield file
        except ClipError as error:
            raise ClipError(str(error).replace(str(file), str(location))) from error


def of_fetched(location: Location, file: Path) -> Path | Part:
    """Return a clip on this machine, once its file is `fetched`: the file, or the part of it that the clip is."""
    return replace(location, file=file) if isinstance(location, Part) else file


def keep(file: RemoteFile) -> Path:
    """Return a copy of a file in the cache, see `cache.keep`."""
    return cache.keep(_identity(file), file.suffix, file.size, _filler(file))


def _identity(file: RemoteFile) -> str:
    return repr((file.address, file.size, file.modified, file.member, file.start))


def _filler(file: RemoteFile) -> Callable[[Path], None]:
    def fill(target: Path) -> None:
        try:
            (_copy_member if file.member else _download)(file, target)
        except FileNotFoundError as error:
            raise ClipError(f"{file}: {error.strerror}") from None
        except ClipError:
            raise
        except SeehearError as error:
            raise ClipError(str(error)) from None

    return fill


def _download(file: RemoteFile, target: Path) -> None:
    """Write a whole object into a file. What comes shorter, or longer, is asked for again."""
    from fsspec.callbacks import Callback

    place, path = system(file.address), inner_path(file.address)

    def check(size: Any, value: int, **_: Any) -> None:
        if value > file.size:
            raise BrokenTransferError(f"more than the announced {file.size} bytes came")

    def once() -> None:
        try:
            place.get_file(path, str(target), callback=Callback(hooks={"size": check}))
        except BrokenTransferError:
            _check_unchanged(file)
            raise
        _check_unchanged(file)
        if (came := target.stat().st_size) != file.size:
            raise BrokenTransferError(f"it broke off after {came} of {file.size} bytes")

    attempt(once, file.address)


def _copy_member(file: RemoteFile, target: Path) -> None:
    """Write a member of a shard into a file: that part of the shard alone is read."""

    def piece(start: int) -> bytes:
        stop = min(start + PIECE, file.size)
        data = file.read(start, stop)
        if len(data) != stop - start:
            _check_unchanged(file)
            raise BrokenTransferError(f"it broke off after {start + len(data)} of {file.size} bytes")
        return data

    with target.open("wb") as stream:
        for start in range(0, file.size, PIECE):
            if is_url(file.address):
                stream.write(attempt(lambda start=start: piece(start), file.address))  # type: ignore[misc]
            else:
                stream.write(piece(start))
    _check_unchanged(file)


def _check_unchanged(file: RemoteFile) -> None:
    """Raise ClipError if a file, or its shard, is another one than when it was found."""
    now = facts_of(file.address)
    then = Facts(file.shard_size if file.member else file.size, file.modified)
    if now != then and not (now.size == then.size and _has_no_time(file.address, now)):
        raise ClipError(f"{file}: has changed since it was found: run again")


def _has_no_time(address: str, now: Facts) -> bool:
    """Return whether a server tells neither time nor tag, so that a file is modified whenever it is asked for."""
    return is_url(address) and facts_of(address).modified != now.modified


def facts_of(address: str) -> Facts:
    """Return the facts of a file as it is now, by its address or path. Raises as `info`, or OSError."""
    return facts_of_info(info(address), address) if is_url(address) else facts(Path(address))


def place_and_name(address: str) -> tuple[Place, str]:
    """Return the folder of a file, by its address or path, and its name there."""
    if not is_url(address):
        return LocalPlace(Path(address).parent), Path(address).name
    folder, _, name = address.rpartition("/")
    return RemotePlace(folder), name


# What is in a folder elsewhere


@dataclass(frozen=True)
class Listing:
    """Files that an address names.

    Attributes:
        files: In the order of their addresses.
        searched: Whether the address is that of a folder, in which they lie at any depth.
    """

    files: list[RemoteFile]
    searched: bool = False


def listing(address: str) -> Listing:
    """Return the files that an address names: a file, a folder with all that is in it, or a pattern.

    Args:
        address: A URL. In a pattern, * and ? stand for parts of one name, ** for any folders. Web servers list nothing.

    Raises:
        SeehearError: If there is no such file, or it can't be listed.
    """
    scheme = facts_of_scheme(checked(address))
    if not scheme.listed and (address.partition("?")[0].endswith("/") or "*" in address):
        raise SeehearError(f"{shown(address)}: web servers list no folders, and know no patterns: name single files")
    try:
        if not address.endswith("/"):
            return Listing([remote_file(address)])
    except FileNotFoundError:
        if not scheme.listed:
            raise SeehearError(f"{shown(address)}: no such file") from None
    is_pattern = PATTERN.search(address) is not None
    found = _found(address, is_pattern)
    if not found:
        what = "no file is named like this" if is_pattern else "no such file or folder"
        raise SeehearError(f"{shown(address)}: {what}")
    return Listing(found, not is_pattern)


def _found(address: str, is_pattern: bool) -> list[RemoteFile]:
    place, path = system(address), inner_path(address).rstrip("/")
    search = place.glob if is_pattern else place.find
    try:
        found = attempt(lambda: dict(search(path, detail=True)), address, Doing.LIST)
    except FileNotFoundError:
        return []
    files = {
        f"{scheme_of(address)}://{name.lstrip('/')}": about
        for name, about in found.items()
        if about["type"] == "file"
        and not name.endswith("/")  # some programs mark folders by such empty objects
        and not (is_pattern and name.rpartition("/")[2].startswith("."))
    }
    return [RemoteFile(each, *facts_of_info(about, each)) for each, about in sorted(files.items())]
