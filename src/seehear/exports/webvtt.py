"""Captions for players: <clip>.vtt, a WebVTT file (W3C). Times to the millisecond.

At every moment a class is told once: "heard: Dog", or "both: Dog" where it is heard and seen. So an event is cut where
what is known of its class changes, and its parts are one event again when they are read. A cue's identifier, which
players don't show, says which events are on and how sure they are.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from seehear.errors import ClipError, SeehearError
from seehear.exports.spec import (
    CERTAIN,
    JOINT,
    Clip,
    Files,
    Format,
    Found,
    Reading,
    described,
    joint_of,
    lines_of,
    merged,
    milliseconds,
    modality_of,
    name_of,
    one_line,
    seconds,
)
from seehear.labels import Defect, meant, raise_fatal
from seehear.parsing import ParsedEvent
from seehear.report.picture import NAMES

TELLS = "NOTE tells what is "
AND = " and "
TIME = r"(?:(\d+):)?(\d{2}):(\d{2})\.(\d{3})"
CUE = re.compile(rf"{TIME}[ \t]+-->[ \t]+{TIME}(?:[ \t].*)?")
Cue = tuple[int, int, str, list[ParsedEvent]]  # from and to a millisecond, a class, and its events that are on


def _captions(clip: Clip) -> Files:
    parsed = clip.parsed
    blocks = ["WEBVTT", TELLS + ", ".join(map(name_of, parsed.modalities))]
    for number, (start, stop, label, on) in enumerate(_cues(parsed.events), start=1):
        sure = ", ".join(f"{name_of(event.modality)} {event.confidence!r}" for event in on)
        names = AND.join(_told([event.modality for event in on], parsed.modalities))
        text = html.escape(one_line(label), quote=False)
        blocks.append(f"{number}: {sure}\n{_time(start)} --> {_time(stop)}\n{names}: {text}")
    return {f"{parsed.clip}.vtt": ("\n\n".join(blocks) + "\n").encode()}


def _cues(events: Sequence[ParsedEvent]) -> list[Cue]:
    """What is on from when to when, by time. Raises ClipError where two events of a class can't be told apart."""
    cues: list[Cue] = []
    changes: dict[str, dict[int, set[int]]] = {}  # class -> millisecond -> events that begin or end then, by number
    last: dict[tuple[str, str], int] = {}  # modality and class -> the last millisecond taken
    for onset, offset, n in sorted((*milliseconds(event), n) for n, event in enumerate(events)):
        modality, label = events[n].modality, events[n].label
        if onset <= last.get((modality, label), -1):
            raise ClipError(f"{described(events[n])}: begins before another of its class has ended")
        last[modality, label] = offset
        for edge in (onset, offset):
            changes.setdefault(label, {}).setdefault(edge, set()).add(n)
    for label, at in changes.items():
        on: set[int] = set()
        for start, stop in pairwise(sorted(at)):
            on ^= at[start]
            if on:
                cues.append((start, stop, label, [events[n] for n in sorted(on)]))
    return sorted(cues, key=lambda cue: cue[:3])


def _told(on: Sequence[str], modalities: Sequence[str]) -> list[str]:
    """What to say of a class that is on in these modalities: that it is in both, or else in which ones."""
    joint = joint_of(modalities)
    implied = JOINT.split("_") if JOINT in on else [joint] if len(on) > 1 else []
    return [name_of(each) for each in on if each not in implied]


def _time(millisecond: int) -> str:
    second, rest = divmod(millisecond, 1000)
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{rest:03}"


def read(file: Path, modality: str | None = None) -> Reading:
    """Of the clip that the file is named after. `modality`: of lines that don't begin with one."""
    lines = lines_of(file)
    if not re.fullmatch(r"WEBVTT([ \t].*)?", lines[0]):
        raise SeehearError(f"{file}:1: captions begin with WEBVTT")
    reading, defects, clip = Reading(), [], file.stem
    parts: dict[tuple[str, str], list[Found]] = {}
    names, tells = list(NAMES.values()), next((line for line in lines if line.startswith(TELLS)), "")
    for name in filter(None, tells.removeprefix(TELLS).split(", ")):
        reading.of(clip, modality_of(name))
        names.append(name)
    for first, block in _blocks(lines):
        at = next((n for n, line in enumerate(block[:2]) if "-->" in line), None)
        if at is None:
            if first > 1 and not re.match(r"(NOTE|STYLE|REGION)([ \t]|$)", block[0]):
                defects.append(Defect(file, first, f"{block[0]!r}: is no caption", fatal=True))
            continue
        times = CUE.fullmatch(block[at].strip())
        if times is None:
            message = f"{block[at]!r}: must be a time --> a time, as 00:00:01.000 --> 00:00:02.500"
            defects.append(Defect(file, first + at, message, fatal=True))
            continue
        onset, offset = _moment(times.groups()[:4]), _moment(times.groups()[4:])
        if onset >= offset:
            defects.append(Defect(file, first + at, f"{block[at]!r}: ends before it has begun", fatal=True))
            continue
        identifier = block[0] if at and len(block) == at + 2 else ""  # it is of a single line
        for number, line in enumerate(block[at + 1 :], start=first + at + 1):
            try:
                told, label = _said(html.unescape(re.sub(r"<[^>]*>", "", line)), names, modality)
            except ValueError as error:
                defects.append(Defect(file, number, str(error), fatal=True))
                continue
            for each, confidence in _on(told, identifier, list(reading.said.get(clip, ()))).items():
                event = ParsedEvent(label, each, onset, offset, confidence)
                parts.setdefault((each, label), []).append(Found(event, f"{file}:{number}"))
    raise_fatal(defects)
    for (each, _), found in parts.items():
        reading.of(clip, each).extend(merged(found))
    return reading


def _blocks(lines: Sequence[str]) -> list[tuple[int, list[str]]]:
    """Lines that stand together, and the number of the first of them."""
    blocks: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines, start=1):
        if line and number > 1 and lines[number - 2]:
            blocks[-1][1].append(line)
        elif line:
            blocks.append((number, [line]))
    return blocks


def _said(text: str, names: Sequence[str], modality: str | None) -> tuple[list[str], str]:
    """The names and the class of a caption's line. Raises ValueError where it names no modality."""
    front, colon, label = text.partition(": ")
    told = front.split(AND)
    if colon and all(name in names for name in told):
        return told, label
    if modality:
        return [modality], text
    hint = "".join(meant(name, names) for name in told if name not in names) if colon else ""
    raise ValueError(f"{text!r}: must begin with {', '.join(dict.fromkeys(names))}, a colon and a space{hint}")


def _on(told: list[str], identifier: str, modalities: list[str]) -> dict[str, float]:
    """modality -> confidence of what a caption tells: by its identifier, unless the text has been changed since."""
    sure: dict[str, float] = {}
    for item in identifier.partition(": ")[2].split(", "):
        name, _, number = item.rpartition(" ")
        try:
            sure[modality_of(name)] = seconds(number)
        except ValueError:
            break
    if set(sure) <= set(modalities) and _told(list(sure), modalities) == told:
        return sure
    on = [modality_of(name) for name in told]
    return dict.fromkeys([*(JOINT.split("_") if JOINT in on else ()), *on], CERTAIN)


def _moment(parts: Sequence[str | None]) -> float:
    """Seconds, from hours, minutes, seconds and milliseconds."""
    hour, minute, second, millisecond = (int(part or 0) for part in parts)
    return (((hour * 60 + minute) * 60 + second) * 1000 + millisecond) / 1000


FORMAT = Format("webvtt", "captions for players, one file a clip", ".vtt", _captions, read)
