"""Audacity's label tracks, one a modality: <clip>.heard.txt. Times to the millisecond.

A line is an event: onset and offset in seconds, and its class, tabs between. There is no place for a confidence.
"""

from __future__ import annotations

from pathlib import Path

from seehear.errors import SeehearError
from seehear.exports.spec import (
    CERTAIN,
    MODALITIES,
    Clip,
    Files,
    Format,
    Reading,
    lines_of,
    milliseconds,
    modality_of,
    name_of,
    one_line,
    seconds,
)
from seehear.labels import Defect, raise_fatal
from seehear.parsing import ParsedEvent
from seehear.report.picture import NAMES


def _tracks(clip: Clip) -> Files:
    tracks: dict[str, list[str]] = {modality: [] for modality in clip.parsed.modalities}
    for event in sorted(clip.parsed.events, key=lambda event: (event.onset, event.offset)):
        onset, offset = milliseconds(event)
        line = f"{onset / 1000:.6f}\t{offset / 1000:.6f}\t{one_line(event.label)}\n"
        tracks[event.modality].append(line)
    return {
        f"{clip.parsed.clip}.{name_of(modality)}.txt": "".join(lines).encode() for modality, lines in tracks.items()
    }


def read(file: Path, modality: str | None = None) -> Reading:
    """Of the clip and the modality that the file's name says, as <clip>.seen.txt; else of `modality`."""
    clip, dot, name = file.stem.rpartition(".")
    if not dot or name not in (*NAMES, *MODALITIES, modality):
        clip, name = file.stem, modality or ""
    if not name:
        raise SeehearError(f"{file}: heard or seen? Name it {clip}.heard.txt or {clip}.seen.txt, or give --modality")
    reading, defects = Reading(), []
    reading.of(clip, modality_of(name))
    for number, line in enumerate(lines_of(file), start=1):
        if not line or line.startswith("\\"):  # an event's frequencies, where some were selected
            continue
        fields = line.split("\t")
        try:
            onset, offset = (seconds(field) for field in fields[:2])
            (label,) = fields[2:]
        except ValueError:
            message = f"{line!r} must be an onset and an offset in seconds and a class, with tabs between"
            defects.append(Defect(file, number, message, fatal=True))
            continue
        reading.add(clip, ParsedEvent(label, modality_of(name), onset, offset, CERTAIN), f"{file}:{number}")
    raise_fatal(defects)
    return reading


FORMAT = Format("audacity", "Audacity's label tracks, one a clip and modality", ".txt", _tracks, read)
