"""Audacity's label tracks, one per modality: <clip>.heard.txt. Times to the millisecond.

A line is an event: onset and offset in seconds and its class, separated by tabs. A confidence has no place in it.
"""

from __future__ import annotations

from pathlib import Path

from seehear.errors import SeehearError
from seehear.formats.spec import (
    CERTAIN,
    Clip,
    FileEvents,
    Files,
    Format,
    milliseconds,
    name_of,
)
from seehear.labels import Defect, DefectKind, raise_fatal
from seehear.labels.cells import seconds, shown
from seehear.modality import NAMES, modality_of
from seehear.names import valid_line
from seehear.parsing.clip import ParsedEvent
from seehear.texts import read_lines


def _encode(clip: Clip) -> Files:
    tracks: dict[str, list[str]] = {modality: [] for modality in clip.parsed.modalities}
    for event in sorted(clip.parsed.events, key=lambda event: (event.onset, event.offset)):
        onset, offset = milliseconds(event)
        line = f"{onset / 1000:.6f}\t{offset / 1000:.6f}\t{valid_line(event.label)}\n"
        tracks[event.modality].append(line)
    return {
        f"{clip.parsed.clip}.{name_of(modality)}.txt": "".join(lines).encode() for modality, lines in tracks.items()
    }


def read(file: Path, modality: str | None = None) -> FileEvents:
    """Read a label track.

    Args:
        file: <clip>.seen.txt names the clip and the modality; any other name is that of the clip.
        modality: Of a file whose name has none.

    Raises:
        SeehearError: If the modality is unknown, or naming every line that is no label.
    """
    clip, dot, name = file.stem.rpartition(".")
    if not dot or (modality_of(name) not in NAMES and name != modality):
        clip, name = file.stem, modality or ""
    if not name:
        raise SeehearError(
            f"{file}: the file names no modality; name it {clip}.heard.txt or {clip}.seen.txt, or give --modality"
        )
    events, defects = FileEvents(), []
    events.entry(clip, modality_of(name))
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
        events.add(clip, ParsedEvent(label, modality_of(name), onset, offset, CERTAIN), f"{file}:{number}")
    raise_fatal(defects)
    return events


def _with_point(number: str) -> str:
    """Return a number with a decimal point: Audacity writes a comma where the language of the system has one."""
    return number.replace(",", ".") if number.count(",") == 1 and "." not in number else number


FORMAT = Format(
    "audacity", "Audacity's label tracks, one per clip and modality", ".txt", _encode, read, per_modality=True
)
