"""Audacity's label tracks, one per modality: <clip>.heard.txt. Times to the millisecond.

A line is an event: onset and offset in seconds and its class, separated by tabs. A confidence has no place in it.

If the clip is a part of a file, times are those of the whole file, which Audacity opens. The first label is then that
of the part, such as `#t=30,40`, and is no event.
"""

from __future__ import annotations

import re
from pathlib import Path

from seehear.formats.spec import (
    CERTAIN,
    Clip,
    FileEvents,
    Files,
    Format,
    begin_of,
    clip_and_modality,
    milliseconds,
    moved,
    name_of,
)
from seehear.labels import Defect, DefectKind, raise_fatal
from seehear.labels.cells import seconds, shown
from seehear.names import valid_line
from seehear.parsing.clip import ParsedEvent
from seehear.texts import read_lines

PART = re.compile(r"#t=[\d.]+(,[\d.]+)?")


def _encode(clip: Clip) -> Files:
    parsed = clip.parsed
    part = [_line(parsed.begins, parsed.begins + parsed.duration, parsed.fragment)] if parsed.fragment else []
    tracks: dict[str, list[str]] = {modality: [*part] for modality in parsed.modalities}
    for event in sorted(parsed.events, key=lambda event: (event.onset, event.offset)):
        onset, offset = milliseconds(moved(event, parsed.begins))
        tracks[event.modality].append(_line(onset / 1000, offset / 1000, valid_line(event.label)))
    return {f"{parsed.clip}.{name_of(modality)}.txt": "".join(lines).encode() for modality, lines in tracks.items()}


def _line(onset: float, offset: float, label: str) -> str:
    return f"{onset:.6f}\t{offset:.6f}\t{label}\n"


def read(file: Path, modality: str | None = None) -> FileEvents:
    """Read a label track.

    Args:
        file: <clip>.seen.txt names the clip and the modality; any other name is that of the clip.
        modality: Of a file whose name has none.

    Raises:
        SeehearError: If the modality is unknown, or naming every line that is no label.
    """
    clip, of_file = clip_and_modality(file, modality)
    events, defects, begins = FileEvents(), [], 0.0
    events.entry(clip, of_file)
    for number, line in enumerate(read_lines(file), start=1):
        if not line.strip() or line.startswith("\\"):  # the frequencies of the event above, if some were selected
            continue
        fields = line.split("\t")
        try:
            onset, offset = (seconds(_with_point(field)) for field in fields[:2])
            (label,) = fields[2:]
        except ValueError:
            message = f"{shown(line)} must be onset and offset in seconds and a class, separated by tabs"
            defects.append(Defect(file, number, DefectKind.UNREADABLE, message))
            continue
        if PART.fullmatch(label):  # which part of its file the clip is
            begins = begin_of(label)
            continue
        try:
            event = moved(ParsedEvent(label, of_file, onset, offset, CERTAIN), -begins)
        except ValueError as error:
            defects.append(Defect(file, number, DefectKind.UNREADABLE, str(error)))
            continue
        events.add(clip, event, f"{file}:{number}")
    raise_fatal(defects)
    return events


def _with_point(number: str) -> str:
    """Return a number with a decimal point: Audacity writes a comma where the language of the system has one."""
    return number.replace(",", ".") if number.count(",") == 1 and "." not in number else number


FORMAT = Format(
    "audacity", "Audacity's label tracks, one per clip and modality", ".txt", _encode, read, per_modality=True
)
