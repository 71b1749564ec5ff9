"""What a format is: how events are written in it, how they are read from it, and what its files can't hold."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seehear.errors import ClipError
from seehear.files import read_text
from seehear.names import check_clip, check_modality, check_one_line
from seehear.parsing import ParsedClip, ParsedEvent
from seehear.report.picture import NAMES

MODALITIES = {name: modality for modality, name in NAMES.items()}
JOINT = "audio_visual"
CERTAIN = 1.0  # the confidence of an event that a person put there


@dataclass(frozen=True)
class Clip:
    """A clip on its way into files.

    parsed: its events are those to write, be they found or true. classes: all that an event may be. folder: where the
    files go. true: whether the events are the truth.
    """

    parsed: ParsedClip
    classes: tuple[str, ...]
    folder: Path
    true: bool = False


@dataclass(frozen=True)
class Found:
    """An event that stands in a file, and where: as `a.vtt:12`."""

    event: ParsedEvent
    place: str


@dataclass
class Reading:
    """What files say.

    said: clip -> modality -> its events; none where the files say that there are none. notes: what was passed over.
    """

    said: dict[str, dict[str, list[Found]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def of(self, clip: str, modality: str) -> list[Found]:
        """The events, to be added to."""
        return self.said.setdefault(clip, {}).setdefault(modality, [])

    def add(self, clip: str, event: ParsedEvent, place: str) -> None:
        self.of(clip, event.modality).append(Found(event, place))

    def events(self, clip: str) -> list[ParsedEvent]:
        """By modality, onset and class."""
        found = [found.event for of_modality in self.said.get(clip, {}).values() for found in of_modality]
        return sorted(found, key=lambda event: (event.modality, event.onset, event.label))


Files = Mapping[str, bytes]  # name -> content


def together(parts: Sequence[Files]) -> Files:
    return {name: content for part in parts for name, content in part.items()}


@dataclass(frozen=True)
class Format:
    """A form of files that hold events.

    name, summary: for people. suffix: of its files.
    part: what it makes of one clip; raises ClipError saying what its files can't hold. files: the files, from the parts
    of all clips; a part that is a clip's own files needs no such function.
    read: what a file says, with the modality of events for which it names none, if that is known. Raises SeehearError
    naming every line or annotation that can't be read.
    is_one: whether a file of this suffix is of this form, where several forms share it.
    """

    name: str
    summary: str
    suffix: str
    part: Callable[[Clip], Any]
    read: Callable[[Path, str | None], Reading]
    files: Callable[[Sequence[Any]], Files] = together
    is_one: Callable[[Path], bool] = lambda path: True


# What can be written


def check(parsed: ParsedClip) -> None:
    """Raises ClipError for what no file can hold: names that are no text, times and confidences that are no numbers."""
    check_clip(parsed.clip)
    for modality in parsed.modalities:
        name_of(modality)
    for text in (parsed.file, *{event.label for event in parsed.events}):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ClipError(f"{text!a} holds half a character, which is no text") from None
    for event in parsed.events:
        if event.modality not in parsed.modalities:
            raise ClipError(f"{described(event)}: the clip has no such modality")
        numbers = (event.onset, event.offset, event.confidence)
        if not (all(map(math.isfinite, numbers)) and 0 <= event.onset <= event.offset):
            raise ClipError(f"{described(event)}: that is no span of time with a confidence")


def described(event: ParsedEvent) -> str:
    name = NAMES.get(event.modality, event.modality)
    return f"{event.label!r} {name} from {event.onset:g} to {event.offset:g} s, confidence {event.confidence:g}"


def name_of(modality: str) -> str:
    """heard, seen or both, or the modality's own name. Raises ClipError for one that can't be told from these."""
    if modality in MODALITIES:
        raise ClipError(f"a modality is called {modality!r}, which would be taken for {MODALITIES[modality]}")
    return NAMES.get(check_modality(modality), modality)


def modality_of(name: str) -> str:
    """The modality of that name, `heard` or `audio` or any other."""
    return MODALITIES.get(name, name)


def joint_of(modalities: Sequence[str]) -> str | None:
    """The modality among them that is all others at once, by its name; None where there is none."""
    for modality in modalities:
        others = [other for other in modalities if other != modality]
        if len(others) > 1 and modality == "_".join(others):
            return modality
    return None


def milliseconds(event: ParsedEvent) -> tuple[int, int]:
    """Onset and offset. Raises ClipError for an event that lasts less than one."""
    onset, offset = round(event.onset * 1000), round(event.offset * 1000)
    if onset >= offset:
        raise ClipError(f"{described(event)}: lasts less than a millisecond")
    return onset, offset


def one_line(text: str, what: str = "class") -> str:
    """The text, where it can stand in a line among others. Raises ClipError where not."""
    return check_one_line(text, what)


# What is read


def lines_of(file: Path) -> list[str]:
    """Its lines, however they end."""
    return re.split(r"\r\n|\r|\n", read_text(file))


def seconds(text: str) -> float:
    """Raises ValueError where the text is no number of seconds from the clip's start."""
    value = float(text)
    if not math.isfinite(value) or value < 0:
        raise ValueError(text)
    return value


def merged(found: Iterable[Found]) -> list[Found]:
    """Events of one class and modality, those that overlap or touch as one, as sure as the least sure of them."""
    whole: list[Found] = []
    for one in sorted(found, key=lambda one: (one.event.onset, one.event.offset)):
        if whole and one.event.onset <= whole[-1].event.offset:
            last, event = whole[-1].event, one.event
            offset, confidence = max(last.offset, event.offset), min(last.confidence, event.confidence)
            whole[-1] = Found(replace(last, offset=offset, confidence=confidence), whole[-1].place)
        else:
            whole.append(one)
    return whole
