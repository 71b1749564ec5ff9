"""Progress and time left, on standard error: a bar in a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

LINE_EVERY = 15.0  # seconds between lines where no terminal shows the bar


class Progress:
    """with Progress("extracting", total) as progress: progress.advance("clip 3")."""

    def __init__(self, what: str, total: int, *, done: int = 0, show: bool = True) -> None:
        self.what, self.total, self.done = what, total, done
        self._first = self._told = done
        self._began = self._said = time.monotonic()
        self._bar = None
        self._show = show
        if show and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}", markup=False),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(what, total=total, completed=done, note="")

    def __enter__(self) -> Progress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
        elif kind is None and self.done > self._told:
            self._line("")

    def advance(self, note: str = "", by: int = 1) -> None:
        self.done += by
        if self._bar:
            self._bar.update(self._task, advance=by, note=note)
        elif time.monotonic() - self._said > LINE_EVERY:
            self._line(note)

    def say(self, text: str) -> None:
        """A line that stays, above the bar."""
        if self._bar:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def _line(self, note: str) -> None:
        if not self._show:
            return
        now = time.monotonic()
        self._said, self._told = now, self.done
        took = now - self._began
        left = took / max(1, self.done - self._first) * (self.total - self.done)
        text = f"{self.what}: {self.done} of {self.total}, {took:.0f} s, {left:.0f} s left {note}"
        print(text.rstrip(), file=sys.stderr, flush=True)


def say(text: str) -> None:
    """A line to whoever waits, apart from the result."""
    print(text, file=sys.stderr, flush=True)
