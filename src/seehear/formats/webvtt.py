"""Captions for players: <clip>.vtt, a WebVTT file (W3C). Times to the millisecond.

A class appears once at a time: "heard: Dog", or "both: Dog" while it is heard and seen. So an event is cut wherever the
modalities of its class change, and its parts are joined again when they are read. A cue's identifier, which players
don't show, lists the modalities of the events and their confidences.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from seehear.errors import ClipError, SeehearError
from seehear.formats.spec import (
    CERTAIN,
    Clip,
    FileEvents,
    Files,
    Format,
    LocatedEvent,
    begin_of,
    described,
    merged,
    milliseconds,
    moved,
    name_of,
)
from seehear.labels import Defect, DefectKind, raise_fatal, suggestion
from seehear.labels.cells import seconds
from seehear.labels.cells import shown as shortened
from seehear.modality import JOINT, NAMES, joint_of, modality_of
from seehear.names import valid_line
from seehear.parsing.clip import ParsedEvent
from seehear.texts import read_lines

PART_NOTE = "NOTE the clip is the part "  # such as #t=30,40; times are those of the whole file
MODALITIES_NOTE = "NOTE tells what is "  # the modalities, including those without events
AND = " and "
TIME = r"(?:(\d{2,9}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
TIMES = re.compile(rf"{TIME}[ \t]*-->[ \t]*{TIME}(?:[ \t].*)?", re.ASCII)


@dataclass(frozen=True)
class _Cue:
    """A caption: the events of one class that are on from one millisecond to another."""

    start: int
    stop: int
    label: str
    events: tuple[ParsedEvent, ...]


def _encode(clip: Clip) -> Files:
    parsed = clip.parsed
    blocks = ["WEBVTT", MODALITIES_NOTE + ", ".join(map(name_of, parsed.modalities))]
    if parsed.fragment:
        blocks.append(PART_NOTE + parsed.fragment)
    for number, cue in enumerate(_cues([moved(event, parsed.begins) for event in parsed.events]), start=1):
        confidences = ", ".join(f"{name_of(event.modality)} {event.confidence!r}" for event in cue.events)
        names = AND.join(_names([event.modality for event in cue.events], parsed.modalities))
        text = html.escape(valid_line(cue.label), quote=False)
        blocks.append(f"{number}: {confidences}\n{_time(cue.start)} --> {_time(cue.stop)}\n{names}: {text}")
    return {f"{parsed.clip}.vtt": ("\n\n".join(blocks) + "\n").encode()}


def _cues(events: Sequence[ParsedEvent]) -> list[_Cue]:
    """Return the captions, ordered by time and class.

    Raises:
        ClipError: If two events of one class and modality overlap or touch, which captions would join.
    """
    changes: dict[str, dict[int, set[int]]] = {}  # class -> millisecond -> numbers of events that begin or end then
    last: dict[tuple[str, str], int] = {}  # modality and class -> the last millisecond of an event so far
    for onset, offset, n in sorted((*milliseconds(event), n) for n, event in enumerate(events)):
        modality, label = events[n].modality, events[n].label
        if onset <= last.get((modality, label), -1):
            raise ClipError(f"{described(events[n])}: begins before another event of its class has ended")
        last[modality, label] = offset
        for edge in (onset, offset):
            changes.setdefault(label, {}).setdefault(edge, set()).add(n)
    cues = []
    for label, of_label in changes.items():
        active: set[int] = set()
        for start, stop in pairwise(sorted(of_label)):
            active ^= of_label[start]
            if active:
                cues.append(_Cue(start, stop, label, tuple(events[n] for n in sorted(active))))
    return sorted(cues, key=lambda cue: (cue.start, cue.stop, cue.label))


def _names(active: Sequence[str], modalities: Sequence[str]) -> list[str]:
    """Return the names that a caption shows for a class: `both` alone if it is in the joint modality."""
    joint = joint_of(modalities)
    implied = JOINT.split("_") if JOINT in active else [joint] if len(active) > 1 else []
    return [name_of(modality) for modality in active if modality not in implied]


def _time(millisecond: int) -> str:
    second, rest = divmod(millisecond, 1000)
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{rest:03}"


def read(file: Path, modality: str | None = None) -> FileEvents:
    """Read captions.

    Args:
        file: Its name is that of the clip.
        modality: Of lines that don't begin with one.

    Raises:
        SeehearError: Naming every line that is no caption.
    """
    lines = read_lines(file)
    if not re.fullmatch(r"WEBVTT([ \t].*)?", lines[0]):
        raise SeehearError(f"{file}:1: captions begin with WEBVTT")
    events, defects, clip = FileEvents(), [], file.stem
    note = next((line for line in lines if line.startswith(MODALITIES_NOTE)), "")
    noted = [*filter(None, note.removeprefix(MODALITIES_NOTE).split(", "))]
    for name in noted:
        events.entry(clip, modality_of(name))
    begins = begin_of(next((line.removeprefix(PART_NOTE) for line in lines if line.startswith(PART_NOTE)), ""))
    names = [*NAMES.values(), *noted]
    parts: dict[tuple[str, str], list[LocatedEvent]] = {}
    for number, block in _blocks(lines):
        try:
            at = _times_line(block, number)
            if at is None:
                continue
            onset, offset = _span(block[at])
        except ValueError as error:
            line = next((number + n for n, text in enumerate(block[:2]) if "-->" in text), number)
            defects.append(Defect(file, line, DefectKind.UNREADABLE, str(error)))
            continue
        identifier = block[0] if at and len(block) == at + 2 else ""  # of a cue with a single line
        for line, text in enumerate(block[at + 1 :], start=number + at + 1):
            try:
                shown, label = _split(html.unescape(re.sub(r"<[^>]*>", "", text)), names, modality)
            except ValueError as error:
                defects.append(Defect(file, line, DefectKind.UNREADABLE, str(error)))
                continue
            for each, confidence in _confidences(shown, identifier, list(events.by_clip.get(clip, ()))).items():
                event = moved(ParsedEvent(label, each, onset, offset, confidence), -begins)
                parts.setdefault((each, label), []).append(LocatedEvent(event, f"{file}:{line}"))
    raise_fatal(defects)
    for (each, _), located in parts.items():
        events.entry(clip, each).extend(merged(located))
    return events


def _blocks(lines: Sequence[str]) -> list[tuple[int, list[str]]]:
    """Return the blocks between empty lines, each with the number of its first line."""
    blocks: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines, start=1):
        if line and number > 1 and lines[number - 2]:
            blocks[-1][1].append(line)
        elif line:
            blocks.append((number, [line]))
    return blocks


def _times_line(block: Sequence[str], number: int) -> int | None:
    """Return which line of a block holds its times, 0 or 1; None for the header and for notes.

    Raises:
        ValueError: If the block is neither a caption nor one of these.
    """
    at = next((n for n, line in enumerate(block[:2]) if "-->" in line), None)
    if at is None and number > 1 and not re.match(r"(NOTE|STYLE|REGION)([ \t]|$)", block[0]):
        raise ValueError(f"{shortened(block[0])}: is not a caption")
    return at


def _span(line: str) -> tuple[float, float]:
    """Return onset and offset in seconds. Raises ValueError naming what is wrong."""
    times = TIMES.fullmatch(line.strip())
    if times is None:
        raise ValueError(f"{shortened(line)}: must be two times, as 00:00:01.000 --> 00:00:02.500")
    onset, offset = _moment(times.groups()[:4]), _moment(times.groups()[4:])
    if onset >= offset:
        raise ValueError(f"{line!r}: ends before it begins")
    return onset, offset


def _split(text: str, names: Sequence[str], modality: str | None) -> tuple[list[str], str]:
    """Return the modalities' names and the class of a caption's line. Raises ValueError if it names no modality."""
    front, colon, label = text.partition(": ")
    known = {name.casefold(): name for name in names}
    shown = [known.get(name.casefold(), name) for name in front.split(AND)]
    if colon and all(name in names for name in shown):
        return shown, label
    if modality:
        return [modality], text
    hint = "".join(suggestion(name, names) for name in shown if name not in names) if colon else ""
    raise ValueError(f"{shortened(text)}: must begin with {', '.join(dict.fromkeys(names))}, a colon and a space{hint}")


def _confidences(shown: list[str], identifier: str, modalities: list[str]) -> dict[str, float]:
    """Return modality -> confidence of a caption: from its identifier, unless the text was changed since."""
    confidences: dict[str, float] = {}
    for item in identifier.partition(": ")[2].split(", "):
        name, _, number = item.rpartition(" ")
        try:
            confidences[modality_of(name)] = seconds(number)
        except ValueError:
            break
    if set(confidences) <= set(modalities) and _names(list(confidences), modalities) == shown:
        return confidences
    active = [modality_of(name) for name in shown]
    return dict.fromkeys([*(JOINT.split("_") if JOINT in active else ()), *active], CERTAIN)


def _moment(parts: Sequence[str | None]) -> float:
    """Return seconds, from hours, minutes, seconds and milliseconds."""
    hour, minute, second, millisecond = (int(part or 0) for part in parts)
    return (((hour * 60 + minute) * 60 + second) * 1000 + millisecond) / 1000


FORMAT = Format("webvtt", "captions for players, one file per clip", ".vtt", _encode, read)
