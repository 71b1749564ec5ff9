"""The eleven scores: audio, visual, audio_visual, type_at_av, event_at_av, over segments and events; their average.

Protocol of Tian et al. 2020 (Sec. 5), as every published LLP row uses it; the average is Wu et al.'s (Sec. 4.1).
The same rules hold for more than two modalities. There is one score per modality, and one for all of them at once,
named by joining their names. Type@AV is the mean of these. Event@AV pools the counts of the modalities. One modality
has its own score alone, over segments and events, and their average.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.events import ActiveSegments, clip_blocks
from seehear.modality import kinds, with_joint
from seehear.results import counted, html_table, import_pandas
from seehear.scoring.f1 import LEVELS, Counts, clip_f1, level_counts, ratio
from seehear.scoring.only import Active, only_scores
from seehear.scoring.signature import Signature

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["AVERAGE", "LEVELS", "ClassRow", "ScoreKey", "Scores", "kinds", "score", "with_joint"]

TYPE_AT_AV, EVENT_AT_AV = "type_at_av", "event_at_av"
ONE_MODALITY = "one modality: there is nothing heard and seen at once, and no Type@AV or Event@AV"
ScoreKey = tuple[str, str]  # level and kind, as ("segment", "audio")
AVERAGE: ScoreKey = ("", "average")  # the mean of all scores of both levels
MAX_CELLS = 2**20  # segments × classes of clips that are counted at once: counts take some 30 bytes for each


@dataclass(frozen=True)
class ClassRow:
    """One class in one kind at one level, counted over all clips (micro).

    Attributes:
        level: segment or event.
        kind: A modality, or the joint modality.
        label: The class.
        precision: Per cent; NaN if nothing was predicted.
        recall: Per cent; NaN where the ground truth has none.
        f1: Per cent; NaN if neither.
        support: Segments or events in the ground truth.
    """

    level: str
    kind: str
    label: str
    precision: float
    recall: float
    f1: float
    support: int

    def as_json(self) -> dict[str, object]:
        """Its values by name, None for NaN, which JSON lacks."""
        return {name: None if value != value else value for name, value in vars(self).items()}


@dataclass(frozen=True, repr=False)
class Scores:
    """The scores of one system over N clips.

    Attributes:
        per_clip: (level, kind) -> (N,) scores in [0, 1], for intervals and paired tests.
        classes: A row per level, kind and class.
        signature: How the scores were computed.
        only: Likewise (N,) of what is active in exactly one modality, such as ("segment", "audio_only"). These are no
            official scores and not part of the average.
    """

    per_clip: Mapping[ScoreKey, NDArray[np.float64]]
    classes: tuple[ClassRow, ...]
    signature: Signature
    only: Mapping[ScoreKey, NDArray[np.float64]] = field(default_factory=dict)

    def __repr__(self) -> str:
        name = "Type@AV" if self.summary == TYPE_AT_AV else self.summary
        of_levels = ", ".join(f"{self.level(level)[self.summary]:.1f} {level}" for level in LEVELS)
        return f"Scores({name} {of_levels}; average {self.average:.1f}; {counted(self.signature.clips, 'clip')})"

    def _repr_html_(self) -> str:
        names = list(self.level(LEVELS[0]))
        rows = [["per cent", *LEVELS]]
        rows += [[name, *(f"{self.level(level)[name]:.2f}" for level in LEVELS)] for name in names]
        return html_table([*rows, ["average", f"{self.average:.2f}", ""]], str(self.signature))

    @property
    def summary(self) -> str:
        """The kind that sums up a level: Type@AV; of one modality its own score, which Type@AV would repeat."""
        names = [name for _, name in self.per_clip]
        return TYPE_AT_AV if TYPE_AT_AV in names else names[0]

    def level(self, level: str) -> dict[str, float]:
        """Return the scores of a level in per cent, by kind."""
        return {name: 100 * float(values.mean()) for (at, name), values in self.per_clip.items() if at == level}

    def values(self, level: str, name: str) -> NDArray[np.float64]:
        """Return a score per clip, (N,) in [0, 1]; official or not."""
        return self.per_clip[level, name] if (level, name) in self.per_clip else self.only[level, name]

    @property
    def average(self) -> float:
        """Mean of all scores of both levels, per cent."""
        return 100 * float(np.mean([values.mean() for values in self.per_clip.values()]))

    def to_frame(self, by: Literal["score", "class"] = "score") -> pd.DataFrame:
        """Return a table of the scores.

        Args:
            by: `score`: one row per score and one for the average, with the columns level, kind and score (per cent).
                `class`: one row per level, kind and class, with precision, recall and f1 (per cent) and support.

        Raises:
            SeehearError: If `by` is neither.
        """
        pd = import_pandas()

        if by == "class":
            return pd.DataFrame([vars(row) for row in self.classes])
        if by != "score":
            raise SeehearError(f"by={by!r}: choose score or class")
        rows = [(level, kind, self.level(level)[kind]) for level, kind in self.per_clip]
        return pd.DataFrame([*rows, (*AVERAGE, self.average)], columns=["level", "kind", "score"])

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw the scores as points on a scale from 0 to 100.

        Args:
            ax: Axes to draw into; by default a new figure.

        Returns:
            The figure.
        """
        from seehear.plots.scores import ScoreMark, plot_scores

        marks = [ScoreMark(f"{level} {kind}", self.level(level)[kind]) for level, kind in self.per_clip]
        return plot_scores([*marks, ScoreMark("average", self.average)], ax)

    def as_json(self) -> dict[str, object]:
        """Return the scores by level and kind, per cent, the average, further scores and the signature."""
        only: dict[str, dict[str, float]] = {}
        for (level, name), values in self.only.items():
            only.setdefault(level, {})[name] = 100 * float(values.mean())
        return {
            **{level: self.level(level) for level in LEVELS},
            "average": self.average,
            "only": only,
            "signature": str(self.signature),
        }


def score(
    predicted: Mapping[str, NDArray[np.bool_]],
    true: Mapping[str, NDArray[np.bool_]],
    classes: Sequence[str],
    signature: Signature,
    correct: Callable[[Active, Active], Active] | None = None,
) -> Scores:
    """Score predictions against the ground truth, some clips at a time.

    Beyond the arrays, memory grows by the scores alone: 8 bytes per clip and score, of which two modalities have 14.

    Args:
        predicted: modality -> boolean (N, T, C); the same modalities, in the same order, and shapes as the truth.
        true: modality -> boolean (N, T, C).
        classes: Names of the C classes.
        signature: Of the scores that come out; its iou is the one used.
        correct: From predictions and ground truth of some clips to the predictions that are scored instead.

    Raises:
        SeehearError: If modalities or shapes differ, or there is no clip.
    """
    if list(predicted) != list(true):
        raise SeehearError(f"predictions are for {list(predicted)}, the truth is for {list(true)}: give both the same")
    shapes = {array.shape for array in (*predicted.values(), *true.values())}
    if len(shapes) != 1:
        raise SeehearError(f"predictions and truth differ in shape: {sorted(shapes)}")
    (shape,) = shapes
    if shape[0] == 0:
        raise SeehearError("no clip to score")

    parts = []
    for some in clip_blocks(shape, MAX_CELLS):
        of_predicted, of_true = ({name: each[some] for name, each in arrays.items()} for arrays in (predicted, true))
        parts.append(_count(correct(of_predicted, of_true) if correct else of_predicted, of_true, signature.iou))
    totals = {key: _sum([part.totals[key] for part in parts]) for key in parts[0].totals}
    rows = tuple(row for key, total in totals.items() for row in _class_rows(*key, total, classes))
    return Scores(_joined([part.per_clip for part in parts]), rows, signature, _joined([part.only for part in parts]))


PerClip = dict[ScoreKey, NDArray[np.float64]]  # (n,) each


@dataclass(frozen=True)
class _Part:
    """The scores of n clips, as those of `Scores`, and level and kind -> counts over these clips, (C,)."""

    per_clip: PerClip
    only: PerClip
    totals: dict[ScoreKey, Counts]


def _count(predicted: Active, true: Active, iou: float) -> _Part:
    modalities = list(true)
    only = only_scores(predicted, true, iou)
    p, t = ({name: ActiveSegments.of(array) for name, array in arrays.items()} for arrays in (predicted, true))
    p, t = with_joint(p, modalities), with_joint(t, modalities)

    per_clip: PerClip = {}
    totals: dict[ScoreKey, Counts] = {}
    for level in LEVELS:
        counts = {kind: level_counts(level, p[kind], t[kind], iou) for kind in t}
        for kind, of_kind in counts.items():
            per_clip[level, kind] = clip_f1(of_kind)
            totals[level, kind] = of_kind.total()
        if len(modalities) == 1:
            continue
        per_clip[level, TYPE_AT_AV] = np.mean([per_clip[level, kind] for kind in t], axis=0)
        pooled = counts[modalities[0]]
        for modality in modalities[1:]:
            pooled = pooled + counts[modality]
        per_clip[level, EVENT_AT_AV] = clip_f1(pooled)
    return _Part(per_clip, only, totals)


def _joined(parts: Sequence[PerClip]) -> PerClip:
    return {key: np.concatenate([each[key] for each in parts]) for key in parts[0]}


def _sum(parts: Sequence[Counts]) -> Counts:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _class_rows(level: str, kind: str, counts: Counts, classes: Sequence[str]) -> list[ClassRow]:
    """Return a row per class. counts: over all clips, (C,) each."""
    tp, fp, fn, support = counts.tp, counts.fp, counts.fn, counts.support
    columns = zip(
        classes,
        100 * ratio(tp, tp + fp),
        100 * ratio(tp, tp + fn),
        100 * ratio(2 * tp, 2 * tp + fp + fn),
        support,
        strict=True,
    )
    return [ClassRow(level, kind, name, float(p), float(r), float(f), int(n)) for name, p, r, f, n in columns]
