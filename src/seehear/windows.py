"""Long clips in windows: where they lie, and the mean of what a model says of each segment where they overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from seehear.decoding import Probabilities
from seehear.memory import zeros

BATCH = 64  # windows in one forward pass
BATCH_SEGMENTS = 1 << 13  # segments in one forward pass, or one window if it has more

Outputs = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
# From the clips of B windows, their first segments and their lengths, (B,) each, to the probabilities of segments,
# (B, T, M, C), of windows, (B, C), and of windows per modality, (B, M, C).
Forward = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], Outputs]


def over_windows(
    forward: Forward, clip_lengths: NDArray[np.int64], window: int, n_modalities: int, n_classes: int
) -> Probabilities:
    """Return the probabilities of every segment of every clip, and of the clip around it.

    A clip longer than `window` segments is processed in windows of that length that overlap by half. Where they
    overlap, a window counts more the nearer the segment is to its middle.

    Args:
        forward: Predicts some windows.
        clip_lengths: Segments of each clip, (N,).
        window: Segments of a window, see `window_length`.
        n_modalities: M, of the output.
        n_classes: C, of the output.
    """
    cuts = [(n, start, stop) for n, length in enumerate(clip_lengths) for start, stop in cut(int(length), window)]
    clip, start, stop = np.array(cuts, dtype=np.int64).T
    number, longest = len(clip_lengths), int(clip_lengths.max())
    segment = zeros((number, longest, n_modalities, n_classes))
    clip_level = zeros((number, longest, n_classes))
    by_modality = zeros(segment.shape)
    weight = np.zeros((number, longest), dtype=np.float32)
    for batch in _batches(stop - start):
        lengths = stop[batch] - start[batch]
        of_segment, of_clip, of_modality = forward(clip[batch], start[batch], lengths)
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


def _batches(lengths: NDArray[np.int64]) -> Iterator[slice]:
    """Yield slices of the windows, each with at most BATCH windows and, padded to its longest, BATCH_SEGMENTS segments.

    Args:
        lengths: Segments of each window, in order.
    """
    first = 0
    while first < len(lengths):
        longest = np.maximum.accumulate(lengths[first : first + BATCH])
        fit = int((longest * np.arange(1, len(longest) + 1) <= BATCH_SEGMENTS).sum())
        yield slice(first, first + max(1, fit))
        first += max(1, fit)


def cut(length: int, window: int) -> list[tuple[int, int]]:
    """Return windows that cover `length` segments. The last is moved back so that it is as long as the others."""
    if length <= window:
        return [(0, length)]
    stride = max(1, window // 2)
    starts = [*range(0, length - window, stride), length - window]
    return [(start, start + window) for start in starts]


def window_length(lengths: NDArray[np.int64], attention: int = 0) -> int:
    """Return the number of segments of a window for prediction.

    Nine in ten training clips are no longer than it. So one long clip does not decide. Where attention is windowed, a
    long clip costs no more than short ones, and prediction sees every clip as long as those of training whole, as
    training does.

    Args:
        lengths: Segments of each training clip, (N,).
        attention: The recipe's `window`.
    """
    longest = int(lengths.max())
    if 0 < attention < longest:
        return longest
    return int(np.quantile(lengths, 0.9, method="higher"))
