"""Accuracy and its interval over clips: segments of a clip are much alike, so the bootstrap draws clips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.scoring.intervals import Interval, share_interval, share_values


def accuracy(correct: NDArray[np.bool_], clip: NDArray[np.int64], seed: int = 0) -> Interval:
    """Return the share of correct rows, per cent, with its 95 % bootstrap interval over clips.

    Args:
        correct: (n,).
        clip: (n,), clip of each row.
        seed: Of the draws.

    Raises:
        SeehearError: If there is no row.
    """
    return share_interval(*_by_clip(correct, clip), seed)


def per_clip(correct: NDArray[np.bool_], clip: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return one value per clip, (N,), per cent, whose mean is the share of correct rows; see `share_values`.

    Args:
        correct: (n,).
        clip: (n,), clip of each row.

    Raises:
        SeehearError: If there is no row.
    """
    return share_values(*_by_clip(correct, clip))


def _by_clip(correct: NDArray[np.bool_], clip: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the number of correct rows of each clip, and of all its rows, (N,) each."""
    if not len(correct):
        raise SeehearError("there is no row to compute an accuracy from")
    _, which = np.unique(clip, return_inverse=True)
    return np.bincount(which, weights=correct).astype(np.float64), np.bincount(which).astype(np.float64)
