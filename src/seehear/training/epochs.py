"""Progress of several trainings, in epochs, whatever processes do them."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from seehear.errors import SeehearError
from seehear.progress import Progress
from seehear.texts import read_json

Key = TypeVar("Key", bound=Hashable)

POLL_EVERY = 2.0  # seconds between looks at the histories that other processes write


@dataclass(frozen=True)
class Watched:
    """A training whose progress is shown.

    Attributes:
        name: For people.
        epochs: As many as it takes at most.
        history: The file of its history; None for a training in memory.
        may_stop: Whether it may take fewer.
    """

    name: str
    epochs: int
    history: Path | None = None
    may_stop: bool = False


class EpochProgress(Generic[Key]):
    """Progress of trainings, in epochs: of other processes by the histories in their run folders."""

    def __init__(self, what: str, trainings: Mapping[Key, Watched], show: bool = True) -> None:
        """Prepare to show progress.

        Args:
            what: The task, as in `training`.
            trainings: By whatever names them.
            show: False shows nothing at all.
        """
        self._names = {key: training.name for key, training in trainings.items()}
        self._total = {key: training.epochs for key, training in trainings.items()}
        self._files = {key: training.history for key, training in trainings.items() if training.history is not None}
        done = {key: self._epochs_done(key) for key in trainings}
        self._left = {key: total - done[key] for key, total in self._total.items()}
        at_most = any(training.may_stop for training in trainings.values())
        self._progress = Progress(what, sum(self._total.values()), done=sum(done.values()), show=show, at_most=at_most)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> EpochProgress[Key]:
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

    def on_epoch(self, key: Key) -> None:
        """Count one more epoch of a training in memory."""
        if not self._files:
            self._count(key, self._total[key] - self._left[key] + 1)

    def ended(self, key: Key) -> None:
        """Count the epochs that a training took since the last look, and leave out those that it did not take."""
        self._count(key, self._epochs_done(key))
        with self._lock:
            left = self._left.pop(key)
            if key in self._files or left < self._total[key]:
                self._progress.omit(left)
            else:  # it was done by another process, in memory: nobody knows how many it took
                self._progress.advance(self._names[key], left)

    def _watch(self) -> None:
        while not self._over.wait(POLL_EVERY):
            for key in list(self._left):
                self._count(key, self._epochs_done(key))

    def _count(self, key: Key, done: int) -> None:
        with self._lock:
            more = done - (self._total[key] - self._left[key]) if key in self._left else 0
            if more > 0:
                self._left[key] -= more
                self._progress.advance(self._names[key], more)

    def _epochs_done(self, key: Key) -> int:
        file = self._files.get(key)
        if file is None or not file.exists():
            return 0
        try:
            history = read_json(file)
        except SeehearError:  # who reads its content says so
            return 0
        return len(history) if isinstance(history, list) else 0
