"""How well an estimator's scores of collocations agree with their scores after full training.

Correlations: Kendall, Biometrika 1945 (τ-b); Vigna, WWW 2015 (weighted τ); Spearman. Regret is reported with them,
since a correlation alone says nothing about the top.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr, weightedtau

from seehear.errors import SeehearError
from seehear.selection.ranking import Array, Values, draws_of, seed_deviation, standing

Orders = NDArray[np.int64]

PERMUTATIONS = 10_000  # up to so many, all permutations are tried; beyond, so many random ones
SPLITS = 200
CHUNK = 4_000_000  # numbers in memory at once
ROUNDING = 1e-12


@dataclass(frozen=True)
class Agreement:
    """Agreement of an estimate with the truth: the mean score of full trainings over seeds and clips.

    Attributes:
        tau_b: Kendall's τ-b in [-1, 1]; NaN where the estimate is the same for all, or fewer than two have one.
        weighted_tau: τ of pairs weighted by 1/(r+1) + 1/(s+1) of their ranks r and s, counted from 0 at the best. So
            mistakes at the top count most. It is the mean over ranks by the truth and ranks by the estimate (scipy's
            default, which papers on transferability report).
        spearman: In [-1, 1], NaN as tau_b.
        within_tau: Per modality, mean τ-b over its options with all others fixed. Options that the estimate scores the
            same count 0, since it does not order them. NaN if the modality has nothing to order.
        p: How often τ-b is at least as high after the networks' names are shuffled within each modality, one-sided.
            Collocations share networks, so their scores are not exchangeable; names are. 1 if tau_b is NaN. Few
            names have few permutations: p is never below 1/4 in a 2 × 2 grid.
        regret: Truth of the best minus truth of the chosen one, in the truth's unit; if several share the top of the
            estimate, its mean over them.
        p_regret: Probability that regret is no more than the SD between seeds, over bootstrap draws of the truth
            (`draws_of`) and of the choice among several; NaN if no collocation was trained twice.
        chosen: Numbers of those at the top of the estimate.
        best: Number of the best by the truth.
        tied_hit: Whether the best is in the estimate's tied set; None without draws.
        tied_size: How many are in it; None without draws.
        failed: How many have no estimate. They are left out of the correlations and chosen last.
    """

    tau_b: float
    weighted_tau: float
    spearman: float
    within_tau: tuple[float, ...]
    p: float
    regret: float
    p_regret: float
    chosen: tuple[int, ...]
    best: int
    tied_hit: bool | None
    tied_size: int | None
    failed: int


@dataclass(frozen=True)
class Chance:
    """`Agreement`'s numbers of a random choice, on average over all collocations.

    Attributes:
        tau_b: Always 0.
        regret: In the truth's unit.
        p_regret: Probability that regret is no more than the SD between seeds.
    """

    tau_b: float
    regret: float
    p_regret: float


@dataclass(frozen=True)
class Ceiling:
    """τ-b of trainings with further trainings of the same collocations: the agreement that noise allows.

    It is no bound for an estimate without noise: only the truth is noisy then, and less so, as it has all seeds.

    Attributes:
        halves: Means of half of the seeds against means of the others.
        one_seed: One seed against the mean of the others.
        halves_and_clips: As halves, each scored on its own half of the clips. All are NaN for one seed.
    """

    halves: float
    one_seed: float
    halves_and_clips: float


def agreement(
    estimate: Array, values: Values, shape: Sequence[int], draws: Array | None = None, seed: int = 0
) -> Agreement:
    """Compare an estimate with the trainings of n collocations.

    Args:
        estimate: (n,), NaN if it failed.
        values: Score of each training on each clip, (n, S, N) or n times (S, N), per cent.
        shape: Options per modality; collocations are in the order of such an array.
        draws: Replicates of the estimate, (B, n).
        seed: Of the bootstrap and of random permutations.

    Raises:
        SeehearError: Shapes do not fit, or the truth is not finite.
    """
    truth = np.array([of_one.mean() for of_one in values])
    if estimate.shape != truth.shape or math.prod(shape) != len(truth):
        raise SeehearError(
            f"a grid of {tuple(shape)} has {math.prod(shape)} collocations, not {len(estimate)} estimates "
            f"and {len(truth)} truths"
        )
    if not np.isfinite(truth).all():
        raise SeehearError("the truth of every collocation is needed, and finite")

    known = ~np.isnan(estimate)
    tau = tau_b(estimate, truth)
    defined = not math.isnan(tau)
    filled = np.where(known, estimate, -np.inf)
    chosen = filled == filled.max()
    best = truth == truth.max()
    tied = None if draws is None else standing(estimate, draws).tied
    return Agreement(
        tau_b=tau,
        weighted_tau=float(weightedtau(truth[known], estimate[known]).statistic) if defined else math.nan,
        spearman=float(spearmanr(truth[known], estimate[known]).statistic) if defined else math.nan,
        within_tau=_within(estimate, truth, shape),
        p=_p(estimate, truth, shape, seed) if defined else 1.0,
        regret=_regret(truth, chosen),
        p_regret=_p_regret(values, chosen, seed),
        chosen=tuple(np.flatnonzero(chosen).tolist()),
        best=int(best.argmax()),
        tied_hit=None if tied is None else bool(tied[best].any()),
        tied_size=None if tied is None else int(tied.sum()),
        failed=int((~known).sum()),
    )


def tau_b(estimate: Array, truth: Array) -> float:
    """Return Kendall's τ-b of two (n,), in [-1, 1], without NaN of the estimate; NaN if either is constant."""
    return float(_taus(estimate, truth, np.arange(len(truth))[None])[0])


def _taus(estimate: Array, truth: Array, orders: Orders) -> Array:
    """τ-b of the truth (n,) with the estimate (n,) in each of several orders, (B, n) -> (B,)."""
    finite = ~np.isnan(estimate)
    known = np.outer(finite, finite)
    signs = _signs(estimate)
    of_truth = _signs(truth)
    taus = np.empty(len(orders))
    size = max(1, CHUNK // signs.size)
    for start in range(0, len(orders), size):
        part = orders[start : start + size]
        pairs = np.s_[part[:, :, None], part[:, None, :]]  # (B, n, n)
        ahead = np.einsum("bij,ij->b", signs[pairs], of_truth)
        untied = np.einsum("bij,ij->b", known[pairs].astype(np.float64), np.abs(of_truth))
        with np.errstate(invalid="ignore"):
            taus[start : start + size] = ahead / np.sqrt(np.abs(signs).sum() * untied)
    return taus


def _signs(x: Array) -> Array:
    """1 where one is above the other, -1 where below, 0 where equal or NaN, (n, n)."""
    return np.greater.outer(x, x).astype(np.float64) - np.less.outer(x, x)


def _within(estimate: Array, truth: Array, shape: Sequence[int]) -> tuple[float, ...]:
    result = []
    for axis, options in enumerate(shape):
        rows, true_rows = (
            np.moveaxis(x.reshape(shape), axis, -1).reshape(-1, options) for x in (estimate, truth)
        )  # (others, options)
        taus = []
        for row, true in zip(rows, true_rows, strict=True):
            known = ~np.isnan(row)
            if len(set(true[known])) > 1:
                taus.append(tau_b(row, true) if len(set(row[known])) > 1 else 0.0)
        result.append(float(np.mean(taus)) if taus else math.nan)
    return tuple(result)


def _p(estimate: Array, truth: Array, shape: Sequence[int], seed: int) -> float:
    """Return one-sided p of τ-b when names are shuffled within modalities: exact where that is feasible."""
    exact = math.prod(math.factorial(options) for options in shape) <= PERMUTATIONS
    if exact:
        names: Iterable[Sequence[Sequence[int]]] = itertools.product(
            *(itertools.permutations(range(options)) for options in shape)
        )
    else:
        rng = np.random.default_rng(seed)
        names = ([rng.permutation(options).tolist() for options in shape] for _ in range(PERMUTATIONS))
    cells = np.arange(len(truth)).reshape(shape)
    taus = _taus(estimate, truth, np.array([cells[np.ix_(*of_each)].ravel() for of_each in names]))
    hits = int((taus >= tau_b(estimate, truth) - ROUNDING).sum())
    # Among all permutations is the identity; random ones need it added, or p could be 0.
    return hits / len(taus) if exact else (1 + hits) / (1 + len(taus))


def _regret(truth: Array, chosen: NDArray[np.bool_]) -> float:
    return float(truth.max() - truth[chosen].mean())


def _p_regret(values: Values, chosen: NDArray[np.bool_], seed: int) -> float:
    deviation = seed_deviation(values)
    if math.isnan(deviation):
        return math.nan
    draws = draws_of(values, seed)  # (B, n)
    return float((draws.max(axis=1, keepdims=True) - draws[:, chosen] <= deviation).mean())


def expected_by_chance(values: Values, seed: int = 0) -> Chance:
    """Return the expected agreement of a random choice among n collocations; values and seed as in `agreement`.

    τ-b is 0: for every permutation of names another one swaps a given pair of collocations.
    """
    any_of_them = np.ones(len(values), dtype=bool)
    truth = np.array([of_one.mean() for of_one in values])
    return Chance(0.0, _regret(truth, any_of_them), _p_regret(values, any_of_them, seed))


def ceiling(values: Array, seed: int = 0) -> Ceiling:
    """Return how well trainings agree with each other.

    Halves have S//2 and S - S//2 seeds: all ways to split, 200 random ones where there are more. Clips are split at
    random, 200 times in all.

    Args:
        values: (n, S, N).
        seed: Of random splits.
    """
    n_seeds, n_clips = values.shape[1:]
    if n_seeds < 2:
        return Ceiling(math.nan, math.nan, math.nan)
    rng = np.random.default_rng(seed)
    if math.comb(n_seeds, n_seeds // 2) <= SPLITS:
        halves = [np.array(half) for half in itertools.combinations(range(n_seeds), n_seeds // 2)]
    else:
        halves = [rng.permutation(n_seeds)[: n_seeds // 2] for _ in range(SPLITS)]

    def tau(half: NDArray[np.int64], of: Array) -> float:
        """Return tau between the seeds in `half` and the other seeds. of: scores (n, S)."""
        return tau_b(of[:, half].mean(axis=1), np.delete(of, half, axis=1).mean(axis=1))

    def tau_of_halves(half: NDArray[np.int64]) -> float:
        clips = rng.permutation(n_clips)
        one, other = (values[:, :, part].mean(axis=2) for part in (clips[: n_clips // 2], clips[n_clips // 2 :]))
        return tau_b(one[:, half].mean(axis=1), np.delete(other, half, axis=1).mean(axis=1))

    means = values.mean(axis=2)  # (n, S)
    return Ceiling(
        _mean(tau(half, means) for half in halves),
        _mean(tau(np.array([one]), means) for one in range(n_seeds)),
        _mean(tau_of_halves(half) for half in itertools.islice(itertools.cycle(halves), SPLITS))
        if n_clips > 1
        else math.nan,
    )


def _mean(taus: Iterable[float]) -> float:
    """Return the mean of the values that are defined; NaN if none is."""
    defined = [tau for tau in taus if not math.isnan(tau)]
    return float(np.mean(defined)) if defined else math.nan
