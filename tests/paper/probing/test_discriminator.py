"""Discriminators: what they must recognise, and what they must not, on features of known distribution."""

from __future__ import annotations

import numpy as np
import pytest

from seehear.errors import SeehearError
from seehear.paper.probing.discriminator import halves, matched, recognised, rotated

CLIPS, ROWS = 80, 5
CLIP = np.repeat(np.arange(CLIPS), ROWS)
TRAIN, TEST = CLIP < 50, CLIP >= 50
KINDS = ("linear", "mlp")


def drawn(seed: int, width: int = 6) -> np.ndarray:
    """Features (400, width), normal, rows independent."""
    return np.random.default_rng(seed).standard_normal((CLIPS * ROWS, width))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", ["none", "standard"])
def test_one_distribution_is_not_recognised(kind, scale):
    right = np.concatenate(
        [recognised(drawn(2 * k), drawn(2 * k + 1), CLIP, TRAIN, TEST, kind, scale, k) for k in range(4)]
    )
    assert right.shape == (4 * 2 * 150,)
    assert abs(right.mean() - 0.5) < 4 * 0.5 / np.sqrt(len(right))  # four deviations of a fair coin


@pytest.mark.parametrize("kind", KINDS)
def test_a_shift_is_recognised_as_well_as_possible(kind):
    """Two normal clouds a distance of 2 apart: the best possible rule is right in 84.1 % of cases."""
    other = drawn(1)
    other[:, 2] += 2
    right = recognised(drawn(0), other, CLIP, TRAIN, TEST, kind)
    assert 0.78 < right.mean() < 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_rows_come_in_order_and_each_is_judged_by_itself(kind):
    """Half of the other's test rows are made to look like the one's: those, and no others, are wrong."""
    one, other = drawn(0), drawn(1) + 9
    disguised = TEST & (CLIP % 2 == 0)
    other[disguised] = drawn(2)[disguised]
    right = recognised(one, other, CLIP, TRAIN, TEST, kind)
    np.testing.assert_array_equal(right, np.concatenate([np.ones(150, dtype=bool), CLIP[TEST] % 2 == 1]))


def test_only_the_mlp_uses_what_remains_without_means_and_variances():
    one, other = drawn(0, 2), drawn(1, 2)
    other[:, 1] = other[:, 0] + 0.1 * other[:, 1]
    other = 3 * other + 5
    blind = recognised(one, other, CLIP, TRAIN, TEST, "linear", "standard")
    np.testing.assert_array_equal(blind, np.repeat([True, False], 150))
    assert recognised(one, other, CLIP, TRAIN, TEST, "linear", "none").mean() > 0.9
    assert recognised(one, other, CLIP, TRAIN, TEST, "mlp", "standard").mean() > 0.7


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_is_recognised_in_another_basis(kind):
    """Features of a network are positive and far from 0; rotated, they hold the same information and look different."""
    features = np.abs(drawn(0, 8)) * np.arange(1, 9)
    assert recognised(features, rotated(features, 0), CLIP, TRAIN, TEST, kind).mean() > 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_answer_whatever_units(kind):
    one, other = drawn(0), drawn(1) + 0.3
    first = recognised(one, other, CLIP, TRAIN, TEST, kind, seed=3)
    np.testing.assert_array_equal(first, recognised(one, other, CLIP, TRAIN, TEST, kind, seed=3))
    units = 10.0 ** np.arange(-3, 3)
    scaled = recognised(units * one, units * other, CLIP, TRAIN, TEST, kind, seed=3)
    assert (first != scaled).mean() < 0.02


def test_answers_do_not_depend_on_other_test_rows():
    one, other = drawn(0), drawn(1) + 0.5
    fewer = TEST & (CLIP < 60)
    for kind in KINDS:
        of_all = recognised(one, other, CLIP, TRAIN, TEST, kind, "standard").reshape(2, -1)
        of_some = recognised(one, other, CLIP, TRAIN, fewer, kind, "standard").reshape(2, -1)
        np.testing.assert_array_equal(of_all[:, : of_some.shape[1]], of_some)


def test_bad_input_is_refused():
    one, other = drawn(0), drawn(1)
    with pytest.raises(SeehearError, match="same rows and width"):
        recognised(one, other[:, :5], CLIP, TRAIN, TEST)
    with pytest.raises(SeehearError, match="2 clips have training and test rows"):
        recognised(one, other, CLIP, TRAIN, CLIP >= 48)
    split = np.arange(len(CLIP)) % 2 == 0
    with pytest.raises(SeehearError, match="80 clips have training and test rows"):
        recognised(one, other, CLIP, split, ~split)
    with pytest.raises(SeehearError, match="training rows and test rows"):
        recognised(one, other, CLIP, TRAIN, np.zeros_like(TEST))
    with pytest.raises(SeehearError, match="at least two training clips"):
        recognised(one, other, CLIP, CLIP == 0, TEST, "mlp")
    one[7, 3] = np.inf
    with pytest.raises(SeehearError, match="not finite"):
        recognised(one, other, CLIP, TRAIN, TEST)


@pytest.mark.parametrize("few", [False, True])
def test_matched_by_principal_axes(few):
    """Compared with the axes of greatest variance of training rows, one by one; nothing is centred or whitened."""
    train = np.isin(CLIP, np.arange(1 if few else 50))  # the five rows of one clip are fewer than dimensions
    one, other = drawn(0, 9) * np.arange(1, 10) + 4, drawn(1, 7) * np.arange(1, 8) - 4
    width = 4 if few else 7
    for features, reduced in zip((one, other), matched(one, other, train), strict=True):
        assert reduced.shape == (400, width)
        spread = np.cov(features[train].T)
        values = np.sort(np.linalg.eigvalsh(spread))[::-1][:width]
        np.testing.assert_allclose(np.cov(reduced[train].T), np.diag(values), atol=1e-8 * values[0])
        # The map is a product with orthonormal axes: it maps the mean as it maps rows, and lengthens nothing.
        axes = np.linalg.lstsq(features, reduced, rcond=None)[0]
        np.testing.assert_allclose(axes.T @ axes, np.eye(width), atol=1e-8)
        np.testing.assert_allclose(features @ axes, reduced, atol=1e-8)
        assert (((reduced[train] - reduced[train].mean(axis=0)) ** 3).sum(axis=0) > 0).all()


def test_principal_axes_do_not_depend_on_the_basis():
    """What PCA makes of a network it makes of its rotation; a smaller width is the first of the axes."""
    features = np.exp(drawn(0, 6)) * np.arange(1, 7)
    one, other = matched(features, rotated(features, 0), TRAIN)
    np.testing.assert_allclose(one, other, atol=1e-8)
    np.testing.assert_allclose(matched(features, features, TRAIN, width=2)[0], one[:, :2])
    assert matched(features, features, TRAIN, width=9)[0].shape == (400, 6)
    for kind in KINDS:
        assert recognised(one, other, CLIP, TRAIN, TEST, kind).mean() == pytest.approx(0.5, abs=0.05)


def test_matched_by_projection():
    one, other = drawn(0, 400), drawn(1, 300)
    first, second = matched(one, other, TRAIN, "projection", seed=1)
    assert first.shape == second.shape == (400, 300)
    for features, reduced in ((one, first), (other, second)):
        ratio = np.square(reduced).sum(axis=1) / np.square(features).sum(axis=1)
        assert ratio.mean() == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(matched(one, other, TRAIN, "projection", seed=1)[0], first)
    assert not np.allclose(matched(one, other, TRAIN, "projection", seed=2)[0], first)
    # The same features come out differently, by matrices of their own.
    assert not np.allclose(*matched(one, one, TRAIN, "projection"))


def test_rotation():
    features = drawn(0, 6) + 3
    turned = rotated(features, 4)
    np.testing.assert_allclose(turned @ turned.T, features @ features.T)
    assert not np.allclose(turned, features)
    np.testing.assert_array_equal(turned, rotated(features, 4))
    # No direction is preferred: an axis goes anywhere, and no rotation is a reflection.
    ends = np.array([rotated(np.eye(3), seed) for seed in range(2000)])
    assert np.abs(ends.mean(axis=0)).max() < 4 / np.sqrt(3 * 2000)
    np.testing.assert_allclose(np.linalg.det(ends), 1)


def test_halves():
    features = drawn(0, 7)
    one, other = halves(features, 5)
    assert one.shape == other.shape == (400, 3)
    columns = {column.tobytes() for column in features.T}
    taken = [column.tobytes() for half in (one, other) for column in half.T]
    assert len(set(taken)) == 6
    assert set(taken) <= columns
    assert any(not np.array_equal(one, halves(features, seed)[0]) for seed in range(3))
