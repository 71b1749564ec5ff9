"""Works for engines, in a module that other processes can import."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from seehear.engines.interface import Shared, Work
from seehear.errors import ClipError, SeehearError


class TwoArguments(Exception):
    """An exception that can be pickled, and not be read again."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


class Unreadable(SeehearError):
    """One that is raised on purpose, and can't be read again."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


class Lambda(Exception):
    """An exception that can't be pickled."""

    def __init__(self) -> None:
        super().__init__("holds a function")
        self.function = lambda: None


@dataclass
class Squares(Work[int, int]):
    """Squares of numbers, noted in a folder. Each takes so many times the pause, in seconds."""

    notes: Path
    pause: float = 0.0

    def do(self, items: Sequence[int]) -> Generator[int]:
        for item in items:
            note(self.notes, f"{item}")
            end = time.monotonic() + self.pause * item
            while time.monotonic() < end:  # a little at a time, as networks work, so that it can be interrupted
                time.sleep(0.05)
            yield item * item


@dataclass
class Gathering(Work[int, int]):
    """Gathers items, which it notes at the end, also if it is interrupted. Each takes a tenth of a second."""

    notes: Path

    def do(self, items: Sequence[int]) -> Generator[int]:
        gathered = []
        try:
            for item in items:
                time.sleep(0.1)
                gathered.append(item)
                note(self.notes, f"at work {item}")
                yield item
        finally:
            note(self.notes, f"gathered {gathered}")


@dataclass
class Faulty(Work[str, str]):
    """Does to its process what an item says."""

    notes: Path
    begin_with: str = ""

    def begin(self) -> None:
        suffer(self.begin_with)

    def do(self, items: Sequence[str]) -> Generator[str | Exception]:
        for item in items:
            note(self.notes, item)
            if item.startswith("value"):
                yield {"value clip": ClipError("bad clip"), "value two": TwoArguments("two", "arguments")}.get(
                    item, Lambda()
                )
            else:
                suffer(item.partition(" ")[0])
                yield f"{item} done"


def suffer(what: str) -> None:
    """Kill this process, or raise."""
    if what in ("SIGKILL", "SIGSEGV"):
        os.kill(os.getpid(), signal.Signals[what])
    elif what == "raise":
        raise SeehearError("no space for anything")
    elif what == "unreadable":
        raise Unreadable("no space", "anywhere")
    elif what == "two":
        raise TwoArguments("two", "arguments")
    elif what == "lambda":
        raise Lambda


class Process(Work[str, str]):
    """Tells of its process."""

    def do(self, items: Sequence[str]) -> Generator[str]:
        for item in items:
            if item == "folder":
                yield Path("here").read_text()
            else:
                assert len(np.ones((9, 9)) @ np.ones((9, 9))) == 9
                yield f"{max(pool['num_threads'] for pool in threadpool_info())}"


@dataclass
class Importing(Work[int, int]):
    """Imports a module of a folder for all items but 0."""

    folder: Path

    def do(self, items: Sequence[int]) -> Generator[int]:
        sys.path.insert(0, str(self.folder))
        for item in items:
            yield import_module("slow").half(item) if item else 0


@dataclass
class Needs(Work[int, int]):
    """Work that needs files and folders."""

    needs: Shared

    def shared(self) -> Shared:
        return self.needs

    def do(self, items: Sequence[int]) -> Generator[int]:
        yield from items


def note(folder: Path, text: str) -> None:
    """Note that this process has begun an item: one file each time."""
    (folder / f"{text}~{os.getpid()}-{time.monotonic_ns()}").touch()


def noted(folder: Path) -> list[str]:
    """The items that were begun, once for each time."""
    return sorted(file.name.partition("~")[0] for file in folder.iterdir())


def noted_processes(folder: Path, item: int) -> set[int]:
    """The processes that began an item."""
    return {int(file.name.partition("~")[2].partition("-")[0]) for file in folder.glob(f"{item}~*")}


def is_alive(pid: int) -> bool:
    """Whether a process runs, one that ended and was not waited for not included."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(happens, seconds: float = 30.0) -> bool:
    """Wait until something is so; return whether it came to be so."""
    end = time.monotonic() + seconds
    while not (so := happens()) and time.monotonic() < end:
        time.sleep(0.05)
    return so
