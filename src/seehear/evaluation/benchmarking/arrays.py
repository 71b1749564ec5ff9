"""Truth and predictions as arrays and events over the clips of a benchmark, with all classes and segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.evaluation.benchmarking.inputs import Given
from seehear.events import reindexed
from seehear.labels import DenseTable, WeakTable, header_of
from seehear.labels.tables import CONFIDENCE
from seehear.results import counted
from seehear.scoring.metrics.inputs import Clips, Spans, Truth, with_pair


def truth_of(given: Mapping[str, Given], clips: Clips, names: Sequence[str]) -> Truth:
    """Return the truth of clips.

    Args:
        given: kind -> table or array.
        clips: With all classes and segments.
        names: Of the classes of arrays.

    Raises:
        SeehearError: If an array has another number of classes.
    """
    labels, active, spans = {}, {}, {}
    for kind, each in given.items():
        if isinstance(each, WeakTable):
            labels[kind] = weak_array(each, clips)
        elif isinstance(each, DenseTable):
            active[kind] = each.array(clips.names, clips.classes, clips.segments, clips.segment)
            spans[kind] = spans_of(each, clips).merged()
        elif each.ndim == 2:
            labels[kind] = fitted(each, names, clips, kind) > HALF_TRUE
        else:
            active[kind] = fitted(each, names, clips, kind) > HALF_TRUE
            spans[kind] = Spans.of_segments(active[kind], clips.segment)
    labels |= {kind: np.asarray(array.any(axis=1)) for kind, array in active.items()}
    where = {kind: "arrays" if isinstance(each, np.ndarray) else str(each.path) for kind, each in given.items()}
    return Truth(with_pair(labels), with_pair(active), spans, where)


HALF_TRUE = 0.5  # what lies above is true: arrays hold 0 and 1


def weak_array(table: WeakTable, clips: Clips) -> NDArray[np.bool_]:
    """Return the labels of each clip, (N, C); none for a clip that the table does not name."""
    known = replace(table, labels={clip: table.labels.get(clip, ()) for clip in clips.names})
    return known.array(clips.names, clips.classes) > 0


def spans_of(table: DenseTable, clips: Clips) -> Spans:
    """Return the events of a table with their exact times; repeated ones count once, empty ones not at all."""
    row = {name: n for n, name in enumerate(clips.names)}
    column = {name: c for c, name in enumerate(clips.classes)}
    rows = {
        (row[event.clip], column[event.label], event.onset, event.offset, event.confidence)
        for event in table.events
        if event.clip in row and event.label in column and event.onset < event.offset
    }
    return Spans.of(sorted(rows))


def fitted(array: NDArray[Any], names: Sequence[str], clips: Clips, what: str) -> NDArray[Any]:
    """Return an array with all classes as columns, and padded with zeros to all segments if it has some.

    Args:
        array: (N, T, C) or (N, C).
        names: Of its C classes.
        clips: With all classes and segments.
        what: What it is, for messages.

    Raises:
        SeehearError: If it has another number of classes than names.
    """
    if array.shape[-1] != len(names):
        raise SeehearError(f"{what}: has {counted(array.shape[-1], 'class', 'classes')}, and the data set {len(names)}")
    if array.ndim == 3 and array.shape[1] < clips.segments:
        array = np.pad(array, ((0, 0), (0, clips.segments - array.shape[1]), (0, 0)))
    return array if tuple(names) == clips.classes else reindexed(array, names, clips.classes)


def has_confidences(table: DenseTable) -> bool:
    """Return whether a table has the column `confidence`.

    Raises:
        SeehearError: If a confidence is empty.
    """
    if CONFIDENCE not in header_of(table.path):
        return False
    if empty := next((event for event in table.events if np.isnan(event.confidence)), None):
        raise SeehearError(f"{table.path}:{empty.line}: has no confidence; fill every cell of the column, or delete it")
    return True
