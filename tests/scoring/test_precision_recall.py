"""Precision and recall at every threshold, against counts in plain loops."""

import math

import numpy as np
import pytest

from seehear.scoring.precision_recall import GRID, ThresholdTally

CLASSES = ("Cat", "Dog", "Fish")


def made(seed, segments=40):
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, 101, (segments, 3)) / 100).astype(np.float32)  # many exactly on a threshold
    scores[rng.random((segments, 3)) < 0.2] = -np.inf
    true = rng.random((segments, 3)) < 0.3
    true[:, 2] = False
    return scores, true


def shares(scores, true, threshold, missed=0):
    predicted = [s >= np.float32(threshold) for s in scores]
    right = sum(p and t for p, t in zip(predicted, true, strict=True))
    support = sum(true) + missed
    return right / sum(predicted) if any(predicted) else math.nan, right / support if support else math.nan


@pytest.mark.parametrize("seed", range(3))
def test_each_threshold_counts_as_a_decoding_would(seed):
    parts = [made(seed), made(seed + 10)]
    own = np.array([0.35, 0.6, 0.99])
    tally = ThresholdTally(3)
    for scores, true in parts:
        tally.add(scores, true, scores >= own.astype(np.float32))
    scores, true = (np.concatenate(each) for each in zip(*parts, strict=True))
    missed = np.array([2, 0, 0])  # true segments of clips without features
    curves = tally.curves(CLASSES, true.sum(axis=0) + missed, own)
    for c in range(3):
        for g, threshold in enumerate(GRID):
            wanted = shares(scores[:, c], true[:, c].tolist(), threshold, missed[c])
            assert (curves.precision[c, g], curves.recall[c, g]) == pytest.approx(wanted, nan_ok=True)
        wanted = shares(scores[:, c], true[:, c].tolist(), own[c], missed[c])
        assert (curves.own_precision[c], curves.own_recall[c]) == pytest.approx(wanted, nan_ok=True)


def test_several_runs_count_together():
    scores, true = made(0)
    one, two = ThresholdTally(3), ThresholdTally(3)
    one.add(scores, true, scores >= 0.5)
    for _ in range(2):
        two.add(scores, true, scores >= 0.5)
    support, own = true.sum(axis=0), np.full(3, 0.5)
    once, twice = one.curves(CLASSES, support, own), two.curves(CLASSES, support, own, runs=2)
    np.testing.assert_array_equal(once.recall, twice.recall)
    np.testing.assert_array_equal(once.own_recall, twice.own_recall)


def test_json_and_frame_have_the_numbers():
    scores, true = made(1)
    tally = ThresholdTally(3)
    tally.add(scores, true, scores >= 0.5)
    curves = tally.curves(CLASSES, true.sum(axis=0), np.full(3, 0.5))
    kept = curves.as_json()
    assert kept["Dog"]["curve"]["recall"][24] == pytest.approx(kept["Dog"]["recall"]) == round(curves.recall[1, 24], 4)
    assert kept["Fish"]["recall"] is None
    frame = curves.to_frame()
    assert len(frame) == 3 * (len(GRID) + 1)
    assert [*frame[frame.own].label] == [*CLASSES]
