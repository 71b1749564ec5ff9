"""Ridge regression, scored out of fold: how well labels follow from features, on clips that it was not fitted to.

The intercept is not shrunk. Fitted values are Hy with H = 11ᵀ/N + U diag(s/(s + λ)) Uᵀ, where U and s are the
eigenvectors and eigenvalues of the centred kernel. The fit to all folds but f equals the fit to all clips once the
labels in f are replaced by what it predicts there. So its residuals in f are (I - H_ff)⁻¹(y_f - ŷ_f), where ŷ is the
fit to all clips (the leaving-out-one lemma of Craven and Wahba 1979, for a fold). They are exact, and no model is
fitted twice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seehear.selection.collocation import Collocation, Option
from seehear.selection.estimators.interface import ClosedForm
from seehear.selection.evidence import Array, Evidence

FOLDS = 5
PENALTIES = np.geomspace(1e-3, 1e4, 15)  # λ, in units of the kernel's mean eigenvalue


class OutOfFold(NamedTuple):
    """Predictions of ridge regression for clips that it was not fitted to.

    Attributes:
        predictions: Of the informative classes' labels, (N, C); they may lie outside [0, 1].
        r2: (C,), at most 1.
        penalty: λ.
    """

    predictions: Array
    r2: Array
    penalty: float


def folds(clips: int) -> NDArray[np.int64]:
    """Return the fold of each clip, (N,), 0 to 4: shuffled, and always the same for the same number of clips."""
    return np.random.default_rng(clips).permutation(clips) % min(FOLDS, clips)


def out_of_fold(evidence: Evidence, collocation: Collocation, fold: NDArray[np.int64] | None = None) -> OutOfFold:
    """Predict each fold from the others.

    λ is the same for all classes: the one with the highest mean R², chosen over all folds. R² = 1 - PRESS/TSS, where
    TSS are the squared deviations from the mean over all clips. Predicting the mean of the other folds gives slightly
    less than 0. A class that is missing in a fold, or occurs in one fold only, counts like any other.

    Args:
        evidence: Labels and kernels of N clips.
        collocation: Its networks' features.
        fold: Fold of each clip, (N,), at least two different ones; by default `folds`.
    """
    values, vectors, projected = evidence.spectrum(collocation)
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
    return OutOfFold(evidence.labels[:, evidence.informative] - residuals, r2, penalty)


def score(evidence: Evidence, collocation: Collocation) -> float:
    """Return the mean out-of-fold R² over the informative classes, at most 1."""
    return float(out_of_fold(evidence, collocation).r2.mean())


def score_alone(evidence: Evidence, modality: str, option: Option) -> float:
    """Return the score of one modality's networks without the other modalities, computed once per option."""
    single = Collocation(((modality, option),))
    return evidence.cached(("ridge", single), lambda: score(evidence, single))


ESTIMATORS = (ClosedForm("ridge", "linear model, out of fold", "Hoerl and Kennard 1970", "weak", score),)
