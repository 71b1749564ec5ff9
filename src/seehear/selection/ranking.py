"""From scores that vary to statements of rank: which collocation leads, how surely, which can't be told from it."""

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

SEPARATED = 0.05  # share of draws from which on a collocation counts as tied with the leader


@dataclass(frozen=True)
class Standing:
    """How n collocations stand; every array is (n,), in their order.

    scores: as given, NaN where there is none. rank: 1 is the best; equal scores share the best of their ranks.
    rank_low, rank_high: the ranks that 95 % of the draws lie within. Scores equal in a draw take all ranks that they
    share, so that a score which is the same for all says 1 to n. p_best: share of the draws that it is the best of; a
    draw with several best ones is split among them. Sums to 1.

    tied: whether it scores at least as well as the leader in 5 % of the draws or more; the leader itself always does.
    The leader is the first of the best scores. What is not tied was beaten by it in more than 95 % of the draws: a
    one-sided test of 5 % for that pair alone, not corrected for how many there are.
    """

    scores: Array
    rank: NDArray[np.int64]
    rank_low: NDArray[np.int64]
    rank_high: NDArray[np.int64]
    p_best: Array
    tied: NDArray[np.bool_]


def standing(scores: Array, draws: Array) -> Standing:
    """Where collocations stand, by their scores (n,) and replicates of all of them, draws (B, n).

    Higher is better. NaN, a score that could not be had, is worse than any other; a collocation whose score is NaN is
    so in all draws. Raises SeehearError where the shapes do not fit.
    """
    if draws.ndim != 2 or draws.shape[1:] != scores.shape or not draws.size:
        raise SeehearError(f"draws of {scores.shape} scores must be (B, n), not {draws.shape}")
    failed = np.isnan(scores)
    filled = np.where(failed, -np.inf, scores)
    drawn = np.where(failed | np.isnan(draws), -np.inf, draws)  # (B, n)
    best = drawn == drawn.max(axis=1, keepdims=True)
    return Standing(
        scores,
        rankdata(-filled, method="min").astype(np.int64),
        # Of ranks that lie between two draws' the outer one, so that an interval is never too short.
        np.quantile(rankdata(-drawn, method="min", axis=1), 0.025, axis=0, method="lower").astype(np.int64),
        np.quantile(rankdata(-drawn, method="max", axis=1), 0.975, axis=0, method="higher").astype(np.int64),
        (best / best.sum(axis=1, keepdims=True)).mean(axis=0),
        (drawn >= drawn[:, [filled.argmax()]]).mean(axis=0) >= SEPARATED,
    )


def seed_deviation(values: Values) -> float:
    """SD between trainings of one collocation of the score over all clips, pooled over collocations.

    NaN where none was trained twice.
    """
    means = [of_one.mean(axis=1) for of_one in values]  # (S,) each
    freedom = sum(len(of_one) - 1 for of_one in means)
    return math.sqrt(sum(len(of_one) * of_one.var() for of_one in means) / freedom) if freedom else math.nan


def draws_of(values: Values, seed: int | np.random.Generator = 0, count: int = DRAWS, new_seed: bool = False) -> Array:
    """Bootstrap replicates of the mean score of each collocation, (B, n).

    Clips are drawn with replacement, the same for all collocations; seeds with replacement for each by itself, their
    deviations widened by √(S/(S-1)), since S drawn of S known ones spread that much less than S new ones would. A
    collocation trained once takes its deviation from a normal with the SD pooled over the others; where none was
    trained twice, draws vary with clips alone.

    values: (S, N) a collocation; S may differ. count: B. new_seed: a draw stands for one further training instead of
    the mean of those done: a normal deviation with the pooled SD is added. Raises SeehearError where collocations
    differ in clips, and where new_seed is asked for and none was trained twice.
    """
    clip_counts = {of_one.shape[1] for of_one in values}
    if len(clip_counts) != 1:
        raise SeehearError(f"collocations must be scored on the same clips, not on {sorted(clip_counts)} of them")
    deviation = seed_deviation(values)
    if new_seed and math.isnan(deviation):
        raise SeehearError("no collocation was trained twice: what a new seed would change is not known")

    rng = np.random.default_rng(seed)
    (n_clips,) = clip_counts
    clips = shares(n_clips, count, rng)  # (B, N)
    draws = np.empty((count, len(values)))
    for n, of_one in enumerate(values):
        draws[:, n] = resampled(of_one, clips, shares(len(of_one), count, rng))
        if len(of_one) == 1 and not math.isnan(deviation):
            draws[:, n] += rng.normal(0, deviation, size=count)
    return draws + rng.normal(0, deviation, size=draws.shape) if new_seed else draws
