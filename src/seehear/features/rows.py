"""Rows of features that need not fit into memory: read from where they are when they are asked for."""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from seehear.errors import SeehearError
from seehear.files import explained

MEMORY = "SEEHEAR_MEMORY"  # environment variable: GiB
IN_MEMORY = 4 << 30  # bytes of a data set's features that are kept in memory; larger sets stay memory-mapped
PART = 4  # a part of one network's features may take this fraction of it, since several networks share it
BLOCK = 1 << 20  # numbers that are computed with at once, where all would take too much memory: 4 MiB


def memory_limit() -> int:
    """Return how many bytes of features may be kept in memory: by $SEEHEAR_MEMORY, else IN_MEMORY.

    Raises:
        SeehearError: If the variable is not a number of GiB, 0 or more.
    """
    own = os.environ.get(MEMORY)
    if not own:
        return IN_MEMORY
    try:
        limit = int(float(own) * (1 << 30))
    except (ValueError, OverflowError):
        limit = -1
    if limit < 0:
        raise SeehearError(f"{MEMORY} must be a number of GiB, 0 or more, not {own!r}")
    return limit


class LazyRows(ABC):
    """Rows (R, D) that are read when they are indexed. Functions of numpy take them as an array, a copy.

    Attributes:
        shape: (R, D).
    """

    ndim = 2

    def __init__(self, shape: tuple[int, int], dtype: DTypeLike = np.float32) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes that all rows take in memory."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    @abstractmethod
    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Return rows by a slice, a mask or an array of numbers, as an array."""

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype=dtype)


Rows = NDArray[np.float32] | LazyRows


class SomeRows(LazyRows):
    """Some rows of others, by number."""

    def __init__(self, rows: Rows | NDArray[np.float64], numbers: NDArray[np.int64]) -> None:
        """Take rows (R, D) of others.

        Args:
            rows: The others.
            numbers: (R,).
        """
        super().__init__((len(numbers), rows.shape[1]), rows.dtype)
        self._rows, self._numbers = rows, numbers

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Return rows by a slice, a mask or numbers; or some of their columns, by a pair of these and a slice."""
        if isinstance(key, tuple):
            rows, columns = key
            return self._rows[self._numbers[rows], columns]
        return self._rows[self._numbers[key]]


def part_of(rows: Rows, numbers: NDArray[np.int64]) -> Rows:
    """Return some rows, by number: as an array, or read when they are needed if they take too much memory."""
    size = len(numbers) * rows.shape[1] * rows.dtype.itemsize
    return SomeRows(rows, numbers) if size > memory_limit() // PART else rows[numbers]


def on_disk(parts: Iterable[NDArray[Any]], shape: tuple[int, int], dtype: DTypeLike) -> NDArray[Any]:
    """Return rows as a memory map of a temporary file, which vanishes with it.

    Args:
        parts: The rows, some at a time.
        shape: (R, D), of all rows.
        dtype: Of their numbers.

    Raises:
        DiskFullError: If the folder of temporary files is full.
    """
    with explained(Path(tempfile.gettempdir())), tempfile.TemporaryFile() as file:
        for part in parts:  # plain writes say that the disk is full
            file.write(np.ascontiguousarray(part, dtype=dtype).data)
        file.flush()
        return np.memmap(file, dtype=dtype, mode="r", shape=shape)


def row_numbers(first: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of the rows of clips, one after another.

    Args:
        first: The first row of each clip, (N,).
        lengths: Rows of each clip, (N,).
    """
    before = np.cumsum(lengths) - lengths
    numbers: NDArray[np.int64] = np.arange(int(lengths.sum())) + np.repeat(first - before, lengths)
    return numbers


def blocks(count: int, width: int) -> Iterator[slice]:
    """Yield slices that cover `count` rows of a width, BLOCK numbers at a time. The last has up to twice as many.

    A product of matrices rounds a few rows in another way than many, so there is no block of a few.
    """
    step = max(1, BLOCK // width)
    last = max(0, count // step - 1) * step
    for start in range(0, last, step):
        yield slice(start, start + step)
    if count:
        yield slice(last, count)
