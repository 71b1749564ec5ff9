"""Rows of features that need not fit into memory: read from where they are when they are asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from seehear.memory import PART, memory_limit


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


def row_numbers(first: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of the rows of clips, one after another.

    Args:
        first: The first row of each clip, (N,).
        lengths: Rows of each clip, (N,).
    """
    before = np.cumsum(lengths) - lengths
    numbers: NDArray[np.int64] = np.arange(int(lengths.sum())) + np.repeat(first - before, lengths)
    return numbers
