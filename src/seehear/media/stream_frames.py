"""The frames of a stream that are on show at the sample times, as `seehear.media.frames` finds them in a file."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from seehear.media.frames import Squares

EARLY = 1e-6  # seconds by which a frame may begin after the time at which it is on show


class FrameSampler(Squares):
    """Samples frames in the middle of each period of 1 / fps seconds.

    The frame on show at a time is the last one that began; before the first frame, the first. So a sample is known once
    a later frame came.
    """

    def __init__(self, fps: float, sizes: Sequence[int]) -> None:
        """Await frames. sizes: side lengths of the squares to return."""
        super().__init__(sizes)
        self._fps = fps

    def add(self, frame: VideoFrame, time: float) -> None:
        """Add a decoded frame. Frames are added in the order in which they are shown. time: seconds of the stream."""
        self._fill(self._last or frame, self._count_before(time - EARLY))
        self._last = frame

    def fill(self, stop: float) -> None:
        """Use the last frame for all sample times before `stop` that have none yet."""
        if self._last is not None:
            self._fill(self._last, self._count_before(stop))

    def fill_short(self, duration: float) -> None:
        """Sample a stream once that ends before the first sample time, in its middle."""
        if self._last is not None and not self._count_before(duration):
            self._fill(self._last, 1)

    def reached(self, stop: float) -> bool:
        """Return whether every sample time before `stop` has a frame."""
        return self._next >= self._count_before(stop)

    def take(self, stop: float, *, rest: bool = False) -> tuple[dict[int, NDArray[np.uint8]], NDArray[np.float64]]:
        """Return the frames sampled before `stop` that were not taken yet, and their times. rest: all that are left."""
        held = len(self._squares)
        count = held if rest else max(0, min(self._count_before(stop) - self._taken, held))
        times = np.minimum((self._taken + np.arange(count) + 0.5) / self._fps, stop)
        return self._take(count), times

    def _count_before(self, stop: float) -> int:
        """Return how many sample times lie before a moment."""
        return max(0, math.ceil(stop * self._fps - 0.5 - 1e-9))
