"""What a file format is: how it writes events, how it reads them back, and what its files can't hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from seehear.errors import ClipError, SeehearError
from seehear.formats.timecode import FrameRate
from seehear.formats.timing import Timing, timing_of
from seehear.modality import NAMES, display_name, modality_of
from seehear.names import normal, valid_clip_name, valid_modality_name
from seehear.parsing.clip import ParsedClip, ParsedEvent
from seehear.storage.parts import split

CERTAIN = 1.0  # the confidence of an event that a person annotated

Files = Mapping[str, bytes]  # file name -> content


@dataclass(frozen=True)
class Clip:
    """A clip to write.

    Attributes:
        parsed: Its events are those to write, predicted or true.
        classes: Every class that an event may have, which ELAN offers to choose from.
        folder: The folder of the files that are written; links to the clip's file start there.
        is_truth: Whether the events are the ground truth.
        frame_rate: In place of that of the clip's file.
    """

    parsed: ParsedClip
    classes: tuple[str, ...]
    folder: Path
    is_truth: bool = False
    frame_rate: FrameRate | None = None

    @cached_property
    def timing(self) -> Timing:
        """How its frames are counted, for formats that count them. Raises ClipError if the frame rate is unknown."""
        return timing_of(self.parsed, self.frame_rate)


@dataclass(frozen=True)
class LocatedEvent:
    """An event that was read from a file.

    Attributes:
        event: The event.
        place: Where it stands, such as `a.vtt:12`.
        is_single: Whether it has one class for certain, so that a comma in it separates nothing.
    """

    event: ParsedEvent
    place: str
    is_single: bool = False


@dataclass
class FileEvents:
    """The events that were read from files.

    Attributes:
        by_clip: Clip -> modality -> events; an empty list if the files say that there are none.
        notes: What was skipped, and why.
    """

    by_clip: dict[str, dict[str, list[LocatedEvent]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def entry(self, clip: str, modality: str) -> list[LocatedEvent]:
        """Return the list of events in a modality of a clip, to append to."""
        return self.by_clip.setdefault(normal(clip), {}).setdefault(modality, [])

    def add(self, clip: str, event: ParsedEvent, place: str, *, is_single: bool = False) -> None:
        """Add an event to its clip and modality; see `LocatedEvent`."""
        self.entry(clip, event.modality).append(LocatedEvent(event, place, is_single))

    def events(self, clip: str) -> list[ParsedEvent]:
        """Return the events of a clip, ordered by modality, onset and class."""
        events = [
            located.event for of_modality in self.by_clip.get(normal(clip), {}).values() for located in of_modality
        ]
        return sorted(events, key=lambda event: (event.modality, event.onset, event.label))


def merge_files(parts: Sequence[Files]) -> Files:
    """Return the files of all clips, for a format in which each clip has its own files."""
    return {name: content for part in parts for name, content in part.items()}


@dataclass(frozen=True)
class Format:
    """A file format that holds events.

    Attributes:
        name: What users call it.
        summary: One line for people.
        suffix: Suffix of its files.
        encode: Returns what one clip contributes. Raises ClipError naming what the files can't hold.
        read: Returns the events in a file; its second argument is the modality of events for which the file names none.
            Raises SeehearError naming every line or annotation that can't be read.
        join: Returns the files, from the contributions of all clips.
        matches: Returns whether a file with this suffix has this format, where several formats share the suffix.
        per_modality: Whether there is one file per modality.
    """

    name: str
    summary: str
    suffix: str
    encode: Callable[[Clip], Any]
    read: Callable[[Path, str | None], FileEvents]
    join: Callable[[Sequence[Any]], Files] = merge_files
    matches: Callable[[Path], bool] = lambda path: True
    per_modality: bool = False


# What can be written


def check_writable(parsed: ParsedClip) -> None:
    """Check what no format can hold.

    Raises:
        ClipError: If a name is invalid or not text, or a time or confidence is not a number.
    """
    valid_clip_name(parsed.clip)
    for modality in parsed.modalities:
        name_of(modality)
    for text in (parsed.file, *{event.label for event in parsed.events}):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ClipError(f"{text!a} holds half a character, which is not text") from None
    for event in parsed.events:
        if event.modality not in parsed.modalities:
            raise ClipError(f"{described(event)}: the clip has no such modality")
        numbers = (event.onset, event.offset, event.confidence)
        if not (all(map(math.isfinite, numbers)) and 0 <= event.onset <= event.offset):
            raise ClipError(f"{described(event)}: times and confidence must be numbers, onset before offset")


def described(event: ParsedEvent) -> str:
    """Return an event in words, for messages."""
    span = f"from {event.onset:g} to {event.offset:g} s"
    confidence = "" if event.confidence == CERTAIN else f", confidence {event.confidence:g}"
    return f"{event.label!r} {display_name(event.modality)} {span}{confidence}"


def name_of(modality: str) -> str:
    """Return what people read: heard, seen, both, or the modality's own name.

    Raises:
        ClipError: If the name can't be written, or would be read as another modality.
    """
    if (read := modality_of(modality)) != modality:
        raise ClipError(f"a modality is called {modality!r}, which would be read as {read}")
    return display_name(valid_modality_name(modality))


def clip_and_modality(file: Path, modality: str | None) -> tuple[str, str]:
    """Return the clip and the modality of a file that holds one modality, such as CLIP.heard.txt.

    Args:
        file: A name without a modality is that of the clip.
        modality: Of a file whose name has none.

    Raises:
        SeehearError: If the modality is unknown.
    """
    clip, dot, name = file.stem.rpartition(".")
    if not dot or (modality_of(name) not in NAMES and name != modality):
        clip, name = file.stem, modality or ""
    if not name:
        raise SeehearError(
            f"{file}: the file names no modality; name it {clip}.heard{file.suffix} or {clip}.seen{file.suffix}, "
            "or give --modality"
        )
    return clip, modality_of(name)


def moved(event: ParsedEvent, seconds: float) -> ParsedEvent:
    """Return an event so many seconds later: from the clock of a part to that of its file, or back.

    Raises:
        ValueError: If it would end before second 0, so that it isn't in the part.
    """
    if not seconds:
        return event
    onset, offset = round(event.onset + seconds, 6), round(event.offset + seconds, 6)
    if offset <= 0:
        raise ValueError(f"{event.label!r} ends {-offset:g} s before the part of the file that the clip is begins")
    return replace(event, onset=max(0.0, onset), offset=offset)


def begin_of(part: str) -> float:
    """Return the second of a file at which a part such as `#t=30,40` begins; 0 for an empty text, or no part."""
    try:
        named = split(f"file{part}")
    except SeehearError:
        return 0.0
    return named[1] if named else 0.0


def milliseconds(event: ParsedEvent) -> tuple[int, int]:
    """Return onset and offset in milliseconds.

    Raises:
        ClipError: If the event is shorter than a millisecond.
    """
    onset, offset = round(event.onset * 1000), round(event.offset * 1000)
    if onset >= offset:
        raise ClipError(f"{described(event)}: has no length, or under a millisecond; correct its times, or delete it")
    return onset, offset


# What is read


def merged(events: Iterable[LocatedEvent]) -> list[LocatedEvent]:
    """Join events of one class and modality that overlap or touch; the lowest confidence counts."""
    whole: list[LocatedEvent] = []
    for located in sorted(events, key=lambda one: (one.event.onset, one.event.offset)):
        if whole and located.event.onset <= whole[-1].event.offset:
            last, event = whole[-1].event, located.event
            offset, confidence = max(last.offset, event.offset), min(last.confidence, event.confidence)
            whole[-1] = LocatedEvent(replace(last, offset=offset, confidence=confidence), whole[-1].place)
        else:
            whole.append(located)
    return whole
