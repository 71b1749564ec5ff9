"""What grids trained in full leave behind: its density against SciPy, and whether it is learnt from drawn grids."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import block_diag, helmert
from scipy.stats import multivariate_t

from seehear.selection.estimators import find, pilots
from seehear.selection.learning import TraversedGrid, learn, log_likelihood
from seehear.selection.prior import Prior, Slope, clip_deviation, kind_of, stored
from seehear.selection.task import TRAIN
from seehear.selection.trainings import Metric
from selection import oracle

PRIOR = Prior({"a": Slope(3.0, 2.0)}, 2.5, 1.0, 1.5, 0.7, 1.8, 2.2, 20.0, 6.0)


def traversed(shape, prior, rng, seeds=5, clips=400, pilot_seeds=2, pilot_clips=200):
    """A grid whose scores are drawn from a prior, source by source, at one scale for the grid."""
    n = int(np.prod(shape))
    closed = {name: rng.normal(size=n) for name in prior.slopes}
    noises = prior.clip / np.sqrt(clips), prior.clip / np.sqrt(pilot_clips)
    scale = np.sqrt(prior.freedom / rng.chisquare(prior.freedom))
    scores = np.array([[50.0], [40.0]]) + oracle.mean_of_scores(closed, prior, n)  # (2, n)
    for deviation, *weights in oracle.sources_of_scores(shape, closed, prior, *noises):
        drawn = scale * deviation * rng.standard_normal()
        for kind in range(2):
            for cell, weight in weights[kind].items():
                scores[kind, cell] += drawn * weight
    of_seeds = np.array([[prior.seed / np.sqrt(seeds)], [prior.pilot_seed / np.sqrt(pilot_seeds)]])
    full, pilot = scores + scale * of_seeds * rng.standard_normal((2, n))
    return TraversedGrid(
        tuple(shape), closed, full, seeds, clips, pilot, pilot_seeds, pilot_clips, prior.seed, prior.pilot_seed,
        prior.clip,
    )  # fmt: skip


@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 2, 2)])
@pytest.mark.parametrize("with_pilots", [True, False])
def test_log_likelihood_is_that_of_scipy_on_contrasts(shape, with_pilots):
    grid = traversed(shape, PRIOR, np.random.default_rng(1))
    n = len(grid.full)
    noises = PRIOR.clip / np.sqrt(grid.clips), PRIOR.clip / np.sqrt(grid.pilot_clips)
    sources = oracle.sources_of_scores(shape, grid.closed, PRIOR, *noises)
    covariance = oracle.covariance_of(sources, [(pilot, cell) for pilot in (False, True) for cell in range(n)])
    covariance += np.diag([PRIOR.seed**2 / grid.seeds] * n + [PRIOR.pilot_seed**2 / grid.pilot_seeds] * n)
    off = np.concatenate([grid.full, grid.pilots]) - np.tile(oracle.mean_of_scores(grid.closed, PRIOR, n), 2)
    contrasts = block_diag(helmert(n), helmert(n))
    if not with_pilots:
        grid, contrasts = replace(grid, pilots=None), contrasts[: n - 1]
    shape_matrix = contrasts @ covariance @ contrasts.T
    expected = multivariate_t(shape=shape_matrix, df=PRIOR.freedom).logpdf(contrasts @ off)
    assert log_likelihood(grid, PRIOR) == pytest.approx(expected)
    moved = replace(grid, full=grid.full + 30, pilots=None if grid.pilots is None else grid.pilots - 10)
    assert log_likelihood(moved, PRIOR) == pytest.approx(expected)


def test_a_better_prior_is_more_probable():
    rng = np.random.default_rng(2)
    grids = [traversed((4, 4), PRIOR, rng) for _ in range(20)]

    def total(prior):
        return sum(log_likelihood(grid, prior) for grid in grids)

    for name in ("network", "pairing", "pilot_network"):
        for factor in (0.2, 5.0):
            assert total(PRIOR) > total(replace(PRIOR, **{name: factor * getattr(PRIOR, name)}))


def test_learnt_numbers_are_those_that_grids_were_drawn_by():
    truth = replace(PRIOR, freedom=30.0, network=3.0, pairing=1.5, pilot_network=2.0, pilot_pairing=1.0)
    rng = np.random.default_rng(0)
    found = learn([traversed((4, 4), truth, rng) for _ in range(14)], ["a"])
    for name in ("network", "pairing", "pilot_network", "pilot_pairing"):
        assert getattr(truth, name) / 1.6 < getattr(found, name) < 1.6 * getattr(truth, name), name
    assert found.slopes["a"].mean == pytest.approx(3, abs=1.7)
    assert 0.8 < found.slopes["a"].deviation < 4
    assert (found.seed, found.pilot_seed, found.clip) == pytest.approx((truth.seed, truth.pilot_seed, truth.clip))
    assert found.freedom > 2


def test_grids_without_pilots_teach_what_they_can():
    rng = np.random.default_rng(3)
    found = learn([replace(traversed((3, 3), PRIOR, rng), pilots=None) for _ in range(4)], ["a"])
    assert all(np.isfinite(value) for value in found.as_json().values() if isinstance(value, float))
    assert 0 < found.pilot_network < 10


def test_clip_deviation_is_that_of_differences():
    """Clips differ by 30, which all collocations share, and by 7 in each one by itself."""
    rng = np.random.default_rng(0)
    values = 30 * rng.normal(size=(1, 4000)) + 7 * rng.normal(size=(3, 4000))
    assert clip_deviation(values) == pytest.approx(7, rel=0.05)
    assert clip_deviation(values + np.array([[0.0], [10.0], [50.0]])) == pytest.approx(clip_deviation(values))


def test_a_prior_as_json_is_the_same_prior():
    assert Prior.from_json(json.loads(json.dumps(PRIOR.as_json()))) == PRIOR


def test_stored_priors_are_of_every_kind_of_grid():
    kinds = {kind_of(metric, scaled) for metric, scaled in itertools.product(Metric, [True, False])}
    assert set(stored()) == kinds
    needed = {f"{form.name}@{TRAIN}" for form in pilots.CLOSED}
    for of_kind in stored().values():
        assert needed <= set(of_kind[pilots.NAME].slopes)
        for name, prior in of_kind.items():
            ((estimator, split),) = find(name)
            assert name in (pilots.NAME, f"{estimator.name}@{split}")
            assert name == pilots.NAME or set(prior.slopes) == {name}
            assert prior.freedom > 2
            deviations = [getattr(prior, each) for each in ("network", "pairing", "pilot_network", "pilot_pairing")]
            assert min(*deviations, prior.seed, prior.pilot_seed, prior.clip) > 0
