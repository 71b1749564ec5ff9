"""Bootstrap intervals of scores, over clips and seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from seehear.scoring.draws import kept

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
    draws = np.empty((DRAWS, n_values))
    for rows, clips, seeds in _drawn(n_clips, n_seeds, seed, DRAWS, max(1, MAX_WEIGHTS // n_clips)):
        by_seed = (clips.astype(np.float64) @ flat).reshape(-1, n_values, n_seeds) / n_clips  # (draws, K, S)
        draws[rows] = np.take_along_axis(by_seed, seeds[:, None], axis=2).mean(axis=2)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)  # (K,) each
    return {
        name: Interval(float(each.mean()), float(low[k]), float(high[k]), _deviation(each))
        for k, (name, each) in enumerate(values.items())
    }


def share_values(correct: NDArray[np.float64], items: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one value per clip, (N,), in per cent, whose mean is the share of items that are correct.

    Clips have different numbers of items, so the share is a ratio r of two sums over clips. The values are its linear
    part, r + (correct - r · items) / mean items (Efron and Tibshirani 1993, "An introduction to the bootstrap", ch.
    22).

    Args:
        correct: Of each clip, (N,).
        items: Of each clip, (N,); one clip at least has some.
    """
    share = correct.sum() / items.sum()
    return 100 * (share + (correct - share * items) / items.mean())


def share_interval(correct: NDArray[np.float64], items: NDArray[np.float64], seed: int = 0) -> Interval:
    """Return the share of items that are correct, per cent, with its interval over clips; see `share_values`."""
    drawn = bootstrap(share_values(correct, items)[None], seed)
    # The linear part may exceed the range of a share; the ratio can't.
    low, high = np.clip([drawn.low, drawn.high], 0.0, 100.0)
    return Interval(drawn.mean, float(low), float(high), 0.0)


def bootstrap_values(
    runs: Sequence[Callable[[NDArray[np.float64]], NDArray[np.float64]]],
    clips: int,
    seed: int = 0,
    draws: int | None = None,
) -> list[Interval]:
    """Return the intervals of K scores that need not be means over clips; clips and seeds are drawn with replacement.

    A draw in which a score is not defined, as without a clip that has a true event, is left out for this score.

    Args:
        runs: One per seed: from how often each clip counts, (draws, N), to the scores, (draws, K), NaN if not defined.
        clips: N.
        seed: Of the draws.
        draws: Their number, by default DRAWS; 0 for no interval: its ends are NaN.
    """
    draws = DRAWS if draws is None else draws
    by_run = np.concatenate([values(np.ones((1, clips))) for values in runs])  # (S, K)
    found = np.full((max(draws, 1), by_run.shape[1]), np.nan)
    for rows, counts, seeds in _drawn(clips, len(runs), seed, draws, max(1, MAX_WEIGHTS // clips)):
        weights = counts.astype(np.float64)
        by_seed = np.stack([values(weights) for values in runs], axis=1)  # (draws, S, K)
        found[rows] = np.take_along_axis(by_seed, seeds[..., None], axis=1).mean(axis=1)
    low, high = (_quantile(found, share) for share in (0.025, 0.975))
    deviation = by_run.std(axis=0, ddof=1) if len(runs) > 1 else np.zeros(by_run.shape[1])
    columns = zip(by_run.mean(axis=0).tolist(), low, high, deviation.tolist(), strict=True)
    return [Interval(*column) for column in columns]


def _quantile(values: NDArray[np.float64], share: float) -> list[float]:
    """Return a quantile of each column, of what is not NaN; NaN if all is."""
    columns = [column[~np.isnan(column)] for column in values.T]
    return [float(np.quantile(column, share)) if len(column) else np.nan for column in columns]


@kept
def _drawn(
    n_clips: int, n_seeds: int, seed: int, count: int, step: int
) -> Iterator[tuple[slice, NDArray[np.int32], NDArray[np.intp]]]:
    """Draw clips and seeds with replacement, `count` times, `step` of them at once.

    Yields:
        Which draws; how often each clip was drawn, (draws, N); the seeds that were drawn, (draws, S).
    """
    rng = np.random.default_rng(seed)
    for start in range(0, count, step):
        stop = min(start + step, count)
        # Clips are counted: to weight them is quicker than to gather them for every seed.
        clips, seeds = np.empty((stop - start, n_clips), np.int32), np.empty((stop - start, n_seeds), np.intp)
        for n in range(stop - start):
            clips[n] = np.bincount(rng.integers(n_clips, size=n_clips), minlength=n_clips)
            seeds[n] = rng.integers(n_seeds, size=n_seeds)
        yield slice(start, stop), clips, seeds


def _deviation(values: NDArray[np.float64]) -> float:
    """Return the standard deviation between seeds of values (S, N)."""
    return float(values.mean(axis=1).std(ddof=1)) if len(values) > 1 else 0.0
