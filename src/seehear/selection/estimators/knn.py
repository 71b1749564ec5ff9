"""Nearest neighbours: whether clips that look and sound alike have the same labels (Cover and Hart 1967)."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import ClosedForm
from seehear.selection.evidence import DIGITS, Array, Evidence, cosine

NEIGHBOURS = 10


def shares(similarity: Array, labels: Array, neighbours: int = NEIGHBOURS) -> Array:
    """The share of each clip's nearest others that have a label, (N, C) in [0, 1].

    neighbours: N - 1 of them at most. Where several are equally near and there is no room for all, each counts in
    part, as it would on average if they were drawn.
    """
    k = min(neighbours, len(similarity) - 1)
    others = similarity.copy()
    np.fill_diagonal(others, -np.inf)
    farthest = -np.partition(-others, k - 1, axis=1)[:, k - 1, None]  # (N, 1)
    nearer, as_far = others > farthest, others == farthest
    room = k - nearer.sum(axis=1, keepdims=True)
    weight = nearer + as_far * room / as_far.sum(axis=1, keepdims=True)  # (N, N), rows sum to k
    return np.round(weight @ labels / k, DIGITS)


def average_precision(scores: Array, labels: Array) -> float:
    """Mean over the positives of precision among all clips that score at least as high, in (0, 1].

    Clips with equal scores are found together: a constant score has the precision of chance, the share of positives.
    scores, labels: (N,), at least one label 1.
    """
    positive = labels > 0
    at_least = rankdata(-scores, method="max")  # clips that score so high or higher
    return float(np.mean(rankdata(-scores[positive], method="max") / at_least[positive]))


def score(evidence: Evidence, collocation: Collocation) -> float:
    """Mean average precision over the telling classes of shares among the 10 clips of greatest cosine, in (0, 1]."""
    labels = evidence.labels[:, evidence.telling]
    found = shares(cosine(evidence.kernel(collocation)), labels)
    evidence.flops += 2.0 * len(evidence) * labels.size + 5.0 * len(evidence) ** 2
    return float(np.mean([average_precision(found[:, c], labels[:, c]) for c in range(labels.shape[1])]))


ESTIMATORS = (
    ClosedForm("knn", f"average precision of {NEIGHBOURS} nearest clips", "Cover and Hart 1967", "weak", score),
)
