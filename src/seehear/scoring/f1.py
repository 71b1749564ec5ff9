"""F1 per clip and class, over segments or over events (Tian et al. 2020, Sec. 5; Mesaros et al. 2016).

A prediction and its ground truth are the active cells of N clips, T segments and C classes. Clips of different length
are padded with segments in which nothing is active, which count as nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.events import ActiveSegments, event_spans

LEVELS = ("segment", "event")


@dataclass(frozen=True)
class Counts:
    """Counts per clip and class, each (N, C).

    Attributes:
        tp: True positives.
        fp: False positives.
        fn: False negatives.
        support: Segments or events in the ground truth. Two predicted events can each match half of one true event,
            so it need not be tp + fn.
    """

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    fn: NDArray[np.int64]
    support: NDArray[np.int64]

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.support + other.support)

    def repeated(self, times: int) -> Counts:
        """Return the counts of the same clips several times, one after another, (times × N, C) each."""
        return Counts(*(np.tile(each, (times, 1)) for each in (self.tp, self.fp, self.fn, self.support)))

    def total(self) -> Counts:
        """Return the counts over all clips, (C,) each."""
        return Counts(self.tp.sum(axis=0), self.fp.sum(axis=0), self.fn.sum(axis=0), self.support.sum(axis=0))

    def f1(self) -> NDArray[np.float64]:
        """Return 2 tp / (2 tp + fp + fn) in [0, 1]; NaN if nothing is active in prediction or ground truth."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)


def ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return part / whole, NaN where whole is 0."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def level_counts(level: str, predicted: ActiveSegments, true: ActiveSegments, iou: float = 0.5) -> Counts:
    """Count what agrees and disagrees at one of the LEVELS, per clip and class; `iou` is that of events."""
    return segment_counts(predicted, true) if level == "segment" else event_counts(predicted, true, iou)


def segment_counts(predicted: ActiveSegments, true: ActiveSegments) -> Counts:
    """Count segments that agree and disagree, per clip and class."""
    support = true.count(true.positions)
    both = true.count(true.positions[predicted.active[true.positions]])
    return Counts(both, predicted.count(predicted.positions) - both, support - both, support)


def event_counts(predicted: ActiveSegments, true: ActiveSegments, iou: float = 0.5) -> Counts:
    """Count events that match and do not match, per clip and class.

    A predicted event is a true positive if it overlaps a true event of its class with intersection over union >= iou.
    A true event that no predicted event overlaps so is a false negative.

    Args:
        predicted: Active segments of N clips.
        true: Of the same clips.
        iou: In (0, 1].
    """
    p, t = event_spans(predicted), event_spans(true)
    # Every overlapping pair shows in the segments where both are active; there, the number of starts so far says
    # which event it is. Segments come in order, so equal neighbours are one pair.
    shared = true.positions[predicted.active[true.positions]]
    pair = np.stack([np.searchsorted(events.positions, shared, side="right") - 1 for events in (p, t)])  # (2, shared)
    first = np.flatnonzero(np.any(np.diff(pair, prepend=-1), axis=0))
    i, j = pair[:, first]
    intersection = np.diff(first, append=len(shared))
    union = (p.stop - p.start)[i] + (t.stop - t.start)[j] - intersection
    close = intersection / union >= iou
    matched, hit = np.zeros(len(p), dtype=bool), np.zeros(len(t), dtype=bool)
    matched[i[close]], hit[j[close]] = True, True
    tp, fp = predicted.count(p.positions[matched]), predicted.count(p.positions[~matched])
    return Counts(tp, fp, true.count(t.positions[~hit]), true.count(t.positions))


def label_f1(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return F1 of each clip's set of classes, (N,), from (N, C) both: a clip as one segment. 1.0 if both are empty."""
    both, either = (predicted & true).sum(axis=1), predicted.sum(axis=1) + true.sum(axis=1)
    return np.divide(2 * both, either, out=np.ones(len(true)), where=either > 0)


def clip_f1(counts: Counts) -> NDArray[np.float64]:
    """Return mean F1 over the classes active in prediction or ground truth, (N,); 1.0 for a clip without any."""
    f1 = counts.f1()
    active = ~np.isnan(f1)
    number = active.sum(axis=1)
    total = np.where(active, f1, 0.0).sum(axis=1)
    return np.divide(total, number, out=np.ones(len(f1)), where=number > 0)
