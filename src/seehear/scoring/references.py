"""Reference predictions, which need no model: nothing, the weak-label baseline, and the ground truth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

NOTHING, WEAK_BASELINE, TRUTH = "nothing", "weak labels", "truth"
MEANING = (
    "nothing: no event anywhere; weak labels: the clip's true labels in every segment and modality; "
    "truth: the ground truth"
)


def references(
    truth: Mapping[str, NDArray[np.bool_]], weak: NDArray[np.float32], lengths: NDArray[np.int64]
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Return the reference predictions.

    Args:
        truth: modality -> (N, T, C) ground truth.
        weak: (N, C) weak labels; a class with a label above 0 occurs.
        lengths: (N,) segments per clip.

    Returns:
        Name of the reference -> modality -> (N, T, C): nothing; the weak-label baseline, which predicts the weak labels
        in every segment and modality; the ground truth.
    """
    segments = next(iter(truth.values())).shape[1]
    inside = np.arange(segments) < lengths[:, None]  # (N, T)
    baseline = inside[..., None] & (weak[:, None] > 0)  # (N, T, C)
    return {
        NOTHING: {name: np.zeros_like(array) for name, array in truth.items()},
        WEAK_BASELINE: {name: baseline for name in truth},
        TRUTH: dict(truth),
    }
