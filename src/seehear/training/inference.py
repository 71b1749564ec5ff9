"""Prediction: a trained model's probabilities for clips of any length."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from seehear import windows
from seehear.decoding import Probabilities
from seehear.fusion.model import ParsingModel
from seehear.fusion.pooling import Output
from seehear.training.bags import Bags


def predict(model: ParsingModel, bags: Bags, window: int) -> Probabilities:
    """Return the probabilities of every segment of every clip, and of the clip around it: see `windows.over_windows`.

    Args:
        model: A trained model; it is put into evaluation mode.
        bags: The features of N clips.
        window: Segments of a window, see `windows.window_length`.
    """
    return over_windows(model.eval(), bags, window, len(model.modalities), model.pooling.classes)


@torch.no_grad()
def over_windows(
    forward: Callable[..., Output], bags: Bags, window: int, n_modalities: int, n_classes: int
) -> Probabilities:
    """Return the same as `predict` for any function.

    Args:
        forward: From the fields of a batch to an output like the model's.
        bags: The features of N clips.
        window: Segments of a window.
        n_modalities: M, of the output.
        n_classes: C, of the output.
    """

    def numbers(clip: NDArray[np.int64], start: NDArray[np.int64], lengths: NDArray[np.int64]) -> windows.Outputs:
        output = forward(*bags.windows(bags.offsets[clip] + start, lengths))
        of_segment, of_clip, of_modality = (part.float().cpu().numpy() for part in output)
        return of_segment, of_clip, of_modality

    return windows.over_windows(numbers, bags.lengths, window, n_modalities, n_classes)
