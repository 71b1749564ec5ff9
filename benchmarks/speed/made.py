"""Data that benchmarks are measured on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speed.row import Size


def spans(rng: np.random.Generator, size: Size) -> NDArray[np.bool_]:
    """Events as LLP's: a class or two a clip, each a span or two. (clips, segments, classes)"""
    active = np.zeros((size.clips, size.segments, size.classes), dtype=bool)
    for n in range(size.clips):
        for c in rng.choice(size.classes, rng.integers(1, 4), replace=False):
            start = rng.integers(size.segments)
            active[n, start : start + rng.integers(1, size.segments + 1), c] = True
    return active


def both(rng: np.random.Generator, size: Size) -> dict[str, NDArray[np.bool_]]:
    """The same of both modalities."""
    return {name: spans(rng, size) for name in ("audio", "visual")}
