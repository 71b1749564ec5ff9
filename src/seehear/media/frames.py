"""Frames of a clip: which one is on show at a time, and how players show it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

UPRIGHT = np.array([[1, 0], [0, 1]])


class Squares:
    """Frames as squares of every size, one per sample time. Each frame is converted once, however often it is on show.

    Attributes:
        sizes: Side lengths of the squares.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = sizes
        self._resizers = {size: VideoReformatter() for size in sizes}  # each keeps its tables for the next frame
        self._next = 0  # sample times before this one have a frame
        self._last: VideoFrame | None = None
        self._squares: list[dict[int, NDArray[np.uint8]]] = []
        self._taken = 0

    @property
    def empty(self) -> bool:
        """Whether no frame came."""
        return self._last is None

    def _fill(self, frame: VideoFrame, until: int) -> None:
        """Use a frame for all sample times up to number `until` that have none yet."""
        if self._next < until:
            squares = {size: square(frame, size, resizer) for size, resizer in self._resizers.items()}
            self._squares += [squares] * (until - self._next)
            self._next = until

    def _take(self, count: int) -> dict[int, NDArray[np.uint8]]:
        """Return the frames of the next sample times: size -> (count, size, size, 3)."""
        squares, self._squares = self._squares[:count], self._squares[count:]
        self._taken += count
        if not squares:
            return {size: np.zeros((0, size, size, 3), dtype=np.uint8) for size in self.sizes}
        return {size: np.stack([each[size] for each in squares]) for size in self.sizes}


class FrameCollector(Squares):
    """Collects the frames on show at the sample times. Converts each frame once to every size.

    Attributes:
        times: (n,) seconds at which frames are sampled.
        lost: (n,) bool, the sample times whose frame could not be decoded: another one stands for it.
    """

    def __init__(self, times: NDArray[np.float64], stamps: NDArray[np.int64], base: float, sizes: Sequence[int]):
        """Await frames.

        Args:
            times: (n,) seconds of the clip's clock at which frames are sampled, in order.
            stamps: (m,) ticks at which the frames of the track begin, in order.
            base: Seconds per tick.
            sizes: Side lengths of the squares to return.
        """
        super().__init__(sizes)
        self.times = times
        # The frame on show at time t is the last that starts at or before t; before the first frame, the first.
        index = np.clip(np.searchsorted(stamps * base, times + 1e-6, side="right") - 1, 0, None)
        self._due = stamps[index]  # the time stamp of the frame for each sample time
        self._needed = frozenset(self._due.tolist())
        self.lost = np.zeros(len(times), dtype=bool)

    def is_late(self, frame: VideoFrame) -> bool:
        """Return whether a frame begins after the one that is on show at the first sample time."""
        return frame.pts is not None and len(self._due) > 0 and frame.pts > self._due[0]

    def needs(self, stamp: int | None) -> bool:
        """Return whether the frame with a time stamp is on show at a sample time; True if its stamp is unknown."""
        return stamp is None or stamp in self._needed

    def add(self, frame: VideoFrame) -> None:
        """Add a decoded frame. Frames are added in the order in which they are shown."""
        if frame.pts is None:
            return
        # Where a frame is lost to damage, the one before it stays on show; before the first frame, the first.
        self._show(self._last or frame, int(np.searchsorted(self._due, frame.pts, side="left")), lost=True)
        self._show(frame, int(np.searchsorted(self._due, frame.pts, side="right")), lost=frame.is_corrupt)
        self._last = frame

    def _show(self, frame: VideoFrame, until: int, *, lost: bool) -> None:
        """Use a frame for all sample times up to number `until` that have none yet. lost: whether it stands in."""
        self.lost[self._next : until] = lost
        self._fill(frame, until)

    def flush(self) -> None:
        """Use the last frame for all sample times that have none yet."""
        if self._last is not None:
            self._show(self._last, len(self.times), lost=True)

    def reached(self, stop: float) -> bool:
        """Return whether every sample time before `stop` has a frame."""
        return self._next >= len(self.times) or bool(self.times[self._next] >= stop)

    def take(self, stop: float) -> tuple[dict[int, NDArray[np.uint8]], NDArray[np.float64]]:
        """Return the frames sampled before `stop` that were not taken yet, and their times."""
        n = int(np.searchsorted(self.times[self._taken : self._taken + len(self._squares)], stop - 1e-9))
        times = self.times[self._taken : self._taken + n]
        return self._take(n), times


def squeeze(frames: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize frames as `Media.spans` does.

    Args:
        frames: (n, height, width, 3) uint8 RGB.
        size: Pixels.

    Returns:
        (n, size, size, 3) uint8 RGB: each whole frame, squeezed into a square.
    """
    if frames.shape[1:3] == (size, size) or not len(frames):
        return frames.reshape(len(frames), size, size, 3)
    pictures = (VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24") for frame in frames)
    resizer = VideoReformatter()
    return np.stack([square(picture, size, resizer) for picture in pictures])


def square(frame: VideoFrame, size: int, resizer: VideoReformatter) -> NDArray[np.uint8]:
    """Squeeze a frame, as players show it, to (size, size, 3) RGB. resizer: the one of the frames before it."""
    # Its threads would be started anew for each frame, which takes longer than to resize a frame.
    rgb = resizer.reformat(frame, size, size, "rgb24", interpolation="BICUBIC", threads=1).to_ndarray()
    return np.ascontiguousarray(shown(np.asarray(rgb, dtype=np.uint8), orientation(frame)))


def aspect(frame: VideoFrame, pixel: float = 1.0) -> float:
    """Return width over height of a frame as players show it. pixel: width over height of one of its pixels."""
    ratio = frame.width / frame.height * pixel
    return 1 / ratio if orientation(frame)[0, 0] == 0 else ratio


def orientation(frame: VideoFrame) -> NDArray[np.int64]:
    """Return how players turn and mirror a frame: the nearest (2, 2) matrix of signs.

    A pixel in column p and row q is shown in the column and row [p, q] @ matrix, from the left or right, top or bottom
    by the sign. A file states it to turn clips that were filmed on their side, or in a mirror.
    """
    # `frame.side_data` would be kept by the frame and keep it, with its threads, until garbage is collected.
    data = SideDataContainer(frame).get("DISPLAYMATRIX")  # type: ignore[call-arg]
    if data is None:
        return UPRIGHT
    matrix = np.frombuffer(bytes(data), dtype=np.int32)
    a, b, _, c, d = (float(value) for value in matrix[:5])
    if not any((a, b, c, d)):
        return UPRIGHT
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return np.array([[-1 if a < 0 else 1, 0], [0, -1 if d < 0 else 1]])
    return np.array([[0, -1 if b < 0 else 1], [-1 if c < 0 else 1, 0]])


def shown(picture: NDArray[np.uint8], matrix: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Turn and mirror a picture (height, width, …) by the matrix of `orientation`."""
    if matrix[0, 0] == 0:
        picture = picture.swapaxes(0, 1)  # rows become columns
    across, down = matrix.sum(axis=0)  # the one entry of each column that is not 0
    return picture[:: int(down), :: int(across)]
