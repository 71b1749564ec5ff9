"""A dense table with confidences as an array over segments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seehear.data import Dataset
from seehear.events import segment_span
from seehear.labels import DenseTable


def confidence_of(table: DenseTable, clips: Dataset) -> NDArray[np.float32]:
    """Return the confidence of the segments, (N, T, C): the highest of the events there; 0 without the weak label.

    NaN where the events that cover a segment are all of unknown confidence.
    """
    row = {name: n for n, name in enumerate(clips.clips)}
    column = {name: c for c, name in enumerate(clips.classes)}
    result = np.zeros((len(clips), int(clips.lengths.max()), len(clips.classes)), dtype=np.float32)
    for event in sorted(table.events, key=lambda event: not np.isnan(event.confidence)):  # the unknown ones first
        n, c = row.get(event.clip), column.get(event.label)
        if n is not None and c is not None and clips.labels[n, c] > 0:
            start, stop = segment_span(event.onset, event.offset, clips.segment)
            own = result[n, start : min(stop, clips.lengths[n]), c]
            own[:] = np.nan if np.isnan(event.confidence) else np.fmax(own, np.float32(event.confidence))
    return result
