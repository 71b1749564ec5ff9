"""seehear evaluate: the eleven scores of trained runs, with intervals, beside three reference predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.scoring.decoding import HALF, Filter
from seehear.scoring.intervals import Interval, bootstrap
from seehear.scoring.scores import LEVELS, ClassRow, Scores
from seehear.verbs import options
from seehear.verbs.result import Result, listed, table

if TYPE_CHECKING:
    from seehear.training.run import Run


@dataclass
class Evaluated(Result):
    """scores: of each run. references: name -> scores of a prediction that needs no model.

    missing: labelled clips without features, scored as if nothing had been found in them.
    """

    runs: list[Path]
    scores: list[Scores]
    references: dict[str, Scores]
    missing: list[str]

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if self.missing else 0

    def per_clip(self, level: str, name: str) -> NDArray[np.float64]:
        """A score in per cent, (seeds, clips)."""
        return 100 * np.stack([scores.per_clip[level, name] for scores in self.scores])

    def average_per_clip(self) -> NDArray[np.float64]:
        """The Average Score in per cent, (seeds, clips)."""
        return np.mean([self.per_clip(level, name) for level, name in self.scores[0].per_clip], axis=0)

    def interval(self, level: str, name: str) -> Interval:
        return bootstrap(self.per_clip(level, name))

    @property
    def average(self) -> Interval:
        return bootstrap(self.average_per_clip())

    def text(self) -> str:
        several = len(self.runs) > 1
        head = ["", "score", "95 % interval", *(["seed SD"] if several else []), *self.references]
        rows = [head]

        def row(label: str, found: Interval, of: Mapping[str, float]) -> None:
            spread = [f"{found.deviation:.2f}"] if several else []
            cells = [f"{found.mean:.2f}", f"{found.low:.2f} to {found.high:.2f}", *spread]
            rows.append([label, *cells, *(f"{value:.2f}" for value in of.values())])

        for level, name in self.scores[0].per_clip:
            references = {known: scores.level(level)[name] for known, scores in self.references.items()}
            row(f"{level} {name}", self.interval(level, name), references)
        row("average", self.average, {known: scores.average for known, scores in self.references.items()})
        runs = f"{len(self.runs)} seeds" if several else str(self.runs[0])
        over = "clips and seeds" if several else "clips"
        lines = [
            table(rows),
            "",
            f"per cent; {runs}; intervals by bootstrap over {over}",
            f"signature {self.scores[0].signature}",
            "",
            "segment F1 by class, mean over seeds" if several else "segment F1 by class",
            self._classes(),
        ]
        missing = listed(self.missing, f"{len(self.missing)} clips without features, scored as if nothing was found")
        return "\n".join([*lines, missing] if missing else lines)

    def _classes(self) -> str:
        found: dict[str, dict[str, list[ClassRow]]] = {}
        for scores in self.scores:
            for row in scores.classes:
                if row.level == "segment":
                    found.setdefault(row.label, {}).setdefault(row.kind, []).append(row)
        kinds = list(next(iter(found.values())))
        rows = [["", *(text for kind in kinds for text in (kind, "seconds" if kind == kinds[0] else "n"))]]
        rows = [["class", *(text for kind in kinds for text in (kind, "of"))]]
        for label, by_kind in found.items():
            cells = []
            for kind in kinds:
                f1 = [0.0 if np.isnan(row.f1) else row.f1 for row in by_kind[kind]]
                support = by_kind[kind][0].support
                nothing = not support and all(np.isnan(row.f1) for row in by_kind[kind])
                cells += ["–" if nothing else f"{np.mean(f1):.1f}", str(support)]
            rows.append([label, *cells])
        return table(rows)

    def as_json(self) -> Any:
        def spelled(found: Interval) -> dict[str, float]:
            return {"low": found.low, "high": found.high, "seed_deviation": found.deviation}

        names = [name for level, name in self.scores[0].per_clip if level == LEVELS[0]]
        return {
            **{level: {name: self.interval(level, name).mean for name in names} for level in LEVELS},
            "average": self.average.mean,
            "signature": str(self.scores[0].signature),
            "runs": [str(run) for run in self.runs],
            "intervals": {
                **{level: {name: spelled(self.interval(level, name)) for name in names} for level in LEVELS},
                "average": spelled(self.average),
            },
            "each": [scores.as_json() for scores in self.scores],
            "references": {name: scores.as_json() for name, scores in self.references.items()},
            "classes": [[row.as_json() for row in scores.classes] for scores in self.scores],
            "missing": self.missing,
        }


def evaluate(
    runs: Sequence[str | Path],
    *,
    store: str | Path,
    labels: str | Path,
    dense_audio: str | Path | None = None,
    dense_visual: str | Path | None = None,
    dense: Sequence[str] = (),
    filter: Filter = "global",
    threshold: float = HALF,
    clip_threshold: float = HALF,
    thresholds: str | Path | None = None,
    device: str = "auto",
) -> Evaluated:
    """Score trained runs on clips whose truth is known.

    Beside the scores stand those of three predictions that need no model: nothing anywhere, the clip's true
    labels painted over all of it in every modality, and the truth.

    Args:
        runs: Run folders; of several seeds (RUN/seed-N) all are taken together.
        store: The folder with the clips' features.
        labels: Weak table: which clips to score, with their labels.
        dense_audio: Dense table of what is heard in them.
        dense_visual: Dense table of what is seen in them.
        dense: MODALITY=TABLE for other modalities.
        filter: Which clip probability must reach the clip threshold for a class to be kept in a clip.
        threshold: Probability from which on a segment is active.
        clip_threshold: Probability from which on a class is kept.
        thresholds: JSON file with thresholds by class.
        device: auto, cpu or cuda.

    Returns:
        The eleven scores, their intervals and signature. Written to RUN/scores-<labels>.json too.
    """
    from seehear.files import atomic_json
    from seehear.labels import classes_of
    from seehear.scoring.decoding import Probabilities
    from seehear.scoring.scores import score
    from seehear.scoring.signature import Signature
    from seehear.store import Store
    from seehear.training.bags import Bags
    from seehear.training.inference import predict
    from seehear.training.run import find_runs
    from seehear.verbs.tables import read_split

    found = find_runs(runs)
    facts = found[0].facts
    _alike(found)
    features = Store(store)
    protocol = options.decoding(filter, threshold, clip_threshold, thresholds)
    where = options.device(device)
    split = read_split(features, facts.networks, Path(labels), options.by_modality(dense_audio, dense_visual, dense))
    # A class that the truth has and the run doesn't know is missed by it; leaving it out would flatter the run.
    names = tuple(dict.fromkeys([*facts.classes, *classes_of([split.weak])]))
    clips = [*split.clips, *split.missing]
    bags = Bags(split.packs, where)
    segments = max(
        [int(bags.lengths.max()), *(dense_table.last_segment(features.segment) for dense_table in split.dense.values())]
    )
    truth = split.truth(names, segments, clips)
    if truth is None:
        lacking = ", ".join(f"--dense-{name}" for name in facts.modalities if name not in split.dense)
        raise SeehearError(f"scores need the truth of every modality: give {lacking}")

    def whole(active: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(clips with features, T, known classes) to (all clips, segments, all classes)."""
        full = np.zeros((len(clips), segments, len(names)), dtype=bool)
        full[: active.shape[0], : active.shape[1], : active.shape[2]] = active
        return full

    signature = Signature(str(protocol), split.revision, len(clips))
    report = Evaluated([], [], {}, list(split.missing))
    for run in found:
        run.check_store(features)
        probabilities: Probabilities = predict(run.model(where), bags, facts.window)
        active = protocol(probabilities, facts.classes, facts.modalities)
        scores = score({name: whole(part) for name, part in active.items()}, truth, names, signature)
        report.runs.append(run.path)
        report.scores.append(scores)
    lengths = np.array([*bags.lengths, *([segments] * len(split.missing))])
    report.references = {
        name: score(prediction, truth, names, Signature(name, split.revision, len(clips)))
        for name, prediction in references(truth, split.weak.array(clips, names), lengths).items()
    }
    for run, scores in zip(found, report.scores, strict=True):
        alone = Evaluated([run.path], [scores], report.references, report.missing)
        atomic_json(run.path / f"scores-{Path(labels).stem}.json", alone.as_json())
    return report


def references(
    truth: Mapping[str, NDArray[np.bool_]], weak: NDArray[np.float32], lengths: NDArray[np.int64]
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Three predictions that need no model, of the shape of `truth`: modality -> (N, T, C)."""
    segments = next(iter(truth.values())).shape[1]
    inside = np.arange(segments) < lengths[:, None]  # (N, T)
    painted = inside[..., None] & (weak[:, None] > 0)
    return {
        "nothing": {name: np.zeros_like(array) for name, array in truth.items()},
        "weak labels": {name: painted for name in truth},
        "truth": dict(truth),
    }


def _alike(runs: Sequence[Run]) -> None:
    """Raises SeehearError unless the runs differ in their seeds alone."""
    first = {**runs[0].facts.as_json(), "seed": None}
    for run in runs[1:]:
        differ = [key for key, value in {**run.facts.as_json(), "seed": None}.items() if value != first[key]]
        if differ:
            raise SeehearError(f"{run.path} and {runs[0].path} differ in {', '.join(differ)}: evaluate them one by one")
