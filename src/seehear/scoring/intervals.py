"""Bootstrap intervals of scores, over clips and seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000  # bootstrap samples: the ends of a 95 % interval rest on 50 of them each


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % bootstrap interval, in the unit of the values.

    Attributes:
        mean: Over seeds and clips.
        low: Lower end of the interval.
        high: Upper end.
        deviation: Standard deviation between seeds; 0 for one seed.
    """

    mean: float
    low: float
    high: float
    deviation: float


def bootstrap(values: NDArray[np.float64], seed: int = 0) -> Interval:
    """Return the mean of values over seeds and clips, and its interval; both are drawn with replacement.

    Args:
        values: (S, N), one row per seed.
        seed: Of the draws.
    """
    n_seeds, n_clips = values.shape
    rng = np.random.default_rng(seed)
    draws = np.empty(DRAWS)
    for n in range(DRAWS):
        clips = rng.integers(n_clips, size=n_clips)
        seeds = rng.integers(n_seeds, size=n_seeds)
        # Clips weighted by how often they were drawn: quicker than gathering them for every seed.
        weights = np.bincount(clips, minlength=n_clips)
        draws[n] = (values[seeds] @ weights).mean() / n_clips
    low, high = np.quantile(draws, [0.025, 0.975])
    deviation = float(values.mean(axis=1).std(ddof=1)) if n_seeds > 1 else 0.0
    return Interval(float(values.mean()), float(low), float(high), deviation)
