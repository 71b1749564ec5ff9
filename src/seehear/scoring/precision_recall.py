"""Precision and recall of segments, per class, at every threshold: what another threshold would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.results import import_pandas

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

GRID = np.arange(1, 50, dtype=np.float32) / np.float32(50)  # thresholds
DECIMALS = 4  # of precision and recall in JSON


@dataclass(frozen=True, repr=False)
class ThresholdCurves:
    """Segments of one modality by class and threshold. The clip filter of the decoding applies at every threshold.

    Attributes:
        classes: Names of the C classes.
        thresholds: G thresholds, ascending, (G,).
        precision: Share of the predicted segments that are true, (C, G); NaN where nothing is predicted.
        recall: Share of the true segments that are predicted, (C, G); NaN for a class without any.
        support: True segments, (C,).
        own: The system's own threshold, the mean over runs, (C,).
        own_precision: At its own threshold, (C,), over all runs.
        own_recall: Likewise.
    """

    classes: tuple[str, ...]
    thresholds: Array
    precision: Array
    recall: Array
    support: NDArray[np.int64]
    own: Array
    own_precision: Array
    own_recall: Array

    def __repr__(self) -> str:
        return f"ThresholdCurves({len(self.classes)} classes × {len(self.thresholds)} thresholds)"

    def used(self) -> list[int]:
        """Return the numbers of the classes that occur, or are predicted at their own threshold."""
        return np.flatnonzero((self.support > 0) | ~np.isnan(self.own_precision)).tolist()

    def as_json(self) -> dict[str, Any]:
        """Return the own threshold and the curves by class; null where a share is not defined."""
        return {
            name: {
                "threshold": round(float(self.own[c]), 6),
                "precision": _rounded(self.own_precision[c : c + 1])[0],
                "recall": _rounded(self.own_recall[c : c + 1])[0],
                "support": int(self.support[c]),
                "curve": {"precision": _rounded(self.precision[c]), "recall": _rounded(self.recall[c])},
            }
            for c, name in enumerate(self.classes)
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per class and threshold, with the columns label, threshold, precision, recall and own.

        `own` marks the row of the system's own threshold, which comes first of its class.
        """
        pd = import_pandas()

        rows: list[tuple[object, ...]] = []
        for c, name in enumerate(self.classes):
            rows.append((name, self.own[c], self.own_precision[c], self.own_recall[c], True))
            curve = zip(self.thresholds, self.precision[c], self.recall[c], strict=True)
            rows += [(name, *point, False) for point in curve]
        return pd.DataFrame(rows, columns=["label", "threshold", "precision", "recall", "own"])


class ThresholdTally:
    """Counts segments of one modality by threshold, some clips at a time, over several runs."""

    def __init__(self, classes: int) -> None:
        """Begin at 0. classes: their number C."""
        self._histogram = np.zeros((2, classes, len(GRID) + 1), dtype=np.int64)  # wrong and right, by grid cell
        self._own = np.zeros((2, classes), dtype=np.int64)

    def add(self, scores: NDArray[np.float32], true: NDArray[np.bool_], active: NDArray[np.bool_]) -> None:
        """Add segments within clips.

        Args:
            scores: Probabilities, (S, C); -inf where the clip filter keeps a class out.
            true: (S, C).
            active: What the run predicts by its own thresholds, (S, C).
        """
        cells = len(GRID) + 1
        reached = np.searchsorted(GRID, scores, side="right")  # (S, C): of so many thresholds
        for c in range(scores.shape[1]):
            for right in range(2):
                chosen = true[:, c] == bool(right)
                self._histogram[right, c] += np.bincount(reached[chosen, c], minlength=cells)
        self._own[0] += (active & ~true).sum(axis=0)
        self._own[1] += (active & true).sum(axis=0)

    def curves(
        self, classes: tuple[str, ...], support: NDArray[np.int64], own: Array, runs: int = 1
    ) -> ThresholdCurves:
        """Return precision and recall of all segments added.

        Args:
            classes: Names of the C classes.
            support: True segments of each class, those of clips without features included, (C,).
            own: The mean of the runs' own thresholds, (C,).
            runs: Number of runs that were added.
        """
        # A segment is active at the k-th threshold if it reaches at least k + 1 of them.
        wrong, right = self._histogram[:, :, ::-1].cumsum(axis=2)[:, :, ::-1][:, :, 1:]  # (C, G) each
        total = runs * support
        return ThresholdCurves(
            classes,
            GRID.astype(np.float64),
            _share(right, right + wrong),
            _share(right, np.broadcast_to(total[:, None], right.shape)),
            support,
            own,
            _share(self._own[1], self._own.sum(axis=0)),
            _share(self._own[1], total),
        )


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Array:
    """Return part / whole, NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _rounded(values: Array) -> list[float | None]:
    return [None if np.isnan(value) else round(value, DECIMALS) for value in values.tolist()]
