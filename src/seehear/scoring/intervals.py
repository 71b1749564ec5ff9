"""Bootstrap intervals of scores, over clips and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000  # bootstrap samples: the ends of a 95 % interval rest on 50 of them each
MAX_WEIGHTS = 2**20  # weights of clips in memory at once

K = TypeVar("K")


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
    return bootstrap_each({None: values}, seed)[None]


def bootstrap_each(values: Mapping[K, NDArray[np.float64]], seed: int = 0) -> dict[K, Interval]:
    """Return the interval of each of several values of the same seeds and clips, as `bootstrap` does, in one pass.

    Args:
        values: Name -> (S, N), one row per seed.
        seed: Of the draws, which are the same for all.
    """
    stacked = np.stack([*values.values()])  # (K, S, N)
    n_values, n_seeds, n_clips = stacked.shape
    flat = stacked.reshape(-1, n_clips).T  # (N, K × S)
    rng = np.random.default_rng(seed)
    draws = np.empty((DRAWS, n_values))
    step = max(1, MAX_WEIGHTS // n_clips)
    for start in range(0, DRAWS, step):
        stop = min(start + step, DRAWS)
        clips, seeds = np.empty((stop - start, n_clips)), np.empty((stop - start, 1, n_seeds), dtype=np.intp)
        for n in range(stop - start):
            # Clips weighted by how often they were drawn: quicker than gathering them for every seed.
            clips[n] = np.bincount(rng.integers(n_clips, size=n_clips), minlength=n_clips)
            seeds[n] = rng.integers(n_seeds, size=n_seeds)
        by_seed = (clips @ flat).reshape(-1, n_values, n_seeds) / n_clips  # (draws, K, S)
        draws[start:stop] = np.take_along_axis(by_seed, seeds, axis=2).mean(axis=2)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)  # (K,) each
    return {
        name: Interval(float(each.mean()), float(low[k]), float(high[k]), _deviation(each))
        for k, (name, each) in enumerate(values.items())
    }


def _deviation(values: NDArray[np.float64]) -> float:
    """Return the standard deviation between seeds of values (S, N)."""
    return float(values.mean(axis=1).std(ddof=1)) if len(values) > 1 else 0.0
