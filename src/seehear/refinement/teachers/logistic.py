"""Logistic regression from the mean feature of a clip to its weak labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from seehear.refinement.teachers.interface import Bags, Linear, Teacher

WEIGHT_DECAY = 0.3  # λ in BCE + λ/2 · |w|², with features of root mean square 1
ITERATIONS = 200


class Logistic(Teacher):
    """Logistic regression with weight decay, one class at a time."""

    name = "logistic"
    description = "logistic regression on the mean feature of a clip"

    def fit(self, bags: Bags, labels: NDArray[np.float64]) -> Linear:
        """Return the map of the least loss, which is convex."""
        x = bags.mean()  # (N, D)

        def loss(scores: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            value = np.logaddexp(0, scores) - labels * scores  # (N, C)
            return float(value.sum()) / len(x), (expit(scores) - labels) / len(x)

        return minimised(x, labels.shape[1], loss, WEIGHT_DECAY)


def minimised(x: NDArray[np.float64], classes: int, loss: object, weight_decay: float) -> Linear:
    """Return the affine map of the least loss plus weight decay, by L-BFGS from zero.

    Args:
        x: (R, D).
        classes: C.
        loss: From scores (R, C) to the loss and its gradient (R, C), as sums over classes.
        weight_decay: λ in loss + λ/2 · |w|².
    """
    width = x.shape[1]

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        parameters = flat.reshape(width + 1, classes)
        weight, bias = parameters[:-1], parameters[-1]
        value, slope = loss(x @ weight + bias)  # type: ignore[operator]
        gradient = np.concatenate([x.T @ slope + weight_decay * weight, slope.sum(axis=0, keepdims=True)])
        return value + weight_decay / 2 * float((weight**2).sum()), gradient.reshape(-1)

    start = np.zeros((width + 1) * classes)
    best = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS}).x
    parameters = best.reshape(width + 1, classes)
    return Linear(parameters[:-1], parameters[-1])


TEACHERS = (Logistic(),)
