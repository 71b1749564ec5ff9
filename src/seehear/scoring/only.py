"""F1 of what is active in exactly one modality: what is only heard, and what is only seen.

These are the Ao and Vo of CoLeaF (Sardari et al. 2024). They are no official scores and not part of the average.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from seehear.events import ActiveSegments
from seehear.scoring.f1 import LEVELS, clip_f1, level_counts

Active = Mapping[str, NDArray[np.bool_]]  # modality -> (N, T, C)


def only_name(modality: str) -> str:
    """Return the name of what is active in a modality and in no other, `audio_only` for audio."""
    return f"{modality}_only"


def only_active(active: Active) -> dict[str, NDArray[np.bool_]]:
    """Return what is active in each modality and in no other, by that name; nothing if there is one modality."""
    if len(active) < 2:
        return {}
    number = np.sum([*active.values()], axis=0, dtype=np.uint8)  # (N, T, C) modalities
    return {only_name(name): array & (number == 1) for name, array in active.items()}


def only_scores(predicted: Active, true: Active, iou: float = 0.5) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Return F1 per clip of what is active in exactly one modality.

    As for every score, that is the mean F1 over the classes that are active so in prediction or ground truth, and 1.0
    for a clip without any.

    Args:
        predicted: modality -> (N, T, C).
        true: modality -> (N, T, C).
        iou: Least intersection over union of a true positive event, in (0, 1].

    Returns:
        Level and name -> (N,) in [0, 1]; none for one modality.
    """
    p, t = (
        {name: ActiveSegments.of(array) for name, array in only_active(active).items()} for active in (predicted, true)
    )
    return {(level, name): clip_f1(level_counts(level, p[name], t[name], iou)) for level in LEVELS for name in p}
