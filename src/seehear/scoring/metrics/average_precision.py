"""Mean average precision of events (ActivityNet: Caba Heilbron et al. 2015; UnAV-100: Geng et al. 2023).

Per class, predicted events of all clips are gone through by falling confidence. One is right if, of the true events of
its clip and class that are not matched yet, the one that it overlaps most has a temporal intersection over union (tIoU)
of at least the threshold. Average precision (AP) is the sum of the precision over the recall, where precision is
interpolated: the highest at this recall or a higher one. mAP is the mean AP of the classes with true events: events
predicted of other classes do not count.

What a system gives is either events with confidences, which are taken as they are, or probabilities of segments. From
these, events are proposed as is usual for localization from weak labels: at each of THRESHOLDS, each maximal run of
segments that reach it; a run that several thresholds give counts once. Its confidence is the contrast between inside
and outside (Shou et al. 2018, AutoLoc): the mean probability of its segments less that of the segments around it, a
quarter of its length on each side. So no threshold is chosen: the run's own thresholds and clip filter play no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.events import ActiveSegments, event_spans
from seehear.scoring.metrics.inputs import Clips, Prediction, Scores, Spans, Truth
from seehear.scoring.metrics.interface import Array, ClassScore, Grain, Key, Kinds, Measured, Metric

TIOUS = tuple(n / 10 for n in range(1, 10))
MEANS = {"mean 0.5 to 0.9": 0.5, "mean 0.1 to 0.9": 0.1}  # -> lowest tIoU; UnAV-100's own average is the second
THRESHOLDS = tuple(n / 20 for n in range(1, 20))
MARGIN = 0.25  # of an event's length: what is around it, on each side, at least a segment
DRAWS = 500  # each takes 5 ms for a thousand clips and ten classes


def proposals(scores: Scores, clips: Clips) -> Spans:
    """Return the runs of segments that reach one of the THRESHOLDS, each once, with their contrast as confidence.

    Args:
        scores: Probabilities, (N, T, C).
        clips: Their lengths, and that of a segment.
    """
    runs = [event_spans(ActiveSegments.of(scores >= np.float32(threshold))) for threshold in THRESHOLDS]
    rows = np.concatenate([np.stack([each.clip, each.label, each.start, each.stop], axis=1) for each in runs])
    clip, label, start, stop = np.unique(rows, axis=0).T if len(rows) else rows.T
    total = np.cumsum(scores, axis=1, dtype=np.float64)
    total = np.concatenate([np.zeros_like(total[:, :1]), total], axis=1)  # (N, T + 1, C)

    margin = np.maximum(1, np.rint(MARGIN * (stop - start))).astype(np.intp)
    first, last = np.maximum(start - margin, 0), np.minimum(stop + margin, np.maximum(stop, clips.extents[clip]))
    inside = total[clip, stop, label] - total[clip, start, label]
    around = total[clip, last, label] - total[clip, first, label] - inside
    outside = np.maximum((last - first) - (stop - start), 1)  # segments; nothing is around a run that fills its clip
    onset, offset = (clips.segment * each.astype(np.float64) for each in (start, stop))
    return Spans(clip, label, onset, offset, inside / (stop - start) - around / outside)


def matches(predicted: Spans, true: Spans, tious: Sequence[float] = TIOUS) -> NDArray[np.bool_]:
    """Return which predicted events of a class are right at each threshold, (len(tious), events).

    Args:
        predicted: By falling confidence.
        true: Of the same class.
        tious: Thresholds of tIoU.
    """
    by_clip: dict[int, list[int]] = {}
    for number, clip in enumerate(true.clip.tolist()):
        by_clip.setdefault(clip, []).append(number)
    right = np.zeros((len(tious), len(predicted)), dtype=bool)
    taken = np.zeros((len(tious), len(true)), dtype=bool)
    for p, clip in enumerate(predicted.clip.tolist()):
        if clip not in by_clip:
            continue
        candidates = np.array(by_clip[clip])
        overlaps = tiou(predicted.onset[p], predicted.offset[p], true.onset[candidates], true.offset[candidates])
        for k, least in enumerate(tious):
            free = np.where(taken[k, candidates], -1.0, overlaps)
            best = int(free.argmax())
            if free[best] >= least:
                right[k, p] = taken[k, candidates[best]] = True
    return right


def tiou(onset: float, offset: float, onsets: Array, offsets: Array) -> Array:
    """Return intersection over union of an event with others, in [0, 1]; all times in seconds."""
    intersection = np.clip(np.minimum(offset, offsets) - np.maximum(onset, onsets), 0, None)
    return np.asarray(intersection / ((offset - onset) + (offsets - onsets) - intersection))


def means(values: Array) -> Array:
    """Return the MEANS over thresholds, (draws, len(MEANS)). values: one per threshold, (draws, len(TIOUS))."""
    return np.stack([values[:, np.array(TIOUS) >= least].mean(axis=1) for least in MEANS.values()], axis=1)


@dataclass(frozen=True)
class Ranked:
    """The predicted events of one class by falling confidence, and its true ones.

    Attributes:
        clip: Numbers of the clips of the P predicted events, (P,).
        right: Which are right at each threshold, (K, P).
        true_clip: Numbers of the clips of the true events.
    """

    clip: NDArray[np.intp]
    right: NDArray[np.bool_]
    true_clip: NDArray[np.intp]

    def average_precision(self, weights: Array) -> Array:
        """Return AP at each threshold, (draws, K); NaN without a true event. weights: of the clips, (draws, N)."""
        number = weights[:, self.true_clip].sum(axis=1)  # (draws,)
        own = weights[:, self.clip]  # (draws, P)
        predicted = np.cumsum(own, axis=1)
        found = np.zeros((len(weights), len(self.right)))
        for k, right in enumerate(self.right):
            hits = own * right
            precision = np.cumsum(hits, axis=1) / np.maximum(predicted, 1)
            best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
            found[:, k] = (hits * best).sum(axis=1)
        return np.divide(found, number[:, None], out=np.full(found.shape, np.nan), where=number[:, None] > 0)


@dataclass(frozen=True)
class AveragePrecisions(Measured):
    """mAP per kind, at each of the TIOUS and their MEANS.

    Attributes:
        ranked: Per kind the classes with true events.
    """

    ranked: tuple[tuple[Ranked, ...], ...]

    def values(self, weights: Array) -> Array:
        """Return mAP, (draws, K); see `Measured.values`."""
        of_kinds = []
        for classes in self.ranked:
            total, number = np.zeros((len(weights), len(TIOUS))), np.zeros((len(weights), 1))
            for each in classes:
                found = each.average_precision(weights)
                occurs = ~np.isnan(found[:, :1])
                total, number = total + np.where(occurs, found, 0), number + occurs
            mean = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
            of_kinds += [mean, means(mean)]
        return np.concatenate(of_kinds, axis=1)


def mean_average_precision(prediction: Prediction, truth: Truth, clips: Clips) -> AveragePrecisions:
    """Return mAP of every kind whose truth is known per second.

    Args:
        prediction: Events with confidences, or probabilities of segments.
        truth: True events, in seconds.
        clips: Names of the classes, length of a segment.
    """
    keys: list[Key] = []
    ranked, classes = [], []
    everywhere = np.ones((1, len(clips)))
    for kind, true in truth.spans.items():
        given = prediction.spans.get(kind)
        predicted = given if given is not None else proposals(prediction.scores[kind], clips)
        by_class = dict(_ranked(predicted, true))
        own = [Key(kind, name) for name in (*(f"tIoU {least:g}" for least in TIOUS), *MEANS)]
        keys += own
        for label, each in by_class.items():
            found = each.average_precision(everywhere)  # (1, K)
            rows = zip(own, np.concatenate([found, means(found)], axis=1)[0].tolist(), strict=True)
            classes += [ClassScore(key, clips.classes[label], value, len(each.true_clip)) for key, value in rows]
        ranked.append(tuple(by_class.values()))
    return AveragePrecisions(tuple(keys), tuple(ranked), classes=tuple(classes))


def _ranked(predicted: Spans, true: Spans) -> Iterator[tuple[int, Ranked]]:
    """Yield the number of each class with true events, and its events."""
    for label in np.unique(true.label).tolist():
        own, of_class = _of_class(predicted, label), _of_class(true, label)
        yield label, Ranked(own.clip, matches(own, of_class), of_class.clip)


def _of_class(spans: Spans, label: int) -> Spans:
    """Return the events of a class by falling confidence; equal ones stay in order."""
    chosen = np.flatnonzero(spans.label == label)
    chosen = chosen[np.argsort(-spans.confidence[chosen], kind="stable")]
    return Spans(*(getattr(spans, name)[chosen] for name in ("clip", "label", "onset", "offset", "confidence")))


METRIC = Metric(
    name="map",
    meaning="mean average precision of events ranked by confidence, over classes with true events",
    paper="UnAV-100: Geng et al. 2023; ActivityNet: Caba Heilbron et al. 2015",
    grain=Grain.SECOND,
    kinds=Kinds.ANY,
    measure=mean_average_precision,
    parameters="tiou0.1:0.1:0.9,proposals:0.05:0.05:0.95,confidence:contrast0.25",
    ranks=True,
    draws=DRAWS,
    headline=next(iter(MEANS)),
)
