"""What closed-form estimators compute, from features rather than Gram matrices."""

import itertools

import numpy as np
from scipy.optimize import minimize


def joined(features, options):
    """The columns that a collocation's kernel stands for, (N, D)."""
    modalities = []
    for option in options:
        parts = []
        for network in option:
            x = features[network] - features[network].mean(axis=0)
            loudness = np.mean([np.dot(row, row) for row in x])
            parts.append(x / np.sqrt(loudness * len(option)))
        modalities.append(np.concatenate(parts, axis=1))
    return np.concatenate(modalities, axis=1)


def log_evidence(x, y):
    """Of y (N,) given features (N, D), per clip: the paper's D-dimensional formulas, maximised by a general optimiser.

    Intercept: labels and features are first turned into N - 1 contrasts that a constant does not change.
    """
    n = len(y)
    contrasts = np.linalg.qr(np.concatenate([np.ones((n, 1)), np.eye(n)[:, 1:]], axis=1))[0][:, 1:].T  # (N - 1, N)
    f, t = contrasts @ x, contrasts @ y
    width = f.shape[1]

    def negative(logs):
        alpha, beta = np.exp(np.clip(logs, -25, 25))
        a = alpha * np.eye(width) + beta * f.T @ f
        m = beta * np.linalg.solve(a, f.T @ t)
        evidence = (n - 1) / 2 * np.log(beta) + width / 2 * np.log(alpha) - (n - 1) / 2 * np.log(2 * np.pi)
        evidence -= beta / 2 * np.sum((f @ m - t) ** 2) + alpha / 2 * np.sum(m**2) + np.linalg.slogdet(a)[1] / 2
        return -evidence

    starts = itertools.product([-6.0, 0.0, 6.0], [0.0, 3.0])
    options = {"xatol": 1e-6, "fatol": 1e-10, "maxiter": 1000}
    return max(-minimize(negative, start, method="Nelder-Mead", options=options).fun for start in starts) / n


def refits(x, y, fold, penalty):
    """Predictions (N, C) of ridge regression with an intercept, fitted anew to all folds but one."""
    n, width = x.shape
    rows = np.concatenate([np.ones((n, 1)), x], axis=1)
    shrink = penalty * np.diag([0.0] + [1.0] * width)
    predictions = np.empty(y.shape)
    for f in set(fold):
        seen = fold != f
        weights = np.linalg.solve(rows[seen].T @ rows[seen] + shrink, rows[seen].T @ y[seen])
        predictions[~seen] = rows[~seen] @ weights
    return predictions
