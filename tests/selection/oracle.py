"""What closed-form estimators compute, from features rather than Gram matrices: clip by clip, pair by pair."""

import itertools

import numpy as np
from scipy.optimize import minimize


def joined(features, options, interaction=False):
    """The columns that a collocation's kernel stands for, (N, D)."""
    modalities = []
    for option in options:
        parts = []
        for network in option:
            x = features[network] - features[network].mean(axis=0)
            loudness = np.mean([np.dot(row, row) for row in x])
            parts.append(x / np.sqrt(loudness * len(option)))
        modalities.append(np.concatenate(parts, axis=1))
    columns = [column for x in modalities for column in x.T]
    if interaction:
        for one, other in itertools.combinations(modalities, 2):
            columns += [a * b for a in one.T for b in other.T]
    return np.stack(columns, axis=1)


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


def h_score(x, y):
    """tr(Σ_ρ⁻¹ (1 - ρ) Σ_b) with D × D matrices, for labels y (N,)."""
    n, width = x.shape
    x = x - x.mean(axis=0)
    covariance = sum(np.outer(row, row) for row in x) / n
    sigma = np.trace(covariance) / width
    apart = np.sum((covariance - sigma * np.eye(width)) ** 2)
    error = sum(np.sum((np.outer(row, row) - covariance) ** 2) for row in x) / n**2
    rho = min(error, apart) / apart
    means = np.stack([x[y == label].mean(axis=0) for label in y])
    between = sum(np.outer(row, row) for row in means) / n
    shrunk = (1 - rho) * covariance + rho * sigma * np.eye(width)
    return np.trace(np.linalg.inv(shrunk) @ ((1 - rho) * between))


def cosines(x):
    x = x - x.mean(axis=0)
    return [[np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b)) for b in x] for a in x]


def neighbour_shares(x, y, neighbours):
    """Where no two clips are equally near to a third."""
    similarity = cosines(x)
    found = []
    for n in range(len(x)):
        others = sorted((m for m in range(len(x)) if m != n), key=lambda m, n=n: -similarity[n][m])
        found.append(np.mean([y[m] for m in others[:neighbours]], axis=0))
    return np.array(found)


def average_precision(scores, labels):
    """The area under the steps of precision over recall, the threshold going down through all scores."""
    area, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        found = [label for score, label in zip(scores, labels, strict=True) if score >= threshold]
        area += (sum(found) / sum(labels) - recall) * sum(found) / len(found)
        recall = sum(found) / sum(labels)
    return area


def mean_ranks(values):
    return [sum(v < value for v in values) + (sum(v == value for v in values) + 1) / 2 for value in values]


def parc(x, y):
    """Over pairs of clips, of labels y (N, C)."""
    of_features, of_labels = cosines(x), cosines(y)
    pairs = list(itertools.combinations(range(len(x)), 2))
    one = mean_ranks([round(1 - of_features[i][j], 9) for i, j in pairs])
    other = mean_ranks([round(1 - of_labels[i][j], 9) for i, j in pairs])
    one, other = np.array(one) - np.mean(one), np.array(other) - np.mean(other)
    return np.sum(one * other) / np.sqrt(np.sum(one**2) * np.sum(other**2))


def hsic(one, other):
    """Unbiased: the mean over all ways to take four different clips."""
    fours = itertools.permutations(range(len(one)), 4)
    return np.mean([one[i, j] * (other[i, j] + other[q, r] - 2 * other[i, q]) for i, j, q, r in fours])


def cka(x, y):
    one, other = x @ x.T, y @ y.T
    return hsic(one, other) / np.sqrt(hsic(one, one) * hsic(other, other))
