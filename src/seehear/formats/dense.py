"""LLP's dense tables, one per modality, which `seehear evaluate` and `score` read. Times to the millisecond.

They hold no confidence, and no class with a comma, which would be read as several classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear.errors import ClipError, SeehearError
from seehear.formats.spec import CERTAIN, Clip, FileEvents, Files, Format, milliseconds
from seehear.labels import Event, dense_text, header_of, is_dense, past_end, raise_fatal, read_dense
from seehear.modality import NAMES, modality_of
from seehear.names import valid_line
from seehear.parsing.clip import ParsedEvent


def _encode(clip: Clip) -> dict[str, list[Event]]:
    """Return the rows of each modality."""
    name = valid_line(clip.parsed.clip, "clip")
    rows: dict[str, list[Event]] = {modality: [] for modality in clip.parsed.modalities}
    for event in clip.parsed.events:
        if "," in valid_line(event.label):
            raise ClipError(f"the class {event.label!r} has a comma, which separates classes in dense tables")
        onset, offset = milliseconds(event)
        rows[event.modality].append(Event(name, onset / 1000, offset / 1000, event.label))
    return rows


def _join(parts: Sequence[dict[str, list[Event]]]) -> Files:
    return {
        f"{modality}.csv": dense_text(event for part in parts for event in part.get(modality, ())).encode()
        for modality in dict.fromkeys(modality for part in parts for modality in part)
    }


def read(file: Path, modality: str | None = None) -> FileEvents:
    """Read a dense table.

    Args:
        file: audio.csv, or a name that ends in it such as new.audio.csv, names the modality.
        modality: Of a file whose name has none.

    Raises:
        SeehearError: If the modality is unknown, or naming every row that can't be read, or lies past the end of the
            part of a file that it names.
    """
    name = file.stem.rpartition(".")[2]
    if modality_of(name) not in NAMES and name != modality:
        name = modality or ""
    if not name:
        raise SeehearError(f"{file}: the file names no modality; name it audio.csv or visual.csv, or give --modality")
    events, table = FileEvents(), read_dense(file)
    raise_fatal(past_end([table], table.lengths.get))
    for event in table.events:
        parsed = ParsedEvent(event.label, modality_of(name), event.onset, event.offset, CERTAIN)
        events.add(event.clip, parsed, f"{file}:{event.line}")
    return events


def _matches(file: Path) -> bool:
    return is_dense(file) and not {"filename", "event_labels"}.isdisjoint(header_of(file))


FORMAT = Format(
    "dense", "LLP's dense tables, one per modality", ".csv", _encode, read, _join, _matches, per_modality=True
)
