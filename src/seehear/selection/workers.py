"""Trainings done by an engine, and the progress of what its processes do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from seehear.engines.interface import LostError, Shared, Work
from seehear.errors import SeehearError
from seehear.files import DiskFullError
from seehear.progress import Progress
from seehear.texts import read_json

if TYPE_CHECKING:
    from seehear.selection.trainings import Bench, Outcome, Training

A = TypeVar("A")
B = TypeVar("B")

POLL_EVERY = 2.0  # seconds between looks at the histories that worker processes write


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
        stores = [dataset.store.path for dataset in self.bench.datasets.values() if dataset.store is not None]
        markers = tuple(dict.fromkeys(store.resolve() / "store.json" for store in stores))
        return Shared(() if self.bench.out is None else (self.bench.out.resolve(),), markers)

    def do(self, items: Sequence[Training]) -> Generator[Outcome | Exception]:
        """Yield the outcome of each training, or its error."""
        for training in items:
            yield attempt(self.bench.do, training)


class EpochProgress:
    """Progress of trainings, in epochs: of other processes by the histories in their run folders."""

    def __init__(self, what: str, bench: Bench, trainings: Mapping[Path, Training]) -> None:
        self._names = {key: str(training.collocation) for key, training in trainings.items()}
        self._total = {key: training.recipe.epochs for key, training in trainings.items()}
        self._files: dict[Path, Path] = {}
        if bench.out is not None:
            self._files = {key: bench.out / key.parent / "history.json" for key in trainings}
        done = {key: self._epochs_done(key) for key in trainings}
        self._left = {key: total - done[key] for key, total in self._total.items()}
        self._progress = Progress(what, sum(self._total.values()), done=sum(done.values()), show=bench.progress)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> EpochProgress:
        self._progress.__enter__()
        if self._files:
            self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._files:
            self._watcher.join()
        self._progress.__exit__(kind, error, trace)

    def on_epoch(self, key: Path) -> None:
        """Count one more epoch of a training in memory."""
        if not self._files:
            self._count(key, self._total[key] - self._left[key] + 1)

    def ended(self, key: Path) -> None:
        """Count all epochs that are left of a training, however many it took."""
        with self._lock:
            self._progress.advance(self._names[key], self._left.pop(key))

    def _watch(self) -> None:
        while not self._over.wait(POLL_EVERY):
            for key in list(self._left):
                self._count(key, self._epochs_done(key))

    def _count(self, key: Path, done: int) -> None:
        with self._lock:
            more = done - (self._total[key] - self._left[key]) if key in self._left else 0
            if more > 0:
                self._left[key] -= more
                self._progress.advance(self._names[key], more)

    def _epochs_done(self, key: Path) -> int:
        file = self._files.get(key)
        if file is None or not file.exists():
            return 0
        try:
            history = read_json(file)
        except SeehearError:  # who reads its content says so
            return 0
        return len(history) if isinstance(history, list) else 0
