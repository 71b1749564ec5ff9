"""A server that runs while a test asks it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from seehear.serving.local import LocalServer

AnyServer = TypeVar("AnyServer", bound=LocalServer[Any])


@contextmanager
def running(server: AnyServer) -> Iterator[AnyServer]:
    """Answer requests in a thread of its own."""
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
