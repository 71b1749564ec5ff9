"""Accuracy and its interval, against a bootstrap of whole clips in loops."""

from __future__ import annotations

import numpy as np
import pytest

from seehear.errors import SeehearError
from seehear.paper.probing.accuracy import accuracy


def resampled(correct: np.ndarray, clip: np.ndarray, draws: int = 2000) -> tuple[float, float]:
    """Ends of the percentile interval of the ratio itself."""
    rng = np.random.default_rng(5)
    names = np.unique(clip)
    shares = []
    for _ in range(draws):
        rows = np.concatenate([correct[clip == name] for name in rng.choice(names, len(names))])
        shares.append(100 * rows.mean())
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def test_interval_is_that_of_a_bootstrap_over_clips():
    rng = np.random.default_rng(0)
    clip = np.repeat(rng.permutation(60) * 7, rng.integers(1, 11, 60))
    easy = dict(zip(np.unique(clip), rng.random(60), strict=True))
    correct = np.array([rng.random() < easy[name] for name in clip])
    interval = accuracy(correct, clip)
    low, high = resampled(correct, clip)
    assert interval.mean == pytest.approx(100 * correct.mean())
    assert interval.low == pytest.approx(low, abs=1.0)
    assert interval.high == pytest.approx(high, abs=1.0)
    # Rows of a clip are alike: as if they were clips of their own, the interval would be too narrow.
    alone = accuracy(correct, np.arange(len(clip)))
    assert interval.high - interval.low > 1.3 * (alone.high - alone.low)


def test_ends_are_shares():
    clip = np.array([0] * 9 + [1] + [2] * 5)
    correct = np.array([True] * 9 + [False] + [True] * 5)
    interval = accuracy(correct, clip)
    assert 0 <= interval.low < interval.mean < interval.high <= 100
    sure = accuracy(np.ones(15, dtype=bool), clip)
    assert (sure.low, sure.mean, sure.high) == (100, 100, 100)


def test_order_of_rows_and_names_of_clips_do_not_matter():
    rng = np.random.default_rng(1)
    clip, correct = rng.integers(0, 9, 50), rng.random(50) < 0.7
    order = rng.permutation(50)
    assert accuracy(correct[order], 3 * clip[order] + 100) == accuracy(correct, clip)


def test_no_rows():
    with pytest.raises(SeehearError, match="no row"):
        accuracy(np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64))
