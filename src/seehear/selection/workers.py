"""Worker processes that train, and the progress of what they do."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from seehear.errors import SeehearError
from seehear.files import DiskFullError
from seehear.progress import Progress
from seehear.texts import read_json

if TYPE_CHECKING:
    from seehear.selection.trainings import Bench, Outcome, Training

A = TypeVar("A")
B = TypeVar("B")

POLL_EVERY = 2.0  # seconds between looks at the histories that worker processes write


def default_workers() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def attempt(do: Callable[[A], B], what: A) -> B | Exception:
    """Return the result or the error; raise an error that all later trainings would meet too."""
    try:
        return do(what)
    except (DiskFullError, BrokenProcessPool):
        raise
    except Exception as error:
        return error


def in_processes(
    bench: Bench, trainings: Mapping[Path, Training], workers: int
) -> Iterable[tuple[Path, Outcome | Exception]]:
    """Do trainings in worker processes; yield the key and the outcome of each as it ends.

    Args:
        bench: Where trainings are done, with the data sets. Each worker gets a copy.
        trainings: Key -> training.
        workers: Number of processes.

    Raises:
        SeehearError: If a worker process was killed, for example because it ran out of memory.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(bench,)) as pool:
        try:
            jobs = {pool.submit(_do, training): key for key, training in trainings.items()}
            for job in as_completed(jobs):
                yield jobs[job], attempt(lambda job: job.result(), job)
        except BrokenProcessPool:
            kept = f"{bench.out}: finished trainings are kept; " if bench.out else ""
            raise SeehearError(
                f"{kept}a worker process ended early. Either it ran out of memory: run the same again with fewer "
                'workers. Or it could not begin: a script must call this under `if __name__ == "__main__":`'
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


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


_bench: Bench  # of a worker process


def _begin(bench: Bench) -> None:
    global _bench
    import torch

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, without a traceback
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _bench = bench


def _end_with_parent() -> None:
    """End when the parent was killed: a worker would otherwise wait for work forever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(training: Training) -> Outcome:
    return _bench.do(training)
