"""From scores with noise to ranks: which collocation leads, how certain that is, and which are tied with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from seehear.errors import SeehearError
from seehear.scoring.comparison import resampled, shares
from seehear.scoring.intervals import DRAWS

Array = NDArray[np.float64]
Values = Sequence[Array] | Array  # of each of n collocations a score (S, N): S trainings, the same N clips

TIED = 0.95  # probability with which the tied set holds the best
ROUNDING = 1e-12


@dataclass(frozen=True)
class Standing:
    """Scores and ranks of n collocations; every array is (n,), in their order.

    Attributes:
        scores: As given, NaN if there is none.
        rank: 1 is the best; equal scores share the best of their ranks.
        rank_low, rank_high: Ends of the interval that contains the ranks of 95 % of the draws. Scores that are equal in
            a draw take all ranks that they share, so a score that is the same for all has the interval 1 to n.
        p_best: Share of the draws in which it is the best, sum 1; a draw with several best ones is split among them.
        tied: Whether it is in the tied set: the fewest collocations that hold the best in 95 % of the draws. The first
            of the best scores is always in it, and so is whatever is as probable as another one in it.
    """

    scores: Array
    rank: NDArray[np.int64]
    rank_low: NDArray[np.int64]
    rank_high: NDArray[np.int64]
    p_best: Array
    tied: NDArray[np.bool_]


def standing(scores: Array, draws: Array) -> Standing:
    """Rank collocations.

    Args:
        scores: (n,), higher is better. NaN, a missing score, is worse than any other.
        draws: Replicates of all of them, (B, n). A collocation whose score is NaN is so in all draws.

    Raises:
        SeehearError: Shapes do not fit.
    """
    if draws.ndim != 2 or draws.shape[1:] != scores.shape or not draws.size:
        raise SeehearError(f"draws of {scores.shape} scores must be (B, n), not {draws.shape}")
    failed = np.isnan(scores)
    filled = np.where(failed, -np.inf, scores)
    drawn = np.where(failed | np.isnan(draws), -np.inf, draws)  # (B, n)
    best = drawn == drawn.max(axis=1, keepdims=True)
    p_best = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return Standing(
        scores,
        rankdata(-filled, method="min").astype(np.int64),
        # Of ranks that lie between two draws' the outer one, so that an interval is never too short.
        np.quantile(rankdata(-drawn, method="min", axis=1), 0.025, axis=0, method="lower").astype(np.int64),
        np.quantile(rankdata(-drawn, method="max", axis=1), 0.975, axis=0, method="higher").astype(np.int64),
        p_best,
        tied_set(p_best, int(filled.argmax())),
    )


def tied_set(p_best: Array, leader: int) -> NDArray[np.bool_]:
    """Return which collocations (n,) are needed to hold the best with probability TIED, and the leader."""
    order = np.argsort(-p_best, kind="stable")
    needed = int((np.cumsum(p_best[order]) < TIED - ROUNDING).sum())  # numbers before the last one that is needed
    tied = p_best >= p_best[order[min(needed, len(order) - 1)]] - ROUNDING
    tied[leader] = True
    return tied


def seed_deviation(values: Values) -> float:
    """Return the SD of the mean score between trainings of one collocation, pooled over collocations.

    It is NaN if no collocation was trained twice.
    """
    means = [of_one.mean(axis=1) for of_one in values]  # (S,) each
    freedom = sum(len(of_one) - 1 for of_one in means)
    return math.sqrt(sum(len(of_one) * of_one.var() for of_one in means) / freedom) if freedom else math.nan


def draws_of(values: Values, seed: int | np.random.Generator = 0, count: int = DRAWS, new_seed: bool = False) -> Array:
    """Draw bootstrap replicates of the mean score of each collocation.

    Clips are drawn with replacement, the same for all collocations. Seeds are drawn with replacement for each
    collocation. Their deviations are widened by √(S/(S-1)), since S drawn of S known ones spread that much less than S
    new ones. A collocation that was trained once takes its deviation from a normal distribution with the SD pooled over
    the others. If none was trained twice, draws vary with clips alone.

    Args:
        values: (S, N) per collocation; S may differ.
        seed: Of the draws.
        count: Number of draws B.
        new_seed: A draw stands for one further training instead of the mean of those done: a normal deviation with the
            pooled SD is added.

    Returns:
        (B, n).

    Raises:
        SeehearError: Collocations differ in clips, or new_seed is given and none was trained twice.
    """
    clip_counts = {of_one.shape[1] for of_one in values}
    if len(clip_counts) != 1:
        raise SeehearError(f"collocations must be scored on the same clips, not on {sorted(clip_counts)} of them")
    deviation = seed_deviation(values)
    if new_seed and math.isnan(deviation):
        raise SeehearError("no collocation was trained twice: the deviation of a new seed is unknown")

    rng = np.random.default_rng(seed)
    (n_clips,) = clip_counts
    clips = shares(n_clips, count, rng)  # (B, N)
    draws = np.empty((count, len(values)))
    for n, of_one in enumerate(values):
        draws[:, n] = resampled(of_one, clips, shares(len(of_one), count, rng))
        if len(of_one) == 1 and not math.isnan(deviation):
            draws[:, n] += rng.normal(0, deviation, size=count)
    return draws + rng.normal(0, deviation, size=draws.shape) if new_seed else draws
