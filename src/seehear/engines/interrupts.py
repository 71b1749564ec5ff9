"""Interruptions that wait: for a process that starts, and for an import."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PAUSE = 0.05  # seconds
IMPORTING = "<frozen importlib"  # how the names of the files begin by which Python imports


@contextmanager
def held() -> Iterator[None]:
    """Let Ctrl-C wait, for this thread and for processes that it starts."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def held_while_importing() -> Iterator[None]:
    """Let an interruption of this thread, the main one, wait until no module is being imported.

    Half a module would stay in the process, and fail whatever is done there later. And what is raised while an
    extension module begins becomes an ImportError there.
    """
    lock, within = threading.Lock(), True

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not _imports(frame):
            raise KeyboardInterrupt
        again = threading.Timer(PAUSE, interrupt_again)
        again.daemon = True
        again.start()

    def interrupt_again() -> None:
        with lock:  # never after the end: it would interrupt something else
            if within:
                _interrupt_main()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        with lock:
            within = False
        if signal.getsignal(signal.SIGINT) is interrupt:  # what was set meanwhile stays
            signal.signal(signal.SIGINT, before)


def _interrupt_main() -> None:
    """Interrupt the main thread, also while it waits for the system."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:  # Windows
        _thread.interrupt_main()


@contextmanager
def held_in_command() -> Iterator[None]:
    """Let Ctrl-C wait until no module is being imported, where it interrupts: not in a job in the background."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler or _imports(sys._getframe()):
        yield
        return
    with held_while_importing():
        yield


def _imports(frame: FrameType | None) -> bool:
    """Return whether a module is being imported where a thread is."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(IMPORTING):
            return True
        frame = frame.f_back
    return False
