"""Multinomial logistic regression on features: how well planes separate classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from seehear.errors import SeehearError
from seehear.selection.evidence import few_threads

Array = NDArray[np.float64]
Floats = NDArray[np.floating]

STRENGTHS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)  # of the L2 penalty
FOLDS = 5
# A fit has converged if no entry of the loss's gradient is larger than this share of the penalty's strength. The
# weights' distance from the minimum is at most the gradient's length over the strength.
GRADIENT = 1e-3
MAX_STEPS = 5000  # of L-BFGS
FLAT = 1e-6  # dimensions with less than this share of the largest deviation are not used


@dataclass(frozen=True)
class Scale:
    """Standardisation: (features - mean) * gain, with mean and gain (d,)."""

    mean: Array
    gain: Array

    @staticmethod
    def of(features: Floats) -> Scale:
        """Return the scale to mean 0 and deviation 1 on rows (n, d); dimensions that hardly vary become 0."""
        mean = features.mean(axis=0, dtype=np.float64)
        deviation = features.std(axis=0, dtype=np.float64)
        varies = deviation > FLAT * deviation.max(initial=0.0)
        return Scale(mean, np.where(varies, 1 / np.where(varies, deviation, 1.0), 0.0))

    def __call__(self, features: Floats) -> Array:
        """Standardise features (n, d)."""
        scaled: Array = features - self.mean
        scaled *= self.gain
        return scaled


@dataclass(frozen=True)
class Probe:
    """Class scores: scale(x) @ weight + bias.

    Attributes:
        scale: Standardises features.
        weight: (d, C); 0 for a class without training rows.
        bias: (C,); -inf for a class without training rows.
        strength: Of the L2 penalty.
    """

    scale: Scale
    weight: Array
    bias: Array
    strength: float

    def scores(self, features: Floats) -> Array:
        """Return the class scores of rows (n, d), (n, C)."""
        return self.scale(features) @ self.weight + self.bias

    def predict(self, features: Floats) -> NDArray[np.int64]:
        """Return the class of each row, (n,)."""
        return self.scores(features).argmax(axis=1).astype(np.int64)


def linear_probe(
    features: Floats,
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    test: Floats,
    n_classes: int,
    strengths: Sequence[float] = STRENGTHS,
) -> NDArray[np.int64]:
    """Return the predicted class of each test row, (m,). A class without training rows is never predicted.

    Args:
        features: Training rows, (n, d).
        labels: (n,), from 0 to n_classes - 1.
        groups: (n,), clip of each row.
        test: Test rows, (m, d).
        n_classes: Number of classes.
        strengths: See `fit_probe`.
    """
    return fit_probe(features, labels, groups, n_classes, strengths).predict(test)


def fit_probe(
    features: Floats,
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    n_classes: int,
    strengths: Sequence[float] = STRENGTHS,
) -> Probe:
    """Fit a multinomial logistic regression: the minimum of mean cross-entropy + strength / 2 · |weight|².

    Nothing is drawn at random.

    Args:
        features: (n, d), standardised here.
        labels: (n,), from 0 to n_classes - 1.
        groups: (n,), clip of each row.
        n_classes: Number of classes.
        strengths: Of the L2 penalty. The most accurate in cross-validation over clips is used, the stronger of equals.

    Raises:
        SeehearError: If there are several strengths and only one clip, or a feature is not finite.
    """
    if not np.isfinite(features).all():
        raise SeehearError("features to probe are not finite")
    ordered = sorted(strengths, reverse=True)
    with few_threads(len(features)):
        strength = ordered[0] if len(ordered) == 1 else _choose(features, labels, groups, n_classes, ordered)
        down_to = [other for other in ordered if other >= strength]
        return _path(features, labels, n_classes, down_to)[-1]


def folds(labels: NDArray[np.int64], groups: NDArray[np.int64], count: int = FOLDS) -> NDArray[np.int64]:
    """Return the fold of each row, (n,), from 0 to count - 1. Groups stay whole; each class is spread over the folds.

    Args:
        labels: (n,).
        groups: (n,), clip of each row.
        count: The largest number of folds.

    Raises:
        SeehearError: If there are fewer than two groups.
    """
    names, first, which = np.unique(groups, return_index=True, return_inverse=True)
    if len(names) < 2:
        raise SeehearError("a probe needs at least two clips, to choose the strength of its penalty")
    order = np.argsort(labels[first], kind="stable")  # groups by class
    fold = np.empty(len(names), dtype=np.int64)
    fold[order] = np.arange(len(names)) % min(count, len(names))
    return fold[which]


def _choose(
    features: Floats, labels: NDArray[np.int64], groups: NDArray[np.int64], n_classes: int, strengths: Sequence[float]
) -> float:
    """Return the most accurate strength on clips that it was not fitted to."""
    fold = folds(labels, groups)
    n_correct = np.zeros(len(strengths))
    for number in range(fold.max() + 1):
        test = fold == number
        probes = _path(features[~test], labels[~test], n_classes, strengths)
        n_correct += [(probe.predict(features[test]) == labels[test]).sum() for probe in probes]
    return strengths[int(n_correct.argmax())]


def _path(features: Floats, labels: NDArray[np.int64], n_classes: int, strengths: Sequence[float]) -> list[Probe]:
    """Return a fit of each strength; each starts where the previous one ended."""
    scale = Scale.of(features)
    x = scale(features)  # (n, d)
    axes = None
    if len(x) < x.shape[1]:
        # The minimum lies in the span of the rows, and the penalty is the same in any basis of it.
        left, spread, axes = np.linalg.svd(x, full_matrices=False)
        x = left * spread  # (n, n)
    present, index = np.unique(labels, return_inverse=True)
    start = np.zeros((x.shape[1] + 1, len(present)))
    probes = []
    for strength in strengths:
        start = minimise(x, index, strength, start)
        weight, bias = np.zeros((features.shape[1], n_classes)), np.full(n_classes, -np.inf)
        weight[:, present] = start[:-1] if axes is None else axes.T @ start[:-1]
        bias[present] = start[-1]
        probes.append(Probe(scale, weight, bias, strength))
    return probes


def minimise(x: Array, index: NDArray[np.int64], strength: float, start: Array) -> Array:
    """Return weight and bias at the minimum, (d + 1, C), bias last.

    Args:
        x: (n, d).
        index: (n,), class of each row.
        strength: Of the L2 penalty.
        start: (d + 1, C).
    """
    n, width = x.shape
    rows = np.arange(n)

    def loss(flat: Array) -> tuple[float, Array]:
        weight = flat.reshape(start.shape)
        logs = log_softmax(x @ weight[:-1] + weight[-1], axis=1)  # (n, C)
        error = np.exp(logs)
        error[rows, index] -= 1
        gradient = np.concatenate([x.T @ error, error.sum(axis=0)[None]]) / n
        gradient[:width] += strength * weight[:-1]
        value = -logs[rows, index].mean() + strength / 2 * np.square(weight[:-1]).sum()
        return float(value), gradient.ravel()

    # Only the gradient ends the search: a loss that falls little may still be far from its minimum.
    options = {"maxiter": MAX_STEPS, "maxfun": 2 * MAX_STEPS, "gtol": GRADIENT * strength, "ftol": 0.0}
    result = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(result.x, dtype=np.float64).reshape(start.shape)
