"""Label tables in the format of LLP (Tian et al. 2020): the one reader, and a check that names every defect.

Weak:  filename, event_labels                  one row a clip, its classes separated by commas
Dense: filename, onset, offset, event_labels   one row an event of one class; seconds, end exclusive

Tab-separated with a header line; `filename` is the clip file's stem. A table has the dense form if it has
the columns onset and offset.
"""

from __future__ import annotations

import csv
import difflib
import math
import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.events import segment_span
from seehear.files import atomic_text, read_text
from seehear.names import check_clip

WEAK_COLUMNS = ("filename", "event_labels")
DENSE_COLUMNS = ("filename", "onset", "offset", "event_labels")
MILLISECOND = 0.001  # seconds
ONSET = attrgetter("onset")


@dataclass(frozen=True)
class Defect:
    """Something wrong in a table. A fatal one makes the table unusable; the others are tolerated as said.

    line: in the file, from 1; 0 for the file as a whole.
    """

    path: Path
    line: int
    message: str
    fatal: bool = False

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {'error: ' if self.fatal else ''}{self.message}"


@dataclass(frozen=True)
class Event:
    """One row of a dense table: a class from onset to offset, seconds."""

    clip: str
    onset: float
    offset: float
    label: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class WeakTable:
    """clip -> the classes that occur anywhere in it, in any modality."""

    path: Path
    labels: Mapping[str, tuple[str, ...]]
    lines: Mapping[str, int]
    defects: tuple[Defect, ...] = ()

    @property
    def clips(self) -> tuple[str, ...]:
        return tuple(self.labels)

    def array(self, clips: Sequence[str], classes: Sequence[str]) -> NDArray[np.float32]:
        """0 or 1, (len(clips), len(classes)). A class outside `classes` is left out."""
        column = {name: c for c, name in enumerate(classes)}
        present = np.zeros((len(clips), len(classes)), dtype=np.float32)
        for row, clip in enumerate(clips):
            for name in self.labels[clip]:
                if name in column:
                    present[row, column[name]] = 1.0
        return present


@dataclass(frozen=True)
class DenseTable:
    """The events of one modality."""

    path: Path
    events: tuple[Event, ...]
    defects: tuple[Defect, ...] = ()

    def array(
        self, clips: Sequence[str], classes: Sequence[str], segments: int, segment: float = 1.0
    ) -> NDArray[np.bool_]:
        """Which segments each event fills: boolean (len(clips), segments, len(classes)).

        segment: its length in seconds. Events of other clips and classes are left out, and so is what lies
        past `segments`. Rows with onset >= offset mark nothing, as in the official scorer.
        """
        row = {name: n for n, name in enumerate(clips)}
        column = {name: c for c, name in enumerate(classes)}
        active = np.zeros((len(clips), segments, len(classes)), dtype=bool)
        for event in self.events:
            if event.clip in row and event.label in column:
                start, stop = segment_span(event.onset, event.offset, segment)
                active[row[event.clip], start:stop, column[event.label]] = True
        return active

    def last_segment(self, segment: float = 1.0) -> int:
        """Segments needed to hold every event."""
        return max((segment_span(event.onset, event.offset, segment)[1] for event in self.events), default=0)


def read_weak(path: str | Path, classes: Sequence[str] | None = None) -> WeakTable:
    """Read a weak table; raise SeehearError naming every fatal defect.

    classes: if given, a class outside of it is fatal.
    """
    table = scan_weak(Path(path), classes)
    raise_fatal(table.defects)
    return table


def read_dense(path: str | Path, classes: Sequence[str] | None = None) -> DenseTable:
    """Read a dense table; raise SeehearError naming every fatal defect.

    classes: if given, a class outside of it is fatal.
    """
    table = scan_dense(Path(path), classes)
    raise_fatal(table.defects)
    return table


def read_classes(path: str | Path) -> tuple[str, ...]:
    """A list of classes, one a line, in the order that the user wants; empty lines are passed over."""
    names = [line.strip() for line in read_text(Path(path)).splitlines()]
    names = [name for name in names if name]
    twice = {name for name in names if names.count(name) > 1}
    if not names or twice:
        raise SeehearError(f"{path}: {'lists twice: ' + ', '.join(sorted(twice)) if twice else 'lists no class'}")
    return tuple(names)


def classes_of(tables: Iterable[WeakTable | DenseTable]) -> tuple[str, ...]:
    """Every class that occurs in the tables, in alphabetical order."""
    names: set[str] = set()
    for table in tables:
        if isinstance(table, WeakTable):
            names.update(*table.labels.values())
        else:
            names.update(event.label for event in table.events)
    return tuple(sorted(names))


def meant(name: str, classes: Sequence[str]) -> str:
    """What to add to a message about an unknown class: the known one that it is nearly spelt like, if any."""
    close = difflib.get_close_matches(name, classes, n=1, cutoff=0.75)
    return f": did you mean {close[0]}?" if close else ""


def scan_weak(path: Path, classes: Sequence[str] | None = None) -> WeakTable:
    """Read what can be read of a weak table and collect its defects."""
    rows, defects = _rows(path, WEAK_COLUMNS)
    labels: dict[str, tuple[str, ...]] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        clip = row["filename"]
        names = [name.strip() for name in row["event_labels"].split(",")]
        if "" in names and len(names) > 1:
            defects.append(Defect(path, line, f"{clip} has an empty label between commas: left out"))
        names = [name for name in names if name]
        if not names:
            defects.append(Defect(path, line, f"{clip} has no label: taken as a clip in which nothing happens"))
        for name in sorted({name for name in names if names.count(name) > 1}):
            defects.append(Defect(path, line, f"{clip} lists {name} twice: counted once"))
        defects += _unknown(path, line, names, classes)
        if re.search(r"_\d+\.\d+(_|$)", clip):
            defects.append(Defect(path, line, f"{clip} has a fractional time in its name: taken as a name"))
        unique = tuple(dict.fromkeys(names))
        if clip not in labels:
            labels[clip], lines[clip] = unique, line
        elif labels[clip] == unique:
            defects.append(Defect(path, line, f"{clip} repeats line {lines[clip]}: counted once"))
        else:
            defects.append(Defect(path, line, f"{clip} has other labels than on line {lines[clip]}", fatal=True))
    if not labels and not any(defect.fatal for defect in defects):
        defects.append(Defect(path, 1, "the table names no clip", fatal=True))
    return WeakTable(path, labels, lines, tuple(defects))


def scan_dense(path: Path, classes: Sequence[str] | None = None) -> DenseTable:
    """Read what can be read of a dense table and collect its defects."""
    rows, defects = _rows(path, DENSE_COLUMNS)
    events: list[Event] = []
    seen: dict[Event, int] = {}
    by_class: dict[tuple[str, str], _Timeline] = {}
    for line, row in rows:
        name = row["event_labels"]
        try:
            onset, offset = float(row["onset"]), float(row["offset"])
        except ValueError:
            onset = offset = math.nan
        if not (math.isfinite(onset) and math.isfinite(offset) and onset >= 0):
            what = f"onset {row['onset']!r} and offset {row['offset']!r} must be seconds from the clip's start"
            defects.append(Defect(path, line, what, fatal=True))
            continue
        if not name:
            defects.append(Defect(path, line, f"{row['filename']} has an event without a class", fatal=True))
            continue
        if "," in name:
            defects.append(Defect(path, line, f"{name!r} are several classes: taken as an event of each"))
        for label in filter(None, (part.strip() for part in name.split(","))):
            defects += _unknown(path, line, [label], classes)
            event = Event(row["filename"], onset, offset, label, line)
            if onset >= offset:
                defects.append(Defect(path, line, f"onset {onset:g} is not before offset {offset:g}: marks nothing"))
            elif event in seen:
                defects.append(Defect(path, line, f"repeats line {seen[event]}: counted once"))
            else:
                others = by_class.setdefault((event.clip, label), _Timeline())
                defects += _beside(path, event, others.near(event))
                others.add(event)
            seen.setdefault(event, line)
            events.append(event)
    return DenseTable(path, tuple(events), tuple(defects))


class _Timeline:
    """Events of one clip and class, by onset."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._longest = 0.0  # seconds

    def add(self, event: Event) -> None:
        insort(self._events, event, key=ONSET)
        self._longest = max(self._longest, event.offset - event.onset)

    def near(self, event: Event) -> list[Event]:
        """Those that this one may overlap or touch, by their lines."""
        first = bisect_left(self._events, event.onset - self._longest - MILLISECOND, key=ONSET)
        last = bisect_right(self._events, event.offset + MILLISECOND, key=ONSET)
        return sorted(self._events[first:last], key=attrgetter("line"))


def _beside(path: Path, event: Event, others: Iterable[Event]) -> list[Defect]:
    """Events of the same clip and class that this one overlaps or touches."""
    defects = []
    for other in others:
        span = f"line {other.line} ({other.onset:g} to {other.offset:g})"
        if event.onset < other.offset and other.onset < event.offset:
            defects.append(Defect(path, event.line, f"{event.label} overlaps {span}: merged"))
        elif event.onset == other.offset or event.offset == other.onset:
            defects.append(Defect(path, event.line, f"{event.label} touches {span}: one event"))
    return defects


def check(
    weak: Sequence[WeakTable],
    dense: Sequence[DenseTable],
    clips: Mapping[str, Path] | None = None,
    length: Callable[[str], float | None] = lambda clip: None,
) -> tuple[Defect, ...]:
    """What is wrong between tables, and between tables and clip files; nothing of it is fatal.

    The first weak table is taken as that of training: a class that it lacks can't be learnt.
    clips: stem -> file of the clips there are, to find labels without a clip and clips without a label. length: of a
    clip in seconds, None where it isn't known.
    """
    defects: list[Defect] = []
    home: dict[str, WeakTable] = {}
    for table in weak:
        twice: dict[Path, list[str]] = {}
        for clip in table.clips:
            if clip in home:
                twice.setdefault(home[clip].path, []).append(clip)
            home.setdefault(clip, table)
        for other, shared in twice.items():
            more = f" and {len(shared) - 1} more clips stand" if len(shared) > 1 else " stands"
            message = f"{shared[0]}{more} in {other} too"
            defects.append(Defect(table.path, table.lines[shared[0]], message))
    learnt = classes_of(weak[:1])
    others: list[WeakTable | DenseTable] = [*weak[1:], *dense] if weak else []
    for one in others:
        for name in sorted(set(classes_of([one])) - set(learnt)):
            message = f"{name} does not occur in {weak[0].path}{meant(name, learnt)}"
            defects.append(Defect(one.path, _first_line(one, name), message))
    if others:
        elsewhere = classes_of(others)
        for name in sorted({*learnt} - {*elsewhere}):
            if suggestion := meant(name, elsewhere):
                message = f"{name} occurs in no other table{suggestion}"
                defects.append(Defect(weak[0].path, _first_line(weak[0], name), message))
    for dense_table in dense:
        for event in dense_table.events:
            seconds = length(event.clip)
            if seconds is not None and event.offset > seconds:
                message = (
                    f"{event.label} ends at {event.offset:g} s, past its clip's {seconds:g} s: can't be found there"
                )
                defects.append(Defect(dense_table.path, event.line, message))
    if weak:
        for dense_table in dense:
            for event in dense_table.events:
                if event.clip not in home:
                    message = f"{event.clip} stands in no weak table: left out"
                    defects.append(Defect(dense_table.path, event.line, message))
    if dense:
        union: dict[str, set[str]] = {}
        for dense_table in dense:
            for event in dense_table.events:
                union.setdefault(event.clip, set()).add(event.label)
        for table in weak:
            if 2 * sum(clip in union for clip in table.clips) < len(table.clips):
                continue  # a split without dense truth, as one for training
            for clip in table.clips:
                if set(table.labels[clip]) != union.get(clip, set()):
                    said, dense_said = _list(table.labels[clip]), _list(sorted(union.get(clip, ())))
                    message = f"{clip} has weak labels {said} but dense ones {dense_said}"
                    defects.append(Defect(table.path, table.lines[clip], message))
    if clips is not None:
        there = set(clips)
        for clip, table in home.items():
            if clip not in there:
                defects.append(Defect(table.path, table.lines[clip], f"{clip} has a label but no clip"))
        if weak:
            for clip in sorted(there - set(home)):
                defects.append(Defect(clips[clip], 0, "is a clip without a label in any table"))
    return tuple(defects)


def _first_line(table: WeakTable | DenseTable, label: str) -> int:
    """Where a class first occurs."""
    if isinstance(table, DenseTable):
        return next(event.line for event in table.events if event.label == label)
    return next(table.lines[clip] for clip, names in table.labels.items() if label in names)


def is_dense(path: str | Path) -> bool:
    """Whether the table's header has the dense form."""
    first = read_text(Path(path)).splitlines()[:1]
    return bool(first) and {"onset", "offset"} <= {name.strip() for name in first[0].split("\t")}


def write_dense(path: str | Path, events: Iterable[Event]) -> None:
    """Write events as a dense table."""
    atomic_text(Path(path), dense_text(events))


def dense_text(events: Iterable[Event]) -> str:
    """Events as a dense table; whole seconds as integers, others to the millisecond."""
    lines = ["\t".join(DENSE_COLUMNS)]
    lines += [f"{e.clip}\t{_seconds(e.onset)}\t{_seconds(e.offset)}\t{e.label}" for e in events]
    return "\n".join(lines) + "\n"


def _rows(path: Path, columns: Sequence[str]) -> tuple[list[tuple[int, dict[str, str]]], list[Defect]]:
    """The table's rows with their line numbers, and the defects of its form."""
    lines = read_text(path).splitlines()
    header = [name.strip() for name in lines[0].split("\t")] if lines else []
    missing = [name for name in columns if name not in header]
    if missing:
        message = f"the header lacks {_list(missing)}: it must hold {_list(columns)}, separated by tabs"
        return [], [Defect(path, 1, message, fatal=True)]
    rows, defects = [], []
    for line, fields in enumerate(csv.reader(lines[1:], delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
        if not any(text.strip() for text in fields):
            continue
        row = dict(zip(header, (text.strip() for text in fields), strict=False))
        if len(fields) != len(header):
            message = f"{len(fields)} fields where the header has {len(header)}; fields are separated by tabs"
            defects.append(Defect(path, line, message, fatal=True))
        elif not row["filename"]:
            defects.append(Defect(path, line, "the filename is empty", fatal=True))
        else:
            try:
                check_clip(row["filename"])
            except SeehearError as error:
                defects.append(Defect(path, line, str(error), fatal=True))
                continue
            rows.append((line, {name: row.get(name, "") for name in columns}))
    return rows, defects


def _unknown(path: Path, line: int, names: Iterable[str], classes: Sequence[str] | None) -> list[Defect]:
    if classes is None:
        return []
    unknown = sorted(set(names) - set(classes))
    return [
        Defect(path, line, f"class {name!r} is not in the list of classes{meant(name, classes)}", fatal=True)
        for name in unknown
    ]


def raise_fatal(defects: Iterable[Defect]) -> None:
    """Raises SeehearError naming the fatal ones, where there are any."""
    fatal = [str(defect) for defect in defects if defect.fatal]
    if fatal:
        shown = "\n".join(fatal[:20])
        more = f"\n… and {len(fatal) - 20} more: `seehear labels check` lists all" if len(fatal) > 20 else ""
        raise SeehearError(shown + more)


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _seconds(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
