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
        return Linear(*ridge(bags.mean(), labels))


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
    best: tuple[float, float] | None = None
    for penalty in PENALTIES * values.mean():
        kept = values / (values + penalty)  # (r,)
        left_out = 1 - 1 / len(x) - (vectors**2) @ kept  # (N,): 1 - the leverage of each clip
        residuals = (targets - vectors @ (kept[:, None] * projected)) / np.maximum(left_out, 1e-9)[:, None]
        error = float((residuals**2).sum())
        if best is None or error < best[0]:
            best = error, float(penalty)
    assert best is not None  # there are penalties to try
    # The weights are Xᵀ U diag(1 / (s² + λ)) Uᵀ y, whichever side of X is longer.
    weight = centred.T @ (vectors @ (projected / (values + best[1])[:, None]))
    return weight, mean - middle @ weight


def _left_vectors(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the left singular vectors (N, r) and squared singular values (r,), from the smaller of the two products.

    Directions that hold next to nothing are left out.
    """
    wide = x.shape[0] <= x.shape[1]
    values, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    kept = values > 1e-9 * max(float(values[-1]), 1e-300)
    values, vectors = values[kept], vectors[:, kept]
    return vectors if wide else (x @ vectors) / np.sqrt(values), values


TEACHERS = (
    Ridge("ridge-logits", "ridge regression on a clip's mean logits, of the network's own classifier", Space.LOGITS),
    Ridge("ridge", "ridge regression on the mean feature of a clip", Space.FEATURES),
)
