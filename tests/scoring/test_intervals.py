"""Intervals and the paired test on values whose answers are known."""

import numpy as np
import pytest

from seehear.scoring.intervals import bootstrap, paired


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


def test_paired_test_sees_what_a_shared_clip_effect_hides():
    rng = np.random.default_rng(3)
    hard = rng.normal(0, 20, size=100)  # how hard a clip is, for both systems
    one, other = hard + rng.normal(51, 1, (2, 100)), hard + rng.normal(50, 1, (3, 100))
    difference, p = paired(one, other)
    assert 0 < difference.low < 1.05 < difference.high + 0.5
    assert p < 0.01


def test_p_is_uniform_where_nothing_differs():
    rng = np.random.default_rng(4)
    p = [paired(*rng.normal(0, 1, (2, 1, 60)))[1] for _ in range(60)]
    assert 0.3 < np.mean(p) < 0.7
    assert min(p) > 0
