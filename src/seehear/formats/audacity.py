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
    lines_of,
    milliseconds,
    name_of,
    seconds,
)
from seehear.labels import Defect, DefectKind, raise_fatal
from seehear.modality import MODALITIES, NAMES, modality_of
from seehear.names import valid_line
from seehear.parsing.clip import ParsedEvent


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
    if not dot or name not in (*NAMES, *MODALITIES, modality):
        clip, name = file.stem, modality or ""
    if not name:
        raise SeehearError(
            f"{file}: the file names no modality; name it {clip}.heard.txt or {clip}.seen.txt, or give --modality"
        )
    events, defects = FileEvents(), []
    events.entry(clip, modality_of(name))
    for number, line in enumerate(lines_of(file), start=1):
        if not line or line.startswith("\\"):  # the frequencies of the event above, if some were selected
            continue
        fields = line.split("\t")
        try:
            onset, offset = (seconds(field) for field in fields[:2])
            (label,) = fields[2:]
        except ValueError:
            message = f"{line!r} must be onset and offset in seconds and a class, separated by tabs"
            defects.append(Defect(file, number, DefectKind.UNREADABLE, message))
            continue
        events.add(clip, ParsedEvent(label, modality_of(name), onset, offset, CERTAIN), f"{file}:{number}")
    raise_fatal(defects)
    return events


FORMAT = Format(
    "audacity", "Audacity's label tracks, one per clip and modality", ".txt", _encode, read, per_modality=True
)
