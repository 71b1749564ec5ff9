"""How the numbers of `belief.Belief` are learnt: by the largest marginal likelihood over grids trained in full.

Each grid has the scores of full trainings, by closed forms, and of pilot trainings if there were any. `make study`
trains such grids and learns the priors that come with seehear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln

from seehear.selection.belief import closed_form_part, structured
from seehear.selection.prior import Prior, Slope

Array = NDArray[np.float64]

SURE_OF_SIGN = 1 / 3  # a slope's SD is no larger a share of it: no grid turns a closed form around


@dataclass(frozen=True)
class TraversedGrid:
    """A grid of n collocations that was trained in full.

    Attributes:
        shape: Options per modality.
        closed: Closed form -> scores (n,).
        full: Mean score of full trainings on clips that no choice was made by, (n,), per cent.
        seeds: Full trainings per collocation.
        clips: Number of these clips.
        pilots: Mean score of pilot trainings on the validation clips, (n,); None without.
        pilot_seeds: Pilot trainings per collocation.
        pilot_clips: Number of validation clips.
        seed, pilot_seed: SD between seeds; NaN if it is not known.
        clip: SD of a clip's score, in its differences between collocations.
    """

    shape: tuple[int, ...]
    closed: Mapping[str, Array]
    full: Array
    seeds: int
    clips: int
    pilots: Array | None
    pilot_seeds: int
    pilot_clips: int
    seed: float
    pilot_seed: float
    clip: float


def learn(grids: Sequence[TraversedGrid], closed: Sequence[str]) -> Prior:
    """Return the prior under which these grids are most probable.

    Args:
        grids: At least two.
        closed: The closed forms to use.
    """
    seed, pilot_seed, clip = (
        _pooled([getattr(grid, name) for grid in grids]) for name in ("seed", "pilot_seed", "clip")
    )

    def prior(x: Array) -> Prior:
        k = len(closed)
        slopes = {
            name: Slope(float(x[i]), min(float(np.exp(x[k + i])), SURE_OF_SIGN * abs(float(x[i]))))
            for i, name in enumerate(closed)
        }
        network, pairing, pilot_network, pilot_pairing, freedom = (float(np.exp(v)) for v in x[2 * k :])
        return Prior(slopes, network, pairing, pilot_network, pilot_pairing, seed, pilot_seed, clip, 2 + freedom)

    def loss(x: Array) -> float:
        # A weak pull keeps numbers that the grids say nothing about from running away.
        pull = 0.02 * float((x[len(closed) :] ** 2).sum())
        return pull - sum(log_likelihood(grid, prior(x)) for grid in grids)

    start = np.array([_slope(grids, name) / len(closed) for name in closed] + [0.0] * len(closed) + [0.7, 0, 0, 0, 2])
    result = minimize(
        loss, start, method="L-BFGS-B", bounds=[(None, None)] * len(closed) + [(-4, 5)] * (len(closed) + 5)
    )
    return prior(result.x)


def _pooled(deviations: Sequence[float]) -> float:
    """Return the root mean square of the SDs that are known; 1 if none is."""
    known = np.array(deviations)[np.isfinite(deviations)]
    return float(np.sqrt(np.mean(known**2))) if len(known) else 1.0


def log_likelihood(grid: TraversedGrid, prior: Prior) -> float:
    """Return the log density of a grid's full and pilot trainings, up to the levels of both, under a prior."""
    mean, covariance = closed_form_part({name: grid.closed[name] for name in prior.slopes}, prior.slopes)
    score = covariance + structured(grid.shape, prior.network, prior.pairing)
    n = len(grid.full)
    full = score + (prior.seed**2 / grid.seeds + prior.clip**2 / grid.clips) * np.eye(n)
    if grid.pilots is None:
        return _t_density(_levelled(grid.full - mean), _levelled(full), prior.freedom)
    pilot = score + structured(grid.shape, prior.pilot_network, prior.pilot_pairing)
    pilot = pilot + (prior.pilot_seed**2 / grid.pilot_seeds + prior.clip**2 / grid.pilot_clips) * np.eye(n)
    contrasts = _contrasts(n)
    off = np.concatenate([contrasts @ (grid.full - mean), contrasts @ (grid.pilots - mean)])
    both = np.block([[full, score], [score, pilot]])
    two = np.kron(np.eye(2), contrasts)
    return _t_density(off, two @ both @ two.T, prior.freedom)


def _contrasts(n: int) -> Array:
    """Return an orthonormal basis (n - 1, n) of differences: it takes the common level out."""
    return np.linalg.svd(np.eye(n) - 1 / n)[0][:, : n - 1].T


def _levelled(x: Array) -> Array:
    contrasts = _contrasts(len(x))
    levelled: Array = contrasts @ x if x.ndim == 1 else contrasts @ x @ contrasts.T
    return levelled


def _t_density(off: Array, covariance: Array, freedom: float) -> float:
    """Return the log density of Student's t with mean 0 and this scale matrix."""
    m = len(off)
    sign, log_det = np.linalg.slogdet(covariance)
    if sign <= 0 or not np.isfinite(log_det):
        return -1e9
    distance = float(off @ np.linalg.solve(covariance, off))
    half = (freedom + m) / 2
    constant = gammaln(half) - gammaln(freedom / 2) - m / 2 * np.log(freedom * np.pi)
    return float(constant - log_det / 2 - half * np.log1p(distance / freedom))


def _slope(grids: Sequence[TraversedGrid], name: str) -> float:
    x = np.concatenate([grid.closed[name] - grid.closed[name].mean() for grid in grids])
    y = np.concatenate([grid.full - grid.full.mean() for grid in grids])
    return float(x @ y / max(float(x @ x), 1e-12))
