"""The model of full and pilot trainings against loops over its parts, and against many draws."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seehear.selection.belief import FLAT, GAP, Belief, Observation
from seehear.selection.prior import Kind, Prior, Slope
from selection import oracle

PRIOR = Prior({"a": Slope(3.0, 2.0), "b": Slope(-1.0, 4.0)}, 2.5, 1.0, 1.5, 0.7, 1.8, 2.2, 20.0, 6.0)
CLIPS = 50
SHAPES = [(1,), (4,), (2, 3), (1, 3), (2, 2, 2)]


def closed_of(shape, seed=0):
    n = int(np.prod(shape))
    rng = np.random.default_rng(seed)
    return {"a": rng.normal(size=n), "b": rng.normal(5, 0.5, size=n)}


def believed(shape, observations=(), closed=None, **options):
    return Belief.of(shape, closed or closed_of(shape), PRIOR, observations, clips=CLIPS, **options)


@st.composite
def grids(draw):
    """A shape, and observations of some of its collocations."""
    shape = draw(st.sampled_from(SHAPES))
    keys = list(itertools.product(range(int(np.prod(shape))), Kind))
    seen = draw(st.lists(st.sampled_from(keys), unique=True, max_size=6))
    scores = st.floats(20, 80)
    return shape, [Observation(cell, kind, draw(scores), draw(st.integers(1, 3))) for cell, kind in seen]


def by_loops(shape, observations, clip_noise):
    """Mean and scale of the scores, degrees of freedom and scale, by one observation after another."""
    n, closed = int(np.prod(shape)), closed_of(shape)
    # Of all clips of the kind, which no training is scored on: sources without clips, level and pilots' discrepancy.
    kind_of_scores = oracle.sources_of_scores(shape, closed, PRIOR, 0.0)
    trained = oracle.sources_of_scores(shape, closed, PRIOR, np.sqrt(clip_noise / CLIPS), level=FLAT, gap=GAP)
    entries = [(each.kind == Kind.PILOT, each.cell) for each in observations]
    cells = [(False, cell) for cell in range(n)]
    joint = np.zeros((n + len(entries),) * 2)
    joint[n:, n:] = oracle.covariance_of(trained, entries)
    # Scores and trainings share what both have: slopes, networks and pairings, as two different full trainings do.
    shared = oracle.covariance_of(kind_of_scores, [*cells, *[(False, cell) for _, cell in entries]])
    joint[:n] = shared[:n]
    joint[n:, :n] = shared[n:, :n]
    means = oracle.mean_of_scores(closed, PRIOR, n)
    mean = np.array(means + [means[cell] for _, cell in entries])
    distance = 0.0
    for k, each in enumerate(observations):
        noise = (PRIOR.pilot_seed if each.kind == Kind.PILOT else PRIOR.seed) ** 2 / each.seeds
        variance, off = joint[n + k, n + k] + noise, each.score - mean[n + k]
        gain = joint[:, n + k] / variance
        distance += off**2 / variance
        mean, joint = mean + gain * off, joint - np.outer(gain, joint[n + k])
    fitted = len(observations) - 1 if observations else 0
    scale = (PRIOR.freedom + distance) / (PRIOR.freedom + fitted) if observations else 1.0
    return mean[:n], scale * joint[:n, :n], PRIOR.freedom + fitted


@given(grids(), st.sampled_from([None, 0.0, 150.0]))
@settings(deadline=None, max_examples=40)
def test_belief_is_one_observation_after_another(grid, clip_noise):
    shape, observations = grid
    found = believed(shape, observations, clip_noise=clip_noise)
    noise = PRIOR.clip**2 if clip_noise is None else clip_noise
    mean, covariance, freedom = by_loops(shape, observations, noise)
    n = len(found)
    assert n == int(np.prod(shape))
    np.testing.assert_allclose(found.scores, mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.covariance[:n, :n], covariance, rtol=1e-5, atol=1e-5)
    assert found.freedom == pytest.approx(freedom)
    assert found.clip_noise == pytest.approx(noise / CLIPS, rel=1e-6)


def test_all_entries_before_any_training():
    shape = (2, 3)
    found, n = believed(shape), 6
    sources = oracle.sources_of_scores(shape, closed_of(shape), PRIOR, PRIOR.clip / np.sqrt(CLIPS), level=FLAT, gap=GAP)
    entries = [(pilot, cell) for pilot in (False, True) for cell in range(n)]
    np.testing.assert_allclose(found.covariance[n : 3 * n, n : 3 * n], oracle.covariance_of(sources, entries))
    np.testing.assert_allclose(found.mean[:n], oracle.mean_of_scores(closed_of(shape), PRIOR, n), atol=1e-12)
    np.testing.assert_array_equal(found.mean, [*found.scores, *found.scores, *found.scores, 0, 0])


@given(grids())
@settings(deadline=None, max_examples=40)
def test_covariance_is_one(grid):
    for belief in (believed(*grid), believed(*grid).with_known_levels()):
        np.testing.assert_allclose(belief.covariance, belief.covariance.T, atol=1e-7)
        values = np.linalg.eigvalsh(belief.covariance)
        assert values.min() > -1e-9 * values.max()


@given(grids(), st.data())
@settings(deadline=None, max_examples=40)
def test_one_observation_more_never_makes_less_sure(grid, data):
    shape, observations = grid
    n = int(np.prod(shape))

    def unscaled(seen):
        """Variances of the scores as conditioning leaves them: `after` does not rescale."""
        belief = believed(shape)
        for each in seen:
            belief = belief.after([each.cell], [each.kind], np.array([each.score]))
        return np.diag(belief.covariance)[:n]

    before = believed(shape, observations)
    left = [key for key in itertools.product(range(len(before)), Kind)]
    cell, kind = data.draw(st.sampled_from(left))
    if all((each.cell, each.kind) != (cell, kind) for each in observations):
        more = [*observations, Observation(cell, kind, data.draw(st.floats(20, 80)), 1)]
        assert (unscaled(more) <= unscaled(observations) + 1e-6).all()
    after = before.after([cell], [kind])
    assert (np.diag(after.covariance) <= np.diag(before.covariance) + 1e-6).all()
    np.testing.assert_allclose(after.mean, before.mean, atol=1e-9)  # it came out as expected


@given(grids(), st.data())
@settings(deadline=None, max_examples=40)
def test_names_of_options_do_not_matter(grid, data):
    shape, observations = grid
    modality = data.draw(st.integers(0, len(shape) - 1))
    order = data.draw(st.permutations(range(shape[modality])))
    old = np.arange(int(np.prod(shape))).reshape(shape).take(order, axis=modality).ravel()  # new cell -> old cell
    new = np.argsort(old)
    closed = closed_of(shape)
    moved = [Observation(int(new[each.cell]), each.kind, each.score, each.seeds) for each in observations]
    before = believed(shape, observations)
    after = believed(shape, moved, {name: scores[old] for name, scores in closed.items()})
    n = len(before)
    np.testing.assert_allclose(after.scores, before.scores[old], atol=1e-6)
    np.testing.assert_allclose(after.covariance[:n, :n], before.covariance[np.ix_(old, old)], atol=1e-6)


@given(grids(), st.floats(-30, 30))
@settings(deadline=None, max_examples=40)
def test_the_level_of_scores_says_nothing_of_differences(grid, shift):
    shape, observations = grid
    moved = [Observation(each.cell, each.kind, each.score + shift, each.seeds) for each in observations]
    before, after = (believed(shape, each).scores for each in (observations, moved))
    # It is known to 100 points, so that a little of it is left.
    np.testing.assert_allclose(after - after.mean(), before - before.mean(), atol=0.02 * abs(shift) + 1e-6)


def test_a_closed_form_that_says_the_same_of_all_says_nothing():
    shape = (2, 2)
    same = Belief.of(shape, {"a": np.full(4, 7.0)}, PRIOR)
    none = Belief.of(shape, {}, PRIOR)
    np.testing.assert_allclose(same.mean, none.mean)
    np.testing.assert_allclose(same.covariance, none.covariance)


def test_a_pilot_says_something_of_collocations_that_share_a_network():
    seen = [Observation(0, Kind.PILOT, 60, 1), Observation(5, Kind.PILOT, 40, 1)]
    before, after = believed((2, 3)), believed((2, 3), seen)
    moved = (after.scores - before.scores).reshape(2, 3)
    assert moved[0, 0] > max(moved[0, 1], moved[1, 0]) > min(moved[0, 1], moved[1, 0]) > moved[1, 2]


def test_what_fits_badly_makes_less_sure():
    cells = range(4)
    closed = closed_of((4,))
    expected = believed((4,)).scores
    good, bad = (
        believed((4,), [Observation(cell, Kind.FULL, 50 + size * expected[cell], 1) for cell in cells], closed)
        for size in (1, -10)
    )
    assert np.trace(good.covariance) < np.trace(bad.covariance)
    assert good.freedom == bad.freedom == PRIOR.freedom + 3


def test_outcomes_one_by_one_are_outcomes_together():
    seen = [Observation(0, Kind.PILOT, 50, 1)]
    belief = believed((2, 2), seen)
    cells, kinds, scores = [1, 2, 1], [Kind.PILOT, Kind.FULL, Kind.PILOT], np.array([48.0, 55.0, 51.0])
    together = belief.after(cells, kinds, scores)
    for cell, kind, score in zip(cells, kinds, scores, strict=True):
        belief = belief.after([cell], [kind], np.array([score]))
    np.testing.assert_allclose(together.mean, belief.mean, atol=1e-5)
    np.testing.assert_allclose(together.covariance, belief.covariance, atol=1e-4)


def test_known_levels_are_known_and_expected():
    belief = believed((2, 2), [Observation(0, Kind.PILOT, 50, 1), Observation(3, Kind.FULL, 60, 1)])
    known = belief.with_known_levels()
    np.testing.assert_array_equal(known.mean, belief.mean)
    np.testing.assert_allclose(known.covariance[-2:], 0, atol=1e-6)
    assert (np.diag(known.covariance) <= np.diag(belief.covariance) + 1e-9).all()


@pytest.mark.parametrize("seeds", [1, 4])
def test_traversals_have_the_stated_mean_and_covariance(seeds):
    seen = [Observation(cell, Kind.PILOT, 50.0 + 3 * cell, 1) for cell in range(4)]
    belief = Belief.of((2, 2), closed_of((2, 2)), PRIOR, [*seen, Observation(0, Kind.FULL, 55, 1)], clips=CLIPS)
    draws = belief.traversals(seeds, 60000, np.random.default_rng(0))
    expected = belief.covariance[:4, :4] + (PRIOR.seed**2 / seeds + belief.clip_noise) * np.eye(4)
    expected = expected * belief.freedom / (belief.freedom - 2)  # Student's t
    assert draws.shape == (60000, 4)
    np.testing.assert_allclose(draws.mean(axis=0), belief.scores, atol=0.1)
    np.testing.assert_allclose(np.cov(draws.T), expected, atol=0.06 * expected.max())
    heavy = (draws - belief.scores) / np.sqrt(np.diag(expected))
    assert (heavy**4).mean() == pytest.approx(3 + 6 / (belief.freedom - 4), rel=0.15)
