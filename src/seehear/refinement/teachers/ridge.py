"""Ridge regression from the mean of a clip to its weak labels, in closed form (Hoerl and Kennard 1970).

The penalty is chosen by leaving out one clip at a time, which needs no second fit (Allen 1974, PRESS).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seehear.refinement.teachers.interface import Bags, Linear, Link, Space, Teacher

PENALTIES = np.geomspace(1e-3, 1e4, 15)  # λ, in units of the mean eigenvalue


class Ridge(Teacher):
    """Ridge regression."""

    link = Link.IDENTITY

    def __init__(self, name: str, description: str, space: Space) -> None:
        """Set what it looks at."""
        self.name, self.description, self.space = name, description, space

    def fit(self, bags: Bags, labels: NDArray[np.float64]) -> Linear:
        """Return the map with the penalty of the least error on clips left out one at a time."""
        if bags.means_fit or len(bags) <= bags.rows.shape[1]:
            return Linear(*ridge(bags.mean(), labels))
        return Linear(*ridge_of_blocks(bags, labels))


def ridge(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weight (D, C) and intercept (C,) of ridge regression with the best penalty; the intercept is free.

    Args:
        x: (N, D).
        y: (N, C).
    """
    middle, mean = x.mean(axis=0), y.mean(axis=0)
    centred, targets = x - middle, y - mean
    vectors, values = _left_vectors(centred)  # (N, r), (r,): squared singular values
    if not len(values):  # all clips are alike
        return np.zeros((x.shape[1], y.shape[1])), mean
    projected = vectors.T @ targets  # (r, C)
    penalties = PENALTIES * values.mean()
    errors = [_left_out(vectors, values, projected, targets, penalty, len(x)) for penalty in penalties]
    best = penalties[np.argmin(errors)]
    # The weights are Xᵀ U diag(1 / (s² + λ)) Uᵀ y, whichever side of X is longer.
    weight = centred.T @ (vectors @ (projected / (values + best)[:, None]))
    return weight, mean - middle @ weight


def ridge_of_blocks(bags: Bags, y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the same as `ridge` of the means of clips, up to rounding, with some clips at a time in memory.

    Args:
        bags: N clips, more than there are features.
        y: (N, C).
    """
    width, mean = bags.rows.shape[1], y.mean(axis=0)
    middle = sum((x.sum(axis=0) for _, x in bags.mean_blocks()), np.zeros(width)) / len(bags)
    squares, products = np.zeros((width, width)), np.zeros((width, y.shape[1]))
    for part, x in bags.mean_blocks():
        centred = x - middle
        squares += centred.T @ centred
        products += centred.T @ (y[part] - mean)
    values, right = _main_axes(squares)  # (r,), (D, r)
    if not len(values):  # all clips are alike
        return np.zeros((width, y.shape[1])), mean
    projected = right.T @ products / np.sqrt(values)[:, None]  # (r, C)
    penalties = PENALTIES * values.mean()
    errors = np.zeros(len(penalties))
    for part, x in bags.mean_blocks():
        vectors = (x - middle) @ right / np.sqrt(values)  # (n, r)
        errors += [_left_out(vectors, values, projected, y[part] - mean, penalty, len(bags)) for penalty in penalties]
    best = penalties[np.argmin(errors)]
    weight = right @ (projected * (np.sqrt(values) / (values + best))[:, None])
    return weight, mean - middle @ weight


def _left_out(
    vectors: NDArray[np.float64],
    values: NDArray[np.float64],
    projected: NDArray[np.float64],
    targets: NDArray[np.float64],
    penalty: float,
    count: int,
) -> float:
    """Return the sum of the squared errors of clips, each predicted from all others.

    Args:
        vectors: Rows of the left singular vectors that belong to the clips, (n, r).
        values: Squared singular values, (r,).
        projected: The targets of all clips, on the singular vectors, (r, C).
        targets: Of the clips, centred, (n, C).
        penalty: λ.
        count: N, the number of all clips.
    """
    kept = values / (values + penalty)  # (r,)
    left_out = 1 - 1 / count - (vectors**2) @ kept  # (n,): 1 - the leverage of each clip
    residuals = (targets - vectors @ (kept[:, None] * projected)) / np.maximum(left_out, 1e-9)[:, None]
    return float((residuals**2).sum())


def _left_vectors(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return left singular vectors (N, r) and squared singular values (r,), from the smaller of the two products."""
    wide = x.shape[0] <= x.shape[1]
    values, vectors = _main_axes(x @ x.T if wide else x.T @ x)
    return vectors if wide else (x @ vectors) / np.sqrt(values), values


def _main_axes(squares: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return eigenvalues (r,) and eigenvectors (D, r), without directions that hold next to nothing."""
    values, vectors = np.linalg.eigh(squares)
    kept = values > 1e-9 * max(float(values[-1]), 1e-300)
    return values[kept], vectors[:, kept]


TEACHERS = (
    Ridge("ridge-logits", "ridge regression on a clip's mean logits, of the network's own classifier", Space.LOGITS),
    Ridge("ridge", "ridge regression on the mean feature of a clip", Space.FEATURES),
)
