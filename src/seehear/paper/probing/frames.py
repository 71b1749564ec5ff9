"""Segments with one known class, to test what a network's features of frames contain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelledFrames:
    """n segments, each with its class; all arrays (n,), numbers from 0.

    Attributes:
        clip: Number of the clip.
        segment: Number of the segment in its clip.
        label: Number of the class.
    """

    clip: NDArray[np.int64]
    segment: NDArray[np.int64]
    label: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.clip)


def labelled_frames(active: NDArray[np.bool_]) -> LabelledFrames:
    """Return, for clips with exactly one visible class, the segments in which it is visible.

    A clip with several classes is left out as a whole: an unlabelled second may still show one of them.

    Wu et al. use "all the labeled frames" and do not report how they treat a frame with several labels.

    Args:
        active: Ground truth of the visual modality, (N, T, C).
    """
    one_class = active.any(axis=1).sum(axis=1) == 1  # (N,)
    clip, segment, label = np.nonzero(active & one_class[:, None, None])
    return LabelledFrames(clip.astype(np.int64), segment.astype(np.int64), label.astype(np.int64))
