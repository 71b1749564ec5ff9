"""What is shared as features: the axes of an array, when its rows are, and where a clip's array is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear import arguments
from seehear.errors import SeehearError
from seehear.media.span import count_segments
from seehear.stored import MAX_SECONDS, MAX_VALUES, MAX_WIDTH, reasonable

EDGE = 1e-9  # segments; a row in the middle of which a segment begins belongs to that segment


@dataclass(frozen=True)
class Form:
    """The arrays of a network: (bands × rows, *averaged, width) each. 0 allows any number.

    Attributes:
        frames: Rows of an array that make one segment; they are averaged.
        width: Numbers in a feature.
        segments: Segments per clip.
        stride: Seconds from row to row, which decide the segments in place of `frames`; 0 if `frames` does.
        window: Seconds that a row covers; 0 for the stride.
        rows: Rows over time per clip.
        averaged: Sizes of further axes that are averaged, such as the positions (7, 7) of an image.
        bands: How often all rows follow one another, as in bands of frequency; they are averaged.
    """

    frames: int = 1
    width: int = 0
    segments: int = 0
    stride: float = 0.0
    window: float = 0.0
    rows: int = 0
    averaged: tuple[int, ...] = ()
    bands: int = 1

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SeehearError: If frames are no positive number, or seconds are no number of seconds.
        """
        for name in ("frames", "width", "segments", "rows", "bands"):
            object.__setattr__(self, name, arguments.whole(getattr(self, name), name))
        for name in ("stride", "window"):
            object.__setattr__(self, name, arguments.real(getattr(self, name), name))
        if self.frames < 1:
            raise SeehearError(f"{self.frames} frames: one row at least makes a segment")
        if not (0 <= self.stride <= MAX_SECONDS and 0 <= self.window <= MAX_SECONDS):
            raise SeehearError(f"a stride of {self.stride:g} s and a window of {self.window:g} s: both are seconds")
        if self.stride and self.frames > 1:
            raise SeehearError("rows make segments either by --frames or by their --stride in seconds: leave one out")
        if self.window and not self.stride:
            raise SeehearError(f"a window of {self.window:g} s needs the stride, the seconds from row to row")

    @property
    def total(self) -> int:
        """Rows of an array; 0 for any number."""
        return self.bands * (self.rows or self.segments * self.frames)

    def __str__(self) -> str:
        rows = str(self.total) if self.total else f"{self.frames} × T" if self.frames > 1 else "T"
        return f"({', '.join([rows, *map(str, self.averaged), str(self.width or 'width')])})"

    def rows_per_segment(self, segment: float = 1.0) -> int:
        """Return how many rows make a segment; 0 if that is no whole number, or rows overlap. segment: seconds."""
        if not self.stride:
            return self.frames
        rows = round(min(segment / self.stride, MAX_VALUES))
        whole = math.isclose(rows * self.stride, segment) and self.window in (0, self.stride)
        return rows if whole else 0

    def made_by(self, segment: float = 1.0) -> str:
        """Return the fingerprint that a store keeps: what decides the numbers of a segment, but for the file.

        Rows that make a segment by their number or by their stride have one fingerprint, since their numbers are equal.

        Args:
            segment: Seconds per segment.
        """
        rows = self.rows_per_segment(segment)
        return self._fingerprint(rows) if rows else self._fingerprint(1, self.stride)

    def made_alike(self, segment: float = 1.0) -> tuple[str, ...]:
        """Return other fingerprints that stores may have of the same numbers; see `made_by`."""
        # A stride of one row per segment had a fingerprint of its own.
        return (self._fingerprint(1, segment),) if self.rows_per_segment(segment) == 1 else ()

    def _fingerprint(self, rows: int, stride: float = 0.0) -> str:
        """Return a fingerprint. rows: per segment, if there is no stride."""
        parts = [f"imported/{rows}"]
        parts += [f"stride{stride:g}", f"window{self.window or stride:g}"] if stride else []
        parts += [f"bands{self.bands}"] if self.bands > 1 else []
        return "/".join(parts + ["mean" + "x".join(map(str, self.averaged))] * bool(self.averaged))

    @property
    def duration(self) -> int:
        """Segments of a second that a clip has; 0 for any number."""
        return self.count((self.total, self.width)) if self.total else 0

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Return whether an array of this shape has this form."""
        if len(shape) != 2 + len(self.averaged) or 0 in shape or shape[-1] > MAX_WIDTH or not reasonable(shape):
            return False
        if shape[0] % (self.bands * self.frames) or shape[1:-1] != self.averaged:
            return False
        return self.total in (0, shape[0]) and self.width in (0, shape[-1])

    def count(self, shape: tuple[int, ...], segment: float = 1.0) -> int:
        """Return how many segments an array of this form and shape makes. segment: seconds; counts with a stride."""
        rows = shape[0] // self.bands
        if self.stride:
            return count_segments((rows - 1) * self.stride + (self.window or self.stride), segment)
        return rows // self.frames

    def by_segment(self, values: NDArray[np.float32], segment: float = 1.0) -> NDArray[np.float32]:
        """Average what belongs to one segment.

        Args:
            values: An array of this form.
            segment: Seconds per segment; counts if rows have a stride.

        Returns:
            (T, width).
        """
        width = values.shape[-1]
        if self.averaged or self.bands > 1:
            values = values.reshape(self.bands, -1, math.prod(self.averaged), width).mean(axis=(0, 2))  # (rows, width)
        rows = self.rows_per_segment(segment)
        if rows and len(values) % rows == 0:
            return values.reshape(-1, rows, width).mean(axis=1)
        return resampled(values, self.stride, self.window or self.stride, segment)


def resampled(values: NDArray[np.float32], stride: float, window: float, segment: float) -> NDArray[np.float32]:
    """Return one feature per segment: the mean of the rows whose middle lies in it, or the nearest row.

    The clip ends where the last row does. As in extraction, a rest below a tenth of a segment doesn't count.

    Args:
        values: (rows, width). Row n covers the seconds from n × stride to n × stride + window.
        stride: Seconds from row to row.
        window: Seconds that a row covers.
        segment: Seconds per segment.

    Returns:
        (T, width).
    """
    middle = (np.arange(len(values)) * stride + window / 2) / segment  # in segments
    count = count_segments((len(values) - 1) * stride + window, segment)
    if not reasonable((count, values.shape[1])):
        raise SeehearError(f"{len(values)} rows of {stride:g} s would be {count} segments, more than fit into memory")
    own = np.minimum((middle + EDGE).astype(np.int64), count - 1)  # (rows,), in order
    filled, first = np.unique(own, return_index=True)
    empty = np.setdiff1d(np.arange(count), filled)
    nearest = np.rint((empty + 0.5 - middle[0]) * segment / stride).clip(0, len(values) - 1).astype(np.int64)
    features = np.empty((count, values.shape[1]), dtype=np.float32)
    features[filled] = (
        np.add.reduceat(values, first, axis=0, dtype=np.float64) / np.diff(first, append=len(own))[:, None]
    )
    features[empty] = values[nearest]
    return features


@dataclass(frozen=True)
class SharedForm:
    """A form in which a repository of the field shares features.

    Attributes:
        name: What users call it.
        source: The repository.
        modality: audio, visual, or another.
        content: What the features are, in words.
        form: Of each clip's array.
        file: The name of a clip's file, without suffix; or of its entry in a file for all clips.
        prefix: Number of characters of a clip's name that name its file; 0 for all.
        key: The name of the array in its file, where that holds several.
        order: What names the clips of a file with one array for all of them; empty for other files.
        folder: The name of the folder of files, where the repository shares one for these features alone.
        network: What `seehear prepare` calls the features in a store, if it imports that folder.
    """

    name: str
    source: str
    modality: str
    content: str
    form: Form
    file: str = "{clip}"
    prefix: int = 0
    key: str = ""
    order: str = ""
    folder: str = ""
    network: str = ""

    def file_of(self, clip: str) -> str:
        """Return the name of a clip's file or entry."""
        return self.file.format(clip=clip[: self.prefix] if self.prefix else clip)

    def clip_of(self, name: str) -> str | None:
        """Return the clip of a file or entry without labels that name the clips; None if it is of other features."""
        before, after = self.file.split("{clip}")
        fits = name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)
        return name[len(before) : len(name) - len(after)] if fits else None
