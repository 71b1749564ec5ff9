"""Ridge regression judged out of fold: how well labels follow from features, on clips that it was not fitted to.

With an intercept that is not shrunk, fitted values are Hy with H = 11ᵀ/N + U diag(s/(s + λ)) Uᵀ, U and s the
eigenvectors and values of the centred kernel. The fit to all folds but f is the fit to all clips once labels in f are
replaced by what it predicts there, so that its residuals in f are (I - H_ff)⁻¹(y_f - ŷ_f), ŷ the fit to all clips
(the leaving-out-one lemma of Craven and Wahba 1979, for a fold). They are exact, and no model is fitted twice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seehear.selection.collocation import Collocation, Option
from seehear.selection.estimators.interface import ClosedForm
from seehear.selection.evidence import Array, Evidence, Kind

FOLDS = 5
PENALTIES = np.geomspace(1e-3, 1e4, 15)  # λ, in units of the kernel's mean eigenvalue


class OutOfFold(NamedTuple):
    """What ridge regression says of clips that it did not see.

    predictions: of the telling classes' labels, (N, C), not confined to [0, 1]. r2: (C,) <= 1. penalty: λ.
    """

    predictions: Array
    r2: Array
    penalty: float


def folds(clips: int) -> NDArray[np.int64]:
    """The fold of each clip, (N,), 0 to 4: shuffled, and always the same for the same number of clips."""
    return np.random.default_rng(clips).permutation(clips) % min(FOLDS, clips)


def out_of_fold(
    evidence: Evidence, collocation: Collocation, kind: Kind = "sum", fold: NDArray[np.int64] | None = None
) -> OutOfFold:
    """With the λ, one for all classes, whose mean R² is highest: a choice made in sight of all folds.

    R² = 1 - PRESS/TSS, TSS the squared deviations from the mean over all clips: predicting the mean of the other
    folds gives slightly less than 0. A class that a fold lacks, or that is in one fold only, counts like any other.
    fold: of each clip, (N,), at least two different ones; by default `folds`.
    """
    values, vectors, projected = evidence.spectrum(collocation, kind)
    targets = evidence.targets  # (N, C)
    total = (targets**2).sum(axis=0)
    assigned = folds(len(evidence)) if fold is None else fold
    parts: dict[int, list[NDArray[np.int64]]] = {}
    for n in np.unique(assigned):
        clips = np.flatnonzero(assigned == n)
        parts.setdefault(len(clips), []).append(clips)
    stacks = [np.stack(equal) for equal in parts.values()]  # (folds, F): folds of one size are solved at once
    best: tuple[Array, Array, float] | None = None
    for penalty in PENALTIES * values.mean():
        kept = values / (values + penalty)  # (N,)
        residuals = targets - vectors @ (kept[:, None] * projected)
        for clips in stacks:
            rows, size = vectors[clips], clips[0].size
            left = np.eye(size) - 1 / len(evidence) - (rows * kept) @ rows.swapaxes(1, 2)  # I - H_ff, (folds, F, F)
            residuals[clips] = np.linalg.solve(left, residuals[clips])
            evidence.flops += 2.0 * len(clips) * size**2 * (len(evidence) + size / 3 + targets.shape[1])
        evidence.flops += 2.0 * len(evidence) * projected.size
        r2 = 1 - (residuals**2).sum(axis=0) / total
        if best is None or r2.mean() > best[1].mean():
            best = residuals, r2, float(penalty)
    assert best is not None  # there are penalties to try
    residuals, r2, penalty = best
    return OutOfFold(evidence.labels[:, evidence.telling] - residuals, r2, penalty)


def score(evidence: Evidence, collocation: Collocation, kind: Kind = "sum") -> float:
    """Mean out-of-fold R² over the telling classes, at most 1."""
    return float(out_of_fold(evidence, collocation, kind).r2.mean())


def with_interaction(evidence: Evidence, collocation: Collocation) -> float:
    """The same, of features and of products of any two modalities' features. SeehearError for one modality."""
    return score(evidence, collocation, "interaction")


def alone(evidence: Evidence, modality: str, option: Option) -> float:
    """The score of one modality's networks without the other modalities, computed once an option."""
    single = Collocation(((modality, option),))
    return evidence.once(("ridge", single), lambda: score(evidence, single))


def interaction_gain(evidence: Evidence, collocation: Collocation) -> float:
    """How much R² modalities and their products have over the best modality alone. SeehearError for one modality."""
    together = with_interaction(evidence, collocation)
    return together - max(alone(evidence, modality, option) for modality, option in collocation.options)


ESTIMATORS = (
    ClosedForm("ridge", "linear model, out of fold", "Hoerl and Kennard 1970", "weak", score),
    ClosedForm(
        "ridge-interaction",
        "linear model of features and products of two modalities' features, out of fold",
        "Hoerl and Kennard 1970",
        "weak",
        with_interaction,
    ),
    ClosedForm(
        "interaction-gain",
        "what both modalities and their products tell beyond the better one",
        "Hoerl and Kennard 1970",
        "weak",
        interaction_gain,
    ),
)
