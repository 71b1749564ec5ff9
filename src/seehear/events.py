"""Segments and events: an event is a maximal run of positive segments of one class in one modality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Runs:
    """Every event of a boolean array (N, T, C), ordered by clip, class and time.

    clip, label, start, stop: integers (events,); the event covers the segments start <= t < stop.
    """

    clip: NDArray[np.intp]
    label: NDArray[np.intp]
    start: NDArray[np.intp]
    stop: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.clip)


def runs(active: NDArray[np.bool_]) -> Runs:
    """The events in `active`, boolean (N, T, C)."""
    n_clips, n_segments, n_classes = active.shape
    # One idle segment after each row keeps an event from running on into the next row.
    rows = np.zeros((n_clips, n_classes, n_segments + 1), dtype=np.int8)
    rows[..., :-1] = active.transpose(0, 2, 1)
    flat = rows.reshape(-1)
    edges = np.flatnonzero(np.diff(flat, prepend=np.int8(0)))  # alternately a start and a stop
    starts, stops = edges[0::2], edges[1::2]
    row, start = np.divmod(starts, n_segments + 1)
    clip, label = np.divmod(row, n_classes)
    return Runs(clip, label, start, start + (stops - starts))


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
