"""Mean average precision of segments, as LFAV reports it (Hou et al. 2023: snippet-level mAP).

Per class, the segments of all clips are ranked by probability. Average precision (AP) is the sum over recalls of the
precision, which is interpolated: the highest at this recall or a higher one. mAP is the mean AP of the classes that
are true in some segment; LFAV's test clips have all classes. The average is over what is heard, what is seen, and both.

The probability that a class is heard and seen at once is the product of both. Thresholds and the clip filter play no
part. Segments of equal probability count at once, so that the order of clips changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.modality import AUDIO, JOINT, VISUAL
from seehear.scoring.metrics.inputs import Active, Clips, Prediction, Scores, Truth
from seehear.scoring.metrics.interface import Array, ClassScore, Grain, Key, Kinds, Measured, Metric

MAP = "map"
AVERAGE = Key("average", MAP)  # of audio, visual and audio_visual
DRAWS = 100  # each takes 0.2 s for LFAV's thousand test clips


@dataclass(frozen=True)
class RankedSegments:
    """The segments of one class by falling probability, down to the last true one: what follows changes nothing.

    Precision is needed at the P probabilities that some true segment has: at any other it is lower, at the same recall.

    Attributes:
        clip: Numbers of the clips of the S segments, (S,).
        true_clip: Numbers of the clips of the R true ones, (R,).
        last: Place of the last segment with each of the probabilities, (P,).
        last_true: Likewise among the true ones, (P,).
    """

    clip: NDArray[np.intp]
    true_clip: NDArray[np.intp]
    last: NDArray[np.intp]
    last_true: NDArray[np.intp]

    @staticmethod
    def of(scores: NDArray[np.float32], true: NDArray[np.bool_], clip: NDArray[np.intp]) -> RankedSegments:
        """Rank the segments of all clips. All are (S,), and one at least is true."""
        kept = np.flatnonzero(scores >= scores[true].min())
        kept = kept[np.argsort(-scores[kept], kind="stable")]
        ranked, own = scores[kept], kept[true[kept]]
        last_true = np.flatnonzero(np.append(np.diff(scores[own]) != 0, True))
        last = np.searchsorted(-ranked, -scores[own][last_true], side="right") - 1
        return RankedSegments(clip[kept], clip[own], last, last_true)

    def average_precision(self, weights: Array) -> Array:
        """Return AP, (draws,); NaN without a true segment. weights: of the clips, (draws, N)."""
        return np.array([self._of_draw(each) for each in weights])

    def _of_draw(self, weights: Array) -> float:
        found = np.cumsum(weights[self.true_clip])[self.last_true]  # (P,)
        if found[-1] == 0:
            return np.nan
        precision = found / np.maximum(np.cumsum(weights[self.clip])[self.last], 1)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        return float((np.diff(found, prepend=0) * best).sum() / found[-1])


@dataclass(frozen=True)
class SegmentPrecisions(Measured):
    """mAP per kind, and the average of audio, visual and audio_visual where all are there.

    Attributes:
        ranked: Per kind the classes with true segments.
    """

    ranked: tuple[tuple[RankedSegments, ...], ...]

    def values(self, weights: Array) -> Array:
        """Return mAP, (draws, K); see `Measured.values`."""
        of_kinds = []
        for classes in self.ranked:
            total, number = np.zeros(len(weights)), np.zeros(len(weights))
            for each in classes:
                found = each.average_precision(weights)
                occurs = ~np.isnan(found)
                total, number = total + np.where(occurs, found, 0), number + occurs
            of_kinds.append(np.divide(total, number, out=np.full(len(weights), np.nan), where=number > 0))
        if AVERAGE in self.keys:
            of_kinds.append(np.mean(of_kinds, axis=0))
        return np.stack(of_kinds, axis=1)


def segment_map(prediction: Prediction, truth: Truth, clips: Clips) -> SegmentPrecisions:
    """Return mAP of every kind whose truth is known per second, and the average of the three.

    Args:
        prediction: Probabilities of segments, or the highest confidence of the events that fill them.
        truth: True seconds.
        clips: Which segments count, and the names of the classes.
    """
    kinds = [kind for kind in truth.active if kind in prediction.scores]
    ranked, classes = [], []
    for kind in kinds:
        by_class = dict(_ranked(_scores(prediction, kind), truth.active[kind], clips.inside))
        ranked.append(tuple(by_class.values()))
        for label, each in by_class.items():
            (value,) = each.average_precision(np.ones((1, len(clips)))).tolist()
            classes.append(ClassScore(Key(kind, MAP), clips.classes[label], value, len(each.true_clip)))
    keys = [Key(kind, MAP) for kind in kinds]
    keys += [AVERAGE] if set(kinds) == {AUDIO, VISUAL, JOINT} else []
    return SegmentPrecisions(tuple(keys), tuple(ranked), classes=tuple(classes))


def _scores(prediction: Prediction, kind: str) -> Scores:
    """Return the probabilities of a kind, (N, T, C); of both at once their product, where both are predicted."""
    if kind == JOINT and {AUDIO, VISUAL} <= set(prediction.scores):
        return prediction.scores[AUDIO] * prediction.scores[VISUAL]
    return prediction.scores[kind]


def _ranked(scores: Scores, true: Active, inside: NDArray[np.bool_]) -> Iterator[tuple[int, RankedSegments]]:
    """Yield the number of each class that is true in some segment within a clip, and its segments."""
    clip = np.nonzero(inside)[0]
    for label in np.flatnonzero(true[inside].any(axis=0)).tolist():
        yield label, RankedSegments.of(scores[..., label][inside], true[..., label][inside], clip)


METRIC = Metric(
    name="segment-map",
    meaning="mean average precision of segments ranked by probability, over classes with true segments",
    paper="LFAV: Hou et al. 2023",
    grain=Grain.SECOND,
    kinds=Kinds.ANY,
    measure=segment_map,
    parameters="interpolated,joint:product",
    ranks=True,
    draws=DRAWS,
    lengths=True,
    headline=MAP,
)
