"""Label tables, read: `read_*` raise an error for fatal defects, `scan_*` collect every defect."""

from __future__ import annotations

import csv
import math
import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from seehear.errors import SeehearError
from seehear.files import read_text
from seehear.labels.defects import Defect, DefectKind, raise_fatal, suggestion
from seehear.labels.tables import CONFIDENCE, DENSE_COLUMNS, WEAK_COLUMNS, DenseTable, Event, WeakTable
from seehear.names import valid_clip_name

MILLISECOND = 0.001  # seconds
ONSET = attrgetter("onset")


def read_weak(path: str | Path, classes: Sequence[str] | None = None) -> WeakTable:
    """Read a weak table.

    Args:
        path: The file.
        classes: The classes that are allowed; any if omitted.

    Raises:
        SeehearError: Naming every fatal defect.
    """
    table = scan_weak(path, classes)
    raise_fatal(table.defects)
    return table


def read_dense(path: str | Path, classes: Sequence[str] | None = None) -> DenseTable:
    """Read a dense table.

    Args:
        path: The file.
        classes: The classes that are allowed; any if omitted.

    Raises:
        SeehearError: Naming every fatal defect.
    """
    table = scan_dense(path, classes)
    raise_fatal(table.defects)
    return table


def read_classes(path: str | Path) -> tuple[str, ...]:
    """Read a list of classes, one per line, in the order that the user chose. Empty lines are skipped.

    Raises:
        SeehearError: If the file lists no class, or a class twice.
    """
    names = [line.strip() for line in read_text(Path(path)).splitlines()]
    names = [name for name in names if name]
    repeated = {name for name in names if names.count(name) > 1}
    if not names:
        raise SeehearError(f"{path}: lists no class")
    if repeated:
        raise SeehearError(f"{path}: lists twice: {', '.join(sorted(repeated))}")
    return tuple(names)


def is_dense(path: str | Path) -> bool:
    """Return whether the table's header has the columns onset and offset."""
    first = read_text(Path(path)).splitlines()[:1]
    return bool(first) and {"onset", "offset"} <= {name.strip() for name in first[0].split("\t")}


def scan_weak(path: str | Path, classes: Sequence[str] | None = None) -> WeakTable:
    """Read every usable row of a weak table and collect its defects.

    Args:
        path: The file.
        classes: The classes that are allowed; any if omitted.
    """
    path = Path(path)
    rows, defects = _rows(path, WEAK_COLUMNS)
    labels: dict[str, tuple[str, ...]] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        clip = row["filename"]
        names = [name.strip() for name in row["event_labels"].split(",")]
        defects += _defects_of_row(path, line, clip, names, classes)
        unique = tuple(dict.fromkeys(filter(None, names)))
        if clip not in labels:
            labels[clip], lines[clip] = unique, line
        elif labels[clip] == unique:
            message = f"{clip} repeats line {lines[clip]}; it counts once"
            defects.append(Defect(path, line, DefectKind.REPEATED_ROW, message))
        else:
            message = f"{clip} has other labels than on line {lines[clip]}; keep one of the two rows"
            defects.append(Defect(path, line, DefectKind.CONTRADICTION, message))
    if not labels and not any(defect.fatal for defect in defects):
        defects.append(Defect(path, 1, DefectKind.NO_ROW, "the table names no clip"))
    return WeakTable(path, labels, lines, tuple(defects))


def scan_dense(path: str | Path, classes: Sequence[str] | None = None) -> DenseTable:
    """Read every usable row of a dense table and collect its defects.

    Args:
        path: The file.
        classes: The classes that are allowed; any if omitted.
    """
    path = Path(path)
    rows, defects = _rows(path, DENSE_COLUMNS, CONFIDENCE)
    events: list[Event] = []
    first_lines: dict[Event, int] = {}
    timelines: dict[tuple[str, str], _Timeline] = {}  # by clip and class
    for line, row in rows:
        span = _span(row)
        text = row["event_labels"]
        if span is None:
            times = f"onset {row['onset']!r} and offset {row['offset']!r}"
            message = f"{times} must be seconds from the clip's start"
            defects.append(Defect(path, line, DefectKind.INVALID_TIME, message))
            continue
        confidence = _confidence(row.get(CONFIDENCE))
        if confidence is None:
            message = f"confidence {row[CONFIDENCE]!r} must be a number from 0 to 1, or empty if it is not known"
            defects.append(Defect(path, line, DefectKind.INVALID_CONFIDENCE, message))
            continue
        if not text:
            message = f"{row['filename']} has an event without a class"
            defects.append(Defect(path, line, DefectKind.NO_CLASS, message))
            continue
        if "," in text:
            message = f"{text!r} holds several classes; each is an event"
            defects.append(Defect(path, line, DefectKind.SEVERAL_CLASSES, message))
        for label in filter(None, (part.strip() for part in text.split(","))):
            event = Event(row["filename"], *span, label, line, confidence)
            defects += _unknown_classes(path, line, [label], classes)
            if event.onset >= event.offset:
                message = f"onset {event.onset:g} is not before offset {event.offset:g}; the event fills no segment"
                defects.append(Defect(path, line, DefectKind.EMPTY_EVENT, message))
            elif event in first_lines:
                message = f"repeats line {first_lines[event]}; it counts once"
                defects.append(Defect(path, line, DefectKind.REPEATED_ROW, message))
            else:
                timeline = timelines.setdefault((event.clip, label), _Timeline())
                defects += _overlaps(path, event, timeline.near(event))
                timeline.add(event)
            first_lines.setdefault(event, line)
            events.append(event)
    return DenseTable(path, tuple(events), tuple(defects))


def _rows(path: Path, columns: Sequence[str], *optional: str) -> tuple[list[tuple[int, dict[str, str]]], list[Defect]]:
    """Return the rows with their line numbers, and the defects of the table's form. optional: columns it may lack."""
    lines = read_text(path).splitlines()
    header = [name.strip() for name in lines[0].split("\t")] if lines else []
    missing = [name for name in columns if name not in header]
    if missing:
        needed = f"it must hold {', '.join(columns)}, separated by tabs"
        return [], [Defect(path, 1, DefectKind.HEADER, f"the header lacks {', '.join(missing)}; {needed}")]
    rows, defects = [], []
    present = [name for name in optional if name in header]
    for line, fields in enumerate(csv.reader(lines[1:], delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
        if not any(text.strip() for text in fields):
            continue
        row = dict(zip(header, (text.strip() for text in fields), strict=False))
        if len(fields) != len(header):
            message = f"{len(fields)} fields where the header has {len(header)}; fields are separated by tabs"
            defects.append(Defect(path, line, DefectKind.FIELD_COUNT, message))
        elif not row["filename"]:
            defects.append(Defect(path, line, DefectKind.EMPTY_FILENAME, "the filename is empty"))
        else:
            try:
                valid_clip_name(row["filename"])
            except SeehearError as error:
                defects.append(Defect(path, line, DefectKind.INVALID_NAME, str(error)))
                continue
            rows.append((line, {name: row.get(name, "") for name in (*columns, *present)}))
    return rows, defects


def _defects_of_row(
    path: Path, line: int, clip: str, names: Sequence[str], classes: Sequence[str] | None
) -> Iterator[Defect]:
    """Yield what is wrong in one row of a weak table. An empty row has the one name ''."""
    if "" in names and len(names) > 1:
        message = f"{clip} has an empty label between commas; it is left out"
        yield Defect(path, line, DefectKind.EMPTY_LABEL, message)
    names = [name for name in names if name]
    if not names:
        message = f"{clip} has no label; it counts as a clip without events"
        yield Defect(path, line, DefectKind.NO_LABEL, message)
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Defect(path, line, DefectKind.REPEATED_LABEL, f"{clip} lists {name} twice; it counts once")
    yield from _unknown_classes(path, line, names, classes)
    if re.search(r"_\d+\.\d+(_|$)", clip):
        message = f"{clip} has a fractional time in its name; the name is kept as it is"
        yield Defect(path, line, DefectKind.FRACTIONAL_NAME, message)


def _unknown_classes(path: Path, line: int, names: Iterable[str], classes: Sequence[str] | None) -> Iterator[Defect]:
    if classes is not None:
        for name in sorted(set(names) - set(classes)):
            message = f"class {name!r} is not in the list of classes{suggestion(name, classes)}"
            yield Defect(path, line, DefectKind.UNKNOWN_CLASS, message)


def _span(row: dict[str, str]) -> tuple[float, float] | None:
    """Return onset and offset in seconds, or None if they are no times."""
    try:
        onset, offset = float(row["onset"]), float(row["offset"])
    except ValueError:
        return None
    return (onset, offset) if math.isfinite(onset) and math.isfinite(offset) and onset >= 0 else None


def _confidence(text: str | None) -> float | None:
    """Return a confidence: 1 without the column, NaN for an empty cell, None if it is no number from 0 to 1."""
    if text is None:
        return 1.0
    if not text:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


class _Timeline:
    """Events of one clip and class, ordered by onset."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._longest = 0.0  # seconds

    def add(self, event: Event) -> None:
        insort(self._events, event, key=ONSET)
        self._longest = max(self._longest, event.offset - event.onset)

    def near(self, event: Event) -> list[Event]:
        """Return the events that this one may overlap or touch, ordered by line."""
        first = bisect_left(self._events, event.onset - self._longest - MILLISECOND, key=ONSET)
        last = bisect_right(self._events, event.offset + MILLISECOND, key=ONSET)
        return sorted(self._events[first:last], key=attrgetter("line"))


def _overlaps(path: Path, event: Event, others: Iterable[Event]) -> Iterator[Defect]:
    """Yield a defect for every other event of the same clip and class that this one overlaps or touches."""
    for other in others:
        span = f"line {other.line} ({other.onset:g} to {other.offset:g})"
        if event.onset < other.offset and other.onset < event.offset:
            yield Defect(path, event.line, DefectKind.OVERLAP, f"{event.label} overlaps {span}; they are merged")
        elif event.onset == other.offset or event.offset == other.onset:
            yield Defect(path, event.line, DefectKind.CONTACT, f"{event.label} touches {span}; they are one event")
