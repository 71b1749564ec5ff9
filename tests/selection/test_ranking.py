"""Standings against plain loops; bootstrap draws against the variances that theory gives them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seehear.errors import SeehearError
from seehear.selection.ranking import TIED, draws_of, seed_deviation, standing, tied_set

few = st.sampled_from([0.0, 1.0, 2.0, 3.0, np.nan])  # many ties, some failures


def fewest(p_best, leader):
    """The tied set: of all smallest sets that are probable enough, those that are most probable; and the leader."""
    for size in range(1, len(p_best) + 1):
        sets = list(itertools.combinations(range(len(p_best)), size))
        totals = [sum(p_best[i] for i in each) for each in sets]
        if max(totals) >= TIED - 1e-12:
            found = {leader}
            for each, total in zip(sets, totals, strict=True):
                if total > max(totals) - 1e-12:
                    found |= set(each)
            return [i in found for i in range(len(p_best))]
    raise AssertionError("probabilities sum to 1")


def loops(scores, draws):
    """One collocation, one draw, one rival at a time: rank, its interval, p_best, tied."""

    def number(x):
        return -np.inf if np.isnan(x) else x

    n = len(scores)
    leader = 0
    for i in range(n):
        if number(scores[i]) > number(scores[leader]):
            leader = i
    rows = []
    for i in range(n):
        rank = 1 + sum(number(scores[j]) > number(scores[i]) for j in range(n))
        lows, highs, share = [], [], 0.0
        for draw in draws:
            own = [number(draw[j]) if not np.isnan(scores[j]) else -np.inf for j in range(n)]
            lows.append(1 + sum(other > own[i] for other in own))
            highs.append(sum(other >= own[i] for other in own))
            if own[i] == max(own):
                share += 1 / sum(other == max(own) for other in own)
        lows.sort()
        highs.sort()
        last = len(draws) - 1
        low, high = lows[int(np.floor(0.025 * last))], highs[int(np.ceil(0.975 * last))]
        rows.append((rank, low, high, share / len(draws)))
    rank, low, high, p_best = (np.array(column) for column in zip(*rows, strict=True))
    return rank, low, high, p_best, fewest(p_best, leader)


@given(data=st.data(), n=st.integers(1, 5), count=st.integers(1, 45))
@settings(deadline=None, max_examples=100)
def test_standing_is_the_loops(data, n, count):
    scores = data.draw(arrays(float, n, elements=few))
    draws = data.draw(arrays(float, (count, n), elements=few))
    found = standing(scores, draws)
    rank, low, high, p_best, tied = loops(scores, draws)
    np.testing.assert_array_equal(found.rank, rank)
    np.testing.assert_array_equal(found.rank_low, low)
    np.testing.assert_array_equal(found.rank_high, high)
    np.testing.assert_allclose(found.p_best, p_best, atol=1e-12)
    np.testing.assert_array_equal(found.tied, tied)
    assert found.p_best.sum() == pytest.approx(1)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=7).filter(any), st.data())
@settings(deadline=None, max_examples=100)
def test_tied_set_is_the_fewest_that_hold_the_best(counts, data):
    p_best = np.array(counts) / sum(counts)
    leader = data.draw(st.integers(0, len(counts) - 1))
    assert tied_set(p_best, leader).tolist() == fewest(p_best, leader)


@pytest.mark.parametrize(
    ("p_best", "leader", "tied"),
    [
        ([0.95, 0.05], 0, [0]),
        ([0.94, 0.06], 0, [0, 1]),
        ([0.96, 0.04], 1, [0, 1]),  # the first by its score is always in it
        ([0.6, 0.3, 0.06, 0.04], 0, [0, 1, 2]),
        ([0.6, 0.3, 0.05, 0.05], 0, [0, 1, 2, 3]),  # one of the last two is as good as the other
        ([0.9, 0.06, 0.04, 0.0], 0, [0, 1]),
        ([1.0, 0.0, 0.0], 0, [0]),
        ([1.0], 0, [0]),
        ([0.25] * 4, 2, [0, 1, 2, 3]),
    ],
)
def test_tied_sets(p_best, leader, tied):
    assert np.flatnonzero(tied_set(np.array(p_best), leader)).tolist() == tied


def test_what_is_seldom_the_best_is_not_tied_however_near_it_is():
    """In each draw the second is just below the first, the third above it in every tenth."""
    draws = np.column_stack([np.ones(100), np.full(100, 0.99), np.repeat([2.0, 0.0], [10, 90])])
    assert standing(np.array([1.0, 0.99, 0.5]), draws).tied.tolist() == [True, False, True]


def test_a_saturated_score_says_nothing():
    found = standing(np.ones(4), np.ones((50, 4)))
    assert found.rank.tolist() == found.rank_low.tolist() == [1] * 4
    assert found.rank_high.tolist() == [4] * 4
    assert found.tied.all()
    np.testing.assert_allclose(found.p_best, 0.25)


def test_a_failure_is_last_and_never_tied():
    draws = np.random.default_rng(0).normal(size=(200, 3))
    found = standing(np.array([0.1, np.nan, 0.0]), draws)
    assert found.rank.tolist() == [1, 3, 2]
    assert (found.rank_low[1], found.rank_high[1], found.p_best[1], found.tied[1]) == (3, 3, 0, False)
    assert found.tied[2]


@pytest.mark.parametrize("shape", [(4,), (10, 3), (0, 4)])
def test_draws_that_do_not_fit(shape):
    with pytest.raises(SeehearError, match="draws"):
        standing(np.zeros(4), np.zeros(shape))


@given(
    st.lists(
        st.integers(1, 4).flatmap(lambda s: arrays(float, (s, 3), elements=st.floats(-100, 100))),
        min_size=1,
        max_size=4,
    )
)
@settings(deadline=None, max_examples=60)
def test_seed_deviation_is_the_loop(values):
    squares, freedom = 0.0, 0
    for of_one in values:
        means = [sum(row) / len(row) for row in of_one.tolist()]
        squares += sum((mean - sum(means) / len(means)) ** 2 for mean in means)
        freedom += len(means) - 1
    expected = np.sqrt(squares / freedom) if freedom else np.nan
    assert seed_deviation(values) == pytest.approx(expected, abs=1e-9, nan_ok=True)


def world(seeds=(1, 1), clips=40):
    rng = np.random.default_rng(1)
    return [rng.normal(50, 10, size=(s, clips)) for s in seeds]


def test_draws_vary_as_clips_do():
    values = world((1, 1))
    draws = draws_of(values, count=4000)
    for n, of_one in enumerate(values):
        assert draws[:, n].mean() == pytest.approx(of_one.mean(), abs=0.15)
        assert draws[:, n].std() == pytest.approx(of_one.std() / np.sqrt(40), rel=0.05)
    expected = np.cov(values[0][0], values[1][0], bias=True)[0, 1] / 40  # the same clips for both
    assert np.cov(draws.T)[0, 1] == pytest.approx(expected, abs=0.1)


def test_clips_are_paired():
    hard = world()[0]
    draws = draws_of([hard, hard + 3])
    np.testing.assert_allclose(draws[:, 1] - draws[:, 0], 3, atol=1e-9)
    assert draws[:, 0].std() > 1


@pytest.mark.parametrize("n_seeds", [2, 3, 7])
def test_draws_vary_as_means_of_seeds_do(n_seeds):
    means = np.random.default_rng(n_seeds).normal(50, 2, size=n_seeds)
    values = np.repeat(means[:, None], 5, axis=1)  # every clip the same: seeds alone
    draws = draws_of([values, values], count=6000)
    assert draws.mean(axis=0) == pytest.approx([means.mean()] * 2, abs=0.15)
    assert draws.std(axis=0) == pytest.approx([means.std(ddof=1) / np.sqrt(n_seeds)] * 2, rel=0.05)
    assert abs(np.corrcoef(draws.T)[0, 1]) < 0.06  # each collocation's seeds by themselves


def test_seeds_and_clips_add_up():
    rng = np.random.default_rng(5)
    seeds, clips = rng.normal(0, 4, size=(6, 1)), rng.normal(0, 10, size=(1, 60))
    draws = draws_of([50 + seeds + clips], count=6000)
    expected = seeds.var(ddof=1) / 6 + clips.var() / 60
    assert draws.var() == pytest.approx(expected, rel=0.08)


def test_a_new_seed_deviates_as_one_training_does():
    means = np.array([[48.0, 50.0, 52.0, 54.0], [60.0, 61.0, 62.0, 67.0]])
    values = np.repeat(means[:, :, None], 3, axis=2)
    pooled = means.var(axis=1, ddof=1).mean()
    assert seed_deviation(values) == pytest.approx(np.sqrt(pooled))
    draws = draws_of(values, count=8000, new_seed=True)
    assert draws.var(axis=0) == pytest.approx(means.var(axis=1, ddof=1) / 4 + pooled, rel=0.06)


def test_one_training_is_as_unsure_as_the_others_say():
    pair, single = np.array([[48.0] * 3, [52.0] * 3]), np.array([[50.0] * 3])
    draws = draws_of([pair, single], count=6000)
    assert draws[:, 1].std() == pytest.approx(seed_deviation([pair]), rel=0.05)
    assert draws_of([single, single]).std() == pytest.approx(0, abs=1e-9)
    with pytest.raises(SeehearError, match="new seed"):
        draws_of([single], new_seed=True)


def test_draws_are_reproducible_and_ragged():
    values = world((1, 3, 2))
    draws = draws_of(values, seed=4, count=30)
    assert draws.shape == (30, 3)
    np.testing.assert_array_equal(draws, draws_of(values, seed=4, count=30))
    assert (draws != draws_of(values, seed=5, count=30)).all()


def test_collocations_need_the_same_clips():
    with pytest.raises(SeehearError, match="same clips"):
        draws_of([np.zeros((1, 3)), np.zeros((1, 4))])


def test_what_is_no_worse_than_the_leader_is_rarely_left_out():
    """Two equal collocations: either is thought separated from the other in about 5 % of worlds on each side."""
    rng = np.random.default_rng(0)
    out = 0
    for _ in range(300):
        values = rng.normal(50, 10, size=(2, 1, 60))
        out += not standing(values.mean(axis=(1, 2)), draws_of(values, count=300)).tied.all()
    assert 0.05 < out / 300 < 0.16
