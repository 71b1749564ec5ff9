"""Multiple-instance logistic regression: every segment has a probability, and the clip has their linear softmax.

P = Σ p² / Σ p over the segments of a clip (Wang et al. 2019, "A comparison of five multiple instance learning pooling
functions"): segments count by their own probability. So a class that fills two seconds is not averaged away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from seehear.refinement.teachers.interface import Bags, Linear, Teacher
from seehear.refinement.teachers.logistic import minimised

WEIGHT_DECAY = 1.0  # λ, see `logistic`
SMALL = 1e-6  # keeps the logarithm finite


class MultipleInstance(Teacher):
    """Logistic regression of segments, trained through linear-softmax pooling."""

    name = "mil"
    description = "logistic regression of segments, pooled over the clip by linear softmax"

    def fit(self, bags: Bags, labels: NDArray[np.float64]) -> Linear:
        """Return the map of the least loss that was found from zero."""
        lengths = np.diff(bags.offsets)
        clip = np.repeat(np.arange(len(bags)), lengths)  # (R,)

        def loss(scores: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            p = expit(scores)  # (R, C)
            total, squares = bags.total(p) + SMALL, bags.total(p * p)  # (N, C)
            pooled = np.clip(squares / total, SMALL, 1 - SMALL)
            value = -(labels * np.log(pooled) + (1 - labels) * np.log1p(-pooled)).sum()
            slope = (pooled - labels) / (pooled * (1 - pooled))  # (N, C), of the loss by the pooled probability
            by_segment = slope[clip] * (2 * p - pooled[clip]) / total[clip] * p * (1 - p)  # (R, C)
            return float(value) / len(bags), by_segment / len(bags)

        return minimised(np.asarray(bags.rows, dtype=np.float64), labels.shape[1], loss, WEIGHT_DECAY)


TEACHERS = (MultipleInstance(),)
