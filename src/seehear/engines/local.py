"""Work done on this machine: in this process, or in several."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from typing import Any, Generic

from seehear.engines import interrupts
from seehear.engines.interface import Done, Engine, Item, LostError, Work, spread
from seehear.engines.process import GRACE, results
from seehear.errors import SeehearError


class LocalEngine(Engine):
    """Work done on this machine.

    Attributes:
        workers: Processes that work at once, one thread each; with one, this process does the work itself.
    """

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers

    def __repr__(self) -> str:
        return f"LocalEngine(workers={self.workers})"

    def device(self, name: str) -> str:
        """Return the name as it is: it is resolved where it is used."""
        return name

    def elsewhere(self, count: int) -> bool:
        """Return whether so many items are done by other processes than this one."""
        return min(self.workers, count) > 1

    @property
    def processes(self) -> int:
        """How many processes work at once at most."""
        return self.workers

    @property
    def processes_per_machine(self) -> int:
        """How many of the processes share a machine at most."""
        return self.workers

    def each(
        self, work: Work[Item, Done], items: Sequence[Item], *, together: int = 1
    ) -> Generator[tuple[Item, Done | Exception]]:
        """Do work; yield each item with what came of it; see `Engine.each`."""
        if self.workers > 1 and items:  # even a single one: it may be one that has ended its process before
            workers = min(self.workers, len(items))
            yield from _Pool(work, workers).each(items, spread(len(items), workers, together))
        elif items:
            work.begin()
            with closing(work.do(items)) as done:
                yield from zip(items, done, strict=True)


class _Pool(Generic[Item, Done]):
    """Processes that do one work. One that ends takes all others with it: they are started again."""

    def __init__(self, work: Work[Item, Done], workers: int) -> None:
        self._work, self._workers = work, workers
        self._start()

    def each(self, items: Sequence[Item], together: int) -> Iterator[tuple[Item, Done | Exception]]:
        """Yield each item with what came of it.

        When processes end, the items of the blocks that they did are done one by one after all others; an item that
        was one of a few then, at last while nothing else is done.
        """
        blocks = deque(items[start : start + together] for start in range(0, len(items), together))
        suspects: deque[Item] = deque()
        doing: dict[Future[list[Done | Exception]], Sequence[Item]] = {}
        try:
            while blocks or doing or suspects:
                try:
                    while blocks and len(doing) < self._workers:
                        block = blocks[0]
                        doing[self._submit(_do, block)] = block
                        blocks.popleft()  # only now: the pool may turn out to be broken
                    if not doing:
                        yield from self._alone(suspects.popleft())
                        continue
                    for future in wait(doing, return_when=FIRST_COMPLETED).done:
                        block = doing[future]
                        done = future.result()
                        del doing[future]
                        yield from zip(block, done, strict=True)
                except BrokenProcessPool:
                    for future, block in doing.items():
                        if future.done() and future.exception() is None:
                            yield from zip(block, future.result(), strict=True)
                        elif len(block) > 1:
                            blocks += [[item] for item in block]
                        else:
                            suspects += block
                    doing.clear()
                    self._restart()
        finally:
            self._end()

    def _alone(self, item: Item) -> Iterator[tuple[Item, Done | Exception]]:
        """Do an item while nothing else is done."""
        try:
            yield item, self._submit(_do, [item]).result()[0]
        except BrokenProcessPool:
            self._restart()
            yield item, LostError("the process that worked on it ended again; it may need more memory than there is")

    def _submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have a process call a function: one that is idle, or another one that is started here."""
        with interrupts.held():  # a process inherits it: Ctrl-C would find it in the middle of an import
            return self._pool.submit(function, *args)

    def _restart(self) -> None:
        self._end()
        self._start()

    def _start(self) -> None:
        """Start the processes. Raises SeehearError if they can't begin."""
        context = multiprocessing.get_context("spawn")
        end, self._wanted = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(self._workers, context, initializer=_begin, initargs=(self._work, end))
        try:
            self._submit(_hello).result()
        except BrokenProcessPool:
            self._end()
            raise SeehearError(
                "a worker process could not begin: there may be too little memory for it (take fewer workers), or a "
                'script calls this without `if __name__ == "__main__":`'
            ) from None
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        """End the processes, whatever they do."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._wanted.close()


_work: Work[Any, Any]  # of a worker process
_at_work = False  # whether the worker process does items now


def _begin(work: Work[Any, Any], end: Connection) -> None:
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # after Ctrl-C the parent closes the pipe
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_end_when_unwanted, args=(end,), daemon=True).start()
    _work = work


def _end_when_unwanted(end: Connection) -> None:
    """End this process when the other side of a pipe is closed, or the parent was killed.

    What it does is interrupted first, so that features that it has gathered are written.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([end, parent.sentinel])
    if _at_work:
        main = threading.main_thread().ident
        if hasattr(signal, "pthread_kill") and main is not None:
            signal.pthread_kill(main, signal.SIGTERM)
        time.sleep(GRACE)
    os._exit(1)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _hello() -> None:
    """Return, which shows that a process has begun."""


def _do(items: Sequence[Any]) -> list[Any]:
    global _at_work
    _at_work = True
    try:
        return results("", lambda: _work, items)
    except KeyboardInterrupt:
        os._exit(1)
    finally:
        _at_work = False
