"""What a teacher sees of a modality: its networks side by side, each at the same scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.features.packed import Packed
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
        mapped = [_mapped(pack.rows, classifier) for pack, classifier in zip(packs, classifiers, strict=True)]
        scales = tuple(max(float(np.sqrt(np.mean(np.square(rows, dtype=np.float64)))), 1e-12) for rows in mapped)
        return View(tuple(pack.rows.shape[1] for pack in packs), tuple(classifiers), scales)

    def bags(self, packs: Sequence[Packed]) -> Bags:
        """Return what the teacher sees of clips: (R, K)."""
        parts = [
            _mapped(pack.rows, classifier) / np.float32(scale)
            for pack, classifier, scale in zip(packs, self.classifiers, self.scales, strict=True)
        ]
        return Bags(np.concatenate(parts, axis=1), packs[0].offsets)

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


def _mapped(rows: NDArray[np.float32], classifier: Classifier | None) -> NDArray[np.float32]:
    return rows if classifier is None else classifier(rows)
