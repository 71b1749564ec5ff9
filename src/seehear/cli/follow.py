"""seehear parse … --follow: a stream into events, told line by line while they happen."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.cli import output
from seehear.errors import SeehearError
from seehear.modality import track_name
from seehear.progress import say
from seehear.results import Result

if TYPE_CHECKING:
    from seehear.decoding import Decoding
    from seehear.media.stream_source import Ending
    from seehear.parsing.base import FileParser
    from seehear.parsing.live_events import LiveEvent, Started

FAILED, INTERRUPTED = 1, 130


@dataclass
class Followed(Result):
    """The result of following a stream: everything is told by then, but how it ended."""

    last: LiveEvent | None
    exit_code: int = 0
    lines = True

    def text(self) -> str:
        """Return the last line; empty if nobody reads any more."""
        return "" if self.last is None else line(self.last)

    def as_json(self) -> Any:
        """Return the last line's value."""
        return None if self.last is None else self.last.as_json()


@contextmanager
def _stopped_as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM, by which services and containers are stopped, end the events that go on, as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@_stopped_as_by_ctrl_c()
def follow(
    parser: FileParser,
    source: str | Path,
    decoding: Decoding | None,
    audio_track: int | None,
    stall: float | None = None,
) -> Followed:
    """Print what is told of a stream, one JSON object per line, each as soon as it is known.

    Raises:
        SeehearError: If the stream can't be used. The events that went on by then are told first.
    """
    from seehear.media.stream_source import STALL, Ending

    patience = STALL if stall is None else stall
    try:
        live = parser.follow(os.fspath(source), decoding=decoding, audio_track=audio_track, stall=patience)
    except KeyboardInterrupt:
        say("seehear: interrupted before the stream began")
        return Followed(None, INTERRUPTED)
    if description := parser.describe():
        say(description)
    say(_begins(live.started))
    told = _Printer()
    try:
        told.print(live)
    except KeyboardInterrupt:
        told.print(live.stop())
        say("seehear: interrupted; the events that went on end with what was parsed by then")
        return Followed(told.last, INTERRUPTED)
    except SeehearError:
        told.print(live.stop(Ending.BROKEN))
        told.print_last()
        raise
    live.stop()
    return Followed(told.last, told.exit_code)


def line(told: LiveEvent) -> str:
    """Return something told as one line of JSON."""
    return json.dumps(told.as_json(), ensure_ascii=True)


class _Printer:
    """Prints lines but the last one, which is left for the result.

    Attributes:
        last: The last line, if it came.
        exit_code: 1 if the stream did not end as streams do.
    """

    def __init__(self) -> None:
        self.last: LiveEvent | None = None
        self.exit_code = 0

    def print(self, told: Iterable[LiveEvent]) -> None:
        """Print lines until nobody reads them any more. Raises SeehearError if they can't be printed."""
        from seehear.parsing.live_events import Ended

        for each in told:
            if isinstance(each, Ended):
                self.last = each
                self._note_end(each.reason)
            elif not output.show_line(line(each)):
                return
            else:
                _note(each)

    def print_last(self) -> None:
        """Print the last line too."""
        if self.last is not None:
            output.show_line(line(self.last))

    def _note_end(self, reason: Ending) -> None:
        from seehear.media.stream_source import Ending

        words = {
            Ending.IDLE: "the file does not grow any more",
            Ending.STALLED: "nothing came for too long (--stall): the stream is given up",
            Ending.BROKEN: "the stream broke off, or can't be read any further",
        }
        if reason in words:
            say(f"seehear: {words[reason]}")
        self.exit_code = FAILED if reason in (Ending.STALLED, Ending.BROKEN) else 0


def _note(told: LiveEvent) -> None:
    """Say on standard error what a user should know."""
    from seehear.parsing.live_events import Lagging, Restarted

    if isinstance(told, Lagging):
        behind = (
            f"{told.lag:.0f} s behind the stream: it comes faster than this machine parses" if told.lag else "caught up"
        )
        say(f"seehear: at {told.time:.0f} s, {behind}")
    elif isinstance(told, Restarted):
        say(f"seehear: at about {told.time:.0f} s, the stream's clock started anew; times go on")


def _begins(started: Started) -> str:
    lacks = "".join(f", without {track_name(modality)}" for modality in started.absent)
    told = f"events are told {started.delay:.1f} s after they begin and end"
    return f"following {started.source}{lacks}: {told}; Ctrl-C ends it"
