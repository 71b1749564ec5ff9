"""Thresholds per modality that score best on clips whose events are known, or estimated by pseudo-labels.

The average score is raised one threshold at a time: of clips and of segments, in each modality. A grid in steps of a
tenth keeps the choice from following a few clips.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from seehear.decoding import ByModality, Decoding, Probabilities
from seehear.events import ActiveSegments
from seehear.memory import blocks
from seehear.modality import with_joint
from seehear.scoring.f1 import Counts, clip_f1, event_counts, segment_counts

SEGMENT_GRID = tuple(n / 10 for n in range(1, 10))
CLIP_GRID = tuple(n / 10 for n in range(8))  # 0 keeps every class
START = (0.5, 0.5)  # of clip and segment: the official protocol
SWEEPS = 3

Pair = tuple[float, float]  # thresholds of clips and segments


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
    (best,) = scorer.averages(thresholds, modalities[0], [START])
    for _ in range(SWEEPS):
        before = best
        for name in modalities:
            for level, grid in enumerate((CLIP_GRID, SEGMENT_GRID)):
                clip, segment = thresholds[name]
                values = sorted(grid, key=lambda value: abs(value - START[0]))
                pairs = [(value, segment) if level == 0 else (clip, value) for value in values]
                for pair, average in zip(pairs, scorer.averages(thresholds, name, pairs), strict=True):
                    if average > best + 1e-12:
                        best, thresholds = average, {**thresholds, name: pair}
        if best == before:
            break
    of_clip, of_segment = (ByModality({name: pair[level] for name, pair in thresholds.items()}) for level in range(2))
    return Tuned(Decoding("global", of_segment, of_clip), 100 * best)


class _Scorer:
    """The average scores of thresholds. Clips are counted some at a time: of all, memory holds scores alone."""

    def __init__(
        self,
        probabilities: Probabilities,
        truth: Mapping[str, NDArray[np.bool_]],
        modalities: tuple[str, ...],
        iou: float,
    ) -> None:
        self._segment, self._clip, self._iou = probabilities.segment, probabilities.clip, iou
        self._truth, self._modalities = truth, modalities
        self._known: dict[tuple[Pair, ...], float] = {}  # the last sweep meets many thresholds again

    def averages(self, thresholds: Mapping[str, Pair], name: str, pairs: Sequence[Pair]) -> list[float]:
        """Return for several thresholds of one modality the mean of all scores in [0, 1].

        Args:
            thresholds: modality -> of clips and segments.
            name: The modality whose thresholds are others.
            pairs: These, of clips and segments.
        """
        trials = {tuple({**thresholds, name: pair}.values()): pair for pair in pairs}
        unknown = {trial: pair for trial, pair in trials.items() if trial not in self._known}
        width = len(unknown) * math.prod(self._segment.shape[1:])
        parts = [
            self._scores(part, thresholds, name, [*unknown.values()])
            for part in (blocks(len(self._segment), width) if unknown else ())
        ]
        for n, trial in enumerate(unknown):
            of_kinds = np.concatenate([part[:, :, n] for part in parts], axis=-1)  # (2, K + 1, N)
            self._known[trial] = float(np.mean([_mean_scores(each) for each in of_kinds]))
        return [self._known[trial] for trial in trials]

    def _scores(
        self, part: slice, thresholds: Mapping[str, Pair], name: str, pairs: Sequence[Pair]
    ) -> NDArray[np.float64]:
        """Return the scores of n clips for P pairs, (2, K + 1, P, n): by level, of each kind and of all pooled.

        The clips are counted for all pairs at once, as P × n clips: where clips are few, calls take most of the time.
        """
        times = len(pairs)
        cut = {each: self._truth[each][part, : self._segment.shape[1]] for each in self._modalities}
        true = with_joint({each: ActiveSegments.of(array) for each, array in cut.items()}, self._modalities)
        active, counts = {}, {}
        for each, pair in thresholds.items():
            if each == name:
                active[each] = self._active(part, each, pairs)
                counts[each] = self._count(active[each], true[each].repeated(times))
            else:
                once = self._active(part, each, [pair])
                active[each] = once.repeated(times)
                counts[each] = [of_level.repeated(times) for of_level in self._count(once, true[each])]
        for kind, segments in with_joint(active, self._modalities).items():
            if kind not in active:
                counts[kind] = self._count(segments, true[kind].repeated(times))
        own = len(self._modalities)
        scores = np.array([_of_level([*counts.values()], own, level) for level in range(2)])  # (2, K + 1, P × n)
        return scores.reshape(*scores.shape[:2], times, -1)

    def _active(self, part: slice, name: str, pairs: Sequence[Pair]) -> ActiveSegments:
        """Return what is active in n clips by each of P pairs of thresholds, one after another: P × n clips."""
        of_modality, of_clip = self._segment[part, :, self._modalities.index(name)], self._clip[part]
        found = [(of_modality >= np.float32(segment)) & (of_clip >= np.float32(clip)) for clip, segment in pairs]
        return ActiveSegments.of(np.concatenate(found))

    def _count(self, active: ActiveSegments, true: ActiveSegments) -> list[Counts]:
        """Return the counts of both levels."""
        return [segment_counts(active, true), event_counts(active, true, self._iou)]


def _of_level(counts: Sequence[Sequence[Counts]], modalities: int, level: int) -> list[NDArray[np.float64]]:
    """Return the scores of clips by kind, modalities first, and those of the modalities' pooled counts, (n,) each."""
    pooled = reduce(add, [each[level] for each in counts[:modalities]])
    return [clip_f1(each) for each in (*(each[level] for each in counts), pooled)]


def _mean_scores(of_kinds: NDArray[np.float64]) -> list[float]:
    """Return the mean scores of a level, (K + 1, N): of each kind, of types, and of all pooled."""
    *own, pooled = (float(scores.mean()) for scores in of_kinds)
    return [*own, float(np.mean(own)), pooled]
