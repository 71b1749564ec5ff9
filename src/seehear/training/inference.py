"""Prediction: a trained model's probabilities for clips of any length."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from seehear.decoding import Probabilities
from seehear.fusion.model import ParsingModel
from seehear.fusion.pooling import Output
from seehear.memory import zeros
from seehear.training.bags import Bags

BATCH = 64  # windows in one forward pass


def predict(model: ParsingModel, bags: Bags, window: int) -> Probabilities:
    """Return the probabilities of every segment of every clip, and of the clip around it.

    A clip longer than `window` segments is processed in windows of that length that overlap by half. Where they
    overlap, a window counts more the nearer the segment is to its middle.

    Args:
        model: A trained model; it is put into evaluation mode.
        bags: The features of N clips.
        window: Segments of a window, see `window_length`.
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
    cuts = [(n, start, stop) for n, length in enumerate(bags.lengths) for start, stop in _cuts(int(length), window)]
    clip, start, stop = np.array(cuts, dtype=np.int64).T
    longest = int(bags.lengths.max())
    segment = zeros((len(bags), longest, n_modalities, n_classes))
    clip_level = zeros((len(bags), longest, n_classes))
    by_modality = zeros(segment.shape)
    weight = np.zeros((len(bags), longest), dtype=np.float32)
    for first in range(0, len(cuts), BATCH):
        batch = slice(first, first + BATCH)
        lengths = stop[batch] - start[batch]
        output = forward(*bags.windows(bags.offsets[clip[batch]] + start[batch], lengths))
        of_segment, of_clip, of_modality = (part.float().cpu().numpy() for part in output)
        for row, (n, begin, length) in enumerate(zip(clip[batch], start[batch], lengths, strict=True)):
            at = slice(begin, begin + length)
            centrality = np.minimum(np.arange(length), np.arange(length)[::-1]).astype(np.float32) + 1  # (T,)
            segment[n, at] += centrality[:, None, None] * of_segment[row, :length]
            clip_level[n, at] += centrality[:, None] * of_clip[row]
            by_modality[n, at] += centrality[:, None, None] * of_modality[row]
            weight[n, at] += centrality
    weight = np.maximum(weight, 1.0)
    segment /= weight[..., None, None]
    clip_level /= weight[..., None]
    by_modality /= weight[..., None, None]
    return Probabilities(segment, clip_level, by_modality)


def _cuts(length: int, window: int) -> list[tuple[int, int]]:
    """Return windows that cover `length` segments. The last is moved back so that it is as long as the others."""
    if length <= window:
        return [(0, length)]
    stride = max(1, window // 2)
    starts = [*range(0, length - window, stride), length - window]
    return [(start, start + window) for start in starts]


def window_length(lengths: NDArray[np.int64]) -> int:
    """Return the number of segments of a window for prediction.

    Nine in ten training clips are no longer than it. So one long clip does not decide.
    """
    return int(np.quantile(lengths, 0.9, method="higher"))
