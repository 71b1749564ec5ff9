"""How well two modalities agree, in five measures: means over queries, their intervals, and chance level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.alignment.retrieval import Matches
from seehear.errors import SeehearError
from seehear.scoring.comparison import counts, shares
from seehear.scoring.draws import kept
from seehear.scoring.intervals import DRAWS

METRICS = ("recall_exact", "recall_overlap", "distinguish", "precision_exact", "precision_overlap")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A measure of `Matches` over the queries for which it is defined, in [0, 1]; NaN if there are none.

    Attributes:
        value: Mean over queries and seeds.
        low: Lower end of its 95 % bootstrap interval over clips, and over seeds if there are several. The gallery
            is not resampled.
        high: Upper end.
        deviation: Standard deviation between seeds; 0 for one seed.
        chance: Expected value for a random order of the gallery.
        queries: Number of queries for which the measure is defined.
        left_out: Number of queries for which it is not.
    """

    value: float
    low: float
    high: float
    deviation: float
    chance: float
    queries: int
    left_out: int


def summarise(matches: Matches | Sequence[Matches], clip: NDArray[np.int64], seed: int = 0) -> dict[str, Measure]:
    """Return every measure by name.

    Clips are drawn with replacement, each with all its queries, because neighbouring segments are much alike. Seeds
    are drawn with replacement, independently of clips. A draw of clips without any defined query is left out.

    Args:
        matches: Of the queries (n,) of one embedding, or of several that were trained with different seeds.
        clip: (n,), number of the clip of each query.
        seed: Of the draws.

    Raises:
        SeehearError: If there is no query, or the seeds do not have the same queries.
    """
    seeds = [matches] if isinstance(matches, Matches) else list(matches)
    if not len(clip):
        raise SeehearError("there is no query to summarise")
    if not seeds or any(len(getattr(one, name)) != len(clip) for one in seeds for name in METRICS):
        raise SeehearError(f"matches must be of the {len(clip)} queries for which clips are given")
    names, number = np.unique(clip, return_inverse=True)
    n_clips, n_seeds = len(names), len(seeds)

    ((counted, seed_weights),) = _drawn(n_clips, n_seeds, seed, DRAWS)
    weights = counted / n_clips  # (B, N), of clips; seed_weights: (B, S)

    measures = {}
    for name in METRICS:
        values = np.stack([getattr(one, name) for one in seeds])  # (S, n)
        left_out = np.isnan(values)
        if (left_out != left_out[0]).any():
            raise SeehearError(
                f"{name} is not defined for the same queries in every seed: they must have the same labels"
            )
        sums = np.stack([per_clip(of_one, number, n_clips)[0] for of_one in values])  # (S, N)
        defined = per_clip(values[0], number, n_clips)[1]  # (N,)
        n_queries = int(defined.sum())
        with np.errstate(invalid="ignore"):  # without a defined query, 0/0 is NaN
            means = sums.sum(axis=1) / n_queries  # (S,)
            chance = per_clip(getattr(seeds[0], f"chance_{name}"), number, n_clips)[0].sum() / n_queries
            draws = (seed_weights * (weights @ sums.T)).sum(axis=1) / (weights @ defined)  # (B,)
        drawn = draws[np.isfinite(draws)]
        low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
        deviation = float(means.std(ddof=1)) if n_seeds > 1 else 0.0
        measures[name] = Measure(
            float(means.mean()), float(low), float(high), deviation, float(chance), n_queries, len(clip) - n_queries
        )
    return measures


@kept
def _drawn(n_clips: int, n_seeds: int, seed: int, count: int) -> Iterator[tuple[NDArray[np.int32], Array]]:
    """Draw clips and seeds with replacement, `count` times.

    Yields:
        How often each clip was drawn, (draws, N), and the share of each seed, (draws, S).
    """
    rng = np.random.default_rng(seed)
    yield counts(n_clips, count, rng), shares(n_seeds, count, rng)


def by_clip(values: Array, clip: NDArray[np.int64], n_clips: int) -> Array:
    """Return one number per clip, (n_clips,), per cent, whose mean is that of the defined values (n,).

    A clip's weight is its number of defined queries; see `per_clip`.

    Args:
        values: (n,) in [0, 1], NaN where the measure is undefined.
        clip: (n,), from 0 to n_clips - 1.
        n_clips: Number of clips.
    """
    sums, counts = per_clip(values, clip, n_clips)
    return 100 * sums * n_clips / max(1, counts.sum())


def per_clip(values: Array, clip: NDArray[np.int64], n_clips: int) -> tuple[Array, NDArray[np.intp]]:
    """Return the sum of values over the queries of each clip and their number, (n_clips,) each; NaN is left out.

    Args:
        values: (n,).
        clip: (n,), from 0 to n_clips - 1.
        n_clips: Number of clips.
    """
    defined = ~np.isnan(values)
    sums: Array = np.bincount(clip[defined], values[defined], minlength=n_clips).astype(np.float64)
    return sums, np.bincount(clip[defined], minlength=n_clips)
