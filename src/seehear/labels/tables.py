"""Label tables in memory: weak labels per clip, and the events of one modality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.events import segment_span
from seehear.labels.defects import Defect
from seehear.results import counted, import_pandas

if TYPE_CHECKING:
    import pandas as pd

WEAK_COLUMNS = ("filename", "event_labels")
DENSE_COLUMNS = ("filename", "onset", "offset", "event_labels")
MAX_CELLS = 1 << 28  # clips × segments × classes of one modality's ground truth: a quarter of a gigabyte
CONFIDENCE = "confidence"  # a further column, of dense tables of pseudo-labels


@dataclass(frozen=True, slots=True)
class Event:
    """One row of a dense table: a class from onset to offset. In memory, a row of a table takes about 120 bytes.

    Attributes:
        clip: Name of the clip.
        onset: Seconds from the clip's start.
        offset: Seconds from the clip's start, exclusive.
        label: The class.
        line: In the file, from 1; 0 if it comes from no file.
        confidence: In [0, 1]: how likely it occurs; 1 in tables without confidences, NaN if it is not known.
    """

    clip: str
    onset: float
    offset: float
    label: str
    line: int = field(default=0, compare=False)
    confidence: float = field(default=1.0, compare=False)


@dataclass(frozen=True, repr=False)
class WeakTable:
    """Weak labels: the classes that occur anywhere in a clip, in any modality.

    Attributes:
        path: The file.
        labels: Clip -> its classes, in the order of the table.
        lines: Clip -> its line in the file, from 1.
        defects: Found while reading.
        lengths: Clip -> seconds, of those that the file names by a part of a file, as `video.mp4#t=30,40`.
    """

    path: Path
    labels: Mapping[str, tuple[str, ...]]
    lines: Mapping[str, int]
    defects: tuple[Defect, ...] = ()
    lengths: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        classes = counted(len(classes_of([self])), "class", "classes")
        return f"WeakTable({self.path}: {counted(len(self.labels), 'clip')}, {classes})"

    @property
    def clips(self) -> tuple[str, ...]:
        """Names of the clips, in the order of the table."""
        return tuple(self.labels)

    def first_line(self, label: str) -> int:
        """Return the first line on which a class occurs."""
        return next(self.lines[clip] for clip, names in self.labels.items() if label in names)

    def array(self, clips: Sequence[str], classes: Sequence[str]) -> NDArray[np.float32]:
        """Return 0 or 1 for each clip and class, (len(clips), len(classes)). Other classes are left out."""
        column = {name: c for c, name in enumerate(classes)}
        present = np.zeros((len(clips), len(classes)), dtype=np.float32)
        for row, clip in enumerate(clips):
            for name in self.labels[clip]:
                if name in column:
                    present[row, column[name]] = 1.0
        return present

    def to_frame(self) -> pd.DataFrame:
        """Return one row per clip and class, with the columns clip and label."""
        pd = import_pandas()

        rows = [(clip, label) for clip, labels in self.labels.items() for label in labels]
        return pd.DataFrame(rows, columns=["clip", "label"])


@dataclass(frozen=True, repr=False)
class DenseTable:
    """The events of one modality.

    Attributes:
        path: The file.
        events: In the order of the table.
        defects: Found while reading.
        lengths: As those of a weak table.
    """

    path: Path
    events: tuple[Event, ...]
    defects: tuple[Defect, ...] = ()
    lengths: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        classes = counted(len(classes_of([self])), "class", "classes")
        sizes = f"{counted(len(self.events), 'event')} in {counted(len(self.clips), 'clip')}, {classes}"
        return f"DenseTable({self.path}: {sizes})"

    @property
    def clips(self) -> tuple[str, ...]:
        """Names of the clips that have an event, in the order of the table."""
        return tuple(dict.fromkeys(event.clip for event in self.events))

    def first_line(self, label: str) -> int:
        """Return the first line on which a class occurs."""
        return next(event.line for event in self.events if event.label == label)

    def array(
        self, clips: Sequence[str], classes: Sequence[str], segments: int, segment: float = 1.0
    ) -> NDArray[np.bool_]:
        """Return which segments the events fill.

        Events of other clips and classes are left out, and so is what lies past `segments`. A row whose onset is not
        before its offset fills nothing, as in LLP's official scorer.

        Args:
            clips: Names of the N clips.
            classes: Names of the C classes.
            segments: Number of segments T.
            segment: Length of a segment, seconds.

        Returns:
            Boolean (N, T, C).
        """
        row = {name: n for n, name in enumerate(clips)}
        column = {name: c for c, name in enumerate(classes)}
        active = np.zeros((len(clips), segments, len(classes)), dtype=bool)  # (N, T, C)
        for event in self.events:
            if event.clip in row and event.label in column:
                start, stop = segment_span(event.onset, event.offset, segment)
                active[row[event.clip], start:stop, column[event.label]] = True
        return active

    def last_segment(self, segment: float = 1.0) -> int:
        """Return the number of segments that hold every event."""
        return max((segment_span(event.onset, event.offset, segment)[1] for event in self.events), default=0)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per event, with the columns clip, label, onset and offset (seconds)."""
        pd = import_pandas()

        rows = [(event.clip, event.label, event.onset, event.offset) for event in self.events]
        return pd.DataFrame(rows, columns=["clip", "label", "onset", "offset"])


def segments_of(tables: Iterable[DenseTable], clips: int, classes: int, segment: float = 1.0) -> int:
    """Return the number of segments that hold every event of tables, at least 1.

    Args:
        tables: The tables.
        clips: Number of clips that are to have so many segments.
        classes: Number of classes.
        segment: Length of a segment, seconds.

    Raises:
        SeehearError: Naming the last event, if arrays of so many segments would not fit into memory.
    """
    given = list(tables)
    last = [table.last_segment(segment) for table in given]
    segments = max(1, *last) if last else 1
    if clips * segments * classes > MAX_CELLS:
        table = given[last.index(segments)]
        event = max(table.events, key=lambda event: segment_span(event.onset, event.offset, segment)[1])
        raise SeehearError(
            f"{table.path}:{event.line}: {event.label} ends at {event.offset:g} s, which would give "
            f"{counted(clips, 'clip')} {segments} segments, more than fits into memory. Is that in milliseconds "
            "or frames? Write seconds"
        )
    return segments


def stated_lengths(tables: Iterable[WeakTable | DenseTable]) -> dict[str, float]:
    """Return clip -> seconds, of the clips that tables name by parts of files."""
    return {clip: seconds for table in tables for clip, seconds in table.lengths.items()}


def classes_of(tables: Iterable[WeakTable | DenseTable]) -> tuple[str, ...]:
    """Return every class that occurs in the tables, in alphabetical order."""
    names: set[str] = set()
    for table in tables:
        if isinstance(table, WeakTable):
            names.update(*table.labels.values())
        else:
            names.update(event.label for event in table.events)
    return tuple(sorted(names))
