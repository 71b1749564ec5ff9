"""How good refined labels are, by true labels per modality: results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.modality import display_name
from seehear.results import Result, counted, html_table, import_pandas, table
from seehear.scoring.comparison import LEVEL, format_p
from seehear.scoring.intervals import Interval
from seehear.scoring.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Reference(StrEnum):
    """An answer that looks at no clip, to compare refined labels with."""

    PRIOR = "class prior"  # per class, the answer that is right most often in other clips
    ALL = "every modality"  # the weak labels as they are
    HINDSIGHT = "best constant answer"  # per class, in hindsight: no constant answer is right more often


class Gap(StrEnum):
    """What true and refined labels lack of each other. Nothing of it counts as right or wrong."""

    NOWHERE = "weak labels that are true in no modality"
    NOT_WEAK = "true labels that the weak labels lack"
    NO_TRUTH = "refined clips without true labels in every modality"
    NOT_REFINED = "clips with true labels that were not refined"


@dataclass(frozen=True)
class Missing:
    """How often there is a gap.

    Attributes:
        count: Labels or clips.
        first: The first of them: a clip, or a clip and a class.
    """

    count: int
    first: str


@dataclass(frozen=True)
class ReferenceShare:
    """What an answer that looks at no clip reaches.

    Attributes:
        share: Labels that it gives to the right modalities.
        ahead: How far the refined labels are ahead of it, in points.
    """

    share: Interval
    ahead: Interval


@dataclass(frozen=True)
class JudgedClass:
    """The labels of a class.

    Attributes:
        label: The class.
        labels: Its judged labels.
        true: Of them, the number that truly hold in which modalities, in the order of `LabelJudgement.kinds`.
        right: Of them, the number that the refinement gives to the right modalities.
        prior: Likewise by the class prior.
    """

    label: str
    labels: int
    true: tuple[int, ...]
    right: int
    prior: int


@dataclass(frozen=True)
class JudgedModality:
    """The labels that hold in a modality, over the judged labels.

    Attributes:
        modality: Its name.
        precision: Per cent of the labels that the refinement gives to the modality; NaN if it gives none.
        recall: Per cent of the labels that truly hold there; NaN if none does.
        f1: Of both, per cent; NaN if there is neither.
        support: Labels that truly hold there.
    """

    modality: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(repr=False, eq=False)
class LabelJudgement(Result):
    """How many weak labels were given to the right modality.

    A label is a clip and a class. It is judged if the weak labels have it, and it is true in some modality.

    Attributes:
        modalities: Names.
        right: Share of the judged labels that were given to exactly the modalities in which they are true, per cent.
        references: What answers that look at no clip reach.
        p: Two-sided: how likely equal answers differ as much from the class prior, or more. Over clips.
        classes: The classes that have judged labels, in order.
        by_modality: One row per modality.
        confusion: Labels by the modalities in which they are true (rows) and to which they were given (columns), in the
            order of `kinds` and then `neither`.
        gaps: What true and refined labels lack of each other.
        clips: Number of clips.
        signature: How this was computed.
        prior: Where the class prior comes from, for people.
        notes: What else to know.
    """

    modalities: tuple[str, ...]
    right: Interval
    references: Mapping[Reference, ReferenceShare]
    p: float
    classes: tuple[JudgedClass, ...]
    by_modality: tuple[JudgedModality, ...]
    confusion: NDArray[np.int64]
    gaps: Mapping[Gap, Missing]
    clips: int
    signature: str
    prior: str
    notes: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Where a label can hold, in words: `only heard`, `only seen`, `both`."""
        return kinds_of(self.modalities)

    @property
    def labels(self) -> int:
        """Number of judged labels."""
        return sum(row.labels for row in self.classes)

    @property
    def verdict(self) -> Verdict:
        """Whether the labels are better or worse than the class prior."""
        if not self.p < LEVEL:
            return Verdict.INCONCLUSIVE
        return Verdict.BETTER if self.references[Reference.PRIOR].ahead.mean > 0 else Verdict.WORSE

    def __repr__(self) -> str:
        prior = self.references[Reference.PRIOR].share.mean
        return (
            f"LabelJudgement({self.right.mean:.1f} % of {self.labels} labels in the right modality, class prior "
            f"{prior:.1f} %: {self.verdict})"
        )

    def text(self) -> str:
        """Return the shares, tables of modalities, of confusions and of classes, and what is missing."""
        shares, modalities, confusion, classes = (table(rows) for rows in self.tables())
        gaps = [f"{gap}: {missing.count}, for example {missing.first}" for gap, missing in self.gaps.items()]
        headline = (
            f"labels given to the right modality, per cent of {counted(self.labels, 'label')} in "
            f"{counted(self.clips, 'clip')}; the refinement against the class prior: {self.verdict}"
        )
        return "\n\n".join(
            [
                f"{headline}\n{shares}\n{self.prior}",
                f"labels of each modality, per cent\n{modalities}",
                f"labels by where they are true (rows) and where they were put\n{confusion}",
                f"classes: where their labels are true, and the share that is right, per cent\n{classes}",
                "\n".join([*self.notes, *gaps, self.signature]),
            ]
        )

    def _repr_html_(self) -> str:
        shares, modalities, confusion, classes = self.tables()
        captions = (self.signature, "labels of each modality", "where labels are true (rows) and were put", "classes")
        rows = (shares, modalities, confusion, classes)
        return "\n".join(html_table(each, caption) for each, caption in zip(rows, captions, strict=True))

    def tables(self) -> tuple[list[list[str]], ...]:
        """Return the cells of four tables: shares, modalities, confusions, classes. Their headers come first."""
        shares = [["", "right", "95 % interval", "refined − this", "95 % interval", "p"]]
        shares.append(["refined", *_share(self.right), "", "", ""])
        for reference, each in self.references.items():
            p = format_p(self.p) if reference is Reference.PRIOR else ""
            ends = f"{each.ahead.low:+.1f} to {each.ahead.high:+.1f}"
            shares.append([reference, *_share(each.share), f"{each.ahead.mean:+.1f}", ends, p])
        modalities = [["", "precision", "recall", "F1", "labels"]]
        for row in self.by_modality:
            numbers = (_percent(row.precision), _percent(row.recall), _percent(row.f1))
            modalities.append([display_name(row.modality), *numbers, str(row.support)])
        names = [*self.kinds, "neither"]
        confusion = [["true", *names]]
        confusion += [[name, *map(str, row)] for name, row in zip(names, self.confusion.tolist(), strict=True)]
        classes = [["class", "labels", *self.kinds, "right", "prior"]]
        for each_class in self.classes:
            counts = (*each_class.true, each_class.right, each_class.prior)
            cells = [f"{100 * count / each_class.labels:.0f}" for count in counts]
            classes.append([each_class.label, str(each_class.labels), *cells])
        return shares, modalities, confusion, classes

    def as_json(self) -> Any:
        """Return all of it by name; None for what is not defined."""
        names = [*self.kinds, "neither"]
        return {
            "modalities": list(self.modalities),
            "clips": self.clips,
            "labels": self.labels,
            "right": vars(self.right),
            "p": self.p,
            "verdict": str(self.verdict),
            "prior": self.prior,
            "references": {
                str(reference): {"share": vars(each.share), "ahead": vars(each.ahead)}
                for reference, each in self.references.items()
            },
            "by_modality": [_finite(vars(row)) for row in self.by_modality],
            "confusion": {
                name: dict(zip(names, row, strict=True))
                for name, row in zip(names, self.confusion.tolist(), strict=True)
            },
            "classes": [{**vars(row), "true": dict(zip(self.kinds, row.true, strict=True))} for row in self.classes],
            "notes": list(self.notes),
            "gaps": {gap.name.lower(): vars(missing) for gap, missing in self.gaps.items()},
            "signature": self.signature,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per class: label, labels, one column per kind, right and prior, all numbers of labels."""
        pd = import_pandas()

        rows = [{**vars(row), **dict(zip(self.kinds, row.true, strict=True))} for row in self.classes]
        columns = ["label", "labels", *self.kinds, "right", "prior"]
        return pd.DataFrame([{name: row[name] for name in columns} for row in rows], columns=columns)

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw the share of labels in the right modality, of all and per class, beside the class prior.

        Args:
            ax: Axes to draw into; by default a new figure.

        Returns:
            The figure.
        """
        from seehear.plots.scores import ScoreMark, plot_scores

        prior = self.references[Reference.PRIOR].share.mean
        marks = [ScoreMark("all labels", self.right.mean, (self.right.low, self.right.high), prior)]
        for row in self.classes:
            name = f"{row.label} ({row.labels})"
            marks.append(ScoreMark(name, 100 * row.right / row.labels, None, 100 * row.prior / row.labels))
        return plot_scores(marks, ax, "labels in the right modality", str(Reference.PRIOR))


def kinds_of(modalities: Sequence[str]) -> tuple[str, ...]:
    """Return where a label can hold, in words, by how many modalities, then in their order; see `states_of`."""
    names = []
    for state in states_of(len(modalities)):
        of_state = [display_name(name) for m, name in enumerate(modalities) if state >> m & 1]
        every = len(of_state) == len(modalities) == 2
        names.append("both" if every else f"only {of_state[0]}" if len(of_state) == 1 else "+".join(of_state))
    return tuple(names)


def states_of(modalities: int) -> list[int]:
    """Return the sums of 2**m over the modalities m in which a label can hold: single ones first, all of them last."""
    return sorted(range(1, 2**modalities), key=lambda state: (state.bit_count(), state))


def _share(share: Interval) -> list[str]:
    return [f"{share.mean:.1f}", f"{share.low:.1f} to {share.high:.1f}"]


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1f}"


def _finite(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(each, float) and math.isnan(each) else each for name, each in value.items()}
