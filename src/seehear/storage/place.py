"""A folder of files that are written whole, wherever it is: on this machine's disks, or in object storage."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from seehear.errors import SeehearError
from seehear.files import atomic, atomic_bytes, explained
from seehear.stored import exists, names_in


class Place(ABC):
    """A folder. Names of files in it are relative to it, with slashes: `yamnet/network.json`."""

    @abstractmethod
    def __str__(self) -> str:
        """Return where it is, for messages: never with credentials."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Return whether there is a file of this name. Raises SeehearError if that can't be found out."""

    @abstractmethod
    def names(self, folder: str = "") -> list[str]:
        """Return the names of what is directly in a folder, sorted, but for hidden entries; none without the folder.

        Raises:
            SeehearError: If the folder can't be read.
        """

    @abstractmethod
    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of a file, or those from `start` up to `stop`.

        Raises:
            FileNotFoundError: If there is no such file.
            SeehearError: If it can't be read.
        """

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all. Raises SeehearError if it can't be written."""

    @abstractmethod
    def create(self, name: str, data: bytes) -> None:
        """Write a file unless there is one: of several that do so at once, one succeeds. Raises as `write`."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file, if there is one. Raises SeehearError if it can't be removed."""

    @abstractmethod
    def fetch(self, name: str) -> Path:
        """Return a file of this machine with the content: the file itself, or a copy in a cache.

        Raises:
            FileNotFoundError: If there is no such file.
            SeehearError: If it can't be read.
        """


class LocalPlace(Place):
    """A folder of this machine, or of a file system that it shares with others.

    Attributes:
        path: The folder, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def exists(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        return exists(self.path / name)

    def names(self, folder: str = "") -> list[str]:
        """Return the names of what is directly in a folder, sorted."""
        return names_in(self.path / folder)

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of a file, or those from `start` up to `stop`."""
        try:
            with open(self.path / name, "rb") as stream:
                stream.seek(start)
                return stream.read(-1 if stop is None else max(0, stop - start))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise SeehearError(f"{self.path / name}: can't be read ({error.strerror})") from None

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all."""
        atomic_bytes(self.path / name, data)

    def create(self, name: str, data: bytes) -> None:
        """Write a file unless there is one."""
        with atomic(self.path / name, replace=False) as temporary:
            temporary.write_bytes(data)

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""
        with explained(self.path / name):
            (self.path / name).unlink(missing_ok=True)

    def fetch(self, name: str) -> Path:
        """Return the file itself."""
        return self.path / name
