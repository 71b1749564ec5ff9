"""What a teacher has learnt, in the words of its network's own classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seehear.features.packed import Packed
from seehear.networks.spec import Classifier

SOURCES = 3  # classes of a network that are named per class
WEAKEST = 0.1  # correlation of a class that is named
MAX_ROWS = 20_000  # segments that correlations are computed from


def strongest_sources(
    margins: NDArray[np.float32],
    packs: Sequence[Packed],
    classifiers: Sequence[Classifier | None],
    labels: NDArray[np.float32],
) -> list[list[tuple[str, float]]]:
    """Return for each class the source classes whose logits rise and fall with the teacher's score most closely.

    Args:
        margins: Of segments, (R, C).
        packs: Features of the modality's networks, R rows each.
        classifiers: Of these networks, or None.
        labels: Weak labels of the clips, (N, C): classes that never occur get no sources.

    Returns:
        Per class, names and correlations over segments, the strongest first; empty without a classifier, or if no
        correlation is at least WEAKEST.
    """
    step = max(1, len(margins) // MAX_ROWS)
    scores = _standardised(margins[::step])  # (r, C)
    names: list[str] = []
    columns = []
    for pack, classifier in zip(packs, classifiers, strict=True):
        if classifier is not None:
            columns.append(scores.T @ _standardised(classifier(pack.rows[::step])) / len(scores))  # (C, K)
            names += classifier.names
    if not columns:
        return [[] for _ in range(labels.shape[1])]
    correlation = np.concatenate(columns, axis=1)  # (C, all K)
    best = np.argsort(-correlation, axis=1)[:, :SOURCES]
    occurs = np.any(labels, axis=0).tolist()
    return [
        [(names[k], float(correlation[c, k])) for k in best[c] if occurs[c] and correlation[c, k] >= WEAKEST]
        for c in range(len(correlation))
    ]


def _standardised(values: NDArray[np.float32]) -> NDArray[np.float64]:
    centred = np.nan_to_num(values.astype(np.float64), neginf=0.0, posinf=0.0)
    centred -= centred.mean(axis=0)
    deviation: NDArray[np.float64] = centred.std(axis=0)
    return centred / np.maximum(deviation, 1e-12)
