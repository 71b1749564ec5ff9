"""Work ahead in another thread: the next clip is decoded while networks run on this one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


def prefetch(items: Iterable[T], depth: int = 2) -> Generator[T, None, None]:
    """Iterate in another thread. Close it where reading may end early: an exception keeps it alive otherwise.

    Args:
        items: Any iterable. An exception that it raises is raised here, after the items before it.
        depth: The largest number of items that wait to be read.

    Yields:
        The same items in the same order.
    """
    ready: queue.Queue[Any] = queue.Queue(depth)
    stop = threading.Event()
    end = object()

    def put(item: object) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(end)
        except BaseException as error:
            put(error)

    threading.Thread(target=work, daemon=True, name="prefetch").start()
    try:
        while (item := ready.get()) is not end:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
