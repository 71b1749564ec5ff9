"""Trainings done by an engine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from seehear.data import store_markers
from seehear.engines.interface import LostError, Shared, Work
from seehear.files import DiskFullError

if TYPE_CHECKING:
    from seehear.selection.trainings import Bench, Outcome, Training

A = TypeVar("A")
B = TypeVar("B")


def attempt(do: Callable[[A], B], what: A) -> B | Exception:
    """Return the result or the error; raise an error that all later trainings would meet too."""
    try:
        return do(what)
    except (DiskFullError, LostError):
        raise
    except Exception as error:
        return error


@dataclass(frozen=True)
class Trainings(Work["Training", "Outcome"]):
    """Trainings done by the processes of an engine. bench: where they are done; each process gets a copy."""

    bench: Bench

    def shared(self) -> Shared:
        """Return the folder of the trainings, and the stores of their features."""
        markers = store_markers(*self.bench.datasets.values())
        return Shared(() if self.bench.out is None else (self.bench.out.resolve(),), markers)

    def do(self, items: Sequence[Training]) -> Generator[Outcome | Exception]:
        """Yield the outcome of each training, or its error."""
        for training in items:
            yield attempt(self.bench.do, training)
