"""One comma-separated table with the events of all clips (RFC 4180), for spreadsheets and data frames.

Every class and number is kept. A clip without events has no row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from seehear.errors import SeehearError
from seehear.files import read_text
from seehear.formats.spec import CERTAIN, Clip, FileEvents, Files, Format, seconds
from seehear.labels import Defect, DefectKind, is_dense, raise_fatal
from seehear.modality import modality_of
from seehear.parsing.clip import ParsedEvent

FILE = "events.csv"
COLUMNS = ("clip", "modality", "label", "onset", "offset", "confidence")
NEEDED_COLUMNS = ("label", "onset", "offset")


def _encode(clip: Clip) -> list[tuple[object, ...]]:
    return [
        (clip.parsed.clip, event.modality, event.label, event.onset, event.offset, event.confidence)
        for event in clip.parsed.events
    ]


def _join(parts: Sequence[list[tuple[object, ...]]]) -> Files:
    stream = io.StringIO(newline="")
    table = csv.writer(stream, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for rows in parts:
        table.writerows(rows)
    return {FILE: stream.getvalue().encode()}


def read(file: Path, modality: str | None = None) -> FileEvents:
    """Read a table with the columns label, onset and offset.

    Args:
        file: Without a column `clip`, its name is that of the clip.
        modality: Of rows that name none.

    Raises:
        SeehearError: Naming every row that can't be read.
    """
    events, defects = FileEvents(), []
    table = csv.reader(io.StringIO(read_text(file), newline=""))
    try:
        header = [name.strip() for name in next(table, [])]
        missing = [name for name in NEEDED_COLUMNS if name not in header]
        if missing:
            raise SeehearError(f"{file}:1: the header lacks {', '.join(missing)}; columns are separated by commas")
        line = table.line_num
        for fields in table:
            first, line = line + 1, table.line_num
            if not any(fields):
                continue
            row = dict(zip(header, fields, strict=False))
            try:
                if len(fields) != len(header):
                    raise ValueError(f"{len(fields)} fields where the header has {len(header)}")
                event = _event(row, modality)
            except ValueError as error:
                defects.append(Defect(file, first, DefectKind.UNREADABLE, str(error)))
                continue
            events.add(row.get("clip") or file.stem, event, f"{file}:{first}")
    except csv.Error as error:
        raise SeehearError(f"{file}:{table.line_num}: {error}") from None
    raise_fatal(defects)
    modalities = dict.fromkeys(name for of_clip in events.by_clip.values() for name in of_clip)
    for clip in events.by_clip:  # a table covers all its modalities in each clip, also where a clip has no row of one
        for name in modalities:
            events.entry(clip, name)
    return events


def _event(row: Mapping[str, str], modality: str | None) -> ParsedEvent:
    """Return the event of a row. Raises ValueError naming what is wrong."""
    name = row.get("modality") or modality
    if not name:
        raise ValueError("names no modality; add a column `modality`, or give --modality")
    confidence = _number(row, "confidence") if row.get("confidence") else CERTAIN
    return ParsedEvent(row["label"], modality_of(name), _number(row, "onset"), _number(row, "offset"), confidence)


def _number(row: Mapping[str, str], column: str) -> float:
    try:
        return seconds(row[column])
    except ValueError:
        raise ValueError(f"{column} {row[column]!r} is not a number of 0 or more") from None


FORMAT = Format(
    "csv",
    "one comma-separated table of all clips",
    ".csv",
    _encode,
    read,
    _join,
    lambda file: not is_dense(file),
)
