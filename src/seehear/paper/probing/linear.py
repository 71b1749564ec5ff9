"""Multinomial logistic regression on features as they are: how far a class can be told by a plane."""

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
# A fit has converged where no entry of the loss's gradient is larger than this share of the penalty's strength, which
# bounds how far weights are from the minimum: by the gradient's length over the strength.
GRADIENT = 1e-3
STEPS = 5000  # of L-BFGS, at most
FLAT = 1e-6  # a dimension that varies less than this share of the one that varies most tells nothing


@dataclass(frozen=True)
class Scale:
    """What is taken from each dimension, and what it is multiplied by: (d,) each."""

    mean: Array
    gain: Array

    @staticmethod
    def of(features: Floats) -> Scale:
        """Mean 0 and deviation 1 on these rows (n, d); dimensions that hardly vary become 0."""
        mean = features.mean(axis=0, dtype=np.float64)
        deviation = features.std(axis=0, dtype=np.float64)
        varies = deviation > FLAT * deviation.max(initial=0.0)
        return Scale(mean, np.where(varies, 1 / np.where(varies, deviation, 1.0), 0.0))

    def __call__(self, features: Floats) -> Array:
        scaled: Array = features - self.mean
        scaled *= self.gain
        return scaled


@dataclass(frozen=True)
class Probe:
    """Class scores Scale(x) @ weight + bias. weight: (d, C), bias: (C,). strength: of the L2 penalty.

    A class without training rows has weight 0 and bias -inf.
    """

    scale: Scale
    weight: Array
    bias: Array
    strength: float

    def scores(self, features: Floats) -> Array:
        """Of rows (n, d): (n, C)."""
        return self.scale(features) @ self.weight + self.bias

    def predict(self, features: Floats) -> NDArray[np.int64]:
        """The class of each row, (n,)."""
        return self.scores(features).argmax(axis=1).astype(np.int64)


def linear_probe(
    features: Floats,
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    test: Floats,
    n_classes: int,
    strengths: Sequence[float] = STRENGTHS,
) -> NDArray[np.int64]:
    """The predicted class of each test row, (m,); see `fit_probe`. test: (m, d).

    A class without training rows is never predicted.
    """
    return fit_probe(features, labels, groups, n_classes, strengths).predict(test)


def fit_probe(
    features: Floats,
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    n_classes: int,
    strengths: Sequence[float] = STRENGTHS,
) -> Probe:
    """Multinomial logistic regression: the minimum of mean cross-entropy + strength / 2 · |weight|².

    features: (n, d), standardised here. labels: (n,), from 0 to n_classes - 1. groups: (n,), which clip each row is of.
    strengths: to choose from, the one whose fits to four fifths of the clips are right most often on the others, the
    stronger of equal ones. Nothing is drawn at random.

    Raises SeehearError for fewer than two groups where there is a strength to choose, and for features that are not
    finite.
    """
    if not np.isfinite(features).all():
        raise SeehearError("features to probe are not finite")
    ordered = sorted(strengths, reverse=True)
    with few_threads(len(features)):
        strength = ordered[0] if len(ordered) == 1 else _choose(features, labels, groups, n_classes, ordered)
        down_to = [other for other in ordered if other >= strength]
        return _path(features, labels, n_classes, down_to)[-1]


def folds(labels: NDArray[np.int64], groups: NDArray[np.int64], count: int = FOLDS) -> NDArray[np.int64]:
    """The fold of each row, (n,), from 0 to at most count - 1: whole groups, each class's dealt out in turn.

    Raises SeehearError for fewer than two groups.
    """
    names, first, which = np.unique(groups, return_index=True, return_inverse=True)
    if len(names) < 2:
        raise SeehearError("one clip can't be divided: a probe needs two at least")
    order = np.argsort(labels[first], kind="stable")  # groups by class
    fold = np.empty(len(names), dtype=np.int64)
    fold[order] = np.arange(len(names)) % min(count, len(names))
    return fold[which]


def _choose(
    features: Floats, labels: NDArray[np.int64], groups: NDArray[np.int64], n_classes: int, strengths: Sequence[float]
) -> float:
    """The strength that is right most often on rows of clips that it was not fitted to."""
    fold = folds(labels, groups)
    right = np.zeros(len(strengths))
    for held in range(fold.max() + 1):
        out = fold == held
        probes = _path(features[~out], labels[~out], n_classes, strengths)
        right += [(probe.predict(features[out]) == labels[out]).sum() for probe in probes]
    return strengths[int(right.argmax())]


def _path(features: Floats, labels: NDArray[np.int64], n_classes: int, strengths: Sequence[float]) -> list[Probe]:
    """A fit of each strength, each begun where the one before ended."""
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
    """Weight and bias (d + 1, C), bias last, at the minimum. x: (n, d). index: (n,), the class of each row."""
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

    # It ends by the gradient alone: a loss that falls little may still be far from its minimum.
    options = {"maxiter": STEPS, "maxfun": 2 * STEPS, "gtol": GRADIENT * strength, "ftol": 0.0}
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x, dtype=np.float64).reshape(start.shape)
