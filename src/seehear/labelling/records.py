"""What a person knows of a clip: its weak labels, in which modality each holds, and the events that were drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from seehear.errors import SeehearError
from seehear.events import segment_span
from seehear.modality import AUDIO, JOINT, NAMES, VISUAL
from seehear.names import valid_line
from seehear.stored import Seconds, as_model

MODALITIES = (AUDIO, VISUAL)  # of drawn events
MAX_LABELS, MAX_EVENTS = 200, 2000  # of one clip
DECIMALS = 3  # of seconds, as in dense tables
SEGMENT = 1.0  # seconds: drawn events snap to these
REMEDY = "nothing was saved"


class Choice(StrEnum):
    """Who chose the clip to be labelled."""

    RANDOM = "random"  # drawn by chance: it may validate
    UNSURE = "unsure"  # the suggester was least sure of it
    PERSON = "person"  # opened from the list


@dataclass(frozen=True, order=True)
class DrawnEvent:
    """An event that a person drew.

    Attributes:
        modality: audio or visual.
        label: The class.
        onset: Seconds from the clip's start.
        offset: Seconds from the clip's start, exclusive.
    """

    modality: str
    label: str
    onset: float
    offset: float


@dataclass(frozen=True)
class ClipLabels:
    """What is known of a clip.

    Attributes:
        labels: Class -> the modality in which it occurs: audio, visual, audio_visual for both, or None if that is not
            known. None: nobody has chosen labels yet. Empty: none of the classes occurs.
        done: Whether the labels are complete. Until then they are a draft, which no table has.
        events: Drawn events, in order.
        timed: Whether every event of the clip is drawn.
    """

    labels: Mapping[str, str | None] | None = None
    done: bool = False
    events: tuple[DrawnEvent, ...] = ()
    timed: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return a value that `json.dumps` takes."""
        labels = None if self.labels is None else dict(self.labels)
        return {
            "labels": labels,
            "done": self.done,
            "events": [asdict(event) for event in self.events],
            "timed": self.timed,
        }

    def of(self, modality: str) -> list[DrawnEvent]:
        """Return the events drawn in a modality."""
        return [event for event in self.events if event.modality == modality]


@dataclass(frozen=True)
class Change:
    """A line of the log: what a clip's labels are from then on.

    Attributes:
        number: From 1, in the order of the log.
        clip: Name of the clip; empty if the change adds a class.
        version: Number of the clip's changes, this one included.
        state: The clip's labels from then on.
        by: Who changed them.
        time: When, as in 2026-05-01T12:00:00Z.
        choice: Who chose the clip, as of its first change.
        undoes: Number of the change that this one takes back; 0 for none.
        added: The class that the change adds to the list; empty for none.
    """

    number: int
    clip: str
    version: int
    state: ClipLabels
    by: str
    time: str
    choice: Choice = Choice.PERSON
    undoes: int = 0
    added: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return a value that `json.dumps` takes."""
        return {**vars(self), "state": self.state.as_json(), "choice": str(self.choice)}

    @staticmethod
    def from_json(content: object, where: object) -> Change:
        """Return the change that `as_json` described. Raises SeehearError that names `where`."""
        read = as_model(content, _Change, where, "correct the line, or delete it")
        state = checked(read.state.labels, read.state.events, done=read.state.done, timed=read.state.timed, where=where)
        facts = {name: getattr(read, name) for name in _Change.model_fields}
        return Change(**{**facts, "state": state})


@dataclass(frozen=True)
class ClipRecord:
    """A clip as it is now.

    Attributes:
        state: Its labels.
        version: How often they were changed.
        by: Who changed them last; empty if nobody did.
        time: When.
        choice: Who chose it to be labelled; None if nobody has changed it.
    """

    state: ClipLabels = field(default_factory=ClipLabels)
    version: int = 0
    by: str = ""
    time: str = ""
    choice: Choice | None = None

    def as_json(self) -> dict[str, Any]:
        """Return a value that `json.dumps` takes."""
        facts = {"version": self.version, "by": self.by, "time": self.time, "choice": self.choice}
        return {**self.state.as_json(), **facts}


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class _State(_Strict):
    labels: dict[str, str | None] | None = None
    done: bool = False
    events: Annotated[list[Annotated[_Event, Field()]], Field(max_length=MAX_EVENTS)] = Field(default_factory=list)
    timed: bool = False


class _Event(_Strict):
    modality: str
    label: str
    onset: Seconds
    offset: Seconds


class _Change(BaseModel):
    number: Annotated[int, Field(strict=True, ge=1)]
    clip: str
    version: Annotated[int, Field(strict=True, ge=0)]
    state: _State
    by: str
    time: str
    choice: Choice
    undoes: Annotated[int, Field(strict=True, ge=0)] = 0
    added: str = ""


_State.model_rebuild()


def state_of(content: object, where: object) -> ClipLabels:
    """Return the labels that `ClipLabels.as_json` described. Raises SeehearError that names `where`."""
    read = as_model(content, _State, where, REMEDY)
    return checked(read.labels, read.events, done=read.done, timed=read.timed, where=where)


def checked(
    labels: Mapping[str, str | None] | None,
    events: Iterable[Any] = (),
    *,
    done: bool = True,
    timed: bool = False,
    where: object = "the labels",
) -> ClipLabels:
    """Return labels that agree with each other.

    A drawn event gives the clip its class. A class that was in the other modality alone is in both then. Events of one
    class that overlap or touch are one.

    Args:
        labels: Class -> modality, None where it is not known.
        events: With the attributes of `DrawnEvent`.
        done: Whether the labels are complete.
        timed: Whether every event is drawn.
        where: What is checked, for messages.

    Raises:
        SeehearError: For a class that can't stand in a table, a modality or a span that can't be, or too many of them.
    """
    drawn = _merged([_event(event, where) for event in events])
    known = None if labels is None and not drawn else dict(labels or {})
    if known is not None:
        for label, modality in known.items():
            _check_label(label, where)
            if modality is not None and modality not in NAMES:
                raise SeehearError(f"{where}: {label} is in {modality!r}, not one of {', '.join(NAMES)}; {REMEDY}")
        for event in drawn:
            modality = known.setdefault(event.label, None)
            if modality not in (None, JOINT, event.modality):
                known[event.label] = JOINT
        if len(known) > MAX_LABELS:
            raise SeehearError(f"{where}: has {len(known)} labels, more than {MAX_LABELS}; {REMEDY}")
    return ClipLabels(known, done and known is not None, drawn, timed and known is not None)


def _event(given: Any, where: object) -> DrawnEvent:
    event = DrawnEvent(given.modality, given.label, round(given.onset, DECIMALS), round(given.offset, DECIMALS))
    _check_label(event.label, where)
    if event.modality not in MODALITIES:
        raise SeehearError(f"{where}: an event is in {event.modality!r}, not {' or '.join(MODALITIES)}; {REMEDY}")
    if not 0 <= event.onset < event.offset:
        raise SeehearError(f"{where}: {event.label} from {event.onset:g} to {event.offset:g} s has no length; {REMEDY}")
    return event


def _check_label(label: str, where: object) -> None:
    try:
        valid_line(label)
    except SeehearError as error:
        raise SeehearError(f"{where}: {error}; {REMEDY}") from None
    if "," in label:
        raise SeehearError(f"{where}: the class {label!r} has a comma, which separates classes in tables; {REMEDY}")


def _merged(events: list[DrawnEvent]) -> tuple[DrawnEvent, ...]:
    """Return events in order, of which no two of one class and modality overlap or touch."""
    merged: list[DrawnEvent] = []
    for event in sorted(events):
        last = merged[-1] if merged else None
        if last and (last.modality, last.label) == (event.modality, event.label) and event.onset <= last.offset:
            merged[-1] = DrawnEvent(last.modality, last.label, last.onset, max(last.offset, event.offset))
        else:
            merged.append(event)
    return tuple(merged)


def segments_of(events: Iterable[DrawnEvent]) -> int:
    """Return the number of segments that hold every event."""
    return max((segment_span(event.onset, event.offset, SEGMENT)[1] for event in events), default=0)
