"""Teachers that were fitted: a linear map and a threshold per class, in each modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.events import Activity
from seehear.features.packed import Packed
from seehear.pseudo import CONFIDENT, PseudoLabels
from seehear.refinement.teachers import Linear
from seehear.refinement.thresholds import Thresholds

UNCONFIDENT = np.nextafter(np.float32(CONFIDENT), np.float32(0))  # of a segment that just fails to pass


@dataclass(frozen=True)
class FittedTeacher:
    """A teacher of one modality.

    Attributes:
        linear: From the features of the modality's networks, side by side, to scores.
        thresholds: Of the scores.
        usable: (C,) bool: False for classes that it could not learn.
    """

    linear: Linear
    thresholds: Thresholds
    usable: NDArray[np.bool_]

    def margins(self, packs: Sequence[Packed]) -> NDArray[np.float32]:
        """Return by how many standard deviations each segment passes the threshold, (R, C)."""
        rows = np.concatenate([pack.rows for pack in packs], axis=1)
        return self.thresholds.margins(self.linear(rows))


@dataclass(frozen=True)
class Teachers:
    """The teachers of all modalities.

    Attributes:
        classes: Names of the C classes.
        by_modality: modality -> its teacher.
        source: Their name and settings.
    """

    classes: tuple[str, ...]
    by_modality: Mapping[str, FittedTeacher]
    source: str

    def margins(self, dataset: Dataset) -> dict[str, NDArray[np.float32]]:
        """Return modality -> (N, T, C), of clips that the teachers were not fitted to; −inf past a clip's end.

        Raises:
            SeehearError: If the clips lack a modality of the teachers, or have features of other networks.
        """
        packs = dataset.packs()
        for name, teacher in self.by_modality.items():
            width = sum(pack.rows.shape[1] for pack in packs.get(name, ()))
            if width != len(teacher.linear.weight):
                found = f"{width} numbers" if width else "no features"
                raise SeehearError(
                    f"the teacher of {name} learnt from features of {len(teacher.linear.weight)} numbers, but these "
                    f"clips have {found} of {name}: give them the same networks"
                )
        return {name: as_clips(each.margins(packs[name]), dataset.lengths) for name, each in self.by_modality.items()}

    def label(self, dataset: Dataset) -> PseudoLabels:
        """Return pseudo-labels of clips that have weak labels, and that the teachers were not fitted to."""
        known = dataset.with_classes(self.classes)
        usable = {name: teacher.usable for name, teacher in self.by_modality.items()}
        return pseudo_labels(self.margins(known), known.labels > 0, usable, known.lengths, self.classes, self.source)

    def predict(self, dataset: Dataset) -> Activity:
        """Return which segments pass their threshold, by modality and class: a parser without fusion or training."""
        active = {name: margins > 0 for name, margins in self.margins(dataset).items()}
        return Activity(active, classes=self.classes, source=self.source)


def as_clips(rows: NDArray[np.float32], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return segments (R, C) as clips (N, T, C), T of the longest; −inf past a clip's end."""
    inside = np.arange(int(lengths.max())) < lengths[:, None]  # (N, T)
    result = np.full((*inside.shape, rows.shape[1]), -np.inf, dtype=np.float32)
    result[inside] = rows
    return result


def pseudo_labels(
    margins: Mapping[str, NDArray[np.float32]],
    labels: NDArray[np.bool_],
    usable: Mapping[str, NDArray[np.bool_]],
    lengths: NDArray[np.int64],
    classes: tuple[str, ...],
    source: str,
) -> PseudoLabels:
    """Return labels per modality and second.

    A weak label stays in a modality if its best segment there passes the threshold. If it passes nowhere, it stays in
    the modality with the larger margin. The confidence of a segment is σ(margin) where the clip has the class: at least
    CONFIDENT exactly if it passes.

    Args:
        margins: modality -> (N, T, C), −inf past a clip's end.
        labels: Weak labels, (N, C).
        usable: modality -> (C,): classes that its teacher knows. Of others, the weak label stays as it is, and nothing
            is known of its segments.
        lengths: Segments per clip, (N,).
        classes: Names of the C classes.
        source: What made the margins.
    """
    best = {name: array.max(axis=1, initial=-np.inf) for name, array in margins.items()}  # (N, C) each
    stacked = np.stack([np.where(usable[name], best[name], np.inf) for name in margins])  # (M, N, C)
    passes = (stacked > 0) | (stacked == stacked.max(axis=0))
    weak = {name: labels & passes[m] for m, name in enumerate(margins)}
    inside = np.arange(next(iter(margins.values())).shape[1]) < lengths[:, None]  # (N, T)
    confidence = {}
    for name, array in margins.items():
        likely = np.where(array > 0, expit(array), np.minimum(expit(array), UNCONFIDENT))
        of_class = np.where(usable[name], likely, np.float32(np.nan))
        confidence[name] = np.where(inside[..., None] & labels[:, None], of_class, np.float32(0))
    return PseudoLabels(classes, weak, confidence, source)
