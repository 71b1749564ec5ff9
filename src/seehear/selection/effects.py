"""Does pairing matter? Scores of all collocations taken apart into what each modality's network adds, and the rest.

Analysis of variance of a full grid (Fisher 1925): score = grand mean + an effect of each modality's option + whatever
only the pairing explains, interactions of any order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import f as f_distribution

from seehear.errors import SeehearError
from seehear.selection.ranking import Array, draws_of, seed_deviation

SIGNIFICANT = 0.05
FLAT = 1e-10  # share of the scores' size below which what differs is rounding


@dataclass(frozen=True)
class Shares:
    """Of the variance between collocations' mean scores, in [0, 1], together 1; all NaN where they do not differ.

    main: of each modality. interaction: of pairing. Both without the noise of seeds that is expected in them, at least
    0. noise: the remainder; NaN for one seed, whose noise is in the others.
    """

    main: tuple[float, ...]
    interaction: float
    noise: float


@dataclass(frozen=True)
class Effects:
    """What each modality's network adds to the score, and what pairing adds, in the score's unit: of trainings, points.

    grand: mean of all collocations. main: for each modality what each of its options adds, (options,), sum 0.
    interaction: what is left of each collocation's mean score, (options, options, …), sum 0 over the collocations of
    any one option.
    interaction_deviation: SD of the interaction, the noise of seeds taken out, at least 0; for one seed it is still in.
    low, high: 95 % interval of what it is over all clips of the kind: the noise of having these clips is taken out
    too, so that both may lie below it. NaN where there is nothing to draw from.
    f, p: of a test of the interaction against the noise of seeds, on these clips. NaN for one seed, for seeds that do
    not differ, and where fewer than two modalities have a choice; the latter have no interaction_deviation either.
    additive_choice: number of the collocation made of each modality's best option by main effect, in the order of
    the grid. additive_regret: how far its score is below that of the best collocation, which is rather too far: the
    best of scores with noise is also the luckiest.
    seeds: trainings of each collocation.
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
    def pairing_matters(self) -> bool | None:
        """Whether the interaction is more than noise of seeds would be in 5 % of cases; None where p is NaN."""
        return None if math.isnan(self.p) else self.p < SIGNIFICANT

    def sentence(self) -> str:
        """The finding in plain words."""
        if sum(len(options) > 1 for options in self.main) < 2:
            return "fewer than two modalities have a choice of networks: there is no pairing to choose"
        if math.isnan(self.shares.interaction):
            return "all collocations score the same: there is nothing for pairing to explain"
        if self.pairing_matters is None:
            within = "" if math.isnan(self.low) else f" (95 % interval {self.low:.3g} to {self.high:.3g})"
            return (
                f"pairing has an SD of {self.interaction_deviation:.3g}{within} between collocations; "
                "without seeds that differ nothing says how much of it is noise of training"
            )
        p = "p < .001" if self.p < 0.001 else f"p = {f'{self.p:.3f}' if self.p < 0.1 else f'{self.p:.2f}'}"
        found = f"pairing explains {100 * self.shares.interaction:.0f} % of the spread between collocations"
        found += f" ({p.replace('0.', '.')}): "
        if self.pairing_matters:
            together = (
                f"need not be the best together; choosing them so loses {self.additive_regret:.2f} points"
                if self.additive_regret > 0
                else "are still the best together"
            )
            elsewhere = "" if self.low > 0 else "; on other clips it may explain nothing"
            return f"{found}the best networks of each modality by themselves {together}{elsewhere}"
        return (
            f"{found}choosing the best network of each modality by itself would do as well, "
            f"as far as {self.seeds} seeds can tell"
        )


def effects(values: Array, shape: Sequence[int], draws: Array | None = None, seed: int = 0) -> Effects:
    """Take the scores of n collocations apart.

    values: (n, S, N), of S trainings on N clips, or (n, S), their means over clips; (n, 1) for scores without seeds.
    shape: options per modality; collocations are in the order of such an array. draws: replicates (B, n) of the mean
    scores for the interval, instead of a bootstrap over clips and seeds; seed: of that bootstrap. Raises SeehearError
    where the shapes do not fit, or a score is not finite.
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
    freedom = [options - 1 for options in shape]
    free = n_cells - 1 - sum(freedom)
    deviation = seed_deviation(values)
    noise = 0.0 if math.isnan(deviation) else deviation**2 / n_seeds  # variance of a cell's mean
    rounding = FLAT * np.abs(values).max()

    squares = [(n_cells / len(effect.ravel())) * float((effect**2).sum()) for effect in (*main, interaction)]
    left = [max(0.0, square - df * noise) for square, df in zip(squares, [*freedom, free], strict=True)]
    total = sum(squares)
    shares = [part / total if total > n_cells * rounding**2 else math.nan for part in left]

    f = p = within = low = high = math.nan
    if free:
        variance = squares[-1] / free
        within = math.sqrt(max(0.0, variance - noise))
        if deviation > rounding:
            f = variance / noise
            p = float(f_distribution.sf(f, free, n_cells * (n_seeds - 1)))
        if draws is None and n_seeds * n_clips > 1:
            draws = draws_of(values, seed)
        if draws is not None:
            drawn = (_parts(draws.reshape(-1, *shape), len(shape))[2] ** 2).reshape(-1, n_cells).sum(axis=1) / free
            # A draw holds the noise twice, once more than the scores. The reflected ("basic") interval takes out as
            # much as the draws put in; their quantiles themselves would never come down to 0.
            few, many = np.quantile(drawn, [0.025, 0.975])
            low, high = (math.sqrt(max(0.0, 2 * variance - at)) for at in (many, few))

    choice = int(np.ravel_multi_index([int(effect.argmax()) for effect in main], tuple(shape)))
    return Effects(
        float(grand.item()),
        tuple(effect.ravel() for effect in main),
        interaction,
        Shares(tuple(shares[:-1]), shares[-1], 1 - sum(shares) if n_seeds > 1 else math.nan),
        within,
        low,
        high,
        f,
        p,
        choice,
        float(cells.max() - cells.flat[choice]),
        n_seeds,
    )


def _parts(cells: Array, modalities: int) -> tuple[Array, list[Array], Array]:
    """Grand mean, main effects and residuals of grids, the last axes of `cells`; each broadcasts to its shape.

    In a full grid marginal means are the least-squares fit.
    """
    axes = range(-modalities, 0)
    grand = cells.mean(axis=tuple(axes), keepdims=True)
    main = [cells.mean(axis=tuple(a for a in axes if a != axis), keepdims=True) - grand for axis in axes]
    return grand, main, cells - grand - sum(main)
