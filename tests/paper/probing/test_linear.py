"""The linear probe: at its minimum by the gradient, by descent in loops, and by what it must not look at."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seehear.errors import SeehearError
from seehear.paper.probing.linear import FOLDS, Scale, fit_probe, folds, linear_probe


def clips_of(seed: int, n: int = 60, width: int = 6, classes: int = 3, distance: float = 1.0):
    """Features (n, width), labels (n,) and clips (n,), five rows a clip, rows of a clip alike."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n // 5), 5)
    labels = (groups % classes).astype(np.int64)
    centres = distance * rng.standard_normal((classes, width))
    own = 0.7 * rng.standard_normal((n // 5, width))
    return centres[labels] + own[groups] + 0.5 * rng.standard_normal((n, width)), labels, groups


def slopes(x: np.ndarray, labels: np.ndarray, weight: np.ndarray, bias: np.ndarray, strength: float):
    """The gradient of mean cross-entropy + strength / 2 · |weight|², in loops."""
    of_weight, of_bias = strength * weight, np.zeros_like(bias)
    for row, label in zip(x, labels, strict=True):
        scores = [sum(row[k] * weight[k, c] for k in range(len(row))) + bias[c] for c in range(len(bias))]
        total = sum(math.exp(score) for score in scores)
        for c, score in enumerate(scores):
            error = (math.exp(score) / total - (c == label)) / len(x)
            of_bias[c] += error
            for k in range(len(row)):
                of_weight[k, c] += error * row[k]
    return of_weight, of_bias


@pytest.mark.parametrize("width", [4, 40])  # wider than rows are many: solved in their span
@pytest.mark.parametrize("strength", [1.0, 1e-2])
def test_minimum(width, strength):
    features, labels, groups = clips_of(0, n=30, width=width)
    features = 10.0 ** (np.arange(width) % 4) * features + 5
    probe = fit_probe(features, labels, groups, 3, (strength,))
    x = (features - features.mean(axis=0)) / features.std(axis=0)
    of_weight, of_bias = slopes(x, labels, probe.weight, probe.bias, strength)
    assert np.abs(of_weight).max() < 1e-2 * strength
    assert np.abs(of_bias).max() < 1e-2 * strength
    np.testing.assert_allclose(probe.scores(features), x @ probe.weight + probe.bias)
    assert probe.strength == strength


def test_descent_ends_at_the_same_place():
    features, labels, groups = clips_of(1, n=30, width=3)
    probe = fit_probe(features, labels, groups, 3, (0.1,))
    x = (features - features.mean(axis=0)) / features.std(axis=0)
    weight, bias = np.zeros((3, 3)), np.zeros(3)
    for _ in range(300):
        of_weight, of_bias = slopes(x, labels, weight, bias, 0.1)
        weight, bias = weight - of_weight, bias - of_bias
    np.testing.assert_allclose(probe.weight, weight, atol=2e-3)
    np.testing.assert_allclose(probe.bias - probe.bias.mean(), bias - bias.mean(), atol=2e-3)


def test_strength_is_that_of_most_right_rows_in_clips_left_out():
    strengths = (1e-3, 10.0, 0.1)
    chosen = set()
    for seed in range(6):
        features, labels, groups = clips_of(seed, width=25, distance=0.5)
        fold = folds(labels, groups)
        right = []
        for strength in sorted(strengths, reverse=True):
            count = 0
            for number in range(FOLDS):
                kept = fold != number
                fitted = fit_probe(features[kept], labels[kept], groups[kept], 3, (strength,))
                count += int((fitted.predict(features[~kept]) == labels[~kept]).sum())
            right.append(count)
        probe = fit_probe(features, labels, groups, 3, strengths)
        assert probe.strength == sorted(strengths, reverse=True)[int(np.argmax(right))]
        alone = fit_probe(features, labels, groups, 3, (probe.strength,))
        np.testing.assert_allclose(probe.weight, alone.weight, atol=2e-2 * np.abs(alone.weight).max())
        chosen.add(probe.strength)
    assert len(chosen) > 1


def test_classes_are_told_where_they_can_be():
    features, labels, groups = clips_of(3, n=120, distance=3.0)
    train = groups < 15
    test = ~train
    found = linear_probe(features[train], labels[train], groups[train], features[test], 3)
    assert (found == labels[test]).mean() > 0.9
    again = linear_probe(features[train], labels[train], groups[train], features[test], 3)
    np.testing.assert_array_equal(found, again)


def test_shift_and_gain_of_dimensions_change_nothing():
    features, labels, groups = clips_of(4)
    rng = np.random.default_rng(0)
    other = features * 10 ** rng.uniform(-3, 3, 6) + rng.standard_normal(6)
    one = fit_probe(features, labels, groups, 3).scores(features)
    np.testing.assert_allclose(fit_probe(other, labels, groups, 3).scores(other), one, atol=1e-2)


def test_classes_without_training_rows_are_not_predicted():
    features, labels, groups = clips_of(5)
    probe = fit_probe(features, 2 * labels, groups, 7, (0.1,))
    assert set(probe.predict(10 * features)) <= {0, 2, 4}
    plain = fit_probe(features, labels, groups, 3, (0.1,))
    np.testing.assert_allclose(probe.scores(features)[:, [0, 2, 4]], plain.scores(features))
    np.testing.assert_array_equal(probe.scores(features)[:, [1, 3, 5, 6]], -np.inf)


def test_one_class_is_all_that_is_predicted():
    features, _, groups = clips_of(6)
    assert set(linear_probe(features, np.full(60, 2), groups, features, 4)) == {2}


def test_dimensions_that_never_vary_are_passed_over():
    features, labels, groups = clips_of(7)
    wider = np.concatenate([features, np.full((60, 1), 3.0)], axis=1)
    far = wider.copy()
    far[:, -1] = 1e6
    np.testing.assert_array_equal(
        linear_probe(wider, labels, groups, far, 3), fit_probe(wider, labels, groups, 3).predict(wider)
    )
    scale = Scale.of(wider)
    np.testing.assert_allclose(scale(wider)[:, :-1].std(axis=0), 1)
    assert not scale(far)[:, -1].any()


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=40))
def test_folds_are_of_whole_clips(pairs):
    groups = np.array([group for group, _ in pairs])
    labels = np.array([group % 4 for group, _ in pairs])
    names = set(groups.tolist())
    if len(names) < 2:
        with pytest.raises(SeehearError, match="at least two clips"):
            folds(labels, groups)
        return
    fold = folds(labels, groups)
    assert len({(group, part) for group, part in zip(groups.tolist(), fold.tolist(), strict=True)}) == len(names)
    assert set(fold.tolist()) == set(range(min(FOLDS, len(names))))
    for label in range(4):  # each class's clips are spread evenly
        parts = [fold[groups == name][0] for name in names if name % 4 == label]
        counts = np.bincount(parts, minlength=min(FOLDS, len(names)))
        assert counts.max() - counts.min() <= 1


def test_features_that_are_not_finite():
    features, labels, groups = clips_of(8)
    features[3, 2] = np.nan
    with pytest.raises(SeehearError, match="not finite"):
        fit_probe(features, labels, groups, 3)
