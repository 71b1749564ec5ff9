"""Means over queries and their intervals, against resampling one clip at a time."""

import numpy as np
import pytest

from seehear.alignment.metrics import METRICS, Measure, per_clip, summarise
from seehear.alignment.retrieval import Matches
from seehear.errors import SeehearError
from seehear.scoring.intervals import DRAWS


def matches_of(values, chance=None) -> Matches:
    """The same values in every measure."""
    values = np.asarray(values, dtype=float)
    chance = np.full(len(values), 0.25) if chance is None else np.asarray(chance, dtype=float)
    return Matches(*[values] * 5, *[np.where(np.isnan(values), np.nan, chance)] * 5)


def slowly(seeds: list[np.ndarray], clip: np.ndarray, seed: int) -> tuple[float, float]:
    """The same draws, gathered query by query."""
    names = sorted(set(clip.tolist()))
    rng = np.random.default_rng(seed)
    clips = rng.multinomial(len(names), [1 / len(names)] * len(names), size=DRAWS)
    drawn_seeds = rng.multinomial(len(seeds), [1 / len(seeds)] * len(seeds), size=DRAWS)
    draws = []
    for times, seed_times in zip(clips, drawn_seeds, strict=True):
        means = []
        for of_one, again in zip(seeds, seed_times, strict=True):
            values = []
            for name, count in zip(names, times, strict=True):
                values += [v for v, c in zip(of_one, clip, strict=True) if c == name and not np.isnan(v)] * count
            if values:
                means += [sum(values) / len(values)] * again
        if means:
            draws.append(sum(means) / len(means))
    return tuple(np.quantile(draws, [0.025, 0.975]))


@pytest.mark.parametrize("n_seeds", [1, 3])
def test_interval_equals_slow_resampling(n_seeds):
    rng = np.random.default_rng(0)
    clip = np.array([7, 7, 3, 3, 3, 9, 4, 4, 3, 9, 4])  # neither in order, nor of one size, nor from 0
    seeds = list(rng.random((n_seeds, len(clip))))
    for values in seeds:
        values[[1, 5, 9]] = np.nan  # clip 9 has no query that counts
    chance = rng.random(len(clip))
    measured = summarise([matches_of(values, chance) for values in seeds], clip, seed=5)
    assert tuple(measured) == METRICS
    for one in measured.values():
        assert (one.low, one.high) == pytest.approx(slowly(seeds, clip, 5))
        assert one.value == pytest.approx(np.nanmean(seeds))
        assert one.chance == pytest.approx(chance[~np.isnan(seeds[0])].mean())
        assert (one.queries, one.left_out) == (8, 3)
        assert one.deviation == (pytest.approx(np.std([np.nanmean(v) for v in seeds], ddof=1)) if n_seeds > 1 else 0)


def test_one_embedding_is_a_sequence_of_one():
    found, clip = matches_of(np.random.default_rng(1).random(60)), np.repeat(range(30), 2)
    assert summarise(found, clip) == summarise([found], clip)
    assert summarise(found, clip) != summarise(found, clip, seed=1)


def test_each_measure_has_its_own_field():
    found = Matches(*np.arange(10)[:, None] / 10)
    measured = summarise(found, np.zeros(1, dtype=int))
    assert [one.value for one in measured.values()] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert [one.chance for one in measured.values()] == [0.5, 0.6, 0.7, 0.8, 0.9]


def test_interval_of_independent_queries_is_the_binomial_one():
    values = (np.random.default_rng(2).random(400) < 0.3).astype(float)
    one = summarise(matches_of(values), np.arange(400))["recall_exact"]
    error = 1.96 * np.sqrt(values.mean() * (1 - values.mean()) / 400)
    assert one.high - one.low == pytest.approx(2 * error, rel=0.1)
    assert one.low < values.mean() < one.high


def test_equal_queries_of_a_clip_count_as_one():
    clips = (np.random.default_rng(3).random(100) < 0.4).astype(float)
    once = summarise(matches_of(clips), np.arange(100))["distinguish"]
    often = summarise(matches_of(np.repeat(clips, 10)), np.repeat(np.arange(100), 10))["distinguish"]
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_seeds_widen_the_interval():
    values = np.random.default_rng(4).random(200) * 0.2
    same = summarise([matches_of(values)] * 4, np.arange(200))["recall_exact"]
    apart = summarise([matches_of(values + shift) for shift in (0, 0.2, 0.4, 0.6)], np.arange(200))["recall_exact"]
    assert same.deviation == pytest.approx(0, abs=1e-12)
    assert apart.deviation == pytest.approx(np.std([0, 0.2, 0.4, 0.6], ddof=1))
    assert apart.high - apart.low > 5 * (same.high - same.low)


def test_one_clip_has_no_spread():
    one = summarise(matches_of([0.0, 1.0, 0.5]), np.array([4, 4, 4]))["precision_exact"]
    assert (one.low, one.value, one.high) == (0.5, 0.5, 0.5)


def test_nan_without_a_defined_query():
    one = summarise(matches_of([np.nan] * 3), np.arange(3))["recall_overlap"]
    assert np.isnan([one.value, one.low, one.high, one.chance]).all()
    assert one == Measure(one.value, one.low, one.high, 0.0, one.chance, 0, 3)


def test_per_clip():
    sums, counts = per_clip(np.array([0.5, np.nan, 1.0, 0.25]), np.array([2, 0, 0, 2]), 4)
    np.testing.assert_array_equal(sums, [1.0, 0, 0.75, 0])
    np.testing.assert_array_equal(counts, [1, 0, 2, 0])


def test_different_queries_are_refused():
    with pytest.raises(SeehearError, match="the 3 queries"):
        summarise(matches_of([1.0, 0.0]), np.arange(3))
    with pytest.raises(SeehearError, match="no query"):
        summarise(matches_of([]), np.arange(0))
    with pytest.raises(SeehearError, match="the 2 queries"):
        summarise([], np.arange(2))
    with pytest.raises(SeehearError, match="recall_exact is not defined for the same queries"):
        summarise([matches_of([1.0, 0.0]), matches_of([1.0, np.nan])], np.arange(2))
