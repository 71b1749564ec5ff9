"""A folder in object storage, or on a web server, through fsspec."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from seehear.errors import SeehearError
from seehear.storage.addresses import checked, facts_of_scheme, inner_path, joined, scheme_of, shown
from seehear.storage.place import LocalPlace, Place
from seehear.storage.transfers import Doing, attempt, system
from seehear.texts import is_url

T = TypeVar("T")

SECOND = 10**9  # nanoseconds
TAGS = ("ETag", "etag", "generation")  # as the file systems of fsspec call them
TIMES = ("LastModified", "Last-Modified", "updated", "created")
CONDITIONAL = ("s3", "gs", "memory")  # where a server is asked to write unless there is a file


class Facts(NamedTuple):
    """By which a file is known to be the same: without reading it.

    Attributes:
        size: Bytes.
        modified: When it was modified, in nanoseconds. If its server gives it a tag (ETag), this decides the part of a
            second. A file without either is modified whenever it is asked for.
    """

    size: int
    modified: int


class RemotePlace(Place):
    """A folder elsewhere. An object is written whole or not at all, since it is sent in one request.

    `create` asks for a write that fails if there is an object: S3 and Google's storage decide between several writers.
    A server that doesn't know such requests (an older one that speaks S3's language) may overwrite what another writer
    made in the same instant.

    Attributes:
        address: Its URL, as it was given: to be shown by `shown`.
    """

    def __init__(self, address: str) -> None:
        """Name a folder, which need not exist. Raises SeehearError for an address that isn't read, see `checked`."""
        self.address = checked(address)
        self._system = system(address)

    def __str__(self) -> str:
        return shown(self.address)

    @property
    def listed(self) -> bool:
        """Whether it can be listed and written, as web servers can't."""
        return facts_of_scheme(self.address).listed

    def exists(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        try:
            return info(joined(self.address, name))["type"] == "file"
        except FileNotFoundError:
            return False

    def names(self, folder: str = "") -> list[str]:
        """Return the names of what is directly in a folder, sorted."""
        address = joined(self.address, folder)
        self._check_listed(address)
        path = inner_path(address).rstrip("/")
        try:
            found = attempt(lambda: self._system.ls(path, detail=True), address, Doing.LIST)
        except FileNotFoundError:
            return []
        inside = (str(each["name"]).rstrip("/").removeprefix(f"{path}/") for each in found)
        return sorted(name for name in inside if name and "/" not in name and not name.startswith("."))

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of a file, or those from `start` up to `stop`, which alone are sent."""
        address = joined(self.address, name)
        if stop is not None and stop <= start:
            info(address)
            return b""
        part = {} if not start and stop is None else {"start": start, "end": stop}
        try:
            data: bytes = attempt(lambda: self._system.cat_file(inner_path(address), **part), address)
        except EOFError:
            return b""
        if stop is not None and len(data) > stop - start:
            raise SeehearError(f"{shown(address)}: its server doesn't send parts of files")
        return data

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all."""
        self._put(name, data)

    def create(self, name: str, data: bytes) -> None:
        """Write a file unless there is one; see `RemotePlace`."""
        if self.exists(name):
            return
        with suppress(FileExistsError):
            self._put(name, data, **({"mode": "create"} if scheme_of(self.address) in CONDITIONAL else {}))

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""
        address = joined(self.address, name)
        self._check_listed(address)
        with suppress(FileNotFoundError):
            attempt(lambda: self._system.rm_file(inner_path(address)), address, Doing.WRITE)

    def fetch(self, name: str) -> Path:
        """Return a copy in the cache. It stays while this process uses no more than some dozens of others."""
        from seehear.storage.files import keep, remote_file

        return keep(remote_file(joined(self.address, name)))

    def _put(self, name: str, data: bytes, **options: str) -> None:
        address = joined(self.address, name)
        self._check_listed(address)
        try:
            attempt(lambda: self._system.pipe_file(inner_path(address), data, **options), address, Doing.WRITE)
        except FileNotFoundError:
            raise SeehearError(f"{shown(address)}: can't be written: there is no such bucket or folder") from None

    def _check_listed(self, address: str) -> None:
        if not self.listed:
            raise SeehearError(f"{shown(address)}: web servers only give single files: nothing is listed or written")


def place_of(path: str | os.PathLike[str]) -> Place:
    """Return a folder of this machine for a path, one elsewhere for an address such as `s3://bucket/folder`.

    Raises:
        SeehearError: For an address of an unknown kind, with credentials, or whose package is not installed.
    """
    return RemotePlace(path) if isinstance(path, str) and is_url(path) else LocalPlace(Path(path))


def info(address: str) -> dict[str, Any]:
    """Return what fsspec knows of a file or folder. Raises FileNotFoundError, and SeehearError as `attempt`."""
    place, path = system(address), inner_path(address)
    return attempt(lambda: dict(place.info(path)), address)


def facts_of_info(about: dict[str, Any], address: str) -> Facts:
    """Return the facts of a file. Raises SeehearError if its size is unknown: nobody could see whether it is whole."""
    size = about.get("size")
    if size is None:
        raise SeehearError(f"{shown(address)}: its server announces no size, so nobody can see whether it comes whole")
    tag = next((str(about[key]) for key in TAGS if about.get(key)), "")
    time_of = next((_nanoseconds(about[key]) for key in TIMES if about.get(key)), 0)
    if tag:
        number = int.from_bytes(hashlib.sha256(tag.encode()).digest()[:8])
        time_of = time_of // SECOND * SECOND + number % SECOND if time_of else number >> 2
    return Facts(int(size), time_of or time.time_ns())


def _nanoseconds(value: object) -> int:
    from email.utils import parsedate_to_datetime  # here: few commands speak to servers

    read: tuple[Callable[[str], datetime], ...] = (datetime.fromisoformat, parsedate_to_datetime)
    for reader in read:
        try:
            moment = value if isinstance(value, datetime) else reader(str(value))
            return round(moment.timestamp() * 10**6) * 1000
        except (ValueError, TypeError, OverflowError):
            continue
    return 0
