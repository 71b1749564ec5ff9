"""Thresholds of probabilities by a stated false-alarm rate, from clips whose weak label lacks a class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seehear.decoding import HALF, ByModality, Decoding, Probabilities
from seehear.events import inside_clips


def decoding_from_negatives(
    probabilities: Probabilities,
    labels: NDArray[np.bool_],
    lengths: NDArray[np.int64],
    modalities: tuple[str, ...],
    classes: tuple[str, ...],
    false_alarms: float,
) -> Decoding:
    """Return the decoding in which a stated share of the segments of certain negatives is active.

    One threshold per class and modality, and no clip filter. A class without negatives keeps the threshold .5.

    Args:
        probabilities: Of N clips that the model was not trained on.
        labels: Weak labels, (N, C).
        lengths: Segments per clip, (N,).
        modalities: Names of the M modalities.
        classes: Names of the C classes.
        false_alarms: α in (0, 1): a threshold is the (1 − α) quantile.
    """
    inside = inside_clips(lengths, probabilities.segment.shape[1])  # (N, T)
    values = {}
    for m, modality in enumerate(modalities):
        of_class = {}
        for c, name in enumerate(classes):
            own = probabilities.segment[:, :, m, c][inside & ~labels[:, None, c]]
            quantile = float(np.quantile(own, 1 - false_alarms)) if len(own) else HALF
            # The next larger number, since a segment at the threshold is active.
            of_class[name] = min(1.0, float(np.nextafter(np.float32(quantile), np.float32(2)))) if len(own) else HALF
        values[modality] = of_class
    return Decoding("none", ByModality(values))
