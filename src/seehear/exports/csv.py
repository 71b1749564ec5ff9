"""One table of all clips' events, comma-separated as in RFC 4180, for spreadsheets and data frames.

Holds every class and every number as it is. A clip without events has no row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from seehear.errors import SeehearError
from seehear.exports.spec import CERTAIN, Clip, Files, Format, Reading, modality_of, seconds
from seehear.files import read_text
from seehear.labels import Defect, is_dense, raise_fatal
from seehear.parsing import ParsedEvent

FILE = "events.csv"
COLUMNS = ("clip", "modality", "label", "onset", "offset", "confidence")
NEEDED = ("label", "onset", "offset")


def _rows(clip: Clip) -> list[tuple[object, ...]]:
    return [
        (clip.parsed.clip, event.modality, event.label, event.onset, event.offset, event.confidence)
        for event in clip.parsed.events
    ]


def _files(parts: Sequence[list[tuple[object, ...]]]) -> Files:
    stream = io.StringIO(newline="")
    table = csv.writer(stream, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for rows in parts:
        table.writerows(rows)
    return {FILE: stream.getvalue().encode()}


def read(file: Path, modality: str | None = None) -> Reading:
    """A table with the columns label, onset and offset; without `clip` it is of the clip that its name says."""
    reading, defects = Reading(), []
    table = csv.reader(io.StringIO(read_text(file), newline=""))
    try:
        header = [name.strip() for name in next(table, [])]
        missing = [name for name in NEEDED if name not in header]
        if missing:
            raise SeehearError(f"{file}:1: the header lacks {', '.join(missing)}; columns are separated by commas")
        line = table.line_num
        for fields in table:
            first, line = line + 1, table.line_num
            if not any(fields):
                continue
            row = dict(zip(header, fields, strict=False))
            name = row.get("modality") or modality
            try:
                if len(fields) != len(header):
                    raise ValueError(f"{len(fields)} fields where the header has {len(header)}")
                if not name:
                    raise ValueError("names no modality: add a column `modality`, or give --modality")
                onset, offset = _number(row, "onset"), _number(row, "offset")
                event = ParsedEvent(
                    row["label"],
                    modality_of(name),
                    onset,
                    offset,
                    _number(row, "confidence") if row.get("confidence") else CERTAIN,
                )
            except ValueError as error:
                defects.append(Defect(file, first, str(error), fatal=True))
                continue
            reading.add(row.get("clip") or file.stem, event, f"{file}:{first}")
    except csv.Error as error:
        raise SeehearError(f"{file}:{table.line_num}: {error}") from None
    raise_fatal(defects)
    modalities = dict.fromkeys(name for said in reading.said.values() for name in said)
    for clip in reading.said:  # it tells of all of them in each clip, where it has no row of one too
        for name in modalities:
            reading.of(clip, name)
    return reading


def _number(row: dict[str, str], column: str) -> float:
    try:
        return seconds(row[column])
    except ValueError:
        raise ValueError(f"{column} {row[column]!r} is no number from 0 on") from None


FORMAT = Format(
    "csv",
    "one comma-separated table of all clips",
    ".csv",
    _rows,
    read,
    _files,
    lambda file: not is_dense(file),
)
