"""Parsing of streams: a file that grows, a pipe, a camera. Events are told while they happen, with bounded delay.

for told in parser.follow("recording.ts"):
    print(told.as_json())
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.decoding import Decoding, Probabilities
from seehear.errors import ClipError, SeehearError
from seehear.features.packed import Packed
from seehear.features.prefetch import prefetch
from seehear.features.segments import content_for, segment_features, silent_segments
from seehear.media.span import Span, count_segments
from seehear.media.stream import SKEW, State
from seehear.media.stream_child import AnySource, OpenStream
from seehear.media.stream_source import Ending
from seehear.modality import AUDIO, kinds
from seehear.parsing.live_events import Ended, Lagging, LiveEvent, Restarted, Started, Tracker
from seehear.parsing.reading import naming

if TYPE_CHECKING:
    from seehear.parsing.base import BaseParser, FileParser
    from seehear.parsing.reading import FileReader

SPAN = 1.0  # seconds decoded at once
DECODING = 1.0  # seconds that decoders hold content back, and that networks take on a machine that keeps up
LAG = 5.0  # seconds behind a stream that are told, and again whenever they have doubled


@dataclass
class Part:
    """A parser, and which of its events are told.

    Attributes:
        parser: What predicts.
        decoding: From probabilities to events.
        chosen: (C,), of which of its classes events are told; None for all.
        done: Segments that are final.
        tracker: Its events.
    """

    parser: BaseParser
    decoding: Decoding
    chosen: Sequence[bool] | None = None
    done: int = 0
    tracker: Tracker = field(init=False)

    def __post_init__(self) -> None:
        reach = self.parser.reach
        if self.decoding.filter != "none" and not reach.clip:
            raise SeehearError(
                f"the clip filter {self.decoding.filter!r} needs the whole clip here, and a stream has no end: use none"
            )
        parser = self.parser
        self.tracker = Tracker(
            parser.classes, parser.modalities, parser.segment, parser.origin, parser.specific, self.chosen
        )

    @property
    def first(self) -> int:
        """The first segment that is still needed."""
        return self.parser.reach.begin(self.done)

    def add(self, recent: Recent, *, ended: bool) -> Iterator[LiveEvent]:
        """Yield what begins and ends in the segments that are final now."""
        stop = recent.count if ended else recent.count - self.parser.reach.after
        if stop <= self.done:
            return
        first = self.first
        found = self.parser._of_packs(recent.packs(self.parser.collocation, first))
        final = slice(self.done - first, stop - first)
        cut = Probabilities(found.segment[:, final], found.clip[:, final], found.modality_clip[:, final])
        active = self.decoding(cut, self.parser.classes, self.parser.modalities)
        arrived = recent.arrived[self.done - recent.first : stop - recent.first]
        self.done = stop
        yield from self.tracker.add({name: each[0] for name, each in active.items()}, cut.segment[0], arrived)


class Recent:
    """The features of the last segments of a stream.

    Attributes:
        first: Number of the first segment that is kept.
        count: How many segments have come.
        arrived: When each segment that is kept came.
    """

    def __init__(self, reader: FileReader, absent: Sequence[str]) -> None:
        """Await spans. absent: modalities that the stream lacks; their features are zeros."""
        self._settings = reader.settings
        self._specs = {spec.name: spec for spec, _ in reader.networks}
        self._loaded = [(spec, network) for spec, network in reader.networks if spec.modality not in absent]
        self._hears = any(spec.modality == AUDIO for spec, _ in self._loaded)
        self._rows = {spec.name: np.zeros((0, spec.width), dtype=np.float32) for spec, _ in self._loaded}
        self._silent = np.zeros(0, dtype=bool)
        self.first = self.count = 0
        self.arrived: list[float] = []

    @property
    def content(self) -> dict[str, Any]:
        """What spans must hold."""
        return content_for([spec for spec, _ in self._loaded], self._settings)

    def add(self, span: Span, arrived: float) -> None:
        """Run the networks on a span. A segment without a frame has the features of the one before it."""
        for spec, network in self._loaded:
            new = segment_features(span, spec, network, self._settings)
            self._rows[spec.name] = _filled(np.concatenate([self._rows[spec.name], new]))
        if self._hears:
            self._silent = np.concatenate([self._silent, silent_segments(span, self._settings)])
        # The rest of a stream may be too short for a segment. A frame may come too late for the first segments.
        came = count_segments(span.stop, self._settings.segment)
        self.arrived += [arrived] * (came - self.first - len(self.arrived))
        self.count = 0 if any(np.isnan(rows[0, 0]) for rows in self._rows.values()) else came

    def packs(self, collocation: Mapping[str, Sequence[str]], first: int) -> dict[str, list[Packed]]:
        """Return the features of the segments from `first` on, as one clip: modality -> those of its networks."""
        part, offsets = slice(first - self.first, self.count - self.first), np.array([0, self.count - first])
        silent = self._silent[part] if self._hears else None
        packs: dict[str, list[Packed]] = {}
        for modality, names in collocation.items():
            for name in names:
                rows = self._rows.get(name)
                if rows is None:
                    zeros = np.zeros((self.count - first, self._specs[name].width), dtype=np.float32)
                    pack = Packed(zeros, offsets, "", available=np.array([False]))
                else:
                    pack = Packed(rows[part], offsets, "", silent if modality == AUDIO else None)
                packs.setdefault(modality, []).append(pack)
        return packs

    def drop_before(self, first: int) -> None:
        """Forget the segments before one; the last one stays."""
        count = max(0, min(first, self.count - 1) - self.first)
        self._rows = {name: rows[count:] for name, rows in self._rows.items()}
        self._silent, self.arrived = self._silent[count:], self.arrived[count:]
        self.first += count


class Live(Iterator[LiveEvent]):
    """What is told of a stream, as an iterator. `stop` ends it before the stream does.

    Attributes:
        started: What is parsed, and how: the first that is told.
    """

    def __init__(
        self, parser: FileParser, source: AnySource, decoding: Decoding, audio_track: int | None, stall: float
    ) -> None:
        """Wait until the stream begins. Arguments and errors are those of `FileParser.follow`."""
        self._parts = parser._parts(decoding)
        reader = parser.reader
        self._stream = OpenStream(source, stall, audio_track)
        try:
            absent = reader.absent(self._stream)
        except ClipError:
            self._stream.close()
            raise
        self._recent, self._segment = Recent(reader, absent), parser.segment
        self._length = max(1, round(SPAN / self._segment)) * self._segment
        self._position, self._told_lag, self._restarts = 0.0, 0.0, 0
        self._over = False
        self.started = Started(
            self._stream.path,
            self._delay(),
            SKEW,
            self._segment,
            kinds(parser.modalities),
            absent,
            "; untrained ".join(str(part.decoding) for part in self._parts),
            tuple(dict.fromkeys(part.parser.origin for part in self._parts)),
            self._stream.state.arrived,
        )
        self._next = self._tell()

    def __repr__(self) -> str:
        return f"Live({self._stream.path!r}, {self._position:g} s parsed{', ended' if self._over else ''})"

    def __next__(self) -> LiveEvent:
        return next(self._next)

    def stop(self, reason: Ending = Ending.INTERRUPTED) -> list[LiveEvent]:
        """End it now. Return what is left to be told: the events that go on end with what is final."""
        if self._over:
            return []
        self._stream.close()
        stop = min(part.done for part in self._parts) * self._segment
        return list(self._end(reason, stop))

    def _delay(self) -> float:
        """Return how long after its beginning an event is told: once its segment and all that counts for it came."""
        after = max(part.parser.reach.after for part in self._parts)
        return float(after * self._segment + self._length + self._recent.content["margin"] + DECODING)

    def _tell(self) -> Iterator[LiveEvent]:
        yield self.started
        try:
            spans = self._stream.spans(self._length, **self._recent.content)
            with closing(prefetch(spans)) as ahead:
                for span, state in ahead:
                    yield from self._add(span, state)
            for part in self._parts:
                yield from part.add(self._recent, ended=True)
            state = self._stream.state
            yield from self._end(Ending(state.ending), state.duration)
        finally:
            self._stream.close()

    def _add(self, span: Span, state: State) -> Iterator[LiveEvent]:
        with naming(self._stream.path):
            self._recent.add(span, state.arrived)
        self._position = span.stop
        if state.restarts > self._restarts:
            self._restarts = state.restarts
            yield Restarted(span.stop)
        for part in self._parts:
            yield from part.add(self._recent, ended=False)
        self._recent.drop_before(min(part.first for part in self._parts))
        yield from self._note_lag(state.lag(span.stop + span.margin, time.time()))

    def _note_lag(self, lag: float) -> Iterator[LiveEvent]:
        if lag >= max(LAG, 2 * self._told_lag):
            self._told_lag = lag
            yield Lagging(self._position, lag)
        elif self._told_lag and lag < LAG:
            self._told_lag = 0.0
            yield Lagging(self._position, 0.0)

    def _end(self, reason: Ending, duration: float) -> Iterator[LiveEvent]:
        self._over = True
        for part in self._parts:
            yield from part.tracker.close(duration)
        yield Ended(reason, duration)


def _filled(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows of which those of NaN repeat the one before; the first ones, the first that is known. (T, width)."""
    known = np.flatnonzero(~np.isnan(rows[:, 0]))
    if len(known) in (0, len(rows)):
        return rows
    return rows[known[np.clip(np.searchsorted(known, np.arange(len(rows)), side="right") - 1, 0, None)]]
