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


def sources_of_scores(shape, closed, prior, noises, pilot_noises=None, level=0.0, gap=0.0):
    """What the model of a grid adds up: (deviation, full -> weight, pilot -> weight) per independent source, in loops.

    Args:
        shape: Options per modality.
        closed: Name of a closed form -> scores (n,).
        prior: Of the grid.
        noises: Deviations of each collocation's clips: of both kinds of trainings, or of full ones alone.
        pilot_noises: Of pilots, if they are scored on other clips.
        level: Deviation of the level of both.
        gap: Deviation of the difference between the two levels.
    """
    places = list(itertools.product(*[range(count) for count in shape]))
    both, alone = [], []  # sources that full and pilot trainings share; of one kind
    for name, scores in closed.items():
        centred = [score - sum(scores) / len(scores) for score in scores]
        both.append((prior.slopes[name].deviation, dict(enumerate(centred))))
    for modality, count in enumerate(shape):
        for option in range(count):
            cells = {n: 1.0 for n, place in enumerate(places) if place[modality] == option}
            both.append((prior.network, cells))
            alone.append((prior.pilot_network, {}, cells))
    for n in range(len(places)):
        both.append((prior.pairing, {n: 1.0}))
        alone.append((prior.pilot_pairing, {}, {n: 1.0}))
        if pilot_noises is None:
            both.append((noises, {n: 1.0}))
        else:
            alone += [(noises, {n: 1.0}, {}), (pilot_noises, {}, {n: 1.0})]
    everywhere = dict.fromkeys(range(len(places)), 1.0)
    alone += [(level, everywhere, everywhere), (gap, {}, everywhere)]
    return [(deviation, cells, cells) for deviation, cells in both] + alone


def mean_of_scores(closed, prior, n):
    """The mean of full trainings before any, in loops; pilots have the same."""
    means = [0.0] * n
    for name, scores in closed.items():
        for cell in range(n):
            means[cell] += prior.slopes[name].mean * (scores[cell] - sum(scores) / n)
    return means


def covariance_of(sources, entries):
    """Covariance of some entries (pilot or not, cell), one pair at a time."""
    found = np.zeros((len(entries), len(entries)))
    for i, (pilot, cell) in enumerate(entries):
        for j, (other_pilot, other) in enumerate(entries):
            for deviation, *weights in sources:
                found[i, j] += deviation**2 * weights[pilot].get(cell, 0.0) * weights[other_pilot].get(other, 0.0)
    return found
