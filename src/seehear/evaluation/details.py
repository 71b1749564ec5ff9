"""The details of an evaluation: calibration, confusions, which clips fail, and what was predicted there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.data import Dataset
from seehear.decoding import Decoding, Probabilities
from seehear.errors import ClipError, SeehearError
from seehear.evaluation.systems import run_name
from seehear.events import Activity, inside_clips
from seehear.modality import display_name, kinds, with_joint
from seehear.parsing.clip import ParsedClip, ParsedEvent, parsed_clip, spans_of
from seehear.parsing.parser import Parser
from seehear.results import counted
from seehear.scoring.clips import ClipRow, ErrorCounts, best_and_worst, best_first, clip_rows
from seehear.scoring.confusion import ELSEWHERE, Confusion, confusion, elsewhere, state_names, states
from seehear.scoring.precision_recall import ThresholdCurves, ThresholdTally
from seehear.scoring.reliability import Reliability, Tally
from seehear.scoring.scores import ScoreKey
from seehear.storage.files import Local

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Active = Mapping[str, NDArray[np.bool_]]  # modality -> (N, T, C)

FALSE_POSITIVES, FALSE_NEGATIVES = "false_positives", "false_negatives"
ERRORS = (FALSE_POSITIVES, FALSE_NEGATIVES)
TABLES = "predictions"  # folder of the tables of predictions
CLIPS = "clips"  # folder of the parsed clips


@dataclass
class Examples:
    """The best and the worst clips.

    Attributes:
        run: The run whose predictions the parsed clips show.
        best: Names of the best clips, best first.
        worst: Names of the worst clips, worst first.
        clips: Name -> parsed clip, of those whose files are known.
        failed: Name -> why the clip can't be shown.
    """

    run: str
    best: list[str]
    worst: list[str]
    clips: dict[str, ParsedClip] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Details:
    """Counts are of segments of a class, means over runs if there are several.

    Attributes:
        all_clips: Names of the N clips.
        classes: Names of the C classes; those of the parser first.
        modalities: Names of the M modalities.
        segment: Seconds per segment.
        reliability: modality -> calibration of its segments.
        reliability_clip: Calibration of the clips' classes, against the weak labels.
        curves: modality -> precision and recall of segments by threshold, of the parser's classes.
        confusion: modality -> confusion matrix.
        across: (C, 2**M, 2**M), see `scoring.confusion.states`.
        elsewhere: `false_positives` and `false_negatives` -> modality -> (C, 4), see `scoring.confusion.elsewhere`.
        clips: A row per clip with features.
        predicted: One per run, over `classes`.
        seeds: One per training: per run, or per member of an ensemble.
        history: Of each training, one entry per epoch.
        examples: The best and the worst clips.
    """

    all_clips: tuple[str, ...]
    classes: tuple[str, ...]
    modalities: tuple[str, ...]
    segment: float
    reliability: dict[str, Reliability]
    reliability_clip: Reliability
    curves: dict[str, ThresholdCurves]
    confusion: dict[str, Confusion]
    across: Array
    elsewhere: dict[str, dict[str, Array]]
    clips: list[ClipRow]
    predicted: Sequence[Activity]
    seeds: list[int]
    history: list[list[dict[str, Any]]]
    examples: Examples

    def __repr__(self) -> str:
        classes = counted(len(self.classes), "class", "classes")
        return f"Details({counted(len(self.clips), 'clip')}, {classes}, {counted(len(self.seeds), 'run')})"

    def plot_reliability(self) -> Figure:
        """Return a figure of several panels: a reliability diagram per modality, and one of the clips' classes."""
        from seehear.plots.evaluation import plot_reliability

        panels = [(display_name(name), each) for name, each in self.reliability.items()]
        return plot_reliability([*panels, ("classes of clips", self.reliability_clip)])

    def plot_thresholds(self, modality: str) -> Figure:
        """Draw precision and recall by threshold of each class that occurs or is predicted in a modality.

        Raises:
            SeehearError: If it is none of the modalities, or no class occurs.
        """
        from seehear.plots.evaluation import plot_thresholds

        if modality not in self.curves:
            raise SeehearError(f"no modality {modality!r}; available: {', '.join(self.modalities)}")
        if not self.curves[modality].used():
            raise SeehearError(f"no class is true or predicted in {modality}: there is nothing to draw")
        return plot_thresholds(self.curves[modality])

    def plot_confusion(self, modality: str) -> Figure:
        """Draw the confusion matrix of a modality, without classes that are neither true nor predicted.

        Returns:
            The figure.

        Raises:
            SeehearError: If it is none of the modalities.
        """
        from seehear.plots.evaluation import plot_confusion

        if modality not in self.confusion:
            raise SeehearError(f"no modality {modality!r}; available: {', '.join(self.modalities)}")
        return plot_confusion(self.confusion[modality].used())

    def tables(self) -> list[dict[str, str]]:
        """Return kind -> file of the predictions' table, of each run, relative to the folder of the evaluation."""
        # Tables of the ground truth have the same names: these get a folder of their own.
        folders = [TABLES] if len(self.predicted) == 1 else [f"{TABLES}/seed-{seed}" for seed in self.seeds]
        return [{kind: f"{folder}/{kind}.csv" for kind in kinds(self.modalities)} for folder in folders]

    def as_json(self) -> dict[str, Any]:
        """Return everything but the predictions; files relative to the folder of the evaluation."""
        return {
            "reliability": {
                "segment": {name: each.as_json() for name, each in self.reliability.items()},
                "clip": self.reliability_clip.as_json(),
            },
            "thresholds": {
                "grid": np.round(next(iter(self.curves.values())).thresholds, 6).tolist() if self.curves else [],
                "segment": {name: each.as_json() for name, each in self.curves.items()},
            },
            "confusion": {name: each.as_json() for name, each in self.confusion.items()},
            "across": {
                "all": self.states(self.across.sum(axis=0)),
                "classes": {label: self.states(self.across[c]) for c, label in enumerate(self.classes)},
            },
            "elsewhere": {
                name: {
                    error: {
                        "all": _elsewhere(counts[name].sum(axis=0)),
                        "classes": {label: _elsewhere(counts[name][c]) for c, label in enumerate(self.classes)},
                    }
                    for error, counts in self.elsewhere.items()
                }
                for name in self.modalities
            },
            "clips": {
                "ranked": [row.as_json() for row in best_first(self.clips)],
                "without_events": self.without_events,
            },
            "history": self.history,
            "tables": self.tables(),
            "examples": {
                "run": self.examples.run,
                "best": self.examples.best,
                "worst": self.examples.worst,
                "parses": {clip: f"{CLIPS}/{clip}.json" for clip in self.examples.clips},
                "failed": self.examples.failed,
            },
        }

    @property
    def without_events(self) -> list[str]:
        """Clips in which nothing happens."""
        return sorted(row.clip for row in self.clips if not row.support)

    def states(self, counts: Array) -> dict[str, dict[str, float]]:
        """Return true modalities -> predicted modalities -> segments, without zeros. counts: (2**M, 2**M)."""
        names = state_names(self.modalities)
        return {
            names[true]: {names[p]: float(counts[true, p]) for p in np.flatnonzero(counts[true])}
            for true in np.flatnonzero(counts.any(axis=1))
        }


def _elsewhere(counts: Array) -> dict[str, float]:
    return {"segments": float(counts.sum()), **dict(zip(ELSEWHERE, counts.tolist(), strict=True))}


@dataclass(frozen=True)
class _Kept:
    """The first run's prediction for a clip, of the classes that are true or predicted in it.

    Attributes:
        classes: Numbers of these classes.
        probabilities: (T, M, classes).
        active: modality -> (1, T, classes).
    """

    classes: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    active: Active


class DetailsCollector:
    """Collects details from predictions as they are made, run by run and some clips at a time.

    Probabilities are kept no longer than that, except those of the first run if clips are to be shown.
    """

    def __init__(
        self,
        parsers: Sequence[Parser],
        decoding: Decoding,
        dataset: Dataset,
        truth: Activity,
        *,
        examples: int,
        files: Mapping[str, Local] | None,
    ) -> None:
        """Prepare to count.

        Args:
            parsers: Those that will be scored.
            decoding: How they decode.
            dataset: Clips with features of their networks.
            truth: Of all clips, over the parsers' classes first and further ones of the data set.
            examples: Number of the best and of the worst clips to name.
            files: Clip -> media file, to show them.
        """
        self._parsers, self._decoding, self._dataset = list(parsers), decoding, dataset
        self._truth, self._examples, self._files = truth, examples, files
        self._classes = truth.classes or ()
        self._lengths = dataset.lengths  # (N,)
        self._row = np.cumsum(dataset.featured) - 1  # (N,) number among the clips with features
        self._labels = dataset.with_classes(parsers[0].classes).labels > 0  # (N, C of the parser)
        n_clips, n_classes, n_states = len(dataset), len(self._classes), 2 ** len(truth)
        # Nothing is forecast in a modality that a clip lacks; if no clip has it, that nothing ever occurs in it.
        self._forecast = dataset.available | ~dataset.available.any(axis=0)  # (N, M)
        featured = int(dataset.featured.sum())
        self._segments = {name: Tally(featured) for name in truth}
        self._whole = Tally(featured)
        known = len(parsers[0].classes)
        self._by_threshold = {name: ThresholdTally(known) for name in truth}
        self._thresholds: list[Array] = []  # of each run, (M, C)
        self._confusion = {name: np.zeros((n_classes + 1, n_classes + 1)) for name in truth}
        self._across = np.zeros((n_classes, n_states, n_states))
        self._elsewhere = {error: {name: np.zeros((n_classes, len(ELSEWHERE))) for name in truth} for error in ERRORS}
        self._by_clip = {
            error: {name: np.zeros((n_clips, n_classes), dtype=np.int32) for name in truth} for error in ERRORS
        }
        self._predicted: list[Activity] = []
        self._kept: dict[int, _Kept] = {}

    def add_part(self, numbers: NDArray[np.int64], part: Probabilities, active: Active, decoding: Decoding) -> None:
        """Add a run's prediction for some clips.

        Args:
            numbers: (n,) numbers of the clips in the data set.
            part: Their probabilities.
            active: modality -> (n, T, C of the parser).
            decoding: That made them active.
        """
        known = len(self._parsers[0].classes)
        self._add_by_threshold(numbers, part, active, decoding)
        for n, number in enumerate(numbers.tolist()):
            row, length = int(self._row[number]), int(self._lengths[number])
            true = {name: of_modality[number, :length, :known] for name, of_modality in self._truth.items()}  # (T, C)
            for m, (name, of_modality) in enumerate(true.items()):
                if self._forecast[number, m]:
                    self._segments[name].add(row, part.segment[n, :length, m], of_modality)
            # A clip in several windows counts with the mean over them.
            self._whole.add(row, part.clip[n, :length].mean(axis=0), self._labels[number])
            if self._files is not None and not self._predicted:  # of the first run
                own = {name: of_modality[n, :length] for name, of_modality in active.items()}  # (T, C)
                classes = np.flatnonzero(np.any([*own.values(), *true.values()], axis=(0, 1)))
                self._kept[number] = _Kept(
                    classes,
                    part.segment[n, :length][..., classes],
                    {name: of_modality[None][..., classes] for name, of_modality in own.items()},
                )

    def _add_by_threshold(
        self, numbers: NDArray[np.int64], part: Probabilities, active: Active, decoding: Decoding
    ) -> None:
        parser = self._parsers[0]
        if len(self._thresholds) == len(self._predicted):  # the run's first part
            own = decoding.segment_thresholds(parser.classes, parser.modalities)
            self._thresholds.append(own.astype(np.float64))
        scores = decoding.filtered(part, parser.classes, parser.modalities)  # (n, T, M, C)
        inside = inside_clips(self._lengths[numbers], scores.shape[1])  # (n, T)
        for m, (name, tally) in enumerate(self._by_threshold.items()):
            true = self._truth[name][numbers, : scores.shape[1], : scores.shape[3]]
            tally.add(scores[:, :, m][inside], true[inside], active[name][inside])

    def _curves(self) -> dict[str, ThresholdCurves]:
        classes, own = self._parsers[0].classes, np.mean(self._thresholds, axis=0)  # (M, C)
        support = {name: array[:, :, : len(classes)].sum(axis=(0, 1)) for name, array in self._truth.items()}
        return {
            name: tally.curves(classes, support[name], own[m], len(self._parsers))
            for m, (name, tally) in enumerate(self._by_threshold.items())
        }

    def add_run(self, active: Activity) -> None:
        """Add all that a run predicted: modality -> (N, T, C)."""
        for name, true in self._truth.items():
            self._confusion[name] += confusion(active[name], true)
            self._by_clip[FALSE_POSITIVES][name] += (active[name] & ~true).sum(axis=1, dtype=np.int32)
            self._by_clip[FALSE_NEGATIVES][name] += (true & ~active[name]).sum(axis=1, dtype=np.int32)
        self._across += states(active, self._truth)
        pairs = {FALSE_POSITIVES: (active, self._truth), FALSE_NEGATIVES: (self._truth, active)}
        for error, pair in pairs.items():
            for name, counts in elsewhere(*pair).items():
                self._elsewhere[error][name] += counts
        self._predicted.append(active)

    def details(self, per_clip: Mapping[ScoreKey, Array], notes: list[str]) -> Details:
        """Return the details of all runs, and add what is odd to the notes.

        Args:
            per_clip: (level, kind) -> (N,) per cent, means over runs.
            notes: Of the evaluation.
        """
        count, featured = len(self._parsers), self._dataset.featured
        by_clip = {
            error: {name: counts[featured] / count for name, counts in self._by_clip[error].items()} for error in ERRORS
        }
        support = {name: of_modality[featured].sum(axis=1) for name, of_modality in self._truth.items()}
        errors = ErrorCounts(support, by_clip[FALSE_NEGATIVES], by_clip[FALSE_POSITIVES])
        scores = {key: values[featured] for key, values in per_clip.items()}
        rows = clip_rows(self._dataset.featured_clips, scores, errors, self._classes)
        return Details(
            self._dataset.clips,
            self._classes,
            tuple(self._truth),
            self._dataset.segment,
            {name: tally.reliability(count) for name, tally in self._segments.items()},
            self._whole.reliability(count),
            self._curves(),
            {name: Confusion(self._classes, counts / count) for name, counts in self._confusion.items()},
            self._across / count,
            {error: {name: of / count for name, of in self._elsewhere[error].items()} for error in ERRORS},
            rows,
            self._predicted,
            [seed for parser in self._parsers for seed in parser.seeds],
            [member.history for parser in self._parsers for member in parser.members],
            self._choose_examples(rows, notes),
        )

    def _choose_examples(self, rows: Sequence[ClipRow], notes: list[str]) -> Examples:
        best, worst = ([row.clip for row in some] for some in best_and_worst(rows, self._examples))
        examples = Examples(run_name(self._parsers[0]), best, worst)
        if self._files is None:
            return examples
        for clip in (*best, *worst):
            try:
                if clip not in self._files:
                    raise ClipError(f"{clip}: no file of this name among the clips")
                examples.clips[clip] = self._parsed(clip, self._files[clip], notes)
            except ClipError as error:
                examples.failed[clip] = str(error)
        return examples

    def _parsed(self, clip: str, file: Local, notes: list[str]) -> ParsedClip:
        """Return the first run's prediction for a clip. Raises ClipError if its file can't be used."""
        from seehear.media.child import open_clip

        parser, segment = self._parsers[0], self._dataset.segment
        number, media = self._dataset.clips.index(clip), open_clip(file)
        kept = self._kept[number]
        if (segments := media.segments(segment)) != len(kept.probabilities):
            notes.append(
                f"{file}: has {counted(segments, 'segment')}, but its features have {len(kept.probabilities)}: "
                "they may have been extracted from another file"
            )
        return parsed_clip(
            kept.active,
            kept.probabilities[None],
            [parser.classes[c] for c in kept.classes],
            segment,
            self._decoding,
            clip=clip,
            file=file,
            duration=media.duration,
            truth=_true_events(self._truth, number, segment),
            all_classes=parser.classes,
            absent=[parser.modalities[m] for m in np.flatnonzero(~self._dataset.available[number])],
        )


def _true_events(truth: Activity, number: int, segment: float) -> list[ParsedEvent]:
    """Return the true events of a clip, the joint modality's too, by modality, class and onset."""
    names = truth.classes or ()
    clip = {name: of_modality[number : number + 1] for name, of_modality in truth.items()}  # (1, T, C)
    events = []
    for modality, active in with_joint(clip, tuple(truth)).items():
        spans = sorted((names[label], start, stop) for label, start, stop in spans_of(active))
        events += [ParsedEvent(label, modality, start * segment, stop * segment, 1.0) for label, start, stop in spans]
    return events
