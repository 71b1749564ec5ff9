"""Intervals on values whose answers are known."""

import numpy as np
import pytest

from seehear.scoring.intervals import bootstrap


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
