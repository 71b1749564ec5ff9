"""Segments and events: an event is a maximal run of positive segments of one class in one modality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Cells:
    """The active segments of N clips and C classes, T segments each: few among many, so kept as positions.

    active: (N × C × T,) bool, time fastest. at: the positions in it that are True, ascending.
    """

    shape: tuple[int, int, int]  # N, C, T
    active: NDArray[np.bool_]
    at: NDArray[np.intp]

    @staticmethod
    def of(active: NDArray[np.bool_]) -> Cells:
        """Of a boolean array (N, T, C)."""
        n_clips, n_segments, n_classes = active.shape
        flat = np.ascontiguousarray(active.transpose(0, 2, 1)).reshape(-1)
        return Cells((n_clips, n_classes, n_segments), flat, np.flatnonzero(flat))

    def __and__(self, other: Cells) -> Cells:
        both = self.active & other.active
        return Cells(self.shape, both, np.flatnonzero(both))

    def count(self, at: NDArray[np.intp]) -> NDArray[np.int64]:
        """How many of these positions lie in each clip and class, (N, C)."""
        n_clips, n_classes, n_segments = self.shape
        return np.bincount(at // n_segments, minlength=n_clips * n_classes).reshape(n_clips, n_classes)


@dataclass(frozen=True)
class Runs:
    """Every event, ordered by clip, class and time.

    clip, label, start, stop: integers (events,); the event covers the segments start <= t < stop.
    at: (events,) its first position in Cells.
    """

    clip: NDArray[np.intp]
    label: NDArray[np.intp]
    start: NDArray[np.intp]
    stop: NDArray[np.intp]
    at: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.clip)


def runs(cells: Cells) -> Runs:
    """The events in these cells."""
    _, n_classes, n_segments = cells.shape
    time = cells.at % n_segments
    # An event begins where the segment before is not active, or belongs to another clip or class.
    first = np.flatnonzero((np.diff(cells.at, prepend=-2) > 1) | (time == 0))
    at, start = cells.at[first], time[first]
    clip, label = np.divmod(at // n_segments, n_classes)
    return Runs(clip, label, start, start + np.diff(first, append=len(cells.at)), at)


def segment_span(onset: float, offset: float, segment: float) -> tuple[int, int]:
    """The segments [start, stop) that the seconds [onset, offset) fill: those covered by half or more, at least one.

    Whole-second spans of one-second segments, as LLP's, are taken as they stand. A span that is empty or
    runs backwards fills none.
    """
    if not offset > onset:
        return 0, 0
    start, stop = (int(np.floor(edge / segment + 0.5)) for edge in (onset, offset))
    if stop <= start:
        start = int((onset + offset) / 2 / segment)
        stop = start + 1
    return start, stop
