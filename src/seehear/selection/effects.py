"""Does pairing matter? Scores of all collocations, decomposed into what each modality's network adds, and the rest.

Analysis of variance of a full grid (Fisher 1925): score = grand mean + an effect of each modality's option + what
only the pairing explains, interactions of any order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import f as f_distribution

from seehear.errors import SeehearError
from seehear.selection.ranking import Array, draws_of, seed_deviation

SIGNIFICANT = 0.05
FLAT = 1e-10  # share of the scores' size below which differences are rounding errors


class Pairing(StrEnum):
    """Whether it matters which networks are paired."""

    MATTERS = "matters"
    NOT_SIGNIFICANT = "not significant"
    UNTESTED = "untested"  # one seed, or seeds that do not differ: the noise of training is unknown
    ALL_EQUAL = "all equal"  # every collocation has the same score
    NO_CHOICE = "no choice"  # fewer than two modalities have a choice of networks


@dataclass(frozen=True)
class Shares:
    """Shares of the variance between collocations' mean scores, in [0, 1], sum 1; all NaN if they do not differ.

    Attributes:
        main: Of each modality, without the noise of seeds that is expected in it, at least 0.
        interaction: Of pairing, likewise.
        noise: The remainder; NaN for one seed, whose noise is in the others.
    """

    main: tuple[float, ...]
    interaction: float
    noise: float


@dataclass(frozen=True)
class Effects:
    """What each modality's network adds to the score, and what pairing adds, in the score's unit.

    Attributes:
        grand: Mean of all collocations.
        main: For each modality what each of its options adds, (options,), sum 0.
        interaction: What is left of each collocation's mean score, (options, options, …), sum 0 over the collocations
            of any one option.
        shares: Of the variance.
        interaction_deviation: SD of the interaction without the noise of seeds, at least 0; for one seed the noise is
            included. NaN if fewer than two modalities have a choice.
        low, high: 95 % interval of the SD over all clips of the kind. The noise of having these clips is taken out too,
            so both ends may lie below it. NaN if there is nothing to draw from.
        f, p: Of a test of the interaction against the noise of seeds, on these clips. NaN for one seed, for seeds that
            do not differ, and where fewer than two modalities have a choice.
        additive_choice: Number of the collocation made of each modality's best option by main effect, in the order of
            the grid.
        additive_regret: How far its score is below that of the best collocation. It is biased upwards: the best of
            noisy scores is also the luckiest.
        seeds: Trainings per collocation.
    """

    grand: float
    main: tuple[Array, ...]
    interaction: Array
    shares: Shares
    interaction_deviation: float
    low: float
    high: float
    f: float
    p: float
    additive_choice: int
    additive_regret: float
    seeds: int

    @property
    def verdict(self) -> Pairing:
        """Whether pairing matters: the interaction is larger than noise of seeds would be in 5 % of cases."""
        if sum(len(options) > 1 for options in self.main) < 2:
            return Pairing.NO_CHOICE
        if math.isnan(self.shares.interaction):
            return Pairing.ALL_EQUAL
        if math.isnan(self.p):
            return Pairing.UNTESTED
        return Pairing.MATTERS if self.p < SIGNIFICANT else Pairing.NOT_SIGNIFICANT

    @property
    def on_other_clips(self) -> bool:
        """Whether the interval excludes 0: on other clips of the kind, pairing explains something too."""
        return self.low > 0


def effects(values: Array, shape: Sequence[int], draws: Array | None = None, seed: int = 0) -> Effects:
    """Decompose the scores of n collocations.

    Args:
        values: (n, S, N), of S trainings on N clips; or (n, S), their means over clips; or (n, 1), scores without
            seeds.
        shape: Options per modality; collocations are in the order of such an array.
        draws: Replicates (B, n) of the mean scores for the interval, instead of a bootstrap over clips and seeds.
        seed: Of that bootstrap.

    Raises:
        SeehearError: Shapes do not fit, or a score is not finite.
    """
    if values.ndim == 2:
        values = values[..., None]
    n_cells, n_seeds, n_clips = values.shape
    if math.prod(shape) != n_cells or (draws is not None and draws.shape[1:] != (n_cells,)):
        raise SeehearError(
            f"a grid of {tuple(shape)} has {math.prod(shape)} collocations, not {n_cells}"
            + ("" if draws is None else f", and draws of them are (B, n), not {draws.shape}")
        )
    if not np.isfinite(values).all() or (draws is not None and not np.isfinite(draws).all()):
        raise SeehearError("the effect of each network needs a score of every collocation")

    cells = values.mean(axis=(1, 2)).reshape(shape)
    grand, main, interaction = _parts(cells, len(shape))
    free = n_cells - 1 - sum(options - 1 for options in shape)
    deviation = seed_deviation(values)
    noise = 0.0 if math.isnan(deviation) else deviation**2 / n_seeds  # variance of a cell's mean
    rounding = FLAT * np.abs(values).max()
    shares, square = _shares(main, interaction, noise, n_seeds, rounding)

    f = p = within = low = high = math.nan
    if free:
        variance = square / free
        within = math.sqrt(max(0.0, variance - noise))
        if deviation > rounding:
            f = variance / noise
            p = float(f_distribution.sf(f, free, n_cells * (n_seeds - 1)))
        if draws is None and n_seeds * n_clips > 1:
            draws = draws_of(values, seed)
        if draws is not None:
            low, high = _interval(draws.reshape(-1, *shape), variance, free)

    choice = int(np.ravel_multi_index([int(effect.argmax()) for effect in main], tuple(shape)))
    return Effects(
        float(grand.item()),
        tuple(effect.ravel() for effect in main),
        interaction,
        shares,
        within,
        low,
        high,
        f,
        p,
        choice,
        float(cells.max() - cells.flat[choice]),
        n_seeds,
    )


def _shares(
    main: Sequence[Array], interaction: Array, noise: float, seeds: int, rounding: float
) -> tuple[Shares, float]:
    """Return the shares of the variance, and the sum of squares of the interaction."""
    n_cells = interaction.size
    freedom = [effect.size - 1 for effect in main]
    freedom.append(n_cells - 1 - sum(freedom))
    squares = [(n_cells / len(effect.ravel())) * float((effect**2).sum()) for effect in (*main, interaction)]
    left = [max(0.0, square - df * noise) for square, df in zip(squares, freedom, strict=True)]
    total = sum(squares)
    shares = [part / total if total > n_cells * rounding**2 else math.nan for part in left]
    return Shares(tuple(shares[:-1]), shares[-1], 1 - sum(shares) if seeds > 1 else math.nan), squares[-1]


def _interval(draws: Array, variance: float, free: int) -> tuple[float, float]:
    """Return the 95 % interval of the SD of the interaction, from draws of the grid (B, options, options, …).

    A draw contains the noise twice, once more than the scores. The reflected ("basic") interval removes as much as the
    draws add; their quantiles themselves would never come down to 0.
    """
    residuals = _parts(draws, draws.ndim - 1)[2]
    drawn = (residuals**2).reshape(len(draws), -1).sum(axis=1) / free
    few, many = np.quantile(drawn, [0.025, 0.975])
    low, high = (math.sqrt(max(0.0, 2 * variance - at)) for at in (many, few))
    return low, high


def _parts(cells: Array, modalities: int) -> tuple[Array, list[Array], Array]:
    """Return grand mean, main effects and residuals of grids, the last axes of `cells`; each broadcasts to its shape.

    In a full grid marginal means are the least-squares fit.
    """
    axes = range(-modalities, 0)
    grand = cells.mean(axis=tuple(axes), keepdims=True)
    main = [cells.mean(axis=tuple(a for a in axes if a != axis), keepdims=True) - grand for axis in axes]
    return grand, main, cells - grand - sum(main)
