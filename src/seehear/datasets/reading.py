"""What readers of published label tables share: where files lie, names of classes, rows, and events with defects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seehear.errors import SeehearError
from seehear.labels import Defect, DefectKind, DenseTable, Event, EventCheck, WeakTable
from seehear.labels.cells import CellError, Header, seconds
from seehear.labels.plausible import MAX_OVERHANG
from seehear.names import normal, valid_clip_name, valid_line
from seehear.texts import read_lines

Labels = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Published:
    """Where a data set was published, and where its files lie in a user's folder.

    Attributes:
        name: Of the data set.
        source: Where it was published.
        places: Folders within the user's that may hold the files, besides itself.
        remedy: How to get files that are missing.
    """

    name: str
    source: str
    places: tuple[str, ...] = ()
    remedy: str = ""

    def find(self, folder: Path, *wanted: tuple[str, ...]) -> list[Path]:
        """Return a file for each of the wanted ones, which may have several names or lie without their folders.

        Raises:
            SeehearError: Naming those that are missing, and where to get them.
        """
        found = [self.look(folder, *names) for names in wanted]
        missing = [names[0] for names, path in zip(wanted, found, strict=True) if path is None]
        if missing:
            remedy = f"; {self.remedy}" if self.remedy else ""
            raise SeehearError(
                f"{folder}: lacks {', '.join(missing)}, tables of {self.name} as published ({self.source}){remedy}"
            )
        return [path for path in found if path is not None]

    def look(self, folder: Path, *names: str) -> Path | None:
        """Return the file of one of these names, or None. Of several, that in the folder where it is published."""
        published = [folder / place / name for place in (*self.places, "") for name in names]
        for path in (*published, *(folder / Path(name).name for name in names)):
            if path.is_file():
                return path
        return None


class ClassNames:
    """Published names of classes as tables can hold them: `_` stands for a comma, as in LLP's Baby_cry_infant_cry.

    Attributes:
        renamed: Published name -> name in tables, of those that differ.
        defects: A class that is renamed, and names that become the same, or can't stand in a table.
    """

    def __init__(self) -> None:
        self.renamed: dict[str, str] = {}
        self.defects: list[Defect] = []
        self._published: dict[str, str] = {}  # name in tables -> published name
        self._known: dict[str, str] = {}  # published name -> name in tables

    def __call__(self, published: str, path: Path, line: int) -> str:
        """Return the name in tables of a class, which occurs in a line of a file."""
        if published not in self._known:
            self._known[published] = self._name(published, path, line)
        return self._known[published]

    def _name(self, published: str, path: Path, line: int) -> str:
        name = "_".join(filter(None, (part.strip() for part in published.split(","))))
        try:
            valid_line(name)
        except SeehearError as error:
            self.defects.append(Defect(path, line, DefectKind.INVALID_CLASS, str(error)))
        first = self._published.setdefault(name, published)
        if first != published:
            message = f"the classes {first!r} and {published!r} would both be called {name!r}; rename one of them"
            self.defects.append(Defect(path, line, DefectKind.INVALID_CLASS, message))
        elif name != published:
            self.renamed[published] = name
            message = f"class {published!r} is called {name!r} in seehear's tables, where commas separate classes"
            self.defects.append(Defect(path, line, DefectKind.RENAMED_CLASS, message))
        return name


class Events:
    """Collects the events of one published file, with their defects.

    path: The file.
    length: Returns a clip's length in seconds, or None if it is unknown.
    place: Returns what messages call another event's line.
    """

    def __init__(
        self,
        path: Path,
        length: Callable[[str], float | None] = lambda clip: None,
        place: Callable[[int], str] = "line {}".format,
    ) -> None:
        self._path = path
        self._length = length
        self._check = EventCheck(path, place)
        self._events: list[Event] = []
        self.defects: list[Defect] = []

    def add(self, clip: str, onset: float, offset: float, label: str, line: int) -> bool:
        """Add an event; cut it if it ends far after its clip. Return whether it fills any time of the clip."""
        length, event = self._length(clip), Event(clip, onset, offset, label, line)
        kept = event
        if onset < offset and length is not None and offset > length + MAX_OVERHANG:
            self.defects.append(cut_end(self._path, event, length, "its clip ends"))
            kept = replace(event, onset=min(onset, length), offset=length)
            if kept.onset == kept.offset:
                return False
        self.defects += self._check(event)  # with its times in the file
        if kept.onset < kept.offset:
            self._events.append(kept)
        return kept.onset < kept.offset

    def table(self) -> DenseTable:
        """Return the events as a dense table."""
        return DenseTable(self._path, tuple(self._events), tuple(self.defects))


def cut_end(path: Path, event: Event, length: float, what: str) -> Defect:
    """Return the defect of an event that ends far after its clip, and counts until `what` happens at `length` s."""
    happens = "is left out" if event.onset >= length else f"counts until {length:g} s, where {what}"
    message = f"{event.label} of {event.clip} from {event.onset:g} to {event.offset:g} s {happens}"
    return Defect(path, event.line, DefectKind.CUT_END, message)


def rows(path: Path, columns: Sequence[str], defects: list[Defect]) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the cells of each row of a table with a header; add defects of its form.

    Args:
        path: A table whose cells tabs, commas or semicolons separate.
        columns: The columns whose cells are yielded.
        defects: Where to add those of lines that can't be read.
    """
    lines = read_lines(path)
    header = Header.read(lines, columns)
    if lacking := header.lacking(columns):
        defects.append(Defect(path, header.line, DefectKind.HEADER, lacking))
        return
    at = [header.columns.index(name) for name in columns]
    for line, text in header.rows(lines):
        try:
            cells = header.cells(text)
        except CellError as error:
            defects.append(Defect(path, line, error.kind, str(error)))
            continue
        yield line, [cells[n] for n in at]


def clip_of(name: str, path: Path, line: int, defects: list[Defect]) -> str | None:
    """Return a clip's name in normal form; None, and add a defect, if no clip may have it."""
    if not name:
        defects.append(Defect(path, line, DefectKind.EMPTY_FILENAME, "the clip's name is empty"))
        return None
    try:
        return valid_clip_name(normal(name))
    except SeehearError as error:
        defects.append(Defect(path, line, DefectKind.INVALID_NAME, str(error)))
        return None


def span_of(onset: str, offset: str, path: Path, line: int, defects: list[Defect]) -> tuple[float, float] | None:
    """Return onset and offset in seconds; None, and add a defect, if they are no times."""
    try:
        return seconds(onset), seconds(offset)
    except ValueError as error:
        defects.append(Defect(path, line, DefectKind.INVALID_TIME, str(error)))
        return None


def weak_of(
    path: Path,
    labels: Mapping[str, Sequence[str]],
    lines: Mapping[str, int],
    split: str,
    modality: str | None = None,
    without: str = "",
) -> WeakTable:
    """Return a weak table with its defects.

    Args:
        path: The published file.
        labels: Clip -> its classes, each once or more often.
        lines: Clip -> its line in the file.
        split: Of the clips.
        modality: Of the labels, if not all: a clip may have none in one modality.
        without: Why there is no clip, if that is known, for the message.
    """
    unique = {clip: tuple(dict.fromkeys(names)) for clip, names in labels.items()}
    defects = [
        Defect(path, lines[clip], DefectKind.NO_LABEL, f"{clip} has no label; it counts as a clip without events")
        for clip, names in unique.items()
        if not names and modality is None
    ]
    if not unique and modality is None:
        defects.append(Defect(path, 0, DefectKind.NO_ROW, f"the file names no {split} clip{without}"))
    return WeakTable(path, unique, dict(lines), tuple(defects))


def weak_without_strays(table: WeakTable, classes: Sequence[str]) -> WeakTable:
    """Return a weak table without labels of other classes, each of which is a defect."""
    known, defects = frozenset(classes), list(table.defects)
    labels = {}
    for clip, names in table.labels.items():
        for name in names:
            if name not in known:
                defects.append(_stray(table.path, table.lines[clip], clip, name))
        labels[clip] = tuple(name for name in names if name in known)
    return replace(table, labels=labels, defects=tuple(defects))


def dense_without_strays(table: DenseTable, classes: Sequence[str]) -> DenseTable:
    """Return a dense table without events of other classes, each of which is a defect."""
    known = frozenset(classes)
    strays = [event for event in table.events if event.label not in known]
    defects = [*table.defects, *(_stray(table.path, event.line, event.clip, event.label) for event in strays)]
    return replace(table, events=tuple(e for e in table.events if e.label in known), defects=tuple(defects))


def _stray(path: Path, line: int, clip: str, name: str) -> Defect:
    message = f"{clip} has the label {name}, which is not among the data set's classes; it is left out"
    return Defect(path, line, DefectKind.STRAY_CLASS, message)
