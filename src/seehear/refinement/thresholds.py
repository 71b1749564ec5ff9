"""Thresholds from certain negatives: a clip whose weak label lacks a class holds it in no segment and no modality."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.memory import blocks, zeros

SEGMENTS = 10  # of the clips for which α is stated, those of LLP


@dataclass(frozen=True)
class Thresholds:
    """How large the score of a segment has to be, class by class, in one modality.

    Attributes:
        value: θ, (C,): the share `false_alarms` of the segments of certain negatives scores higher. Infinite for a
            class without negatives.
        deviation: Standard deviation of the scores of certain negatives, (C,); above 0.
    """

    value: NDArray[np.float64]
    deviation: NDArray[np.float64]

    def margins(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (score − θ) / deviation of scores (..., C): above 0, the segment passes."""
        margins: NDArray[np.float32] = zeros(scores.shape)
        for part in blocks(len(scores), math.prod(scores.shape[1:])):  # as float64, they take twice the room
            margins[part] = (scores[part] - self.value) / self.deviation
        return margins


def share_for(false_alarms: float, lengths: NDArray[np.int64]) -> float:
    """Return the share of segments that may pass a threshold, for clips of these lengths.

    A label holds if one segment passes. So in clips longer than SEGMENTS, each must pass more rarely: on average
    as many segments of a clip pass by mistake as in clips of SEGMENTS.

    Args:
        false_alarms: α in (0, 1), for clips of up to SEGMENTS.
        lengths: Segments of each clip, (N,).
    """
    return false_alarms * min(1.0, SEGMENTS / max(1.0, float(np.mean(lengths))))


def from_negatives(
    scores: NDArray[np.float32], labels: NDArray[np.float32], offsets: NDArray[np.int64], false_alarms: float
) -> Thresholds:
    """Return the thresholds that a stated share of the segments of certain negatives passes.

    Args:
        scores: Of the segments of N clips, (R, C), each by a teacher that was not fitted to the clip.
        labels: Weak labels, (N, C).
        offsets: (N + 1,). Clip n has the rows offsets[n]:offsets[n + 1].
        false_alarms: A share in (0, 1), see `share_for`: θ is the quantile of 1 minus it.
    """
    lengths = np.diff(offsets)
    classes = labels.shape[1]
    value, deviation = np.full(classes, np.inf), np.ones(classes)
    for c in range(classes):
        own = scores[np.repeat(labels[:, c] == 0, lengths), c]
        if len(own):
            value[c] = np.quantile(own, 1 - false_alarms)
            deviation[c] = max(float(own.std()), 1e-9)
    return Thresholds(value, deviation)
