"""Clips without features, in which nothing is predicted: where nothing is true either, they score 100."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from seehear.results import counted


def full_marks(truth: Mapping[str, NDArray[np.bool_]], missing: NDArray[np.bool_]) -> list[str]:
    """Return a note on clips without features that score 100 because nothing is true in them; or none.

    Args:
        truth: kind -> (N, T, C).
        missing: Clips without features, (N,).
    """
    empty = {kind: int((missing & ~active.any(axis=(1, 2))).sum()) for kind, active in truth.items()}
    if not any(empty.values()):
        return []
    count = int(missing.sum())
    one, of = ("has", "it scores") if count == 1 else ("have", "they score")
    numbers = ", ".join(f"{kind} {number}" for kind, number in empty.items() if number)
    return [
        f"{counted(count, 'clip')} {one} no features, and {of} 100 where nothing is true (clips: {numbers}): take "
        f"{'it' if count == 1 else 'them'} out of the labels to score only what was predicted"
    ]
