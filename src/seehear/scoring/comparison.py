"""Two systems, each trained with several seeds and scored on the same clips: how they differ, and whether by chance.

A difference may be due to the clips that were scored and to the seeds that were trained. Reports often consider one
of these alone (Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks"); here both count.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.scoring.draws import kept, stream
from seehear.scoring.intervals import DRAWS
from seehear.scoring.verdict import Verdict

Array = NDArray[np.float64]

LEVEL = 0.05  # a difference is significant if p is below it
# How to read a table of differences, printed with every such table.
HOW_TO_READ = (
    "this − first; 95 % intervals by bootstrap, p by permutation, both over clips and, if each system has several, "
    "seeds",
    "p is stricter than the interval: it takes every difference between seeds for chance. An interval without 0 and "
    f"p of {LEVEL:g} or more together are inconclusive",
)
PERMUTATIONS = 10_000  # drawn at random if there are more than MAX_ENUMERATED
MAX_ENUMERATED = 2**12  # so many permutations or fewer are all enumerated
MAX_VALUES = 2**22  # weights or signs in memory at once
TOLERANCE = 1e-9  # points; differences no further apart are equal, the rest is rounding


class Drawn(IntEnum):
    """What is drawn, each independently of the others: the number of its stream."""

    INTERVAL = 0  # clips and seeds
    CLIPS = 1  # signs of clips
    SEEDS = 2  # signs of paired runs, or whose runs they are
    BOTH = 3  # of the draws of CLIPS and of SEEDS


@dataclass(frozen=True)
class Difference:
    """How far one system is ahead of another, in points (values in per cent).

    If a system was trained once, the effect of seeds is unknown: interval and p are over clips alone, and p_seeds is
    NaN.

    Attributes:
        mean: One minus other, over seeds and clips.
        low: Lower end of its 95 % bootstrap interval over clips and seeds.
        high: Upper end.
        p: Two-sided, over clips and seeds: how likely equal systems differ so much or more.
        p_clips: The same over clips alone, given these runs.
        p_seeds: The same over seeds alone, given these clips.
        seeds: (S1, S2), how often each system was trained.
        clips: N.
        paired_seeds: Whether runs of the same seed were compared with each other.
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
        """Whether interval and p hold for other seeds too; otherwise for these runs only."""
        return min(self.seeds) > 1

    @property
    def floor(self) -> float:
        """The least possible p, however far the systems are apart; 0 with one seed.

        Few seeds can be exchanged in few ways. One of them changes nothing and, unless the systems have different
        numbers of runs, another exchanges all: both differ as much as what was observed.
        """
        if not self.over_seeds:
            return 0.0
        if self.paired_seeds:
            return 2.0 ** (1 - self.seeds[0])
        return (2 if self.seeds[0] == self.seeds[1] else 1) / math.comb(sum(self.seeds), self.seeds[0])


def difference(
    one: Array, other: Array, seeds: tuple[Sequence[int], Sequence[int]] | None = None, seed: int = 0
) -> Difference:
    """Compare two systems on the same clips.

    Interval: percentiles of DRAWS draws, see `resampled`. Clips are drawn with replacement, the same for both systems.
    Seeds are drawn with replacement, in pairs or for each system separately (Owen 2007, "The pigeonhole bootstrap").

    p: two permutation tests in one. If the systems are equal, the sign of each clip's difference is arbitrary: the
    signs of the N differences of seed means are flipped. And each run could be the other system's: the signs of the S
    differences of paired runs are flipped; unpaired runs are reassigned. The null of p is the sum of a difference by
    flipped clips and one by exchanged runs, drawn independently. p is never less than that of either part alone. Drawn
    permutations count the observed one as well (Phipson and Smyth 2010).

    Args:
        one: (S1, N) per cent.
        other: (S2, N) per cent, of the same N clips.
        seeds: What each system's runs were trained with. If both were trained with the same seeds, in whatever order,
            runs of the same seed are compared with each other: they share initial weights, order of clips and
            dropout. Otherwise, or without `seeds`, runs are taken as independent.
        seed: Of the draws.

    Returns:
        One minus other, with its interval and p.

    Raises:
        SeehearError: If the numbers of clips differ, there are none, a value is not finite, or `seeds` does not fit
            or has a seed twice.
    """
    one, other, paired = _checked(one, other, seeds)
    by_clip = one.mean(axis=0) - other.mean(axis=0)  # (N,)
    mean = float(by_clip.mean())
    over_seeds = min(len(one), len(other)) > 1

    if not over_seeds:
        parts = [by_clip[None]]
    elif paired:
        parts = [one - other]
    else:
        parts = [one, -other]
    low, high = np.quantile(_draws(parts, seed), [0.025, 0.975])

    clip_null = _flipped(by_clip, seed, Drawn.CLIPS)
    p = p_clips = _p(clip_null, mean)
    p_seeds = math.nan
    if over_seeds:
        runs = one.mean(axis=1), other.mean(axis=1)  # (S1,), (S2,)
        if paired:
            seed_null = _flipped(runs[0] - runs[1], seed, Drawn.SEEDS)
        else:
            seed_null = _reassigned(*runs, stream(seed, Drawn.SEEDS))
        p_seeds = _p(seed_null, mean)
        for_both = stream(seed, Drawn.BOTH)
        null = for_both.choice(clip_null, PERMUTATIONS) + for_both.choice(seed_null, PERMUTATIONS)
        # Noise of clips moves the exchange of all runs, or of none, nearer to 0 as often as further from it: with few
        # seeds the sum alone would be half of what the seeds allow.
        p = max(_p(null, mean), p_clips, p_seeds)
    return Difference(mean, float(low), float(high), p, p_clips, p_seeds, (len(one), len(other)), len(by_clip), paired)


@dataclass(frozen=True)
class ScoreDifference:
    """How one score of a system differs from the first system's.

    Attributes:
        score: Its kind, such as type_at_av.
        level: segment or event; empty for the average.
        baseline: The first system's own score, per cent.
        difference: This system less the first, points.
        adjusted: Its p, adjusted for the number of systems.
    """

    score: str
    level: str
    baseline: float
    difference: Difference
    adjusted: float

    @property
    def name(self) -> str:
        """Return the score's level and name, such as `segment audio`."""
        return f"{self.level} {self.score}".strip()

    @property
    def verdict(self) -> Verdict:
        """Better or worse if the adjusted p is below LEVEL; for these runs only, if a system has one seed."""
        if not self.adjusted < LEVEL:
            return Verdict.INCONCLUSIVE
        return Verdict.BETTER if self.difference.mean > 0 else Verdict.WORSE

    @property
    def significant(self) -> bool:
        """Whether the adjusted p is below LEVEL, over clips and seeds."""
        return self.adjusted < LEVEL and self.difference.over_seeds

    @property
    def _star(self) -> str:
        """What marks the adjusted p as below LEVEL: in brackets if a system has one seed."""
        if self.verdict is Verdict.INCONCLUSIVE:
            return ""
        return " *" if self.significant else " (*)"

    def cells(self) -> list[str]:
        """Return a row of a table.

        The cells: the score's name, the first system's score, this system's score, the difference, its interval, p. The
        last is the adjusted p, with a star if it is significant, in brackets if that holds for these runs only.
        """
        difference = self.difference
        return [
            self.name,
            f"{self.baseline:.2f}",
            f"{self.baseline + difference.mean:.2f}",
            f"{difference.mean:+.2f}",
            f"{difference.low:+.2f} to {difference.high:+.2f}",
            format_p(difference.p),
            format_p(self.adjusted) + self._star,
        ]


def format_p(p: float) -> str:
    """Return a p to three decimals; permutations never make it 0."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def describe_seeds(difference: Difference, one: Sequence[int], other: Sequence[int]) -> str:
    """Return how a system's seeds were compared with the first's, and what follows from their number.

    Args:
        difference: One less other.
        one: Seeds of the one; empty if they are not known, as with predictions.
        other: Seeds of the other.
    """
    if not one or not other:
        first, second = difference.seeds
        named = f"{first} and {second} runs of unknown seeds"
    else:
        named = f"seeds {', '.join(map(str, one))}"
        if not difference.paired_seeds:
            named += f" against {', '.join(map(str, other))}"
    if not difference.over_seeds:
        return f"{named}: one run says nothing about other seeds; interval and p are over clips alone"
    how = f"{named}, paired" if difference.paired_seeds else f"{named}, not the same seeds: not paired"
    return how + (
        f"; with so few seeds p can't be below {difference.floor:.3f}" if difference.floor > LEVEL / 5 else ""
    )


def holm(p: Sequence[float]) -> list[float]:
    """Adjust p of several tests, so that the chance of any false positive stays below the level.

    Holm 1979, "A simple sequentially rejective multiple test procedure".

    Args:
        p: In [0, 1].

    Returns:
        Adjusted p in [0, 1], in the same order.
    """
    adjusted = [1.0] * len(p)
    least = 0.0
    for place, k in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        least = max(least, min(1.0, (len(p) - place) * p[k]))
        adjusted[k] = least
    return adjusted


def resampled(values: Array, clips: Array, seeds: Array) -> Array:
    """Return the mean of values in each of B draws, (B,).

    Deviations of seeds from their mean are widened by √(S/(S-1)). The mean of S seeds drawn from S known ones spreads
    that much less than the mean of S new seeds (Hesterberg 2015, "What teachers should know about the bootstrap").

    Args:
        values: (S, N).
        clips: (B, N), the share of each clip in a draw; rows sum to 1.
        seeds: (B, S), the share of each seed likewise.
    """
    n_seeds = len(values)
    mean = values.mean(axis=0)  # (N,)
    draws = clips @ mean  # (B,)
    if n_seeds > 1:
        deviations = (values - mean) * math.sqrt(n_seeds / (n_seeds - 1))  # (S, N)
        draws = draws + (seeds * (clips @ deviations.T)).sum(axis=1)
    return draws


def _checked(one: Array, other: Array, seeds: tuple[Sequence[int], Sequence[int]] | None) -> tuple[Array, Array, bool]:
    """Return both systems' values, the other's runs in the order of the one's seeds if paired, and whether they are."""
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
        raise SeehearError(f"a seed is given twice: {first}, {second}")
    if set(first) != set(second):
        return one, other, False
    return one, other[[second.index(number) for number in first]], True


def _draws(parts: Sequence[Array], seed: int) -> Array:
    """Return the sum of the parts' means in each of DRAWS draws: clips drawn once for all parts, seeds for each."""
    draws = np.empty(DRAWS)
    n_clips = parts[0].shape[1]
    for rows, counts, seeds in _drawn(n_clips, tuple(map(len, parts)), seed, DRAWS, MAX_VALUES):
        clips = counts / n_clips
        draws[rows] = sum(resampled(part, clips, of_part) for part, of_part in zip(parts, seeds, strict=True))
    return draws


@kept
def _drawn(
    n_clips: int, n_seeds: tuple[int, ...], seed: int, count: int, values: int
) -> Iterator[tuple[slice, NDArray[np.int32], list[Array]]]:
    """Draw clips and each part's seeds with replacement, `count` times, `values` weights of clips at once.

    Yields:
        Which draws; how often each clip was drawn, (draws, N); the share of each seed of each part, (draws, S) each.
    """
    rng = stream(seed, Drawn.INTERVAL)
    seeds = [shares(n, count, rng) for n in n_seeds]
    for rows in _rows(count, n_clips, values):
        yield rows, counts(n_clips, rows.stop - rows.start, rng), [of_part[rows] for of_part in seeds]


def shares(n: int, count: int, rng: np.random.Generator) -> Array:
    """Return the share of each of n in each of `count` draws of n with replacement, (count, n)."""
    return counts(n, count, rng) / n


def counts(n: int, count: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return how often each of n was drawn in each of `count` draws of n with replacement, (count, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=count).astype(np.int32)


def _rows(count: int, n: int, values: int) -> Iterator[slice]:
    """Cut `count` rows of n values into slices of so many values, or one row, at most."""
    step = max(1, values // n)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _flipped(values: Array, seed: int, drawn: Drawn) -> Array:
    """Return means of values (n,) with flipped signs: all 2**n of them if few, otherwise random ones."""
    n = len(values)
    if 2**n <= MAX_ENUMERATED:
        flips = np.arange(2**n)[:, None] >> np.arange(n) & 1  # (2**n, n), 1: flipped
        return (values - 2 * flips * values).mean(axis=1)
    means = np.empty(PERMUTATIONS)
    for rows, signs in _signs(n, seed, drawn, PERMUTATIONS, MAX_VALUES):
        means[rows] = values.mean() - signs @ (2 * values / n)
    return means


@kept
def _signs(n: int, seed: int, drawn: Drawn, count: int, values: int) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
    """Draw `count` times n signs, `values` of them at once. Yields which draws, and (draws, n), true: flipped."""
    rng = stream(seed, drawn)
    for rows in _rows(count, n, values):
        yield rows, rng.integers(0, 2, size=(rows.stop - rows.start, n), dtype=np.bool_)


def _reassigned(one: Array, other: Array, rng: np.random.Generator) -> Array:
    """Return differences of means after runs (S1,) and (S2,) are reassigned: all ways if few, otherwise random."""
    runs = np.concatenate([one, other])  # (S1 + S2,)
    n = len(runs)
    if math.comb(n, len(one)) <= MAX_ENUMERATED:
        chosen = np.array(list(combinations(range(n), len(one))))  # (ways, S1)
    else:
        chosen = rng.permuted(np.tile(np.arange(n), (PERMUTATIONS, 1)), axis=1)[:, : len(one)]
    sums = runs[chosen].sum(axis=1)
    return sums / len(one) - (runs.sum() - sums) / len(other)


def _p(null: Array, observed: float) -> float:
    """Return the share of the null at least as far from 0 as what was observed, which random permutations may lack."""
    count = int((np.abs(null) >= abs(observed) - TOLERANCE).sum())
    return (count + 1) / (len(null) + 1) if len(null) == PERMUTATIONS else count / len(null)
