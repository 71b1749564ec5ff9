"""What lies behind scores: how far confidences can be believed, what is taken for what, and which clips fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import ClipError
from seehear.events import ActiveSegments, event_spans
from seehear.labels import Event, write_dense
from seehear.parsed import link, write
from seehear.parsing import parsed_clip, truth_of
from seehear.scoring.clips import ClipRow, Errors, clip_rows, extremes, ranked
from seehear.scoring.confusion import ELSEWHERE, Confusion, confusion, elsewhere, state_names, states
from seehear.scoring.decoding import Decoding, Probabilities
from seehear.scoring.reliability import Reliability, Tally
from seehear.scoring.scores import with_joint

if TYPE_CHECKING:
    from seehear.training.run import Run
    from seehear.verbs.tables import Labelled

Array = NDArray[np.float64]
Active = Mapping[str, NDArray[np.bool_]]  # modality -> (N, T, C)

WRONG = ("invented", "missed")
FOUND = "found"  # the folder of the predictions' tables


@dataclass(frozen=True)
class Wanted:
    """folder: to write into. examples: how many of the best and of the worst clips to name, and to show as they were
    parsed where files, clip -> media file, are given.
    """

    folder: Path
    examples: int
    files: Mapping[str, Path] | None = None


@dataclass
class Examples:
    """The best and worst clips, from the outside in. run: whose predictions the parses show.

    parses: clip -> its file. failed: clip -> why it has none.
    """

    run: Path
    best: list[str]
    worst: list[str]
    parses: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class Details:
    """Counts are of segments of a class, and means over runs where there are several.

    folder: where everything was written. reliability: of each modality's segments; reliability_clip: of the clip's
    classes, against its weak labels. across: (C, states, states) as `confusion.states` has it. elsewhere: `invented`,
    where else false alarms are true, and `missed`, where else what was missed was found: modality -> (C, 4).
    clips: a row for each with features. tables: dense tables of each run. history: of each run's training.
    """

    folder: Path
    classes: tuple[str, ...]
    modalities: tuple[str, ...]
    reliability: dict[str, Reliability]
    reliability_clip: Reliability
    confusion: dict[str, Confusion]
    across: Array
    elsewhere: dict[str, dict[str, Array]]
    clips: list[ClipRow]
    tables: list[dict[str, Path]]
    seeds: list[int]
    history: list[list[dict[str, Any]]]
    examples: Examples

    def as_json(self) -> dict[str, Any]:
        """Files as they are reached from the folder."""
        order = ranked(self.clips)
        return {
            "seeds": self.seeds,
            "reliability": {
                "segment": {name: found.as_json() for name, found in self.reliability.items()},
                "clip": self.reliability_clip.as_json(),
            },
            "confusion": {name: found.as_json() for name, found in self.confusion.items()},
            "across": {
                "all": self._states(self.across.sum(axis=0)),
                "classes": {label: self._states(self.across[c]) for c, label in enumerate(self.classes)},
            },
            "elsewhere": {
                name: {
                    what: {
                        "all": _elsewhere(counts[name].sum(axis=0)),
                        "classes": {label: _elsewhere(counts[name][c]) for c, label in enumerate(self.classes)},
                    }
                    for what, counts in self.elsewhere.items()
                }
                for name in self.modalities
            },
            "clips": {
                "ranked": [row.as_json() for row in order],
                "without_events": sorted(row.clip for row in self.clips if not row.true),
            },
            "history": self.history,
            "tables": [{name: link(path, self.folder) for name, path in each.items()} for each in self.tables],
            "examples": {
                "run": str(self.examples.run),
                "best": self.examples.best,
                "worst": self.examples.worst,
                "parses": {clip: link(path, self.folder) for clip, path in self.examples.parses.items()},
                "failed": self.examples.failed,
            },
        }

    def _states(self, counts: Array) -> dict[str, dict[str, float]]:
        """What is there -> what was found -> how often, without zeros."""
        names = state_names(self.modalities)
        return {
            names[true]: {names[found]: float(counts[true, found]) for found in np.flatnonzero(counts[true])}
            for true in np.flatnonzero(counts.any(axis=1))
        }


def _elsewhere(counts: Array) -> dict[str, float]:
    return {"segments": float(counts.sum()), **dict(zip(ELSEWHERE, counts.tolist(), strict=True))}


class Gathering:
    """Takes what details are made of from predictions as they are scored, run by run and some clips at a time.

    Keeps no probabilities longer than that but those of the first run, where clips are to be shown: of each clip the
    classes that are in it or were found in it.
    """

    def __init__(
        self,
        wanted: Wanted,
        runs: Sequence[Run],
        decoding: Decoding,
        split: Labelled,
        classes: tuple[str, ...],
        truth: Active,
        lengths: NDArray[np.int64],
    ) -> None:
        """runs: that will be scored. classes: those of the runs first. truth: of all clips of the weak table.

        lengths: segments of each clip with features.
        """
        self.wanted, self.runs, self.decoding, self.split = wanted, list(runs), decoding, split
        self.classes, self.truth, self.lengths = classes, truth, lengths
        self.featured = np.flatnonzero(np.isin(split.weak.clips, split.clips))
        self.labels = split.weak.array(split.clips, runs[0].facts.classes) > 0  # (clips, C)
        n_clips, n_classes, n_states = len(split.weak.clips), len(classes), 2 ** len(truth)
        self._segments = {name: Tally(len(split.clips)) for name in truth}
        self._whole = Tally(len(split.clips))
        self._confusion = {name: np.zeros((n_classes + 1, n_classes + 1)) for name in truth}
        self._across = np.zeros((n_classes, n_states, n_states))
        self._elsewhere = {what: {name: np.zeros((n_classes, len(ELSEWHERE))) for name in truth} for what in WRONG}
        self._by_clip = {
            what: {name: np.zeros((n_clips, n_classes), dtype=np.int32) for name in truth} for what in WRONG
        }
        self._tables: list[dict[str, Path]] = []
        self._kept: dict[str, tuple[NDArray[np.intp], NDArray[np.float32], Active]] = {}

    def predicted(self, part: slice, found: Probabilities, active: Active) -> None:
        """What a run says of some of the clips with features, and what became of it: modality -> (n, T, C)."""
        known = len(self.runs[0].facts.classes)
        for n, row in enumerate(self.featured[part]):
            clip, length = part.start + n, self.lengths[part.start + n]
            true = {name: of_modality[row, :length, :known] for name, of_modality in self.truth.items()}
            for m, (name, of_modality) in enumerate(true.items()):
                self._segments[name].add(clip, found.segment[n, :length, m], of_modality)
            # A clip that was seen in windows counts with what they say on average.
            self._whole.add(clip, found.clip[n, :length].mean(axis=0), self.labels[clip])
            if self.wanted.files is not None and not self._tables:  # of the first run
                here = {name: of_modality[n, :length] for name, of_modality in active.items()}  # (T, C)
                some = np.flatnonzero(np.any([*here.values(), *true.values()], axis=(0, 1)))
                self._kept[self.split.clips[clip]] = (
                    some,
                    found.segment[n, :length][..., some],  # (T, M, classes)
                    {name: of_modality[None][..., some] for name, of_modality in here.items()},
                )

    def scored(self, run: Run, active: Active) -> None:
        """All that a run found, (clips of the weak table, T, classes) each. Writes its tables."""
        for name, true in self.truth.items():
            self._confusion[name] += confusion(active[name], true)
            self._by_clip["invented"][name] += (active[name] & ~true).sum(axis=1, dtype=np.int32)
            self._by_clip["missed"][name] += (true & ~active[name]).sum(axis=1, dtype=np.int32)
        self._across += states(active, self.truth)
        for what, counts in (("invented", elsewhere(active, self.truth)), ("missed", elsewhere(self.truth, active))):
            for name, of_modality in counts.items():
                self._elsewhere[what][name] += of_modality
        # In a folder of their own: tables of the truth have the same names.
        folder = self.wanted.folder / FOUND
        folder = folder if len(self.runs) == 1 else folder / f"seed-{run.facts.seed}"
        tables = {}
        for name, of_kind in with_joint(active, tuple(self.truth)).items():
            tables[name] = folder / f"{name}.csv"
            write_dense(tables[name], self._events(of_kind))
        self._tables.append(tables)

    def details(self, per_clip: Mapping[tuple[str, str], Array], notes: list[str]) -> Details:
        """What came of all runs. Writes the parses of the clips to be shown, and adds what is odd to the notes.

        per_clip: (level, score) -> of each clip of the weak table, (clips,), mean over runs.
        """
        count, here = len(self.runs), self.featured
        by_clip = {what: {name: counts[here] / count for name, counts in self._by_clip[what].items()} for what in WRONG}
        true = {name: of_modality[here].sum(axis=1) for name, of_modality in self.truth.items()}
        scores = {key: values[here] for key, values in per_clip.items()}
        rows = clip_rows(self.split.clips, scores, Errors(true, by_clip["missed"], by_clip["invented"]), self.classes)
        return Details(
            self.wanted.folder,
            self.classes,
            tuple(self.truth),
            {name: tally.reliability(count) for name, tally in self._segments.items()},
            self._whole.reliability(count),
            {name: Confusion(self.classes, table / count) for name, table in self._confusion.items()},
            self._across / count,
            {what: {name: of / count for name, of in self._elsewhere[what].items()} for what in WRONG},
            rows,
            self._tables,
            [run.facts.seed for run in self.runs],
            [run.history() for run in self.runs],
            self._show(rows, notes),
        )

    def _show(self, rows: Sequence[ClipRow], notes: list[str]) -> Examples:
        best, worst = ([row.clip for row in some] for some in extremes(rows, self.wanted.examples))
        examples = Examples(self.runs[0].path, best, worst)
        if self.wanted.files is not None:
            for clip in (*best, *worst):
                try:
                    if clip not in self.wanted.files:
                        raise ClipError(f"{clip}: no file of this name among the clips")
                    examples.parses[clip] = self._parse(clip, self.wanted.files[clip], notes)
                except ClipError as error:
                    examples.failed[clip] = str(error)
        return examples

    def _parse(self, clip: str, file: Path, notes: list[str]) -> Path:
        """Write what the first run found in a clip. Raises ClipError where its file can't be used."""
        from seehear.media import Media

        facts, media = self.runs[0].facts, Media(file)
        some, probabilities, active = self._kept[clip]
        if (there := media.segments(facts.segment)) != len(probabilities):
            notes.append(
                f"{file}: has {there} segments, its features {len(probabilities)}: were they made of this file?"
            )
        parsed = parsed_clip(
            active,
            probabilities[None],
            [facts.classes[c] for c in some],
            facts.segment,
            self.decoding,
            clip=clip,
            file=file,
            duration=media.duration,
            truth=truth_of(clip, self.split.dense, facts.modalities, facts.segment),
            all_classes=facts.classes,
        )
        return write(parsed, self.wanted.folder / "clips", run=str(self.runs[0].path))

    def _events(self, active: NDArray[np.bool_]) -> list[Event]:
        """Of (clips of the weak table, T, classes); in whole segments, so that their scores are the same."""
        segment, clips = self.runs[0].facts.segment, self.split.weak.clips
        found = event_spans(ActiveSegments.of(active))
        columns = zip(*(column.tolist() for column in (found.clip, found.label, found.start, found.stop)), strict=True)
        return [Event(clips[n], start * segment, stop * segment, self.classes[c]) for n, c, start, stop in columns]
