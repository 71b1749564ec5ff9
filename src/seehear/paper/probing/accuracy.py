"""How often something was right, and how sure that is: segments of a clip are alike, so clips are what is drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.scoring.intervals import Interval, bootstrap


def accuracy(correct: NDArray[np.bool_], clip: NDArray[np.int64], seed: int = 0) -> Interval:
    """Share of rows that are correct, per cent, with its 95 % bootstrap interval over clips; see `per_clip`.

    seed: of the draws.
    """
    values = per_clip(correct, clip)
    drawn = bootstrap(values[None], seed)
    # The linear part may leave the range of a share, which the ratio can't.
    low, high = np.clip([drawn.low, drawn.high], 0.0, 100.0)
    return Interval(drawn.mean, float(low), float(high), 0.0)


def per_clip(correct: NDArray[np.bool_], clip: NDArray[np.int64]) -> NDArray[np.float64]:
    """A value a clip whose mean is the share of rows that are correct, per cent, (N,), clips in their order.

    correct: (n,). clip: (n,), which clip each row is of. Raises SeehearError without rows.

    Clips have different numbers of rows, so the share is a ratio r of two sums over clips. The values are its linear
    part, r + (right - r · rows) / mean rows (Efron and Tibshirani 1993, "An introduction to the bootstrap", ch. 22).
    """
    if not len(correct):
        raise SeehearError("no rows to count right ones among")
    _, which = np.unique(clip, return_inverse=True)
    rows = np.bincount(which).astype(np.float64)  # (N,)
    right = np.bincount(which, weights=correct)
    share = right.sum() / rows.sum()
    return 100 * (share + (right - share * rows) / rows.mean())
