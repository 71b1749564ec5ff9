"""The eleven scores: audio, visual, audio_visual, type_at_av, event_at_av, over segments and events; their average.

Protocol of Tian et al. 2020 (Sec. 5), as every published LLP row uses it; the average is Wu et al.'s (Sec. 4.1).
For other modalities than two the same rules hold: one score a modality, one for all of them at once (named by
joining theirs), Type@AV the mean of these, Event@AV from the counts of the modalities pooled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.events import ActiveSegments
from seehear.modality import kinds, with_joint
from seehear.scoring.f1 import Counts, clip_f1, event_counts, ratio, segment_counts
from seehear.scoring.signature import Signature

__all__ = ["LEVELS", "ClassRow", "Scores", "kinds", "score", "with_joint"]

LEVELS = ("segment", "event")


@dataclass(frozen=True)
class ClassRow:
    """One class in one kind at one level, counted over all clips (micro)."""

    level: str
    kind: str
    label: str
    precision: float  # per cent; NaN where nothing was predicted
    recall: float  # per cent; NaN where nothing was there
    f1: float  # per cent; NaN where neither
    support: int  # segments or events in the truth

    def as_json(self) -> dict[str, object]:
        """Its values by name, None for NaN, which JSON lacks."""
        return {name: None if value != value else value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Scores:
    """The scores of one system over N clips. `per_clip` keeps each clip's, for intervals and paired tests."""

    per_clip: Mapping[tuple[str, str], NDArray[np.float64]]  # (level, score) -> (N,), in [0, 1]
    classes: tuple[ClassRow, ...]
    signature: Signature

    def level(self, level: str) -> dict[str, float]:
        """The scores of a level in per cent, by name."""
        return {name: 100 * float(values.mean()) for (at, name), values in self.per_clip.items() if at == level}

    @property
    def average(self) -> float:
        """Mean of all scores of both levels, per cent."""
        return 100 * float(np.mean([values.mean() for values in self.per_clip.values()]))

    def as_json(self) -> dict[str, object]:
        return {
            **{level: self.level(level) for level in LEVELS},
            "average": self.average,
            "signature": str(self.signature),
        }


def score(
    predicted: Mapping[str, NDArray[np.bool_]],
    true: Mapping[str, NDArray[np.bool_]],
    classes: Sequence[str],
    signature: Signature,
) -> Scores:
    """Score predictions against the truth.

    predicted, true: modality -> boolean (N, T, C); the same modalities, in the same order, and shapes.
    classes: names of the C classes. signature: of the numbers that come out; its iou is the one used.
    Raises SeehearError where modalities or shapes differ, or there is no clip.
    """
    if list(predicted) != list(true):
        raise SeehearError(f"predictions are for {list(predicted)}, the truth is for {list(true)}: give both the same")
    shapes = {array.shape for array in (*predicted.values(), *true.values())}
    if len(shapes) != 1:
        raise SeehearError(f"predictions and truth differ in shape: {sorted(shapes)}")
    (shape,) = shapes
    if shape[0] == 0:
        raise SeehearError("no clip to score")

    modalities = list(true)
    p, t = ({name: ActiveSegments.of(array) for name, array in arrays.items()} for arrays in (predicted, true))
    p, t = with_joint(p, modalities), with_joint(t, modalities)

    per_clip: dict[tuple[str, str], NDArray[np.float64]] = {}
    rows: list[ClassRow] = []
    for level in LEVELS:
        counts = {
            kind: segment_counts(p[kind], t[kind])
            if level == "segment"
            else event_counts(p[kind], t[kind], signature.iou)
            for kind in t
        }
        for kind, of_kind in counts.items():
            per_clip[level, kind] = clip_f1(of_kind)
            rows += _class_rows(level, kind, of_kind, classes)
        per_clip[level, "type_at_av"] = np.mean([per_clip[level, kind] for kind in t], axis=0)
        pooled = counts[modalities[0]]
        for modality in modalities[1:]:
            pooled = pooled + counts[modality]
        per_clip[level, "event_at_av"] = clip_f1(pooled)
    return Scores(per_clip, tuple(rows), signature)


def _class_rows(level: str, kind: str, counts: Counts, classes: Sequence[str]) -> list[ClassRow]:
    tp, fp, fn, support = (part.sum(axis=0) for part in (counts.tp, counts.fp, counts.fn, counts.support))
    columns = zip(
        classes,
        100 * ratio(tp, tp + fp),
        100 * ratio(tp, tp + fn),
        100 * ratio(2 * tp, 2 * tp + fp + fn),
        support,
        strict=True,
    )
    return [ClassRow(level, kind, name, float(p), float(r), float(f), int(n)) for name, p, r, f, n in columns]
