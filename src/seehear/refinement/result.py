"""Refined labels: in which modality each weak label holds, and when, with what a user should look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.modality import display_name
from seehear.pseudo import PseudoLabels
from seehear.refinement.fitted import Teachers
from seehear.results import Result, import_pandas, table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from seehear.refinement.judge import Tables
    from seehear.refinement.judgement import LabelJudgement

MOST_UNSURE = 20  # clips that are listed


@dataclass(frozen=True)
class ClassShares:
    """How often a class's weak labels hold in which modalities.

    Attributes:
        label: The class.
        clips: Number of clips with the label.
        only: modality -> number of clips in which it holds there alone.
        both: Number of clips in which it holds in several modalities.
        sources: modality -> source classes that the teacher's score rises and falls with, and their correlation.
    """

    label: str
    clips: int
    only: Mapping[str, int]
    both: int
    sources: Mapping[str, Sequence[tuple[str, float]]]

    @property
    def counts(self) -> list[int]:
        """Number of clips in which it holds in each modality alone; then in several, if there are several."""
        return [*self.only.values(), self.both] if len(self.only) > 1 else [*self.only.values()]


@dataclass(frozen=True)
class UnsureLabel:
    """A weak label whose modality is least certain.

    Attributes:
        clip: Its name.
        label: The class.
        margins: modality -> by how many standard deviations its best segment passes the threshold.
        weak: modality -> whether the label holds there.
    """

    clip: str
    label: str
    margins: Mapping[str, float]
    weak: Mapping[str, bool]


@dataclass(repr=False, eq=False)
class Refinement(Result):
    """Labels per modality of N clips.

    Attributes:
        clips: Names of the clips.
        pseudo: The labels, as training takes them.
        labels: Weak labels that were refined, (N, C).
        margins: modality -> by how many standard deviations a clip's best segment passes the threshold, (N, C); NaN
            for a class that could not be learnt. Empty for pseudo-labels that were given.
        lengths: Segments per clip, (N,).
        segment: Seconds per segment.
        false_alarms: Share of the segments of certain negatives that pass a threshold; 0 if labels were given.
        teachers: For other clips; None if labels were given.
        sources: modality -> per class, the source classes that explain the teacher; empty if unknown.
        notes: What else to know.
        folder: Where it was saved.
    """

    clips: tuple[str, ...]
    pseudo: PseudoLabels
    labels: NDArray[np.float32]
    margins: Mapping[str, NDArray[np.float32]]
    lengths: NDArray[np.int64]
    segment: float
    false_alarms: float
    teachers: Teachers | None
    sources: Mapping[str, Sequence[Sequence[tuple[str, float]]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    folder: Path | None = None

    # The labels

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the C classes."""
        return self.pseudo.classes

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities."""
        return tuple(self.pseudo.weak)

    @property
    def weak(self) -> Mapping[str, NDArray[np.bool_]]:
        """Refined weak labels: modality -> (N, C) bool."""
        return self.pseudo.weak

    @property
    def segments(self) -> Mapping[str, NDArray[np.bool_]]:
        """Pseudo-labels of segments: modality -> (N, T, C) bool."""
        return self.pseudo.segments

    @property
    def confidence(self) -> Mapping[str, NDArray[np.float32]]:
        """Confidence of the pseudo-labels: modality -> (N, T, C) in [0, 1]; NaN where nothing is known."""
        return self.pseudo.confidence

    @property
    def kinds(self) -> list[str]:
        """Where a label can hold, in words, in the order of `ClassShares.counts`."""
        if len(self.modalities) == 1:
            return [display_name(self.modalities[0])]
        several = "both" if len(self.modalities) == 2 else "several"
        return [*(f"only {display_name(name)}" for name in self.modalities), several]

    def label(self, dataset: Dataset) -> PseudoLabels:
        """Return labels per modality of other clips, by the same teachers.

        Raises:
            SeehearError: If these labels were given: then there is no teacher.
        """
        if self.teachers is None:
            raise SeehearError("these labels were given: there is no teacher to label other clips")
        return self.teachers.label(dataset)

    def of(self, clips: Sequence[str]) -> PseudoLabels:
        """Return the labels of some clips, by name.

        Raises:
            SeehearError: If they lack a clip.
        """
        row = {clip: n for n, clip in enumerate(self.clips)}
        if missing := [clip for clip in clips if clip not in row]:
            raise SeehearError(
                f"refined labels lack {len(missing)} of the clips, for example {missing[0]}: refine the labels of "
                "these clips, or let `Refinement.label` do it"
            )
        numbers = np.array([row[clip] for clip in clips], dtype=np.int64)
        return self.pseudo if tuple(clips) == self.clips else self.pseudo.subset(numbers)

    # What a user looks at

    @property
    def shares(self) -> list[ClassShares]:
        """How often each class is only heard, only seen, or both; classes that occur, in order."""
        stacked = np.stack([self.weak[name] for name in self.modalities])  # (M, N, C)
        several = stacked.sum(axis=0) > 1
        return [
            ClassShares(
                label,
                int((self.labels[:, c] > 0).sum()),
                {name: int((stacked[m, :, c] & ~several[:, c]).sum()) for m, name in enumerate(self.modalities)},
                int(several[:, c].sum()),
                {name: of_modality[c] for name, of_modality in self.sources.items()},
            )
            for c, label in enumerate(self.classes)
            if (self.labels[:, c] > 0).any()
        ]

    @property
    def unsure(self) -> list[UnsureLabel]:
        """The weak labels whose modality is least certain, the least certain first, one per clip."""
        if not self.margins:
            return []
        stacked = np.stack([self.margins[name] for name in self.modalities])  # (M, N, C)
        distance = np.where(np.isfinite(stacked), np.abs(stacked), np.inf).min(axis=0)  # (N, C)
        distance[self.labels == 0] = np.inf
        order = np.lexsort((np.arange(len(self.clips)), distance.min(axis=1)))
        chosen = [int(n) for n in order[:MOST_UNSURE] if np.isfinite(distance[n]).any()]
        return [self._unsure(n, int(distance[n].argmin())) for n in chosen]

    def _unsure(self, n: int, c: int) -> UnsureLabel:
        margins = {name: float(array[n, c]) for name, array in self.margins.items()}
        weak = {name: bool(array[n, c]) for name, array in self.weak.items()}
        return UnsureLabel(self.clips[n], self.classes[c], margins, weak)

    def __repr__(self) -> str:
        counts = self.counts()
        shares = ", ".join(
            f"{100 * count / max(1, sum(counts.values())):.0f} % {name}" for name, count in counts.items()
        )
        return f"Refinement({len(self.clips)} clips, {len(self.classes)} classes: {shares}; {self.pseudo.source})"

    def counts(self) -> dict[str, int]:
        """Return how many weak labels hold where: `only heard`, `only seen`, `both`."""
        return {kind: sum(row.counts[k] for row in self.shares) for k, kind in enumerate(self.kinds)}

    def text(self) -> str:
        """Return a table of the classes, the least certain labels, and the files."""
        shares = self.shares
        rows = [["class", "clips", *self.kinds]]
        for row in shares:
            rows.append([row.label, str(row.clips), *(f"{100 * count / row.clips:.0f} %" for count in row.counts)])
        aligned = table(rows).splitlines()
        if any(likes := [_like(row) for row in shares]):
            aligned = [f"{line}  {like}".rstrip() for line, like in zip(aligned, ["like", *likes], strict=True)]
        lines = [*self.notes, *aligned, f"labels per modality by {self.pseudo.source}"]
        if self.teachers is not None:
            lines.append(f"{100 * self.false_alarms:.3g} % of the segments of clips without a class pass its threshold")
        if unsure := self.unsure[:5]:
            lines.append(
                f"least certain, to be looked at: {', '.join(f'{each.clip} ({each.label})' for each in unsure)}"
            )
        if self.folder is not None:
            lines.append(f"train with --refined {self.folder}; open {self.folder / 'refinement.html'} in a browser")
        return "\n".join(lines)

    def as_json(self) -> Any:
        """Return shares per class, thresholds, the least certain labels and the notes."""
        return {
            "source": self.pseudo.source,
            "false_alarms": self.false_alarms,
            "segment": self.segment,
            "clips": len(self.clips),
            "shares": self.counts(),
            "classes": [vars(row) for row in self.shares],
            "thresholds": self._thresholds(),
            "unsure": [_finite(vars(each)) for each in self.unsure],
            "notes": self.notes,
        }

    def _thresholds(self) -> dict[str, dict[str, float]]:
        if self.teachers is None:
            return {}
        return {
            name: {
                label: float(value)
                for label, value in zip(self.classes, teacher.thresholds.value, strict=True)
                if np.isfinite(value)
            }
            for name, teacher in self.teachers.by_modality.items()
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per clip and weak label.

        Returns:
            The columns clip, label, and per modality NAME (whether the label holds), NAME_margin (standard deviations,
            if a teacher said so) and NAME_segments (how many segments are labelled).
        """
        pd = import_pandas()

        rows = []
        segments = {name: array.sum(axis=1) for name, array in self.segments.items()}  # (N, C)
        for n, c in np.argwhere(self.labels > 0):
            row: dict[str, Any] = {"clip": self.clips[n], "label": self.classes[c]}
            for name in self.modalities:
                row[name] = bool(self.weak[name][n, c])
                if self.margins:
                    row[f"{name}_margin"] = float(self.margins[name][n, c])
                row[f"{name}_segments"] = int(segments[name][n, c])
            rows.append(row)
        return pd.DataFrame(rows)

    def plot(self) -> Figure:
        """Return a figure: per class, the shares of its weak labels that are only heard, only seen, and both."""
        from seehear.plots.refinement import plot_shares

        return plot_shares(self.shares, self.kinds, self.pseudo.source)

    def judge(self, truth: Tables, *, prior: Tables | None = None) -> LabelJudgement:
        """Judge these labels by true labels per modality; see `sh.judge_labels`.

        Args:
            truth: modality -> table of true labels, weak or dense, or its file.
            prior: Likewise of other clips, for the class prior.
        """
        from seehear.refinement.judge import judge_labels

        return judge_labels(self, truth, prior=prior)

    def save(self, out: str | Path) -> Path:
        """Write tables, numbers and a page into a folder; see `seehear.refinement.folder`. Returns the page."""
        from seehear import pages
        from seehear.refinement.folder import write

        self.folder = Path(out)
        write(self, self.folder)
        return pages.refinement.write(self, self.folder)


def _like(row: ClassShares) -> str:
    parts = []
    for name, sources in row.sources.items():
        if sources:
            parts.append(f"{display_name(name)}: {' / '.join(source for source, _ in sources[:2])}")
    return "; ".join(parts)


def _finite(value: dict[str, Any]) -> dict[str, Any]:
    margins = {name: margin if np.isfinite(margin) else None for name, margin in value["margins"].items()}
    return {**value, "margins": margins}
