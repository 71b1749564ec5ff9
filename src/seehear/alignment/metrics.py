"""How well two modalities agree, in five numbers: means over queries, how sure they are, and what chance is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.alignment.retrieval import Found
from seehear.errors import SeehearError
from seehear.scoring.comparison import shares
from seehear.scoring.intervals import DRAWS

METRICS = ("recall_exact", "recall_overlap", "distinguish", "precision_exact", "precision_overlap")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """A measure of `Found` over the queries that it is defined for, in [0, 1]; NaN where it is for none.

    value: mean over queries and seeds. low, high: its 95 % bootstrap interval over clips, and over seeds where there
    are several; the gallery stays. deviation: SD between seeds, 0 for one. chance: the mean that a random order of the
    gallery is expected to come to. queries, left_out: how many it is defined for, and how many not.
    """

    value: float
    low: float
    high: float
    deviation: float
    chance: float
    queries: int
    left_out: int


def summarise(found: Found | Sequence[Found], clip: NDArray[np.int64], seed: int = 0) -> dict[str, Measured]:
    """Every measure by name, of the queries (n,) of one embedding, or of several that were trained by other seeds.

    clip: (n,), number of the clip that each query is of; a clip is drawn with all its queries, since neighbours are
    much alike. Clips, and seeds apart from them, are drawn with replacement. seed: of the draws. A draw of clips
    without any query that counts is left out. Raises SeehearError where there is no query, and where several are not
    of the same ones.
    """
    seeds = [found] if isinstance(found, Found) else list(found)
    if not len(clip):
        raise SeehearError("there is no query to summarise")
    if not seeds or any(len(getattr(one, name)) != len(clip) for one in seeds for name in METRICS):
        raise SeehearError(f"what was found must be of the {len(clip)} queries that clips are given for")
    names, number = np.unique(clip, return_inverse=True)
    n_clips, n_seeds = len(names), len(seeds)

    rng = np.random.default_rng(seed)
    weights, seed_weights = shares(n_clips, DRAWS, rng), shares(n_seeds, DRAWS, rng)  # (B, N), (B, S)

    measured = {}
    for name in METRICS:
        values = np.stack([getattr(one, name) for one in seeds])  # (S, n)
        left_out = np.isnan(values)
        if (left_out != left_out[0]).any():
            raise SeehearError(
                f"{name} is not defined for the same queries in every seed: they must have the same labels"
            )
        sums = np.stack([per_clip(of_one, number, n_clips)[0] for of_one in values])  # (S, N)
        counts = per_clip(values[0], number, n_clips)[1]  # (N,)
        n_queries = int(counts.sum())
        with np.errstate(invalid="ignore"):  # no query counts: 0/0 is NaN
            means = sums.sum(axis=1) / n_queries  # (S,)
            chance = per_clip(getattr(seeds[0], f"chance_{name}"), number, n_clips)[0].sum() / n_queries
            draws = (seed_weights * (weights @ sums.T)).sum(axis=1) / (weights @ counts)  # (B,)
        drawn = draws[np.isfinite(draws)]
        low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
        deviation = float(means.std(ddof=1)) if n_seeds > 1 else 0.0
        measured[name] = Measured(
            float(means.mean()), float(low), float(high), deviation, float(chance), n_queries, len(clip) - n_queries
        )
    return measured


def by_clip(values: Array, clip: NDArray[np.int64], n_clips: int) -> Array:
    """A number a clip, (n_clips,), per cent, whose mean is that of the values (n,) that count: see `per_clip`.

    Clips weigh as much as they have queries that count.
    """
    sums, counts = per_clip(values, clip, n_clips)
    return 100 * sums * n_clips / max(1, counts.sum())


def per_clip(values: Array, clip: NDArray[np.int64], n_clips: int) -> tuple[Array, NDArray[np.intp]]:
    """Sum of values (n,) over the queries of each clip and how many there are, (n_clips,); NaN does not count.

    clip: (n,), from 0 to n_clips - 1.
    """
    there = ~np.isnan(values)
    sums: Array = np.bincount(clip[there], values[there], minlength=n_clips).astype(np.float64)
    return sums, np.bincount(clip[there], minlength=n_clips)
