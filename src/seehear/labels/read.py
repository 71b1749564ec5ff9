"""Label tables, read: `read_*` raise an error for fatal defects, `scan_*` collect every defect."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from pathlib import Path, PurePath

from seehear.errors import SeehearError
from seehear.labels.cells import CellError, Header, classes_in, seconds, shown
from seehear.labels.defects import Defect, DefectKind, raise_fatal, suggestion
from seehear.labels.joined import by_spelling, surely_joined
from seehear.labels.tables import CONFIDENCE, DENSE_COLUMNS, WEAK_COLUMNS, DenseTable, Event, WeakTable
from seehear.names import normal, valid_clip_name, valid_line
from seehear.storage.parts import name_of, split
from seehear.texts import read_lines

MILLISECOND = 0.001  # seconds
ONSET = attrgetter("onset")
PART_OF_FILE = re.compile(r"[^/\\]+\.\w+#t=[^#]*")
FRACTIONAL = re.compile(r"_\d+\.\d+(_|$)")  # a time in a clip's name
MILLISECONDS = re.compile(r"_\d+\.\d{3}_\d+\.\d{3}$")  # start and stop as DESED publishes all of its clips' names
NOT_GIVEN = "1"  # the cell of a confidence in tables without the column
OTHER_COLUMNS = ("clip", "modality", "label")  # of tables that are imported


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


def read_table(path: str | Path) -> WeakTable | DenseTable:
    """Read a weak or a dense table, as its header says.

    Raises:
        SeehearError: Naming every fatal defect.
    """
    return read_dense(path) if is_dense(path) else read_weak(path)


def read_classes(path: str | Path) -> tuple[str, ...]:
    """Read a list of classes, one per line, in the order that the user chose. Empty lines are skipped.

    Raises:
        SeehearError: If the file lists no class, a class twice, or what can't be a class of a table.
    """
    lines = {line: text.strip() for line, text in enumerate(read_lines(Path(path)), start=1) if text.strip()}
    check = _ClassCheck(None)
    raise_fatal(Defect(Path(path), line, *wrong) for line, name in lines.items() if (wrong := check(name)))
    names = list(lines.values())
    if not names:
        raise SeehearError(f"{path}: lists no class")
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise SeehearError(f"{path}: lists twice: {', '.join(sorted(repeated))}")
    return tuple(names)


def is_dense(path: str | Path) -> bool:
    """Return whether the table's header has the columns onset and offset."""
    return {"onset", "offset"} <= set(header_of(path))


def header_of(path: str | Path) -> tuple[str, ...]:
    """Return the names of a table's columns, in lower case."""
    return Header.read(read_lines(Path(path)), (*DENSE_COLUMNS, *OTHER_COLUMNS)).columns


def scan_weak(path: str | Path, classes: Sequence[str] | None = None) -> WeakTable:
    """Read every usable row of a weak table and collect its defects.

    Args:
        path: The file.
        classes: The classes that are allowed; any if omitted.
    """
    path = Path(path)
    rows = _Rows(path, WEAK_COLUMNS)
    defects = rows.defects
    check = _ClassCheck(classes, rows.classes)
    labels: dict[str, tuple[str, ...]] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # many clips have the same classes
    lines: dict[str, int] = {}
    for line, (clip, text) in rows:
        try:
            names = classes_in(text)
        except CellError as error:
            defects.append(Defect(path, line, error.kind, str(error)))
            continue
        defects += _defects_of_row(path, line, clip, names, check)
        unique = tuple(dict.fromkeys(filter(None, names)))
        unique = shared.setdefault(unique, unique)
        if clip not in labels:
            labels[clip], lines[clip] = unique, line
        elif labels[clip] == unique:
            message = f"{clip} repeats line {lines[clip]}; it counts once"
            defects.append(Defect(path, line, DefectKind.REPEATED_ROW, message))
        else:
            message = f"{clip} has other labels than on line {lines[clip]}; keep one of the two rows"
            defects.append(Defect(path, line, DefectKind.CONTRADICTION, message))
    if not labels and not any(defect.fatal for defect in defects):
        defects.append(Defect(path, 1, DefectKind.NO_ROW, "the table names no clip; label some, or leave it out"))
    return WeakTable(path, labels, lines, tuple(defects), rows.lengths)


def scan_dense(path: str | Path, classes: Sequence[str] | None = None) -> DenseTable:
    """Read every usable row of a dense table and collect its defects.

    Args:
        path: The file.
        classes: The classes that are allowed; any if omitted.
    """
    path = Path(path)
    rows = _Rows(path, DENSE_COLUMNS, CONFIDENCE)
    defects = rows.defects
    check = _ClassCheck(classes, rows.classes)
    events: list[Event] = []
    shared: dict[str, str] = {}  # many events are of the same class
    event_check = EventCheck(path)
    for line, (clip, *times, text, given) in rows:
        try:
            (onset, offset), confidence, names = _span(*times), _confidence(given), classes_in(text)
        except CellError as error:
            defects.append(Defect(path, line, error.kind, str(error)))
            continue
        if not text:
            defects.append(Defect(path, line, DefectKind.NO_CLASS, f"{clip} has an event without a class"))
            continue
        if len(names) > 1:
            message = f"{shown(text)} holds several classes; each is an event"
            defects.append(Defect(path, line, DefectKind.SEVERAL_CLASSES, message))
        for label in filter(None, names):
            event = Event(clip, onset, offset, shared.setdefault(label, label), line, confidence)
            events.append(event)
            if wrong := check(label):
                defects.append(Defect(path, line, *wrong))
            defects += event_check(event)
    return DenseTable(path, tuple(events), tuple(defects), rows.lengths)


class _Rows:
    """The rows of a table, cut into cells each time they are iterated: cells take ten times the memory of lines.

    Iterating yields a row's number in the file, and its cells of the columns; rows that can't be read are left out.

    Attributes:
        defects: Of the table's form.
        classes: The distinct cells with classes.
        lengths: Clip -> seconds, of those that are named by a part of a file.
    """

    def __init__(self, path: Path, columns: Sequence[str], optional: str = "") -> None:
        """Read a table.

        Args:
            path: The file.
            columns: The columns to return; the last has classes.
            optional: A further column, whose cells come last; NOT_GIVEN where the table lacks it.
        """
        self._path, self._lines, self._optional = path, read_lines(path), optional
        self._header = Header.read(self._lines, columns)
        self.defects: list[Defect] = []
        self.lengths: dict[str, float] = {}
        self._names: dict[str, str] = {}  # clips as they are written -> in normal form
        if problem := _header_problem(self._lines, self._header, columns):
            self.defects.append(Defect(path, self._header.line, DefectKind.HEADER, problem))
            self._lines = []
        else:
            self._at = [self._header.columns.index(name) for name in columns]
        self.classes = {cells[len(columns) - 1] for _, cells in self._cut(self.defects)}

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self._cut([])

    def _cut(self, defects: list[Defect]) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows, and add a defect for each that can't be read."""
        header, names = self._header, self._names
        further = header.columns.index(self._optional) if self._optional in header.columns else None
        for line, text in header.rows(self._lines):
            try:
                cells = header.cells(text)
                name = cells[self._at[0]]
                if name not in names:
                    names[name], seconds = _clip(name)
                    if seconds is not None:
                        self.lengths[names[name]] = seconds
            except CellError as error:
                defects.append(Defect(self._path, line, error.kind, str(error)))
                continue
            row = [names[name], *(cells[n] for n in self._at[1:])]
            if self._optional:
                row.append(NOT_GIVEN if further is None else cells[further])
            yield line, row


def _header_problem(lines: Sequence[str], header: Header, columns: Sequence[str]) -> str:
    """Return what is wrong with the first line of a table; empty if nothing is."""
    needed = f"it must hold {', '.join(columns)}, separated by tabs"
    if not any(line.strip() for line in lines):
        return f"the file is empty; {needed} in its first line"
    if lacking := header.lacking(columns):
        return f"{lacking}; {needed}"
    if columns == WEAK_COLUMNS and (times := header.times()):
        if set(DENSE_COLUMNS).issubset(header.columns):
            return f"this is a dense table, with onset and offset, where a weak table is needed: {', '.join(columns)}"
        return (
            f"a weak table has no times, and this one has {', '.join(map(shown, times))}. A dense table has "
            f"{', '.join(DENSE_COLUMNS)}{header.time_hint()}. If these are no times of events, delete the columns"
        )
    if header.repeated:
        return f"the header holds {', '.join(header.repeated)} twice; keep one of the columns"
    return ""


def _clip(name: str) -> tuple[str, float | None]:
    """Return a clip's name in normal form, and how many seconds it lasts if that is said.

    A part of a file is named like `video.mp4#t=30,40`, with the suffix.

    Raises:
        CellError: If no clip may have the name.
    """
    if not name:
        raise CellError(DefectKind.EMPTY_FILENAME, "the filename is empty")
    try:
        part = split(name) if PART_OF_FILE.fullmatch(name) else None
        if part is None:
            return valid_clip_name(normal(name)), None
        file, start, stop = part
        length = None if math.isinf(stop) else round(stop - start, 6)
        return valid_clip_name(normal(name_of(PurePath(file).stem, start, stop))), length
    except SeehearError as error:
        raise CellError(DefectKind.INVALID_NAME, str(error)) from None


def _defects_of_row(path: Path, line: int, clip: str, names: Sequence[str], check: _ClassCheck) -> Iterator[Defect]:
    """Yield what is wrong in one row of a weak table. An empty row has the one name ''."""
    if "" in names and len(names) > 1:
        message = f"{clip} has an empty label between commas; it is left out"
        yield Defect(path, line, DefectKind.EMPTY_LABEL, message)
    unique = sorted({name for name in names if name})
    if not unique:
        message = f"{clip} has no label; it counts as a clip without events"
        yield Defect(path, line, DefectKind.NO_LABEL, message)
    if len(unique) < len(names):
        for name in unique:
            if names.count(name) > 1:
                yield Defect(path, line, DefectKind.REPEATED_LABEL, f"{clip} lists {name} twice; it counts once")
    for name in unique:
        if wrong := check(name):
            yield Defect(path, line, *wrong)
    if FRACTIONAL.search(clip) and not MILLISECONDS.search(clip):
        message = f"{clip} has a fractional time in its name; the name is kept as it is"
        yield Defect(path, line, DefectKind.FRACTIONAL_NAME, message)


class _ClassCheck:
    """Says what is wrong with a class. Every name is looked at once, however many rows have it.

    allowed: The classes that are allowed; any if None.
    cells: Those of the table with classes.
    """

    def __init__(self, allowed: Sequence[str] | None, cells: Iterable[str] = ()) -> None:
        self._allowed = allowed
        occurring = {name.strip() for cell in set(cells) for name in cell.split(",")}
        self._spelt = by_spelling(occurring if allowed is None else allowed)
        self._known: dict[str, tuple[DefectKind, str] | None] = {}

    def __call__(self, name: str) -> tuple[DefectKind, str] | None:
        """Return the kind of defect and the message, or None."""
        if name not in self._known:
            self._known[name] = self._wrong(name)
        return self._known[name]

    def _wrong(self, name: str) -> tuple[DefectKind, str] | None:
        try:
            valid_line(name)
        except SeehearError as error:
            return DefectKind.INVALID_CLASS, str(error)
        if self._allowed is not None and name in self._allowed:
            return None
        if parts := surely_joined(name, self._spelt):
            return DefectKind.JOINED_CLASSES, f"{name!r} is no class; commas separate classes: write {','.join(parts)}"
        if self._allowed is not None:
            message = f"class {name!r} is not in the list of classes{suggestion(name, self._allowed)}"
            return DefectKind.UNKNOWN_CLASS, message
        return None


def _span(onset: str, offset: str) -> tuple[float, float]:
    """Return onset and offset in seconds. Raises CellError if they are no times."""
    try:
        return _seconds(onset), _seconds(offset)
    except ValueError as error:
        message = f"onset {shown(onset)} and offset {shown(offset)} must be seconds from the clip's start: {error}"
        raise CellError(DefectKind.INVALID_TIME, message) from None


_seconds = lru_cache(1 << 16)(seconds)  # few times differ, and equal ones are one number in memory


def _confidence(text: str) -> float:
    """Return a confidence, NaN for an empty cell. Raises CellError if it is not from 0 to 1."""
    if not text:
        return math.nan
    try:
        value = _seconds(text)  # any number of 0 or more
    except ValueError:
        value = math.inf
    if value > 1:
        message = f"confidence {shown(text)} must be a number from 0 to 1, or empty if it is not known"
        raise CellError(DefectKind.INVALID_CONFIDENCE, message)
    return value


class EventCheck:
    """Says what is wrong with the events of a table: empty ones, and those that repeat, overlap or touch others.

    path: The file.
    place: Returns what messages call another event's line, which is a number of another kind in files without lines.
    """

    def __init__(self, path: Path, place: Callable[[int], str] = "line {}".format) -> None:
        self._path = path
        self._place = place
        self._timelines: dict[tuple[str, str], _Timeline] = {}  # by clip and class

    def __call__(self, event: Event) -> Iterator[Defect]:
        """Yield the defects of an event against those that came before it."""
        if event.onset >= event.offset:
            message = f"onset {event.onset:g} is not before offset {event.offset:g}; the event fills no segment"
            yield Defect(self._path, event.line, DefectKind.EMPTY_EVENT, message)
            return
        timeline = self._timelines.setdefault((event.clip, event.label), _Timeline())
        near = timeline.near(event)
        if event in near:
            message = f"repeats {self._place(near[near.index(event)].line)}; it counts once"
            yield Defect(self._path, event.line, DefectKind.REPEATED_ROW, message)
        else:
            yield from self._overlaps(event, near)
            timeline.add(event)

    def _overlaps(self, event: Event, others: Iterable[Event]) -> Iterator[Defect]:
        """Yield a defect for every other event of the same clip and class that this one overlaps or touches."""
        for other in others:
            span = f"{self._place(other.line)} ({other.onset:g} to {other.offset:g})"
            if event.onset < other.offset and other.onset < event.offset:
                message = f"{event.label} overlaps {span}; they are merged"
                yield Defect(self._path, event.line, DefectKind.OVERLAP, message)
            elif event.onset == other.offset or event.offset == other.onset:
                message = f"{event.label} touches {span}; they are one event"
                yield Defect(self._path, event.line, DefectKind.CONTACT, message)


class _Timeline:
    """Events of one clip and class, ordered by onset."""

    __slots__ = ("_events", "_longest")

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
