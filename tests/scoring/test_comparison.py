"""Differences between systems: against plain loops, permutations counted by hand, and simulated truths."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seehear.errors import SeehearError
from seehear.scoring import comparison
from seehear.scoring.comparison import (
    Drawn,
    _draws,
    _flipped,
    _reassigned,
    _rows,
    difference,
    holm,
    resampled,
    shares,
)
from seehear.scoring.intervals import DRAWS


def values_of(n_seeds, n_clips, seed=0):
    return np.random.default_rng(seed).uniform(0, 100, (n_seeds, n_clips))


def simulated(rng, n_seeds, n_clips, paired):
    """Two systems that do not differ but in what their clips and seeds happen to do; paired seeds share some of it."""
    shared, hard = rng.normal(0, 1, n_seeds), rng.normal(50, 20, n_clips)
    for _ in range(2):
        by_seed = 4 * (math.sqrt(0.3) * shared + math.sqrt(0.7) * rng.normal(0, 1, n_seeds) if paired else 0)
        by_seed = by_seed if paired else rng.normal(0, 4, n_seeds)
        yield hard + rng.normal(0, 6, n_clips) + by_seed[:, None] + rng.normal(0, 5, (n_seeds, n_clips))


# Calibration


@pytest.mark.parametrize(("n_seeds", "paired"), [(4, False), (7, True)])
def test_other_clips_and_other_seeds_agree(n_seeds, paired):
    rng, count = np.random.default_rng(5), 200
    numbers = (range(n_seeds), range(n_seeds)) if paired else None
    found = [difference(*simulated(rng, n_seeds, 30, paired), numbers, k) for k in range(count)]
    assert sum(one.p < 0.05 for one in found) / count <= 0.07
    assert sum(one.p_clips < 0.05 for one in found) / count > 0.15  # what looking at clips alone would claim
    assert sum(one.low <= 0 <= one.high for one in found) / count >= 0.88


def test_p_is_uniform_where_only_clips_differ():
    rng = np.random.default_rng(4)
    p = [difference(*rng.normal(0, 1, (2, 1, 60))).p for _ in range(100)]
    assert 0.4 < np.mean(p) < 0.6
    assert 0.15 < np.mean(np.array(p) < 0.25) < 0.35
    assert min(p) > 0


def test_what_is_there_is_seen_beneath_how_hard_clips_are():
    rng = np.random.default_rng(3)
    hard = rng.normal(0, 20, size=100)
    one, other = hard + rng.normal(53, 1, (6, 100)), hard + rng.normal(50, 1, (8, 100))
    found = difference(one, other)
    assert found.low < 3 < found.high
    assert found.high - found.low < 0.5
    assert max(found.p, found.p_clips, found.p_seeds) < 0.01


# The interval


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_resampled_is_the_loops(n_seeds, n_clips, seed):
    values, rng = values_of(n_seeds, n_clips, seed), np.random.default_rng(seed)
    clips, seeds = rng.integers(n_clips, size=(5, n_clips)), rng.integers(n_seeds, size=(5, n_seeds))
    shares = [[np.bincount(drawn, minlength=n) / n for drawn in of] for of, n in ((clips, n_clips), (seeds, n_seeds))]
    found = resampled(values, np.array(shares[0]), np.array(shares[1]))
    widened = math.sqrt(n_seeds / (n_seeds - 1)) if n_seeds > 1 else 1.0
    for draw in range(5):
        total = 0.0
        for clip in clips[draw]:
            middle = sum(values[s, clip] for s in range(n_seeds)) / n_seeds
            for s in seeds[draw]:
                total += middle + widened * (values[s, clip] - middle)
        assert found[draw] == pytest.approx(total / (n_clips * n_seeds))


@pytest.mark.parametrize("paired", [True, False])
def test_interval_is_of_the_draws(monkeypatch, paired):
    monkeypatch.setattr(comparison, "MAX_VALUES", 7 * 300)  # several chunks, the last one short
    one, other = values_of(3, 7), values_of(3, 7, 1)
    parts = [one - other] if paired else [one, -other]
    found = difference(one, other, (range(3), range(3)) if paired else None, seed=9)
    rng = np.random.default_rng(9).spawn(4)[0]
    seeds = [rng.multinomial(3, [1 / 3] * 3, size=DRAWS) / 3 for _ in parts]
    clips = rng.multinomial(7, [1 / 7] * 7, size=DRAWS) / 7
    means = sorted(
        sum(resampled(part, clips[[b]], of_part[[b]])[0] for part, of_part in zip(parts, seeds, strict=True))
        for b in range(DRAWS)
    )
    for end, share in ((found.low, 0.025), (found.high, 0.975)):
        below, rest = divmod(share * (DRAWS - 1), 1)
        between = means[int(below)] * (1 - rest) + means[int(below) + 1] * rest
        assert end == pytest.approx(between)


def test_variance_of_draws_is_that_of_new_seeds():
    values = np.repeat(np.array([[1.0], [4.0], [10.0]]), 5, axis=1)  # clips all alike: seeds do all
    draws = _draws([values], 0)
    assert draws.var() == pytest.approx(np.var([1, 4, 10], ddof=1) / 3, rel=0.1)


def test_pairs_leave_out_what_both_share():
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 10, (6, 1))  # a good seed is good for both
    one, other = 50 + shared + rng.normal(0, 1, (6, 40)), 49 + shared + rng.normal(0, 1, (6, 40))
    turned = other[::-1]
    paired, apart = difference(one, turned, (range(6), range(5, -1, -1))), difference(one, turned)
    assert (paired.paired_seeds, apart.paired_seeds) == (True, False)
    assert paired.high - paired.low < 0.1 * (apart.high - apart.low)
    assert paired.p < 0.05 < apart.p


def test_other_seeds_are_not_paired():
    one, other = values_of(3, 20), values_of(3, 20, 1)
    assert difference(one, other, ([0, 1, 2], [0, 1, 3])) == difference(one, other)
    assert difference(one, other[:2], ([0, 1, 2], [0, 1])).seeds == (3, 2)


# The test


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=7))
def test_every_flip_is_counted_once(values):
    expected = sorted(
        sum(sign * v for sign, v in zip(signs, values, strict=True)) / len(values)
        for signs in product((1, -1), repeat=len(values))
    )
    found = _flipped(np.array(values, dtype=float), 0, Drawn.CLIPS)
    np.testing.assert_allclose(np.sort(found), expected, atol=1e-12)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=4), st.lists(st.integers(-9, 9), min_size=1, max_size=4))
def test_every_way_to_deal_is_counted_once(one, other):
    runs, expected = one + other, []
    for chosen in combinations(range(len(runs)), len(one)):
        rest = [runs[k] for k in range(len(runs)) if k not in chosen]
        expected.append(sum(runs[k] for k in chosen) / len(one) - sum(rest) / len(other))
    found = _reassigned(np.array(one, dtype=float), np.array(other, dtype=float), np.random.default_rng(0))
    np.testing.assert_allclose(np.sort(found), np.sort(expected), atol=1e-12)


def test_random_permutations_have_the_variances_of_all():
    rng = np.random.default_rng(0)
    values = rng.normal(3, 2, 50)
    assert _flipped(values, 0, Drawn.CLIPS).var() == pytest.approx((values**2).sum() / 50**2, rel=0.06)
    one, other = rng.normal(0, 1, 12), rng.normal(0, 1, 9)
    expected = np.concatenate([one, other]).var(ddof=1) * (1 / 12 + 1 / 9)
    found = _reassigned(one, other, rng)
    assert found.var() == pytest.approx(expected, rel=0.06)
    assert found.mean() == pytest.approx(0, abs=0.02)


def test_exact_p_by_hand():
    # Clips differ by 1, 2, 3, runs of a seed by 1 and 3: mean 2. Of 8 flips of clips +++ and --- reach 2; of 4 flips
    # of seeds two do. Unpaired, runs 4, 6 and 3, 3 are dealt out so that 4, 6 are together in 2 of 6 ways.
    other = np.array([[3.0, 3, 3], [3, 3, 3]])
    one = other + np.array([[0.0, 1, 2], [2, 3, 4]])
    paired, apart = difference(one, other, ([0, 1], [1, 0])), difference(one, other)
    assert paired.mean == apart.mean == 2
    assert paired.p_clips == apart.p_clips == 2 / 8
    assert (paired.p_seeds, apart.p_seeds) == (2 / 4, 2 / 6)
    # The sum of both: clips ±2, ±4/3, ±2/3, 0, 0 (eighths), seeds ±2, ±1 (quarters) or ±2, 0 and four of ±1 (sixths).
    clips = [-2, -4 / 3, -2 / 3, 0, 0, 2 / 3, 4 / 3, 2]
    for found, seeds in ((paired, [-2, -1, 1, 2]), (apart, [-2, -1, -1, 1, 1, 2])):
        sums = [abs(c + s) >= 2 - 1e-9 for c in clips for s in seeds]
        alone = max(found.p_clips, found.p_seeds)
        assert found.p == pytest.approx(max(sum(sums) / len(sums), alone), abs=0.02)


def test_a_system_equal_to_the_other():
    values = values_of(3, 20)
    for seeds in (None, (range(3), range(3))):
        found = difference(values, values.copy(), seeds)
        assert (found.mean, found.p, found.p_clips, found.p_seeds) == (0, 1, 1, 1)
        assert found.low <= 0 <= found.high
    assert (found.low, found.high) == (0, 0)  # pairs that are the same are so in every draw


@pytest.mark.parametrize("paired", [True, False])
def test_a_shift_moves_mean_and_interval(paired):
    one, other = values_of(3, 20), values_of(3, 20, 1)
    seeds = (range(3), range(3)) if paired else None
    found, moved = difference(one, other, seeds), difference(one + 5, other, seeds)
    for name in ("mean", "low", "high"):
        assert getattr(moved, name) == pytest.approx(getattr(found, name) + 5)


def test_exchanged_systems_turn_signs_and_keep_p():
    one, other = values_of(3, 20), values_of(3, 20, 1)
    paired = (range(3), range(3))
    found, turned = difference(one, other, paired), difference(other, one, paired)
    assert (turned.mean, turned.low, turned.high) == pytest.approx((-found.mean, -found.high, -found.low))
    assert (turned.p, turned.p_clips, turned.p_seeds) == (found.p, found.p_clips, found.p_seeds)
    found, turned = difference(one, other[:2]), difference(other[:2], one)
    assert (turned.p_clips, turned.p_seeds) == (found.p_clips, found.p_seeds)
    assert turned.p == pytest.approx(found.p, abs=0.03)  # runs are drawn in another order
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low), abs=1.5)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (1, 4), (4, 1)])
def test_one_seed_says_nothing_of_others(first, second):
    one, other = values_of(first, 20), values_of(second, 20, 1)
    found = difference(one, other)
    assert not found.over_seeds
    assert math.isnan(found.p_seeds)
    assert found.p == found.p_clips
    assert found.floor == 0
    # As of one run of each whose clips are the means.
    means = difference(one.mean(axis=0)[None], other.mean(axis=0)[None])
    assert (found.low, found.high, found.p) == (means.low, means.high, means.p)
    assert difference(values_of(2, 20), values_of(2, 20, 1)).over_seeds


@pytest.mark.parametrize(
    ("shape", "paired", "floor"),
    [((4, 4), True, 1 / 8), ((6, 6), True, 1 / 32), ((5, 5), False, 1 / 126), ((3, 4), False, 1 / 35)],
)
def test_p_does_not_fall_below_its_floor(shape, paired, floor):
    rng = np.random.default_rng(0)
    one, other = rng.normal(90, 1, (shape[0], 900)), rng.normal(10, 1, (shape[1], 900))
    found = difference(one, other, (range(shape[0]), range(shape[1])) if paired else None)
    assert found.floor == pytest.approx(floor)
    # Many clips, all of which agree: nothing but the exchange of all runs, or of none, comes as far.
    assert found.p == found.p_seeds == pytest.approx(floor)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 6), st.integers(2, 6), st.booleans(), st.floats(-3, 3), st.integers(0, 99))
def test_p_is_never_under_that_of_clips_or_seeds_alone(first, second, same, shift, seed):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(shift, 1, (first, 15)), rng.normal(0, 1, (first if same else second, 15))
    found = difference(one, other, (range(first), range(first)) if same else None)
    assert found.p >= max(found.p_clips, found.p_seeds, found.floor)


def test_the_same_seed_draws_the_same():
    one, other = values_of(3, 30), values_of(2, 30, 1)
    assert difference(one, other) == difference(one, other)
    assert difference(one, other).low != difference(one, other, seed=1).low


@pytest.mark.parametrize(
    ("first", "second", "seeds", "problem"),
    [
        ((2, 5), (2, 6), None, "same clips"),
        ((0, 5), (2, 5), None, "same clips"),
        ((2, 0), (2, 0), None, "same clips"),
        ((5,), (2, 5), None, "same clips"),
        ((2, 5), (2, 5), ([0, 1], [0]), "2 and 1 seeds"),
        ((2, 5), (2, 5), ([0, 0], [0, 0]), "twice"),
    ],
)
def test_what_can_not_be_compared_is_refused(first, second, seeds, problem):
    with pytest.raises(SeehearError, match=problem):
        difference(np.ones(first), np.ones(second), seeds)


def test_a_value_that_is_not_finite_is_refused():
    values = np.ones((2, 5))
    with pytest.raises(SeehearError, match="finite"):
        difference(values, np.where(np.eye(2, 5) > 0, np.nan, values))


# Parts


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 60))
def test_rows_are_all_there_once_and_few_at_a_time(count, n, held):
    rows = list(_rows(count, n, held))
    assert [k for part in rows for k in range(count)[part]] == list(range(count))
    assert all((part.stop - part.start) * n <= max(held, n) for part in rows)


def test_shares_are_of_draws_with_replacement():
    drawn = shares(5, 3000, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    np.testing.assert_allclose(drawn * 5, np.round(drawn * 5))
    assert (drawn == 0).mean() == pytest.approx(0.8**5, abs=0.01)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.999))
def test_holm_rejects_what_stepping_down_rejects(p, level):
    rejected = set()
    for place, k in enumerate(sorted(range(len(p)), key=lambda k: p[k])):
        if (len(p) - place) * p[k] > level:
            break
        rejected.add(k)
    assert {k for k, adjusted in enumerate(holm(p)) if adjusted <= level} == rejected
