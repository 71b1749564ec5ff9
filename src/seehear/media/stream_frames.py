"""The frames of a stream that are on show at the sample times, as `seehear.media.frames` finds them in a file."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from seehear.media.frames import square

EARLY = 1e-6  # seconds by which a frame may begin after the time at which it is on show


class FrameSampler:
    """Samples frames in the middle of each period of 1 / fps seconds.

    The frame on show at a time is the last one that began; before the first frame, the first. So a sample is known once
    a later frame came.
    """

    def __init__(self, fps: float, sizes: Sequence[int]) -> None:
        """Await frames. sizes: side lengths of the squares to return."""
        self._fps, self._sizes = fps, sizes
        self._resizers = {size: VideoReformatter() for size in sizes}  # each keeps its tables for the next frame
        self._next = 0  # number of the first sample time without a frame
        self._last: VideoFrame | None = None
        self._squares: list[dict[int, NDArray[np.uint8]]] = []
        self._taken = 0

    @property
    def empty(self) -> bool:
        """Whether no frame came."""
        return self._last is None

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
        squares, self._squares = self._squares[:count], self._squares[count:]
        self._taken += count
        if not squares:
            return {size: np.zeros((0, size, size, 3), dtype=np.uint8) for size in self._sizes}, times
        return {size: np.stack([each[size] for each in squares]) for size in self._sizes}, times

    def _count_before(self, stop: float) -> int:
        """Return how many sample times lie before a moment."""
        return max(0, math.ceil(stop * self._fps - 0.5 - 1e-9))

    def _fill(self, frame: VideoFrame, until: int) -> None:
        """Use a frame for all sample times up to number `until` that have none yet."""
        if self._next < until:
            squares = {size: square(frame, size, resizer) for size, resizer in self._resizers.items()}
            self._squares += [squares] * (until - self._next)
            self._next = until
