"""What a teacher sees of a modality: its networks side by side, each at the same scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.features.packed import Packed
from seehear.features.rows import LazyRows, Rows
from seehear.memory import BLOCK, PART, memory_limit
from seehear.networks.spec import Classifier
from seehear.refinement.teachers import Bags, Linear


@dataclass(frozen=True)
class View:
    """An affine map of a modality's features, network by network.

    Attributes:
        widths: D of each network.
        classifiers: The affine classifier of each network, or None to take its features.
        scales: Each network's columns are divided by this, so that their root mean square is 1.
    """

    widths: tuple[int, ...]
    classifiers: tuple[Classifier | None, ...]
    scales: tuple[float, ...]

    @staticmethod
    def of(packs: Sequence[Packed], classifiers: Sequence[Classifier | None]) -> View:
        """Return the view of these clips.

        Args:
            packs: The features of each network.
            classifiers: One per network, or None.
        """
        scales = tuple(
            max(_root_mean_square(pack.rows, classifier), 1e-12)
            for pack, classifier in zip(packs, classifiers, strict=True)
        )
        return View(tuple(pack.rows.shape[1] for pack in packs), tuple(classifiers), scales)

    def bags(self, packs: Sequence[Packed]) -> Bags:
        """Return what the teacher sees of clips: (R, K), in memory or computed when it is needed."""
        rows = Seen(self, [pack.rows for pack in packs])
        return Bags(rows[:] if rows.nbytes <= memory_limit() // PART else rows, packs[0].offsets)

    def of_features(self, linear: Linear) -> Linear:
        """Return the map of the features themselves that equals a map of what the teacher sees."""
        weights, bias, start = [], linear.bias.copy(), 0
        for width, classifier, scale in zip(self.widths, self.classifiers, self.scales, strict=True):
            columns = width if classifier is None else classifier.weight.shape[1]
            weight = linear.weight[start : start + columns] / scale  # (K, C)
            start += columns
            if classifier is not None:
                bias += classifier.bias.astype(np.float64) @ weight
                weight = classifier.weight.astype(np.float64) @ weight
            weights.append(weight)
        return Linear(np.concatenate(weights), bias)


class Seen(LazyRows):
    """What a teacher sees of features, (R, K)."""

    def __init__(self, view: View, parts: Sequence[Rows]) -> None:
        """Look at features. parts: those of each network, (R, D)."""
        widths = (_width(part, classifier) for part, classifier in zip(parts, view.classifiers, strict=True))
        super().__init__((len(parts[0]), sum(widths)))
        self._view, self._parts = view, parts

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        """Return rows by a slice, a mask or numbers."""
        known = zip(self._parts, self._view.classifiers, self._view.scales, strict=True)
        return np.concatenate(
            [_mapped(part[key], classifier) / np.float32(scale) for part, classifier, scale in known], axis=1
        )


def _root_mean_square(rows: Rows, classifier: Classifier | None) -> float:
    """Return the root of the mean square of what a teacher sees of a network."""
    count = len(rows) * _width(rows, classifier)
    return float(np.sqrt(_sum_of_squares(rows, classifier, 0, count) / count))


def _sum_of_squares(rows: Rows, classifier: Classifier | None, first: int, last: int) -> float:
    """Return the sum of the squares of some numbers, counted row by row, by halves as numpy's own sum: bit by bit."""
    if last - first > BLOCK:
        half = (last - first) // 2
        middle = first + half - half % 8
        return _sum_of_squares(rows, classifier, first, middle) + _sum_of_squares(rows, classifier, middle, last)
    width = _width(rows, classifier)
    start = first // width
    numbers = _mapped(rows[start : -(-last // width)], classifier).reshape(-1)[first - start * width :]
    return float(np.square(numbers[: last - first], dtype=np.float64).sum())


def _width(rows: Rows, classifier: Classifier | None) -> int:
    return rows.shape[1] if classifier is None else len(classifier.bias)


def _mapped(rows: NDArray[np.float32], classifier: Classifier | None) -> NDArray[np.float32]:
    return rows if classifier is None else classifier(rows)
