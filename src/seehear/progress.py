"""Progress and time left: a bar in a terminal or a notebook; elsewhere a line on standard error from time to time."""

from __future__ import annotations

import html
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol

LINE_INTERVAL = 15.0  # seconds between lines without a bar
NOTEBOOK_INTERVAL = 0.2  # seconds between updates of a bar in a notebook


class Progress:
    """Show how far a task is.

    with Progress("extracting", total) as progress:
        progress.advance("clip 3")
    """

    def __init__(self, what: str, total: int, *, done: int = 0, show: bool = True, at_most: bool = False) -> None:
        """Prepare to show progress.

        Args:
            what: The task, as in `extracting`.
            total: How many items there are.
            done: How many of them are done already.
            show: False shows nothing at all.
            at_most: Whether there may turn out to be fewer items. The time left is then called the longest.
        """
        self.what, self.total, self.done, self.show, self.at_most = what, total, done, show, at_most
        self._first = self._last_shown = done
        self._began = self._last_time = time.monotonic()
        self._bar: _Bar | None = None
        if show and in_notebook():
            self._bar = _NotebookBar()
        elif show and in_terminal():
            self._bar = _TerminalBar(what, total, done, at_most)

    def __enter__(self) -> Progress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.update(self, "")
            self._bar.stop()
        elif self.show and kind is None and self.done > self._last_shown:
            self._print_line("")

    def advance(self, note: str = "", by: int = 1) -> None:
        """Count items as done.

        Args:
            note: The item, shown behind the bar.
            by: How many.
        """
        self.done += by
        if self._bar:
            self._bar.update(self, note)
        elif self.show and time.monotonic() - self._last_time > LINE_INTERVAL:
            self._print_line(note)

    def begun(self, by: int) -> None:
        """Count items as done that were done before this task began: they took no time of it."""
        self.done += by
        self._first += by
        self._last_shown += by

    def omit(self, by: int) -> None:
        """Count so many items less in all: they turned out to be unnecessary."""
        self.total -= by
        if self._bar and by:
            self._bar.update(self, "")

    def say(self, text: str) -> None:
        """Print a line that stays, above the bar."""
        if not self.show:
            return
        if self._bar:
            self._bar.print(text)
        else:
            say(text)

    def times(self) -> tuple[float, float]:
        """Return the seconds since the start, and an estimate of the seconds left."""
        took = time.monotonic() - self._began
        return took, took / max(1, self.done - self._first) * (self.total - self.done)

    def _print_line(self, note: str) -> None:
        self._last_time, self._last_shown = time.monotonic(), self.done
        say(_line(self, note))


class _Bar(Protocol):
    def start(self) -> None: ...
    def update(self, progress: Progress, note: str) -> None: ...
    def print(self, text: str) -> None: ...
    def stop(self) -> None: ...


class _TerminalBar:
    def __init__(self, what: str, total: int, done: int, at_most: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
        from rich.table import Column

        left, note = "left, at most" if at_most else "left", "{task.fields[note]}"
        self._bar = Bar(
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=20),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
            TextColumn(left, table_column=Column(no_wrap=True, min_width=len(left))),
            TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=len("0:00:00"))),
            # Takes the room that is left: where that is little, the note is cut, and nothing before it.
            TextColumn(note, markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
            console=Console(stderr=True),
            expand=True,
        )
        self._task = self._bar.add_task(what, total=total, completed=done, note="")

    def start(self) -> None:
        self._bar.start()

    def update(self, progress: Progress, note: str) -> None:
        self._bar.update(self._task, completed=progress.done, total=progress.total, note=note)

    def print(self, text: str) -> None:
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        self._bar.stop()


class _NotebookBar:
    """One output of the cell, replaced as the task goes on. Needs only IPython, which every notebook has."""

    def __init__(self) -> None:
        self._display: Any = None  # its handle, once it is shown
        self._last_time = 0.0

    def start(self) -> None:
        pass

    def update(self, progress: Progress, note: str) -> None:
        now = time.monotonic()
        if self._display is not None and progress.done < progress.total and now - self._last_time < NOTEBOOK_INTERVAL:
            return
        self._last_time = now
        line = _line(progress, note)
        bar = f'<progress max="{progress.total}" value="{progress.done}"></progress> {html.escape(line)}'
        content = {"text/plain": line, "text/html": bar}
        if self._display is not None:
            self._display.update(content, raw=True)
        else:
            from IPython.display import display

            self._display = display(content, raw=True, display_id=True)

    def print(self, text: str) -> None:
        print(text, flush=True)

    def stop(self) -> None:
        pass


def _line(progress: Progress, note: str) -> str:
    took, left = progress.times()
    longest = "at most " if progress.at_most and progress.done < progress.total else ""
    state = f"{progress.what}: {progress.done} of {progress.total}, {took:.0f} s, {longest}{left:.0f} s left"
    return f"{state} {note}".rstrip()


def in_notebook() -> bool:
    """Return whether this runs in the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def in_terminal() -> bool:
    """Return whether standard error is a terminal. It may be closed, absent, or replaced by another object."""
    try:
        return bool(sys.stderr.isatty())
    except (AttributeError, OSError, ValueError):
        return False


def say(text: str) -> None:
    """Print a line on standard error, apart from the result. If nobody can read it, the work goes on without it."""
    if sys.stderr is None:  # as under pythonw; `print` would take standard output instead
        return
    with suppress(AttributeError, OSError, ValueError):  # closed, or its disk is full
        try:
            print(text, file=sys.stderr, flush=True)
        except UnicodeEncodeError:
            print(text.encode("ascii", "backslashreplace").decode(), file=sys.stderr, flush=True)
