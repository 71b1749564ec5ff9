"""Intervals on values whose answers are known."""

from dataclasses import astuple

import numpy as np
import pytest

from seehear.scoring import intervals
from seehear.scoring.intervals import bootstrap, bootstrap_each


def test_interval_of_a_normal_mean():
    values = np.random.default_rng(1).normal(50, 10, size=(1, 400))
    found = bootstrap(values)
    error = 1.96 * values.std() / np.sqrt(400)
    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * error, rel=0.1)
    assert found.deviation == 0.0


def test_seeds_widen_the_interval():
    clips = np.random.default_rng(1).normal(50, 10, size=(1, 200))
    same, apart = np.repeat(clips, 5, axis=0), clips + np.array([[-6.0], [-3.0], [0.0], [3.0], [6.0]])
    assert bootstrap(apart).high - bootstrap(apart).low > 1.3 * (bootstrap(same).high - bootstrap(same).low)
    assert bootstrap(apart).deviation == pytest.approx(np.std([-6, -3, 0, 3, 6], ddof=1))


def test_interval_is_reproducible():
    values = np.random.default_rng(2).random((3, 50))
    assert bootstrap(values) == bootstrap(values)


def test_several_in_one_pass_are_each_by_itself():
    """Also if the draws don't fit into memory at once."""
    rng = np.random.default_rng(3)
    values = {name: rng.random((3, 40)) for name in "abc"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "MAX_WEIGHTS", 1000)
        together = bootstrap_each(values)
    assert list(together) == list("abc")
    for name, each in values.items():
        assert astuple(together[name]) == pytest.approx(astuple(bootstrap(each)), abs=1e-12)


def test_draws_are_of_clips_and_seeds():
    """Against the definition, a draw at a time."""
    values = np.random.default_rng(4).random((3, 20))
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(intervals.DRAWS):
        clips, seeds = rng.integers(20, size=20), rng.integers(3, size=3)
        draws.append(np.mean([values[seed, clip] for seed in seeds for clip in clips]))
    found = bootstrap(values)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])))
