"""Two systems, each trained with several seeds and scored on the same clips: how far apart, and whether by chance.

A difference may come of the clips it was measured on and of the seeds that were trained. Reports often look at one of
these alone (Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks"); here both are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.scoring.intervals import DRAWS

Array = NDArray[np.float64]

LEVEL = 0.05  # p under which a difference is called one
# How a table of differences is to be read, wherever it stands.
READ = (
    "this − first; 95 % intervals by bootstrap, p by permutation, both over clips and, where each system has several, "
    "seeds",
    "p is the stricter: it takes every difference between seeds for luck. Where an interval leaves out 0 and p is "
    f"{LEVEL:g} or more, the question is open",
)
PERMUTATIONS = 10_000  # drawn where there are more than ENUMERATED
ENUMERATED = 2**12  # as many or fewer permutations are all gone through
HELD = 2**22  # weights or signs in memory at once
EQUAL = 1e-9  # points; differences no further apart are the same, and rounding made them two


@dataclass(frozen=True)
class Difference:
    """How far one system is ahead of another, in points (values in per cent).

    mean: one minus other, over seeds and clips. low, high: its 95 % bootstrap interval, over both. p: two-sided, that
    clips and seeds together make as large a difference between systems that do not differ. p_clips: that clips alone
    do, given these runs; p_seeds: that seeds alone do, given these clips. seeds: (S1, S2), how often each was trained.
    clips: N. paired_seeds: whether run was compared with run of the same seed.

    Where a system was trained once, what seeds do is not known: interval and p are of clips alone, p_seeds is NaN.
    """

    mean: float
    low: float
    high: float
    p: float
    p_clips: float
    p_seeds: float
    seeds: tuple[int, int]
    clips: int
    paired_seeds: bool

    @property
    def over_seeds(self) -> bool:
        """Whether interval and p speak of seeds that were not trained; otherwise of these runs only."""
        return min(self.seeds) > 1

    @property
    def floor(self) -> float:
        """What p can't fall below, however far the systems are apart; 0 with one seed.

        Few seeds can be exchanged in few ways. One of them changes nothing and, unless the systems have different
        numbers of runs, another exchanges all: both come as far from 0 as what was observed.
        """
        if not self.over_seeds:
            return 0.0
        if self.paired_seeds:
            return 2.0 ** (1 - self.seeds[0])
        return (2 if self.seeds[0] == self.seeds[1] else 1) / math.comb(sum(self.seeds), self.seeds[0])


def difference(
    one: Array, other: Array, seeds: tuple[Sequence[int], Sequence[int]] | None = None, seed: int = 0
) -> Difference:
    """one minus other, its interval, and its p.

    one: (S1, N), other: (S2, N), per cent, of the same N clips. seeds: what each system's runs were trained with. Where
    both were trained with the same ones, in whatever order, runs of a seed are compared with each other, since they
    share initial weights, order of clips and dropout; otherwise, or without `seeds`, runs are taken as independent.
    seed: of the draws. Raises SeehearError where clips differ in number, there are none, a value is not finite, or
    `seeds` does not fit or has one twice.

    Interval: clips are drawn with replacement, the same for both systems, and seeds with replacement, in pairs or for
    each system by itself (Owen 2007, "The pigeonhole bootstrap"), see `resampled`. Percentiles of DRAWS draws.

    p: two permutation tests in one. Were the systems the same, then each clip could as well have had its difference
    the other way round (signs of the N differences of seed means are flipped), and each run could have been the other
    system's (signs of the S differences of paired runs are flipped; unpaired runs are dealt out anew). The null of p is
    the sum of a difference by flipped clips and one by exchanged runs, drawn independently; p is never less than either
    part's own. Drawn permutations count
    the observed one as well (Phipson and Smyth 2010).
    """
    one, other, paired = _checked(one, other, seeds)
    by_clip = one.mean(axis=0) - other.mean(axis=0)  # (N,)
    mean = float(by_clip.mean())
    over_seeds = min(len(one), len(other)) > 1
    for_interval, for_clips, for_seeds, for_both = np.random.default_rng(seed).spawn(4)

    if not over_seeds:
        parts = [by_clip[None]]
    elif paired:
        parts = [one - other]
    else:
        parts = [one, -other]
    low, high = np.quantile(_draws(parts, for_interval), [0.025, 0.975])

    clip_null = _flipped(by_clip, for_clips)
    p = p_clips = _p(clip_null, mean)
    p_seeds = math.nan
    if over_seeds:
        runs = one.mean(axis=1), other.mean(axis=1)  # (S1,), (S2,)
        seed_null = _flipped(runs[0] - runs[1], for_seeds) if paired else _dealt(*runs, for_seeds)
        p_seeds = _p(seed_null, mean)
        null = for_both.choice(clip_null, PERMUTATIONS) + for_both.choice(seed_null, PERMUTATIONS)
        # Noise of clips takes the exchange of all runs, or of none, nearer to 0 as often as further from it: beside few
        # seeds the sum alone would come out at half of what the seeds allow.
        p = max(_p(null, mean), p_clips, p_seeds)
    return Difference(mean, float(low), float(high), p, p_clips, p_seeds, (len(one), len(other)), len(by_clip), paired)


def told(p: float) -> str:
    """A p to three decimals; permutations never make it 0."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def of_seeds(found: Difference, one: Sequence[int], other: Sequence[int]) -> str:
    """How a system's seeds were compared with the first's, and what follows from their number."""
    ones, others = (", ".join(map(str, seeds)) for seeds in (one, other))
    if not found.over_seeds:
        return f"seeds {ones} beside {others}: one run says nothing of other seeds; interval and p are of clips alone"
    how = f"seeds {ones}, paired" if found.paired_seeds else f"seeds {ones} beside {others}, not the same: not paired"
    return how + (f"; so few that p can't be under {found.floor:.3f}" if found.floor > LEVEL / 5 else "")


def holm(p: Sequence[float]) -> list[float]:
    """p of several tests, adjusted so that the chance of any false positive stays beneath the level, in their order.

    Holm 1979, "A simple sequentially rejective multiple test procedure". p, and what is returned: in [0, 1].
    """
    adjusted = [1.0] * len(p)
    least = 0.0
    for place, k in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        least = max(least, min(1.0, (len(p) - place) * p[k]))
        adjusted[k] = least
    return adjusted


def resampled(values: Array, clips: Array, seeds: Array) -> Array:
    """The mean of values (S, N) in each of B draws, (B,).

    clips: (B, N), seeds: (B, S), the share of each in a draw; rows sum to 1. Deviations of seeds from their mean are
    widened by √(S/(S-1)): the means of S drawn of S known seeds spread that much less than those of S new seeds would
    (Hesterberg 2015, "What teachers should know about the bootstrap").
    """
    n_seeds = len(values)
    mean = values.mean(axis=0)  # (N,)
    draws = clips @ mean  # (B,)
    if n_seeds > 1:
        apart = (values - mean) * math.sqrt(n_seeds / (n_seeds - 1))  # (S, N)
        draws = draws + (seeds * (clips @ apart.T)).sum(axis=1)
    return draws


def _checked(one: Array, other: Array, seeds: tuple[Sequence[int], Sequence[int]] | None) -> tuple[Array, Array, bool]:
    """Both systems' values, the runs of the other in the order of the one's seeds if paired, and whether they are."""
    one, other = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1] or not one.size or not other.size:
        raise SeehearError(f"systems to compare must be (S, N) of the same clips, not {one.shape} and {other.shape}")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise SeehearError("systems can't be compared where a value is not finite")
    if seeds is None:
        return one, other, False
    first, second = (list(numbers) for numbers in seeds)
    if (len(first), len(second)) != (len(one), len(other)):
        raise SeehearError(f"{len(first)} and {len(second)} seeds for {len(one)} and {len(other)} runs")
    if len(set(first)) < len(first) or len(set(second)) < len(second):
        raise SeehearError(f"a seed is there twice: {first}, {second}")
    if set(first) != set(second):
        return one, other, False
    return one, other[[second.index(number) for number in first]], True


def _draws(parts: Sequence[Array], rng: np.random.Generator) -> Array:
    """The sum of the parts' means in each of DRAWS draws; clips drawn once for all parts, seeds for each by itself."""
    seeds = [shares(len(part), DRAWS, rng) for part in parts]
    draws = np.empty(DRAWS)
    for rows in _rows(DRAWS, parts[0].shape[1]):
        clips = shares(parts[0].shape[1], rows.stop - rows.start, rng)
        draws[rows] = sum(resampled(part, clips, of_part[rows]) for part, of_part in zip(parts, seeds, strict=True))
    return draws


def shares(n: int, count: int, rng: np.random.Generator) -> Array:
    """How large a share each of n has in each of `count` draws of n with replacement, (count, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=count) / n


def _rows(count: int, n: int) -> Iterator[slice]:
    """Rows 0 to `count` of n numbers each, cut so that HELD numbers or one row are held at once."""
    step = max(1, HELD // n)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _flipped(values: Array, rng: np.random.Generator) -> Array:
    """Means of values (n,) with flipped signs: all 2**n of them if ENUMERATED, otherwise random ones."""
    n = len(values)
    if 2**n <= ENUMERATED:
        turned = np.arange(2**n)[:, None] >> np.arange(n) & 1  # (2**n, n), 1: the other way round
        return (values - 2 * turned * values).mean(axis=1)
    means = np.empty(PERMUTATIONS)
    for rows in _rows(PERMUTATIONS, n):
        signs = rng.integers(0, 2, size=(rows.stop - rows.start, n), dtype=np.bool_)  # true: the other way round
        means[rows] = values.mean() - signs @ (2 * values / n)
    return means


def _dealt(one: Array, other: Array, rng: np.random.Generator) -> Array:
    """Differences of means after runs (S1,) and (S2,) are dealt out anew: every way if ENUMERATED, otherwise random."""
    runs = np.concatenate([one, other])  # (S1 + S2,)
    n = len(runs)
    if math.comb(n, len(one)) <= ENUMERATED:
        chosen = np.array(list(combinations(range(n), len(one))))  # (ways, S1)
    else:
        chosen = rng.permuted(np.tile(np.arange(n), (PERMUTATIONS, 1)), axis=1)[:, : len(one)]
    sums = runs[chosen].sum(axis=1)
    return sums / len(one) - (runs.sum() - sums) / len(other)


def _p(null: Array, observed: float) -> float:
    """Share of the null at least as far from 0 as what was observed, which random permutations need not hold."""
    count = int((np.abs(null) >= abs(observed) - EQUAL).sum())
    return (count + 1) / (len(null) + 1) if len(null) == PERMUTATIONS else count / len(null)
