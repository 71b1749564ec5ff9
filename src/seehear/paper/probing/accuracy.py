"""Accuracy and its interval over clips: segments of a clip are much alike, so the bootstrap draws clips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.scoring.intervals import Interval, bootstrap


def accuracy(correct: NDArray[np.bool_], clip: NDArray[np.int64], seed: int = 0) -> Interval:
    """Return the share of correct rows, per cent, with its 95 % bootstrap interval over clips; see `per_clip`.

    Args:
        correct: (n,).
        clip: (n,), clip of each row.
        seed: Of the draws.
    """
    values = per_clip(correct, clip)
    drawn = bootstrap(values[None], seed)
    # The linear part may exceed the range of a share; the ratio can't.
    low, high = np.clip([drawn.low, drawn.high], 0.0, 100.0)
    return Interval(drawn.mean, float(low), float(high), 0.0)


def per_clip(correct: NDArray[np.bool_], clip: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return one value per clip, (N,), per cent, whose mean is the share of correct rows.

    Clips have different numbers of rows, so the share is a ratio r of two sums over clips. The values are its linear
    part, r + (correct - r · rows) / mean rows (Efron and Tibshirani 1993, "An introduction to the bootstrap", ch. 22).

    Args:
        correct: (n,).
        clip: (n,), clip of each row.

    Raises:
        SeehearError: If there is no row.
    """
    if not len(correct):
        raise SeehearError("there is no row to compute an accuracy from")
    _, which = np.unique(clip, return_inverse=True)
    rows = np.bincount(which).astype(np.float64)  # (N,)
    n_correct = np.bincount(which, weights=correct)
    share = n_correct.sum() / rows.sum()
    return 100 * (share + (n_correct - share * rows) / rows.mean())
