"""Every teacher: it finds a planted direction. And each against its definition, solved in another way."""

import numpy as np
import pytest
from scipy.special import expit

from refinement.made import CLASSES, HOLDS, clips, directions
from seehear.errors import SeehearError
from seehear.features.rows import SomeRows
from seehear.refinement.teachers import REGISTRY, Bags, Linear, Space, list_teachers
from seehear.refinement.teachers.logistic import WEIGHT_DECAY as LOGISTIC_DECAY
from seehear.refinement.teachers.mil import SMALL
from seehear.refinement.teachers.mil import WEIGHT_DECAY as MIL_DECAY
from seehear.refinement.teachers.ridge import PENALTIES, ridge, ridge_of_blocks

every_teacher = pytest.mark.parametrize("name", list_teachers())


def bags(lengths=(3, 1, 4, 2, 2), width=3, seed=0):
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Bags(rng.normal(size=(offsets[-1], width)), offsets)


def labels_of(count, classes=2, seed=1):
    labels = np.random.default_rng(seed).integers(0, 2, size=(count, classes)).astype(np.float64)
    labels[0], labels[1] = 0, 1  # every class is present somewhere, and absent somewhere
    return labels


@every_teacher
def test_finds_the_planted_direction(name):
    made = clips()
    for modality, holds in HOLDS.items():
        pack = made.packs()[modality][0]
        linear = REGISTRY[name].fit(Bags(pack.rows, pack.offsets), made.labels.astype(np.float64))
        assert isinstance(linear, Linear)
        assert linear.weight.shape == (pack.rows.shape[1], len(CLASSES))
        truth = np.concatenate([made.truth[modality][n, :length] for n, length in enumerate(made.lengths)])
        scores = linear(pack.rows)
        assert scores.dtype == np.float32
        for c in np.flatnonzero(holds):
            planted = directions(modality)[c]
            weight = linear.weight[:, c] / np.linalg.norm(linear.weight[:, c])
            assert weight @ planted > 0.8
            active, idle = scores[truth[:, c], c], scores[~truth[:, c], c]
            assert (active[:, None] > idle).mean() > 0.95  # the area under the ROC curve


@every_teacher
def test_is_deterministic_and_takes_no_notice_of_the_order_of_clips(name):
    sample, labels = bags(), labels_of(5)
    one = REGISTRY[name].fit(sample, labels)
    again = REGISTRY[name].fit(sample, labels)
    assert np.array_equal(one.weight, again.weight)
    order = np.array([3, 1, 4, 0, 2])
    other = REGISTRY[name].fit(sample.subset(order), labels[order])
    np.testing.assert_allclose(other.weight, one.weight, atol=1e-3)
    np.testing.assert_allclose(other.bias, one.bias, atol=1e-3)


@every_teacher
@pytest.mark.filterwarnings("error")
def test_survives_features_that_never_change(name):
    still = Bags(np.zeros((12, 3), dtype=np.float32), bags().offsets)
    linear = REGISTRY[name].fit(still, labels_of(5))
    assert np.isfinite(linear.weight).all()
    assert np.isfinite(linear.bias).all()
    assert np.ptp(linear(still.rows), axis=0).max() == 0


def test_registry():
    assert list_teachers() == [*REGISTRY]
    assert {REGISTRY[name].space for name in list_teachers()} == set(Space)
    assert all(REGISTRY[name].description for name in list_teachers())
    with pytest.raises(SeehearError, match="ridge-logits"):
        REGISTRY["ridge-logit"]


# Bags, in loops


def test_bags_are_the_loops():
    sample = bags()
    for n in range(len(sample)):
        rows = sample.rows[sample.offsets[n] : sample.offsets[n + 1]]
        np.testing.assert_allclose(sample.mean()[n], sum(rows) / len(rows))
        np.testing.assert_allclose(sample.total(sample.rows)[n], sum(rows))
    chosen = sample.subset(np.array([4, 2]))
    assert np.diff(chosen.offsets).tolist() == [2, 4]
    np.testing.assert_array_equal(chosen.rows, np.concatenate([sample.rows[10:12], sample.rows[4:8]]))


# Ridge


def explicit_ridge(x, y, penalty):
    """The normal equations with a column of ones that is not penalised."""
    ones = np.column_stack([x, np.ones(len(x))])
    penalties = penalty * np.eye(ones.shape[1])
    penalties[-1, -1] = 0
    return np.linalg.solve(ones.T @ ones + penalties, ones.T @ y)  # (D + 1, C)


@pytest.mark.parametrize("shape", [(9, 4), (5, 8)], ids=["tall", "wide"])
def test_ridge_is_the_explicit_solve_with_the_best_penalty(shape):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape) + 2
    y = (x @ rng.normal(size=(shape[1], 2)) + rng.normal(size=(shape[0], 2)) > 0).astype(np.float64)
    squares = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2
    mean = squares[squares > 1e-9 * squares.max()].mean()
    errors = []
    for penalty in PENALTIES * mean:
        error = 0.0
        for left_out in range(len(x)):
            others = [n for n in range(len(x)) if n != left_out]
            solved = explicit_ridge(x[others], y[others], penalty)
            error += ((np.append(x[left_out], 1) @ solved - y[left_out]) ** 2).sum()
        errors.append(error)
    expected = explicit_ridge(x, y, PENALTIES[int(np.argmin(errors))] * mean)
    weight, intercept = ridge(x, y)
    np.testing.assert_allclose(weight, expected[:-1], atol=1e-8)
    np.testing.assert_allclose(intercept, expected[-1], atol=1e-8)


# Logistic and MIL: the definition in loops, of which the fit is a minimum


def cross_entropy(p, y):
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def logistic_loss(sample, labels, weight, bias):
    total = 0.0
    for n in range(len(sample)):
        mean = sample.rows[sample.offsets[n] : sample.offsets[n + 1]].mean(axis=0)
        for c in range(labels.shape[1]):
            total += cross_entropy(expit(mean @ weight[:, c] + bias[c]), labels[n, c]) / len(sample)
    return total + LOGISTIC_DECAY / 2 * (weight**2).sum()


def mil_loss(sample, labels, weight, bias):
    total = 0.0
    for n in range(len(sample)):
        rows = sample.rows[sample.offsets[n] : sample.offsets[n + 1]]
        for c in range(labels.shape[1]):
            p = [expit(row @ weight[:, c] + bias[c]) for row in rows]
            pooled = sum(each**2 for each in p) / (sum(p) + SMALL)
            total += cross_entropy(pooled, labels[n, c]) / len(sample)
    return total + MIL_DECAY / 2 * (weight**2).sum()


@pytest.mark.parametrize(("name", "loss"), [("logistic", logistic_loss), ("mil", mil_loss)])
def test_fit_is_a_minimum_of_the_loops(name, loss):
    sample, labels = bags(), labels_of(5)
    fitted = REGISTRY[name].fit(sample, labels)
    best = loss(sample, labels, fitted.weight, fitted.bias)
    assert best < loss(sample, labels, np.zeros((3, 2)), np.zeros(2)) - 0.01
    step = 1e-4
    for parameters in (fitted.weight, fitted.bias):
        for place in np.ndindex(*parameters.shape):
            old = parameters[place]
            sides = []
            for change in (step, -step):
                parameters[place] = old + change
                sides.append(loss(sample, labels, fitted.weight, fitted.bias))
            parameters[place] = old
            assert abs(sides[0] - sides[1]) / (2 * step) < 2e-3  # the slope, by finite differences
            assert min(sides) > best - 1e-6


@pytest.mark.parametrize(("name", "loss"), [("logistic", logistic_loss), ("mil", mil_loss)])
def test_gradient_is_that_of_finite_differences(name, loss, monkeypatch):
    """The gradient that the optimiser gets, at a point of no special kind."""
    from seehear.refinement.teachers import logistic

    sample, labels, found = bags(), labels_of(5), {}
    point = np.random.default_rng(3).normal(size=8)

    def minimise(objective, start, **options):
        found["value"], found["gradient"] = objective(point)
        return type("Result", (), {"x": start})

    monkeypatch.setattr(logistic, "minimize", minimise)
    REGISTRY[name].fit(sample, labels)
    at = lambda flat: loss(sample, labels, flat.reshape(4, 2)[:-1], flat.reshape(4, 2)[-1])  # noqa: E731
    assert found["value"] == pytest.approx(at(point), rel=1e-6)
    numeric = [(at(point + step) - at(point - step)) / 2e-5 for step in 1e-5 * np.eye(8)]
    np.testing.assert_allclose(found["gradient"], numeric, rtol=1e-4, atol=1e-6)


def lazy(sample: Bags) -> Bags:
    return Bags(SomeRows(sample.rows, np.arange(len(sample.rows))), sample.offsets)


@pytest.mark.parametrize("limit", ["", "0"])
@pytest.mark.parametrize("name", list_teachers())
def test_rows_that_are_read_when_needed_teach_the_same(name, limit, monkeypatch):
    monkeypatch.setenv("SEEHEAR_MEMORY", limit)
    monkeypatch.setattr("seehear.memory.BLOCK", 7)  # several blocks of clips
    sample = bags([1, 3, 2, 2, 4, 1, 2, 3] * 4, width=4)
    labels = labels_of(32, 3)
    whole, parts = REGISTRY[name].fit(sample, labels), REGISTRY[name].fit(lazy(sample), labels)
    np.testing.assert_allclose(parts.weight, whole.weight, atol=1e-9)
    np.testing.assert_allclose(parts.bias, whole.bias, atol=1e-9)
    chosen = np.array([30, 2, 7, 1, 0, 12, 25])
    np.testing.assert_array_equal(lazy(sample).mean(), sample.mean())
    np.testing.assert_array_equal(lazy(sample).subset(chosen).mean(), sample.subset(chosen).mean())


def test_clips_that_are_alike_teach_nothing_in_blocks():
    same = Bags(np.ones((40, 2)), np.arange(0, 41, 2))
    labels = labels_of(20)
    weight, bias = ridge_of_blocks(lazy(same), labels)
    assert not weight.any()
    np.testing.assert_allclose(bias, labels.mean(axis=0))
