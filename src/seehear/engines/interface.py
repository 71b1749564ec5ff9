"""What an engine takes, and what it gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from seehear.errors import SeehearError

Item = TypeVar("Item")
Done = TypeVar("Done")


class LostError(SeehearError):
    """The process that worked on an item ended again and again, at last with nothing else to do."""


@dataclass(frozen=True)
class Shared:
    """What every process must see under the same path.

    Attributes:
        folders: Folders that are written into.
        files: Files that are read.
    """

    folders: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()


def spread(count: int, processes: int, together: int) -> int:
    """Return how many items a process is given at once: as many as it may be, or fewer so that each has some."""
    return max(1, min(together, -(-count // processes)))


class Work(ABC, Generic[Item, Done]):
    """What is to be done with each of many items. It is copied to other processes, so it can be pickled."""

    def begin(self) -> None:
        """Prepare a process, once before its first items: load what all items need.

        Raises:
            SeehearError: If the work can't be done in this process. It ends the whole work.
        """

    def shared(self) -> Shared:
        """Return the files and folders that every process must see."""
        return Shared()

    @abstractmethod
    def do(self, items: Sequence[Item]) -> Generator[Done | Exception]:
        """Yield for each item, in order, what came of it, or the error that it met.

        An error that is raised ends the whole work, such as that of a full disk. An item may be given again if the
        process ended before: what was finished of it is kept by whoever does it.
        """


class Engine(ABC):
    """Where work is done."""

    @abstractmethod
    def each(
        self, work: Work[Item, Done], items: Sequence[Item], *, together: int = 1
    ) -> Generator[tuple[Item, Done | Exception]]:
        """Do work; yield each item with what came of it, in the order in which they end.

        A process that ends does not end the work: its items are given to others. An item whose process ends again
        when nothing else is done comes with a `LostError`.

        Args:
            work: What to do.
            items: With what.
            together: Items that a process is given at once, at most.

        Raises:
            SeehearError: If no process can do this work.
        """

    @abstractmethod
    def device(self, name: str) -> str:
        """Return the name of the device of each process.

        Args:
            name: auto, cpu or cuda.

        Raises:
            SeehearError: If the processes have no such device.
        """

    @abstractmethod
    def elsewhere(self, count: int) -> bool:
        """Return whether so many items are done by other processes than this one."""

    @property
    @abstractmethod
    def processes(self) -> int:
        """How many processes work at once at most."""

    @property
    @abstractmethod
    def processes_per_machine(self) -> int:
        """How many of the processes share a machine at most."""
