"""Kernels against the features that they stand for."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seehear.errors import SeehearError
from seehear.features.packed import Packed
from seehear.selection.collocation import Collocation
from seehear.selection.evidence import Evidence, pooled
from selection import oracle

ONE = Collocation.of({"audio": ["a"]})
TWO = Collocation.of({"audio": ["a", "b"], "visual": ["v"]})
THREE = Collocation.of({"audio": ["a", "b"], "visual": ["v"], "touch": ["t"]})
WIDTHS = {"a": 3, "b": 12, "v": 5, "t": 1}


def some(clips=9, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    features = {name: rng.normal(2, 10.0**n, (clips, width)) for n, (name, width) in enumerate(WIDTHS.items())}
    labels = (rng.random((clips, classes)) < 0.5).astype(float)
    labels[0], labels[1] = 0, 1
    return features, labels


@pytest.mark.parametrize("collocation", [ONE, TWO, THREE], ids=str)
def test_kernel_is_the_product_of_joined_features(collocation):
    features, labels = some()
    columns = oracle.joined(features, [option for _, option in collocation.options])
    np.testing.assert_allclose(Evidence.of(features, labels).kernel(collocation), columns @ columns.T, atol=1e-12)


def test_spectrum_is_that_of_the_kernel():
    evidence = Evidence.of(*some())
    values, vectors, projected = evidence.spectrum(TWO)
    np.testing.assert_allclose((vectors * values) @ vectors.T, evidence.kernel(TWO), atol=1e-12)
    np.testing.assert_allclose(vectors @ projected, evidence.targets, atol=1e-12)
    assert np.all(np.diff(values, prepend=0) >= 0)


def test_spectrum_of_what_was_asked_last_is_kept():
    evidence = Evidence.of(*some())
    first = evidence.spectrum(TWO)
    done = evidence.flops
    assert evidence.spectrum(TWO) is first
    assert evidence.flops == done
    other = evidence.spectrum(ONE)
    assert not np.allclose(other.values, first.values)
    np.testing.assert_allclose(evidence.spectrum(TWO).values, first.values)


def test_classes_that_all_or_no_clips_have_tell_nothing():
    features, labels = some(classes=4)
    labels[:, 1], labels[:, 2] = 0, 1
    evidence = Evidence.of(features, labels)
    np.testing.assert_array_equal(evidence.informative, [True, False, False, True])
    np.testing.assert_allclose(evidence.targets, labels[:, [0, 3]] - labels[:, [0, 3]].mean(axis=0))
    with pytest.raises(SeehearError, match="every class"):
        Evidence.of(features, labels[:, 1:3])


def test_one_clip_tells_nothing():
    with pytest.raises(SeehearError, match="every class"):
        Evidence.of({"a": np.ones((1, 3))}, np.array([[1.0, 0.0]]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e200])
def test_features_that_are_not_finite_are_named(value):
    features, labels = some()
    features["b"][4, 2] = value
    evidence = Evidence.of(features, labels)
    evidence.gram("a")
    with pytest.raises(SeehearError, match="features of b are not finite"):
        evidence.kernel(TWO)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -1e9])
def test_features_that_are_the_same_for_all_clips_are_named(value):
    features, labels = some()
    features["v"] = np.full((9, 5), value)
    with pytest.raises(SeehearError, match="features of v are the same"):
        Evidence.of(features, labels).kernel(TWO)


def test_subset_is_as_if_there_were_no_others():
    features, labels = some(classes=5)
    evidence = Evidence.of(features, labels)
    evidence.spectrum(TWO)
    clips = np.array([7, 0, 1, 4, 2])
    part = evidence.subset(clips)
    alone = Evidence.of({name: x[clips] for name, x in features.items()}, labels[clips])
    assert len(part) == 5
    assert part.flops == 0
    np.testing.assert_allclose(part.kernel(TWO), alone.kernel(TWO), atol=1e-12)
    np.testing.assert_allclose(part.targets, alone.targets)


def test_no_clip_twice():
    with pytest.raises(ValueError, match="twice"):
        Evidence.of(*some()).subset(np.array([0, 1, 2, 1]))


def test_what_is_cached_is_computed_once():
    evidence, calls = Evidence.of(*some()), []
    for n in range(3):
        assert evidence.cached("x", lambda n=n: calls.append(n) or 5.0) == 5.0
    assert evidence.cached("y", lambda: 6.0) == 6.0
    assert calls == [0]


def test_floating_point_operations_are_counted():
    features, labels = some()
    evidence = Evidence.of(features, labels)
    assert evidence.flops == 2 * 9 * 9 * sum(WIDTHS.values())
    evidence.spectrum(ONE)
    grown = evidence.flops - 2 * 9 * 9 * sum(WIDTHS.values())
    assert grown == 4 * 9**2 + 9**2 + 9 * 9**3 + 2 * 9**2 * evidence.targets.shape[1]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_pooled_is_mean_and_max_of_each_clip(lengths, width, seed):
    rows = np.random.default_rng(seed).normal(size=(sum(lengths) + 1, width)).astype(np.float32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    found = pooled(Packed(rows, offsets, ""))
    for n, (start, stop) in enumerate(itertools.pairwise(offsets)):
        clip = rows[start:stop].astype(float)
        np.testing.assert_allclose(found[n, :width], clip.mean(axis=0), atol=1e-12)
        np.testing.assert_array_equal(found[n, width:], clip.max(axis=0))
