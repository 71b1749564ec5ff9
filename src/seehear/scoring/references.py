"""Predictions that need no model: what any model must be better than, and the best that there can be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

PAINTED = "weak labels"  # what the second is called


def references(
    truth: Mapping[str, NDArray[np.bool_]], weak: NDArray[np.float32], lengths: NDArray[np.int64]
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Nothing, the weak labels painted over all of each clip, and the truth; of its shape, modality -> (N, T, C).

    weak: labels (N, C), 0 or 1. lengths: segments of each clip, (N,).
    """
    segments = next(iter(truth.values())).shape[1]
    inside = np.arange(segments) < lengths[:, None]  # (N, T)
    painted = inside[..., None] & (weak[:, None] > 0)
    return {
        "nothing": {name: np.zeros_like(array) for name, array in truth.items()},
        PAINTED: {name: painted for name in truth},
        "truth": dict(truth),
    }
