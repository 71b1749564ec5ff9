"""What every teacher is: from clips with weak labels to one affine map that scores every segment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from seehear.features.rows import LazyRows, SomeRows, row_numbers
from seehear.memory import BLOCK, PART, blocks, memory_limit, on_disk

Rows = NDArray[np.float32] | NDArray[np.float64]


class Link(StrEnum):
    """How a score becomes a probability: as it is, cut to [0, 1], or by the logistic function."""

    IDENTITY = "identity"
    LOGISTIC = "logistic"

    def __call__(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of scores of any shape."""
        probabilities: NDArray[np.float32] = np.clip(scores, 0, 1) if self is Link.IDENTITY else expit(scores)
        return probabilities


class Space(StrEnum):
    """What a teacher looks at: the stored features, or the logits of the network's own classifier."""

    FEATURES = "features"
    LOGITS = "logits"


@dataclass(frozen=True)
class Linear:
    """An affine map from a segment to a score per class.

    Attributes:
        weight: (D, C).
        bias: (C,).
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]

    def __call__(self, rows: Rows) -> NDArray[np.float32]:
        """Return the scores (R, C) of segments (R, D)."""
        return (rows @ self.weight.astype(rows.dtype) + self.bias.astype(rows.dtype)).astype(np.float32)


@dataclass(frozen=True)
class Bags:
    """Clips as bags of segments.

    Attributes:
        rows: (R, D), the segments of all clips, one clip after another; lazy if they are too large for memory.
        offsets: (N + 1,). Clip n has the rows offsets[n]:offsets[n + 1], at least one.
    """

    rows: Rows | LazyRows
    offsets: NDArray[np.int64]
    _means: NDArray[np.float64] | LazyRows | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def subset(self, clips: NDArray[np.int64]) -> Bags:
        """Return some clips, by number."""
        lengths = np.diff(self.offsets)[clips]
        numbers, offsets = row_numbers(self.offsets[clips], lengths), np.concatenate([[0], np.cumsum(lengths)])
        if isinstance(self.rows, LazyRows):  # the means have cost a reading of all rows
            means = self._mean[clips] if self.means_fit else SomeRows(self._mean, clips)
            return Bags(SomeRows(self.rows, numbers), offsets, means)
        return Bags(self.rows[numbers], offsets)

    @property
    def means_fit(self) -> bool:
        """Whether the means of all clips may be in memory."""
        return not isinstance(self.rows, LazyRows) or 8 * len(self) * self.rows.shape[1] <= memory_limit() // PART

    def mean(self) -> NDArray[np.float64]:
        """Return the mean over the segments of each clip, (N, D)."""
        return np.asarray(self._mean)

    def mean_blocks(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Yield clips, some at a time, and the means over their segments, (n, D)."""
        for part in blocks(*self._mean.shape):
            yield part, self._mean[part]

    @cached_property
    def _mean(self) -> NDArray[np.float64] | LazyRows:
        """The means of all clips: in memory, or on the disk if they do not fit."""
        if self._means is not None:
            return self._means
        if not isinstance(self.rows, LazyRows):
            return self.total(self.rows) / np.diff(self.offsets)[:, None]
        if self.means_fit:
            return np.concatenate(list(self._means_of(self.rows)))
        return on_disk(self._means_of(self.rows), (len(self), self.rows.shape[1]), np.float64)

    def _means_of(self, rows: LazyRows) -> Iterator[NDArray[np.float64]]:
        """Compute the means, some clips at a time."""
        step = max(1, BLOCK * len(self) // (rows.shape[0] * rows.shape[1]))  # clips whose rows are one block
        for start in range(0, len(self), step):
            offsets = self.offsets[start : start + step + 1]
            yield Bags(rows[offsets[0] : offsets[-1]], offsets - offsets[0]).mean()

    def total(self, values: Rows) -> NDArray[np.float64]:
        """Return the sum over the segments of each clip, (N, K). values: (R, K)."""
        total: NDArray[np.float64] = np.add.reduceat(values, self.offsets[:-1], axis=0, dtype=np.float64)
        return total


class Teacher(ABC):
    """Learns from weak labels, in one modality alone, how a class sounds or looks.

    Attributes:
        name: In recipes and on the command line.
        description: In a few words.
        link: How its scores become probabilities.
        space: What it looks at. Where a network has no classifier, a teacher of logits gets its features.
    """

    name: str
    description: str
    space: Space = Space.FEATURES
    link: Link = Link.LOGISTIC

    @abstractmethod
    def fit(self, bags: Bags, labels: NDArray[np.float64]) -> Linear:
        """Learn one map for all classes.

        Args:
            bags: N clips. The columns of a network have a root mean square of 1.
            labels: Weak labels (N, C) in [0, 1].

        Returns:
            The map. Scores of different classes need not be comparable: each class gets a threshold of its own.
        """
