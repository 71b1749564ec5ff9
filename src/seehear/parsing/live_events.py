"""What is told of a stream while it is parsed, and events that are followed from segment to segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seehear.media.stream_source import Ending
from seehear.modality import kinds, with_joint
from seehear.parsing.class_scores import COVERED
from seehear.parsing.clip import Origin, ParsedEvent


@dataclass(frozen=True)
class LiveEvent:
    """Something told of a stream. Times are seconds from its start. `arrived`: when that came, seconds since 1970."""

    type: ClassVar[str]

    def as_json(self) -> dict[str, Any]:
        """Return a value that `json.dumps` takes: `type`, and the attributes."""
        content = {each.name: _plain(each.name, getattr(self, each.name)) for each in fields(self)}
        return {"type": self.type, **content}


@dataclass(frozen=True)
class Started(LiveEvent):
    """The first: what is parsed, and how.

    Attributes:
        source: The stream's name, without credentials.
        delay: Seconds after which an event is told that begins or ends, if the machine keeps up.
        pause: Further seconds while one track of the stream pauses and the other goes on.
        segment: Seconds per segment.
        modalities: What events can be in; the joint modality last, if there are several.
        absent: Modalities that the stream lacks: it is parsed by the others.
        decoding: How probabilities become events.
        origins: What events can come from.
        arrived: When the stream began.
    """

    type = "start"
    source: str
    delay: float
    pause: float
    segment: float
    modalities: tuple[str, ...]
    absent: tuple[str, ...]
    decoding: str
    origins: tuple[Origin, ...]
    arrived: float


@dataclass(frozen=True)
class Begun(LiveEvent):
    """An event has begun, and goes on."""

    type = "begin"
    label: str
    modality: str
    onset: float
    origin: Origin
    arrived: float


@dataclass(frozen=True)
class Finished(LiveEvent):
    """An event has ended; the attributes are those of `ParsedEvent`."""

    type = "event"
    label: str
    modality: str
    onset: float
    offset: float
    confidence: float
    origin: Origin
    arrived: float

    def parsed(self) -> ParsedEvent:
        """Return the event as a parsed clip has it."""
        return ParsedEvent(self.label, self.modality, self.onset, self.offset, self.confidence, self.origin)


@dataclass(frozen=True)
class Withdrawn(LiveEvent):
    """An event that had begun is none: more specific classes have taken its place."""

    type = "withdrawn"
    label: str
    modality: str
    onset: float


@dataclass(frozen=True)
class Lagging(LiveEvent):
    """The machine is slower than the stream, by `lag` seconds so far; 0 once it has caught up."""

    type = "lag"
    time: float
    lag: float


@dataclass(frozen=True)
class Restarted(LiveEvent):
    """The stream's own clock has started anew about here. Times go on without a gap."""

    type = "restart"
    time: float


@dataclass(frozen=True)
class Ended(LiveEvent):
    """The last: why nothing more comes. `duration`: seconds that were parsed."""

    type = "end"
    reason: Ending
    duration: float


def _plain(name: str, value: Any) -> Any:
    if name == "arrived":
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return round(value, 3) if isinstance(value, float) and name != "confidence" else value


@dataclass
class _Open:
    """An event that goes on: its first segment, when that came, and what its segments sum up to."""

    start: int
    arrived: float
    confidence: float = 0.0
    segments: int = 0
    specific: int = 0  # segments in which more specific classes are active
    told: bool = False

    @property
    def shown(self) -> bool:
        """Whether it would be an event if it ended now."""
        return self.specific < COVERED * self.segments


class Tracker:
    """Follows events from segment to segment. It keeps those that go on, and nothing else."""

    def __init__(
        self,
        classes: Sequence[str],
        modalities: Sequence[str],
        segment: float,
        origin: Origin,
        specific: Mapping[int, Sequence[int]],
        chosen: Sequence[bool] | None = None,
    ) -> None:
        """Await segments.

        Args:
            classes: C names.
            modalities: Those of the probabilities, in order.
            segment: Seconds per segment.
            origin: Of the events.
            specific: Number of a class -> numbers of classes that may take its place, see `without_parents`.
            chosen: (C,), of which classes events are told; by default of all.
        """
        self._classes, self._modalities, self._segment = classes, tuple(modalities), segment
        self._origin, self._specific = origin, specific
        self._chosen = np.ones(len(classes), dtype=bool) if chosen is None else np.array(chosen, dtype=bool)
        self._open: dict[str, dict[int, _Open]] = {name: {} for name in kinds(self._modalities)}
        self._next = 0  # number of the next segment

    def add(
        self, active: Mapping[str, NDArray[np.bool_]], probabilities: NDArray[np.float32], arrived: Sequence[float]
    ) -> Iterator[LiveEvent]:
        """Take segments that are final, and yield what begins and ends in them.

        Args:
            active: modality -> (n, C), of single modalities.
            probabilities: (n, M, C).
            arrived: (n,), when each segment came.
        """
        in_kinds = with_joint(active, self._modalities)
        confidence = {name: probabilities[:, m] for m, name in enumerate(self._modalities)}
        for joint in kinds(self._modalities)[len(self._modalities) :]:
            confidence[joint] = probabilities.min(axis=1)
        for n, moment in enumerate(arrived):
            for name, each in in_kinds.items():
                yield from self._step(name, each[n], confidence[name][n], moment)
            self._next += 1

    def close(self, duration: float) -> Iterator[LiveEvent]:
        """End all events. No event outlasts the stream. duration: its seconds."""
        for name, going_on in self._open.items():
            for label in sorted(going_on):
                yield from self._end(name, label, duration)

    def _step(
        self, modality: str, active: NDArray[np.bool_], confidence: NDArray[np.float32], arrived: float
    ) -> Iterator[LiveEvent]:
        """Take one segment of one modality, (C,) each."""
        going_on = self._open[modality]
        for label in sorted(label for label in going_on if not active[label]):
            yield from self._end(modality, label, self._next * self._segment)
        for label in np.flatnonzero(active & self._chosen).tolist():
            event = going_on.setdefault(label, _Open(self._next, arrived))
            event.confidence += float(confidence[label])
            event.segments += 1
            event.specific += bool(active[list(self._specific.get(label, ()))].any())
            if not event.told and event.shown:
                yield self._begin(modality, label, event)

    def _begin(self, modality: str, label: int, event: _Open) -> Begun:
        event.told = True
        return Begun(self._classes[label], modality, event.start * self._segment, self._origin, event.arrived)

    def _end(self, modality: str, label: int, stop: float) -> Iterator[LiveEvent]:
        event = self._open[modality].pop(label)
        onset = event.start * self._segment
        if not event.shown:
            if event.told:
                yield Withdrawn(self._classes[label], modality, onset)
            return
        if not event.told:
            yield self._begin(modality, label, event)
        offset = max(min((event.start + event.segments) * self._segment, stop), onset)
        confidence = round(event.confidence / event.segments, 4)
        yield Finished(self._classes[label], modality, onset, offset, confidence, self._origin, event.arrived)
