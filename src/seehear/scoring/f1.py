"""F1 per clip and class, over segments or over events (Tian et al. 2020, Sec. 5; Mesaros et al. 2016).

A prediction and its truth are boolean arrays (N, T, C): clips, segments, classes. Clips of different length
are padded with False, which counts as nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.events import Runs, runs

Active = NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """True positives, false positives and false negatives, each (N, C)."""

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    fn: NDArray[np.int64]

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    def f1(self) -> NDArray[np.float64]:
        """2 tp / (2 tp + fp + fn) in [0, 1]; NaN where nothing is active in prediction or truth."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)


def ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """part / whole, NaN where whole is 0."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def segment_counts(predicted: Active, true: Active) -> Counts:
    """Segments that agree and disagree, per clip and class."""
    both = np.count_nonzero(predicted & true, axis=1)
    return Counts(both, np.count_nonzero(predicted, axis=1) - both, np.count_nonzero(true, axis=1) - both)


def event_counts(predicted: Active, true: Active, iou: float = 0.5) -> Counts:
    """Events found, invented and missed, per clip and class.

    A predicted event is a true positive if some true event of its class overlaps it with intersection over
    union >= iou; a true event that no predicted event overlaps so is a false negative.
    """
    n_clips, n_segments, n_classes = predicted.shape
    p, t = runs(predicted), runs(true)

    # Every overlapping pair shows in the segments where both are active; there, the number of starts so far
    # says which event it is. Along (clip, class, time) pairs come in order, so equal neighbours are one pair.
    def event_number(events: Runs, where: NDArray[np.intp]) -> NDArray[np.intp]:
        starts = (events.clip * n_classes + events.label) * n_segments + events.start
        return np.searchsorted(starts, where, side="right") - 1

    shared = np.flatnonzero((predicted & true).transpose(0, 2, 1).reshape(-1))
    pair = np.stack([event_number(p, shared), event_number(t, shared)])  # (2, shared segments)
    first = np.flatnonzero(np.any(np.diff(pair, prepend=-1), axis=0))
    i, j = pair[:, first]
    intersection = np.diff(first, append=len(shared))
    union = (p.stop - p.start)[i] + (t.stop - t.start)[j] - intersection
    close = intersection / union >= iou
    found, hit = np.zeros(len(p), dtype=bool), np.zeros(len(t), dtype=bool)
    found[i[close]], hit[j[close]] = True, True

    def per_class(events: Runs, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        cell = events.clip[chosen] * n_classes + events.label[chosen]
        return np.bincount(cell, minlength=n_clips * n_classes).reshape(n_clips, n_classes)

    return Counts(per_class(p, found), per_class(p, ~found), per_class(t, ~hit))


def clip_f1(counts: Counts) -> NDArray[np.float64]:
    """Mean F1 over the classes that are active in prediction or truth, (N,); 1.0 for a clip without any."""
    f1 = counts.f1()
    active = ~np.isnan(f1)
    number = active.sum(axis=1)
    total = np.where(active, f1, 0.0).sum(axis=1)
    return np.divide(total, number, out=np.ones(len(f1)), where=number > 0)
