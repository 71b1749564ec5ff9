"""What is believed about full trainings: a small Gaussian model over a grid of collocations.

The score of a full training is a linear function of closed forms, plus what each network adds beyond them, plus what
each pairing adds. A pilot training shows that score with a discrepancy of its own. Both are scored on clips that are
one sample of their kind, and with one seed of many. How large all of this is was learnt from grids that were trained in
full (`prior.Prior`). A grid may be more or less predictable than those, so scale is uncertain too: the predictive
distribution is Student's t (a Student-t process, Shah et al. 2014), which closes up as observations fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seehear.selection.prior import Kind, Prior, Slope

Array = NDArray[np.float64]

FLAT = 100.0  # SD of the level of scores, points: nothing is known of it
GAP = 5.0  # SD of the difference between the levels of full and pilot trainings, points
JITTER = 1e-8  # of the noise of trainings, which may be none


@dataclass(frozen=True)
class Observation:
    """The mean score of trainings of one collocation.

    Attributes:
        cell: Number of the collocation.
        kind: Full or pilot.
        score: Mean over seeds and clips, per cent.
        seeds: How many trainings.
    """

    cell: int
    kind: Kind
    score: float
    seeds: int


@dataclass(frozen=True)
class Belief:
    """A belief about the scores of n collocations in full trainings; everything in points.

    Attributes:
        prior: What it rests on.
        mean: (3n + 2,), of the scores on all clips of the kind, then of full and of pilot trainings on the scored
            clips; then of the levels of both, which all collocations share.
        covariance: (3n + 2, 3n + 2) of these, at the scale that observations suggest.
        freedom: Degrees of freedom of the t distribution.
        clip_noise: Variance of a collocation's mean score between sets of as many clips as are scored.
    """

    prior: Prior
    mean: Array
    covariance: Array
    freedom: float
    clip_noise: float

    @staticmethod
    def of(
        shape: Sequence[int],
        closed: Mapping[str, Array],
        prior: Prior,
        observations: Sequence[Observation] = (),
        clip_noise: float | None = None,
        clips: int = 1,
    ) -> Belief:
        """Return the belief after some observations.

        Args:
            shape: Options per modality; collocations are in the order of such an array.
            closed: Name of a closed form in the prior -> scores (n,), NaN where it has none.
            prior: Of grids like this one.
            observations: At most one per collocation and kind.
            clip_noise: Variance of a score between clips; None for the prior's.
            clips: How many are scored.
        """
        n = int(np.prod(shape))
        noise = (prior.clip**2 if clip_noise is None else clip_noise) / clips
        mean, covariance = _joint(shape, closed, prior, noise)
        if not observations:
            return Belief(prior, mean, covariance, prior.freedom, noise)
        at = np.array([each.kind * n + each.cell for each in observations])
        seen = np.array([each.score for each in observations])
        of_seeds = np.array([prior.seed_variance(each.kind) / each.seeds for each in observations])
        mean, covariance, distance = _conditioned(mean, covariance, at, seen, of_seeds + JITTER)
        fitted = len(at) - 1  # the level, of which nothing was known, informs no scale
        scale = (prior.freedom + distance) / (prior.freedom + fitted)
        return Belief(prior, mean, scale * (covariance + covariance.T) / 2, prior.freedom + fitted, noise)

    def __len__(self) -> int:
        return len(self.mean) // 3  # two levels are left over

    @property
    def scores(self) -> Array:
        """The expected scores of full trainings, (n,), up to a level that they share."""
        return self.mean[: len(self)]

    def traversals(self, seeds: int, count: int, rng: np.random.Generator) -> Array:
        """Draw traversals (count, n): `seeds` full trainings of each, scored on as many new clips as here."""
        n = len(self)
        noise = self.prior.seed_variance(Kind.FULL) / seeds + self.clip_noise
        root = _root(self.covariance[:n, :n] + noise * np.eye(n))
        spread = np.sqrt(self.freedom / rng.chisquare(self.freedom, size=(count, 1)))
        drawn: Array = self.scores + spread * (rng.standard_normal((count, n)) @ root.T)
        return drawn

    def with_known_levels(self) -> Belief:
        """Return the belief if the levels of full and pilot trainings were known, and as expected.

        One training alone says nothing about differences. It does together with others, so it is judged by this.
        """
        levels = np.array([-2, -1])
        mean, covariance, _ = _conditioned(self.mean, self.covariance, levels, self.mean[levels], np.zeros(2))
        return replace(self, mean=mean, covariance=covariance)

    def after(self, cells: Sequence[int], kinds: Sequence[Kind], scores: Array | None = None) -> Belief:
        """Return the belief after further trainings, one each; their expected scores unless they are given.

        Degrees of freedom and scale stay as they are.
        """
        at = np.array([kind * len(self) + cell for cell, kind in zip(cells, kinds, strict=True)])
        seen = self.mean[at] if scores is None else scores
        noise = np.array([self.prior.seed_variance(kind) for kind in kinds])
        mean, covariance, _ = _conditioned(self.mean, self.covariance, at, seen, noise + JITTER)
        return replace(self, mean=mean, covariance=covariance)


def same_option(shape: Sequence[int]) -> list[Array]:
    """Return per modality which collocations share its option, (n, n) 0 or 1."""
    numbers = np.indices(tuple(shape)).reshape(len(shape), -1)  # (M, n)
    return [(each[:, None] == each).astype(np.float64) for each in numbers]


def structured(shape: Sequence[int], network: float, pairing: float) -> Array:
    """Return the covariance (n, n) of a sum of network effects and pairing effects with these SDs."""
    n = int(np.prod(shape))
    return network**2 * np.sum(same_option(shape), axis=0) + pairing**2 * np.eye(n)


def closed_form_part(closed: Mapping[str, Array], slopes: Mapping[str, Slope]) -> tuple[Array, Array]:
    """Return mean (n,) and covariance (n, n) of what closed forms say, their slopes being uncertain.

    Of a collocation without a score they say nothing: it counts as the mean of the others.
    """
    n = len(next(iter(closed.values())))
    mean, covariance = np.zeros(n), np.zeros((n, n))
    for name, scores in closed.items():
        centred = np.nan_to_num(scores - np.nanmean(scores))
        mean += slopes[name].mean * centred
        covariance += slopes[name].deviation ** 2 * np.outer(centred, centred)
    return mean, covariance


def _joint(shape: Sequence[int], closed: Mapping[str, Array], prior: Prior, clip_noise: float) -> tuple[Array, Array]:
    """Return mean (3n + 2,) and covariance (3n + 2, 3n + 2) before any training."""
    n = int(np.prod(shape))
    mean, covariance = closed_form_part(closed, prior.slopes) if closed else (np.zeros(n), np.zeros((n, n)))
    joint = np.zeros((3 * n + 2, 3 * n + 2))
    joint[: 3 * n, : 3 * n] = np.tile(covariance + structured(shape, prior.network, prior.pairing), (3, 3))
    full, pilot = slice(n, 2 * n), slice(2 * n, 3 * n)
    for one in (full, pilot):
        for other in (full, pilot):
            joint[one, other] += clip_noise * np.eye(n)  # both are scored on the same clips
    joint[pilot, pilot] += structured(shape, prior.pilot_network, prior.pilot_pairing)
    levels = ((3 * n, full), (3 * n + 1, pilot))
    for first, of_first in levels:
        for second, of_second in levels:
            shared = FLAT**2 + (GAP**2 if first == second == 3 * n + 1 else 0.0)
            joint[first, second] = joint[of_first, second] = joint[first, of_second] = shared
            joint[of_first, of_second] += shared
    return np.concatenate([np.tile(mean, 3), np.zeros(2)]), joint


def _conditioned(
    mean: Array, covariance: Array, at: NDArray[np.int64], seen: Array, noise: Array
) -> tuple[Array, Array, float]:
    """Return mean and covariance after observations (m,) of some entries, and how far these lie from the mean."""
    precision = np.linalg.inv(covariance[np.ix_(at, at)] + np.diag(noise)).astype(np.float64)
    gain, residual = covariance[:, at] @ precision, seen - mean[at]  # (3n + 2, m), (m,)
    return mean + gain @ residual, covariance - gain @ covariance[at], float(residual @ precision @ residual)


def _root(covariance: Array) -> Array:
    """Return a root R with R Rᵀ = covariance, which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    root: Array = vectors * np.sqrt(np.maximum(values, 0.0))
    return root
