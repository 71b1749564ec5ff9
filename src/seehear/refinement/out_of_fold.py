"""Scores of clips by teachers that were not fitted to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seehear.memory import blocks, zeros
from seehear.refinement.teachers import Bags, Teacher


def folds(labels: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return the fold of each clip, (N,), 0 to count - 1: every class is spread over the folds as evenly as it goes.

    Clips are dealt out one after another, those of the rarest class first. The same labels give the same folds.

    Args:
        labels: Weak labels, (N, C).
        count: Number of folds, at most N.
    """
    present = labels > 0
    frequency = present.sum(axis=0)  # (C,)
    rarest = np.where(present, frequency, len(labels) + 1).min(axis=1, initial=len(labels) + 1)  # (N,)
    which = np.where(present, frequency, len(labels) + 1).argmin(axis=1) if labels.shape[1] else rarest
    order = np.lexsort((np.arange(len(labels)), which, rarest))
    fold = np.empty(len(labels), dtype=np.int64)
    fold[order] = np.arange(len(labels)) % count
    return fold


def out_of_fold(
    teacher: Teacher, bags: Bags, labels: NDArray[np.float32], fold: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the score of every segment by the teacher that was fitted to the clips of the other folds.

    Args:
        teacher: Fitted once per fold.
        bags: N clips, R segments.
        labels: Weak labels, (N, C).
        fold: Of each clip, (N,).

    Returns:
        (R, C); 0 where there is no clip in any other fold.
    """
    scores: NDArray[np.float32] = zeros((len(bags.rows), labels.shape[1]))
    of_row = np.repeat(fold, np.diff(bags.offsets))  # (R,)
    for number in np.unique(fold):
        others = np.flatnonzero(fold != number)
        if not len(others):
            continue
        linear = teacher.fit(bags.subset(others), labels[others].astype(np.float64))
        rows = np.flatnonzero(of_row == number)
        for part in blocks(len(rows), bags.rows.shape[1]):
            scores[rows[part]] = linear(bags.rows[rows[part]])
    return scores
