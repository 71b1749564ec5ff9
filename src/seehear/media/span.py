"""What a clip is decoded into: spans of frames and audio, of which segments are cut."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Span:
    """Decoded content of a clip from second `start` to second `stop`.

    Attributes:
        start: Seconds from the start of the clip.
        stop: Seconds from the start of the clip.
        frames: size -> (n, size, size, 3) uint8 RGB. The whole frame is squeezed into a square, rotated as shown.
        times: (n,) the second at which each frame is sampled.
        waveform: (samples,) float32 mono with `margin` extra seconds on both sides; zeros where the clip has no audio.
            In [-1, 1]; what codecs that round overshoot is kept, below LOUDEST_DECODED.
        rate: Samples per second of the waveform; 0 without audio.
        margin: Seconds.
    """

    start: float
    stop: float
    frames: dict[int, NDArray[np.uint8]]
    times: NDArray[np.float64]
    waveform: NDArray[np.float32]
    rate: int
    margin: float


def count_segments(duration: float, segment: float) -> int:
    """Return the number of segments of a clip; see `Media.segments`."""
    return max(1, math.ceil(duration / segment - 0.1))
