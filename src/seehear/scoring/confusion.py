"""Confusions: of classes with each other, and of modalities with each other.

Several classes can be active at once, in the ground truth and in the predictions, so it is unknown which was confused
with which. In a segment with m false negatives and f false positives, min(m, f) are substitutions. The rest are
deletions or insertions, as in Mesaros et al. 2016, "Metrics for polyphonic sound event detection". All ways to pair
them are equally likely. So each false negative counts as confused with each false positive by 1 / max(m, f). With
0 < m <= f that is the multi-label confusion matrix of Krstinić et al. 2020. The rest goes to a column and a row of
nothing, as in Heydarian et al. 2022, and blames no class that was predicted correctly. Rows then sum to the ground
truth and columns to the predictions.

Predictions and ground truth are boolean (N, T, C), of one modality or of each. Segments past a clip's end are active
in neither and count as nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from seehear.events import clip_blocks

MAX_CELLS = 2**22  # cells in memory at once, in addition to predictions and ground truth

Array = NDArray[np.float64]
Active = NDArray[np.bool_]

# Where else in the clip a false positive would be true, or a false negative was predicted; the first that holds counts.
ELSEWHERE = ("other_modality", "other_time", "other_modality_and_time", "nowhere")


@dataclass(frozen=True)
class Confusion:
    """Segments by true class (rows) and predicted class (columns).

    Attributes:
        classes: Names of the C classes.
        table: (C + 1, C + 1), in the classes' order, nothing last. Whole numbers, fractions where it is unknown what
            was confused with what, or means over runs.
    """

    classes: tuple[str, ...]
    table: Array

    @property
    def true(self) -> float:
        """Segments of classes in the ground truth."""
        return float(self.table[:-1].sum())

    @property
    def substituted(self) -> float:
        """Segments of classes that were taken for another class."""
        return float(self.table[:-1, :-1].sum() - np.trace(self.table))

    @property
    def false_negatives(self) -> float:
        """Segments of classes in whose place nothing was predicted."""
        return float(self.table[:-1, -1].sum())

    @property
    def false_positives(self) -> float:
        """Segments of classes that were predicted in place of nothing."""
        return float(self.table[-1, :-1].sum())

    @property
    def error_rate(self) -> float:
        """Substitutions, false negatives and false positives per true segment; 1 for predicting nothing.

        May exceed 1. NaN if the ground truth is empty.
        """
        errors = self.substituted + self.false_negatives + self.false_positives
        return errors / self.true if self.true else np.nan

    def used(self) -> Confusion:
        """Return it without the classes that are neither true nor predicted."""
        often = (self.table[:-1].sum(axis=1) > 0) | (self.table[:, :-1].sum(axis=0) > 0)  # (C,)
        cells = np.append(often, True)  # nothing stays
        classes = tuple(name for name, is_used in zip(self.classes, often.tolist(), strict=True) if is_used)
        return Confusion(classes, self.table[np.ix_(cells, cells)])

    def as_json(self) -> dict[str, object]:
        """Its numbers by name. rows: true class -> predicted class -> segments, no zeros; nothing is the empty name."""
        names = [*self.classes, ""]
        rows: dict[str, dict[str, float]] = {}
        for row, column in np.argwhere(self.table):
            rows.setdefault(names[row], {})[names[column]] = float(self.table[row, column])
        return {
            "true": self.true,
            "substituted": self.substituted,
            "false_negatives": self.false_negatives,
            "false_positives": self.false_positives,
            "error_rate": self.error_rate if self.true else None,
            "rows": rows,
        }


def confusion(predicted: Active, true: Active) -> Array:
    """Return the table of `Confusion`, (C + 1, C + 1), of one modality."""
    n_classes = true.shape[2]
    table = np.zeros((n_classes + 1, n_classes + 1))
    for some in _parts(true.shape):
        p, t = (active[some].reshape(-1, n_classes) for active in (predicted, true))  # (segments, C)
        false_negatives, false_positives = csr_array(t & ~p), csr_array(p & ~t)
        m, f = false_negatives.sum(axis=1), false_positives.sum(axis=1)  # (segments,)
        most = np.maximum(1, np.maximum(m, f))
        substituted = (false_negatives.T @ false_positives.multiply(1 / most[:, None])).toarray()  # (C, C)
        table[:-1, :-1] += substituted + np.diag((p & t).sum(axis=0))
        table[:-1, -1] += false_negatives.T @ (1 - f / most)
        table[-1, :-1] += false_positives.T @ (1 - m / most)
    return table


def states(predicted: Mapping[str, Active], true: Mapping[str, Active]) -> NDArray[np.int64]:
    """Count segments by the modalities in which a class is true, and in which it was predicted: (C, 2**M, 2**M).

    A state is a sum of 2**m over the modalities m in which the class is active: 0 is in none, 1 in the first alone.
    Segments in which it is neither true nor predicted are left out: [:, 0, 0] is 0.
    """
    shape = next(iter(true.values())).shape
    n_classes, n_states = shape[2], 2 ** len(true)
    counts = np.zeros(n_classes * n_states**2, dtype=np.int64)
    for some in _parts(shape):
        t, p = _state(true, some), _state({name: predicted[name] for name in true}, some)  # (n, T, C)
        cell = np.nonzero(t | p)
        counts += np.bincount((cell[2] * n_states + t[cell]) * n_states + p[cell], minlength=len(counts))
    return counts.reshape(n_classes, n_states, n_states)


def state_names(modalities: tuple[str, ...]) -> tuple[str, ...]:
    """Return a name for each state of `states`: the modalities joined with +, empty for none."""
    return tuple(
        "+".join(name for m, name in enumerate(modalities) if state >> m & 1) for state in range(2 ** len(modalities))
    )


def elsewhere(wrong: Mapping[str, Active], right: Mapping[str, Active]) -> dict[str, NDArray[np.int64]]:
    """Count segments active in `wrong` and not in `right`, by where else in the clip `right` is active.

    With predictions and ground truth that explains false positives; with ground truth and predictions, false
    negatives.

    Args:
        wrong: modality -> (N, T, C).
        right: modality -> (N, T, C).

    Returns:
        modality -> (C, 4), in order of ELSEWHERE, of which the first that holds counts: in another modality in this
        segment, as something only seen and predicted as heard; in this modality in another segment; in another
        modality in another segment; nowhere in the clip.
    """
    shape = next(iter(right.values())).shape
    counts = {name: np.zeros((shape[2], len(ELSEWHERE)), dtype=np.int64) for name in right}
    for some in _parts(shape):
        in_clip = {name: active[some].any(axis=1, keepdims=True) for name, active in right.items()}  # (n, 1, C)
        for name, of_modality in counts.items():
            left = wrong[name][some] & ~right[name][some]  # (n, T, C)
            others = [other for other in right if other != name]
            now = np.zeros_like(left)
            later = np.zeros_like(in_clip[name])
            for other in others:
                now |= right[other][some]
                later |= in_clip[other]
            for column, where in enumerate((now, in_clip[name], later, np.True_)):
                of_modality[:, column] += (left & where).sum(axis=(0, 1))
                left &= ~where
    return counts


def _state(active: Mapping[str, Active], some: slice) -> NDArray[np.int64]:
    """Return the states of `states` of some clips, (n, T, C)."""
    state = np.zeros(next(iter(active.values()))[some].shape, dtype=np.int64)
    for m, of_modality in enumerate(active.values()):
        state |= of_modality[some].astype(np.int64) << m
    return state


def _parts(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield clips, cut so that MAX_CELLS cells or one clip are in memory at once."""
    return clip_blocks(shape, MAX_CELLS)
