"""Folds, scores out of fold, and thresholds from certain negatives, against loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinement.made import clips
from seehear.refinement.out_of_fold import folds, out_of_fold
from seehear.refinement.teachers import REGISTRY, Bags, list_teachers
from seehear.refinement.thresholds import from_negatives, share_for


def bags_of(dataset, modality="audio"):
    pack = dataset.packs()[modality][0]
    return Bags(pack.rows, pack.offsets)


@given(st.integers(0, 999), st.integers(2, 6), st.integers(6, 30))
def test_folds_are_even_and_the_rarest_class_is_spread(seed, count, size):
    labels = (np.random.default_rng(seed).random((size, 4)) < 0.3).astype(np.float32)
    fold = folds(labels, count)
    assert np.array_equal(fold, folds(labels, count))
    sizes = [int((fold == number).sum()) for number in range(count)]
    assert sum(sizes) == size
    assert max(sizes) - min(sizes) <= 1
    frequency = labels.sum(axis=0)
    if frequency.any():
        rarest = int(np.where(frequency > 0, frequency, np.inf).argmin())
        having = [int(((fold == number) & (labels[:, rarest] > 0)).sum()) for number in range(count)]
        assert max(having) - min(having) <= 1


@pytest.mark.parametrize("teacher", list_teachers())
def test_out_of_fold_is_a_refit_without_the_fold(teacher):
    made = clips(20)
    bags, labels = bags_of(made), made.labels
    fold = folds(labels, 4)
    found = out_of_fold(REGISTRY[teacher], bags, labels, fold)
    for n in range(len(made)):
        others = np.array([k for k in range(len(made)) if fold[k] != fold[n]])
        linear = REGISTRY[teacher].fit(bags.subset(others), labels[others].astype(np.float64))
        rows = slice(bags.offsets[n], bags.offsets[n + 1])
        np.testing.assert_allclose(found[rows], linear(bags.rows[rows]), atol=1e-4)


@pytest.mark.parametrize("teacher", list_teachers())
def test_a_label_does_not_change_the_score_of_its_own_clip(teacher):
    made = clips(20)
    bags, labels = bags_of(made), made.labels
    fold = folds(labels, 4)
    before = out_of_fold(REGISTRY[teacher], bags, labels, fold)
    changed = labels.copy()
    changed[3] = 1 - changed[3]
    after = out_of_fold(REGISTRY[teacher], bags, changed, fold)
    of_row = np.repeat(fold, np.diff(bags.offsets))
    assert np.array_equal(after[of_row == fold[3]], before[of_row == fold[3]])
    assert not np.allclose(after[of_row != fold[3]], before[of_row != fold[3]])


def test_a_longer_clip_lets_as_many_segments_pass_by_mistake():
    assert share_for(0.05, np.array([3, 10, 10])) == 0.05
    assert share_for(0.05, np.array([10])) == 0.05
    for lengths in ([60, 60], [20, 100], [30, 200, 10]):
        by_mistake = sum(share_for(0.05, np.array(lengths)) * length for length in lengths) / len(lengths)
        assert by_mistake == pytest.approx(0.05 * 10)


@pytest.mark.parametrize("false_alarms", [0.05, 0.3])
def test_the_false_alarm_rate_is_the_stated_one(false_alarms):
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 9, size=80)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    labels = (rng.random((80, 3)) < 0.4).astype(np.float32)
    scores = rng.normal(size=(offsets[-1], 3)).astype(np.float32) * [1, 5, 0.1]
    thresholds = from_negatives(scores, labels, offsets, false_alarms)
    margins = thresholds.margins(scores)
    for c in range(3):
        passing, negatives = 0, []
        for n in range(80):
            if labels[n, c] == 0:
                for row in range(offsets[n], offsets[n + 1]):
                    negatives.append(scores[row, c])
                    passing += scores[row, c] > thresholds.value[c]
        assert passing / len(negatives) == pytest.approx(false_alarms, abs=1 / len(negatives))
        mean = sum(negatives) / len(negatives)
        deviation = (sum((each - mean) ** 2 for each in negatives) / len(negatives)) ** 0.5
        assert thresholds.deviation[c] == pytest.approx(deviation, rel=1e-5)
        np.testing.assert_allclose(
            margins[:, c], (scores[:, c] - thresholds.value[c]) / deviation, rtol=1e-4, atol=1e-5
        )


def test_a_class_without_negatives_has_an_infinite_threshold():
    thresholds = from_negatives(np.zeros((4, 2), np.float32), np.array([[1, 0], [1, 1]]), np.array([0, 2, 4]), 0.1)
    assert thresholds.value.tolist() == [np.inf, 0.0]
    assert not (thresholds.margins(np.full((1, 2), 9, np.float32))[:, 0] > 0).any()
