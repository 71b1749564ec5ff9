"""Thresholds per modality that score best on clips whose events are known, or estimated by pseudo-labels.

The average score is raised one threshold at a time: of clips and of segments, in each modality. A grid in steps of a
tenth keeps the choice from following a few clips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.decoding import ByModality, Decoding, Probabilities
from seehear.events import ActiveSegments
from seehear.modality import with_joint
from seehear.scoring.f1 import Counts, clip_f1, event_counts, segment_counts

SEGMENT_GRID = tuple(n / 10 for n in range(1, 10))
CLIP_GRID = tuple(n / 10 for n in range(8))  # 0 keeps every class
START = (0.5, 0.5)  # of clip and segment: the official protocol
SWEEPS = 3


@dataclass(frozen=True)
class Tuned:
    """Thresholds and the score that they reach.

    Attributes:
        decoding: With thresholds per modality.
        average: The mean of all scores, per cent.
    """

    decoding: Decoding
    average: float


def tune(
    probabilities: Probabilities, truth: Mapping[str, NDArray[np.bool_]], modalities: tuple[str, ...], iou: float = 0.5
) -> Tuned:
    """Return the thresholds of clips and segments, per modality, with the best average score.

    The search goes on from the official thresholds. Of equal scores, the thresholds nearer to these are kept.

    Args:
        probabilities: Of N clips.
        truth: modality -> (N, T, C), ground truth or pseudo-labels; T at least that of the probabilities.
        modalities: Names of the M modalities of the probabilities.
        iou: Least intersection over union of a true positive event.
    """
    scorer = _Scorer(probabilities, truth, modalities, iou)
    thresholds = {name: START for name in modalities}
    best = scorer.average(thresholds)
    for _ in range(SWEEPS):
        before = best
        for name in modalities:
            for level, grid in enumerate((CLIP_GRID, SEGMENT_GRID)):
                for value in sorted(grid, key=lambda value: abs(value - START[0])):
                    pair = (value, thresholds[name][1]) if level == 0 else (thresholds[name][0], value)
                    trial = {**thresholds, name: pair}
                    if (average := scorer.average(trial)) > best + 1e-12:
                        best, thresholds = average, trial
        if best == before:
            break
    clip = ByModality({name: pair[0] for name, pair in thresholds.items()})
    segment = ByModality({name: pair[1] for name, pair in thresholds.items()})
    return Tuned(Decoding("global", segment, clip), 100 * best)


class _Scorer:
    """The average score of thresholds; a modality whose thresholds did not change is not counted again."""

    def __init__(
        self,
        probabilities: Probabilities,
        truth: Mapping[str, NDArray[np.bool_]],
        modalities: tuple[str, ...],
        iou: float,
    ) -> None:
        self._segment, self._clip, self._iou = probabilities.segment, probabilities.clip, iou
        self._modalities = modalities
        segments = self._segment.shape[1]
        cut = {name: truth[name][:, :segments] for name in modalities}
        self._true = with_joint({name: ActiveSegments.of(array) for name, array in cut.items()}, modalities)
        self._active: dict[tuple[int, float, float], ActiveSegments] = {}
        self._counts: dict[tuple[int, float, float], tuple[Counts, Counts]] = {}

    def average(self, thresholds: Mapping[str, tuple[float, float]]) -> float:
        """Return the mean of all scores in [0, 1]. thresholds: modality -> of clips and segments."""
        keys = [(m, *thresholds[name]) for m, name in enumerate(self._modalities)]
        active = {name: self._of(key) for name, key in zip(self._modalities, keys, strict=True)}
        counts = [self._counts_of(key) for key in keys]
        joined = with_joint(active, self._modalities)
        for kind in list(joined)[len(active) :]:
            counts.append(self._count(joined[kind], kind))
        means = []
        for level in range(2):
            own = [float(clip_f1(each[level]).mean()) for each in counts]
            pooled = counts[0][level]
            for each in counts[1 : len(self._modalities)]:
                pooled = pooled + each[level]
            means += [*own, float(np.mean(own)), float(clip_f1(pooled).mean())]
        return float(np.mean(means))

    def _of(self, key: tuple[int, float, float]) -> ActiveSegments:
        if key not in self._active:
            m, clip, segment = key
            active = (self._segment[:, :, m] >= np.float32(segment)) & (self._clip >= np.float32(clip))
            self._active[key] = ActiveSegments.of(active)
        return self._active[key]

    def _counts_of(self, key: tuple[int, float, float]) -> tuple[Counts, Counts]:
        if key not in self._counts:
            self._counts[key] = self._count(self._of(key), self._modalities[key[0]])
        return self._counts[key]

    def _count(self, active: ActiveSegments, kind: str) -> tuple[Counts, Counts]:
        true = self._true[kind]
        return segment_counts(active, true), event_counts(active, true, self._iou)
