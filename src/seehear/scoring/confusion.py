"""What is taken for what: classes for each other, and modalities for each other.

Several classes can be there at once, and be found at once, so that which was taken for which is not known. In a segment
with m classes missed and f found that are not there, min(m, f) were taken for another and the rest missed or made up:
substitutions, deletions and insertions of Mesaros et al. 2016, "Metrics for polyphonic sound event detection". Every
way to pair them is as good as any other, so each missed class is taken for each invented one by 1 / max(m, f). With
0 < m <= f that is the multi-label confusion matrix of Krstinić et al. 2020. What is left goes to a column and a row of
nothing, as with Heydarian et al. 2022, and blames no class that was found right. Rows then sum to what is there and
columns to what was found.

Predictions and truth are boolean (N, T, C), of one modality or of each. What lies past a clip's end is active in
neither and counts as nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

HELD = 2**22  # cells in memory at once, beside the predictions and the truth

Array = NDArray[np.float64]
Active = NDArray[np.bool_]

# Where else a class is truly found that was falsely found, or found that was missed; the first that holds counts.
ELSEWHERE = ("other_modality", "other_time", "other_modality_and_time", "nowhere")


@dataclass(frozen=True)
class Confusion:
    """Segments by what is there (rows) and what was found (columns), in classes' order, nothing last.

    table: (C + 1, C + 1). Whole numbers, parts where it is not known what was taken for what, or means over runs.
    """

    classes: tuple[str, ...]
    table: Array

    @property
    def true(self) -> float:
        """How often any class is there."""
        return float(self.table[:-1].sum())

    @property
    def substituted(self) -> float:
        """How often a class was taken for another."""
        return float(self.table[:-1, :-1].sum() - np.trace(self.table))

    @property
    def missed(self) -> float:
        """How often a class was missed and nothing found in its place."""
        return float(self.table[:-1, -1].sum())

    @property
    def invented(self) -> float:
        """How often a class was found where none was missed."""
        return float(self.table[-1, :-1].sum())

    @property
    def error_rate(self) -> float:
        """Substituted, missed and invented as a share of what is there; 1 for finding nothing, may be above 1.

        NaN where nothing is there.
        """
        return (self.substituted + self.missed + self.invented) / self.true if self.true else np.nan

    def as_json(self) -> dict[str, object]:
        """rows: what is there -> what was found -> how often, without zeros; nothing is the empty name."""
        names = [*self.classes, ""]
        rows: dict[str, dict[str, float]] = {}
        for row, column in np.argwhere(self.table):
            rows.setdefault(names[row], {})[names[column]] = float(self.table[row, column])
        return {
            "true": self.true,
            "substituted": self.substituted,
            "missed": self.missed,
            "invented": self.invented,
            "error_rate": self.error_rate if self.true else None,
            "rows": rows,
        }


def confusion(predicted: Active, true: Active) -> Array:
    """The table of `Confusion`, (C + 1, C + 1), of one modality."""
    n_classes = true.shape[2]
    table = np.zeros((n_classes + 1, n_classes + 1))
    for some in _parts(true.shape):
        p, t = (active[some].reshape(-1, n_classes) for active in (predicted, true))  # (segments, C)
        missed, invented = csr_array(t & ~p), csr_array(p & ~t)
        m, f = missed.sum(axis=1), invented.sum(axis=1)  # (segments,)
        most = np.maximum(1, np.maximum(m, f))
        table[:-1, :-1] += (missed.T @ invented.multiply(1 / most[:, None])).toarray() + np.diag((p & t).sum(axis=0))
        table[:-1, -1] += missed.T @ (1 - f / most)
        table[-1, :-1] += invented.T @ (1 - m / most)
    return table


def states(predicted: Mapping[str, Active], true: Mapping[str, Active]) -> NDArray[np.int64]:
    """Segments by the modalities in which a class is there, and in which it was found: (C, 2**M, 2**M).

    A state is a sum of 2**m over the modalities m in which the class is active: 0 is in none, 1 in the first alone.
    Segments in which it is neither there nor found are left out: [:, 0, 0] is 0.
    """
    shape = next(iter(true.values())).shape
    n_classes, n_states = shape[2], 2 ** len(true)
    counts = np.zeros(n_classes * n_states**2, dtype=np.int64)
    for some in _parts(shape):
        there, found = _state(true, some), _state({name: predicted[name] for name in true}, some)
        cell = np.nonzero(there | found)
        counts += np.bincount((cell[2] * n_states + there[cell]) * n_states + found[cell], minlength=len(counts))
    return counts.reshape(n_classes, n_states, n_states)


def state_names(modalities: tuple[str, ...]) -> tuple[str, ...]:
    """A name for each state of `states`: the modalities joined with +, empty for none."""
    return tuple(
        "+".join(name for m, name in enumerate(modalities) if state >> m & 1) for state in range(2 ** len(modalities))
    )


def elsewhere(wrong: Mapping[str, Active], right: Mapping[str, Active]) -> dict[str, NDArray[np.int64]]:
    """modality -> (C, 4): segments active in `wrong` and not in `right`, by where else in the clip `right` is active.

    With predictions and truth that tells false alarms apart; with truth and predictions, what was missed. In order of
    ELSEWHERE, of which the first that holds counts: in another modality in this segment, as something only seen and
    said to be heard; in this modality in another segment; in another modality in another segment; nowhere in the clip.
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
    """The states of `states` of some clips, (n, T, C)."""
    state = np.zeros(next(iter(active.values()))[some].shape, dtype=np.int64)
    for m, of_modality in enumerate(active.values()):
        state |= of_modality[some].astype(np.int64) << m
    return state


def _parts(shape: tuple[int, ...]) -> Iterator[slice]:
    """Clips, cut so that HELD cells or one clip are held at once."""
    n_clips, *rest = shape
    step = max(1, HELD // max(1, int(np.prod(rest))))
    for start in range(0, n_clips, step):
        yield slice(start, min(start + step, n_clips))
