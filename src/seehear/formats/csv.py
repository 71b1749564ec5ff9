"""One comma-separated table with the events of all clips (RFC 4180), for spreadsheets and data frames.

Every class and number is kept. A clip without events has no row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from seehear.errors import SeehearError
from seehear.formats import dense
from seehear.formats.spec import CERTAIN, Clip, FileEvents, Files, Format
from seehear.labels import DENSE_COLUMNS, Defect, DefectKind, raise_fatal
from seehear.labels.cells import Header, seconds
from seehear.modality import modality_of
from seehear.parsing.clip import ParsedEvent
from seehear.texts import LINE_END, read_text

FILE = "events.csv"
COLUMNS = ("clip", "modality", "label", "onset", "offset", "confidence", "origin")
NEEDED_COLUMNS = ("label", "onset", "offset")
CLIP_COLUMNS = frozenset(("file", "filename", "name", "video", "video_id", "clip_id", "clip_name"))  # of other tables


def _encode(clip: Clip) -> list[tuple[object, ...]]:
    return [
        (clip.parsed.clip, event.modality, event.label, event.onset, event.offset, event.confidence, event.origin or "")
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
    """Read a table with the columns label, onset and offset; semicolons or tabs may separate them.

    Args:
        file: Without a column `clip`, its name is that of the clip.
        modality: Of rows that name none.

    Raises:
        SeehearError: Naming every row that can't be read.
    """
    events, defects = FileEvents(), []
    text = read_text(file)
    header = _header(file, text)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=header.separator, strict=True)
    line = 0
    try:
        for _ in range(header.line):
            next(table)
        line = table.line_num
        for fields in table:
            first, line = line + 1, table.line_num
            if not any(map(str.strip, fields)):
                continue
            try:
                row = dict(zip(header.columns, header.fitted(fields), strict=True))
                event = _event(row, modality)
            except ValueError as error:
                defects.append(Defect(file, first, DefectKind.UNREADABLE, str(error)))
                continue
            events.add(row.get("clip") or file.stem, event, f"{file}:{first}")
    except csv.Error as error:
        raise SeehearError(f"{file}:{line + 1}: can't be read as a table from here on ({error})") from None
    raise_fatal(defects)
    modalities = dict.fromkeys(name for of_clip in events.by_clip.values() for name in of_clip)
    for clip in events.by_clip:  # a table covers all its modalities in each clip, also where a clip has no row of one
        for name in modalities:
            events.entry(clip, name)
    return events


def _header(file: Path, text: str) -> Header:
    """Return the header of a table. Raises SeehearError if a column is missing or there twice."""
    header = Header.read(LINE_END.split(text, maxsplit=2), (*COLUMNS, *DENSE_COLUMNS))
    place = f"{file}:{header.line}"
    needed = DENSE_COLUMNS if "event_labels" in header.columns else NEEDED_COLUMNS  # a dense table, but for its times
    if lacking := header.lacking(needed):
        raise SeehearError(f"{place}: {lacking}; columns are separated by commas")
    if header.repeated:
        raise SeehearError(f"{place}: the header holds {', '.join(header.repeated)} twice; keep one of the columns")
    if "clip" not in header.columns and (names := CLIP_COLUMNS.intersection(header.columns)):
        raise SeehearError(f"{place}: the header has no column clip; if {min(names)} names the clips, call it clip")
    return header


def _event(row: Mapping[str, str], modality: str | None) -> ParsedEvent:
    """Return the event of a row. Raises ValueError naming what is wrong."""
    name = row.get("modality", "").strip() or modality
    if not name:
        raise ValueError("names no modality; add a column `modality`, or give --modality")
    confidence = _number(row, "confidence") if row.get("confidence") else CERTAIN
    return ParsedEvent(row["label"], modality_of(name), _number(row, "onset"), _number(row, "offset"), confidence)


def _number(row: Mapping[str, str], column: str) -> float:
    try:
        return seconds(row[column])
    except ValueError as error:
        raise ValueError(f"{column} {error}") from None


FORMAT = Format(
    "csv",
    "one comma-separated table of all clips",
    ".csv",
    _encode,
    read,
    _join,
    lambda file: not dense.FORMAT.matches(file),
)
