"""LLP's dense tables, one a modality: what `seehear evaluate` and `score` take. Times to the millisecond.

They hold no confidence, and no class with a comma, which would be several.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear.errors import ClipError, SeehearError
from seehear.exports.spec import (
    CERTAIN,
    MODALITIES,
    Clip,
    Files,
    Format,
    Reading,
    milliseconds,
    modality_of,
    one_line,
)
from seehear.labels import Event, dense_text, is_dense, read_dense
from seehear.parsing import ParsedEvent
from seehear.report.picture import NAMES


def _events(clip: Clip) -> dict[str, list[Event]]:
    """modality -> rows."""
    name = one_line(clip.parsed.clip, "clip")
    rows: dict[str, list[Event]] = {modality: [] for modality in clip.parsed.modalities}
    for event in clip.parsed.events:
        if "," in one_line(event.label):
            raise ClipError(f"the class {event.label!r} has a comma, which separates classes in dense tables")
        onset, offset = milliseconds(event)
        rows[event.modality].append(Event(name, onset / 1000, offset / 1000, event.label))
    return rows


def _files(parts: Sequence[dict[str, list[Event]]]) -> Files:
    return {
        f"{modality}.csv": dense_text(event for part in parts for event in part.get(modality, ())).encode()
        for modality in dict.fromkeys(modality for part in parts for modality in part)
    }


def read(file: Path, modality: str | None = None) -> Reading:
    """Of the modality that the file's name is, as audio.csv."""
    named = modality_of(file.stem) if file.stem in (*NAMES, *MODALITIES, modality) else modality
    if not named:
        raise SeehearError(f"{file}: of which modality? Name it audio.csv or visual.csv, or give --modality")
    reading = Reading()
    for event in read_dense(file).events:
        found = ParsedEvent(event.label, modality_of(named), event.onset, event.offset, CERTAIN)
        reading.add(event.clip, found, f"{file}:{event.line}")
    return reading


FORMAT = Format("dense", "LLP's dense tables, one a modality", ".csv", _events, read, _files, is_dense)
