"""An evaluation: the scores of one system, their intervals, and how they compare with predictions without a model."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.results import Result, html_table, import_pandas, listed, table
from seehear.scoring.intervals import Interval, bootstrap
from seehear.scoring.references import MEANING, WEAK_BASELINE
from seehear.scoring.scores import AVERAGE, LEVELS, ClassRow, ScoreKey, Scores
from seehear.scoring.signature import Signature
from seehear.scoring.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from seehear.evaluation.details import Details

FORMAT = "seehear-evaluation-2"
FILE = "evaluation.json"
LONGEST_NAME = 60  # letters of a name in the repr


@dataclass(frozen=True)
class ScoreRow:
    """One score of a system.

    Attributes:
        key: Level and kind; AVERAGE for the mean of all scores.
        interval: Its mean over seeds and clips and 95 % interval, per cent.
        references: Name of a reference prediction -> its score, per cent.
        beyond: The score less that of the weak-label baseline, points, paired by clip, with its 95 % interval.
    """

    key: ScoreKey
    interval: Interval
    references: dict[str, float]
    beyond: Interval

    @property
    def name(self) -> str:
        """Return the score's level and name, such as `segment audio`."""
        return " ".join(filter(None, self.key))

    @property
    def verdict(self) -> Verdict:
        """How the score compares with the weak-label baseline."""
        return Verdict.from_interval(self.beyond.low, self.beyond.high)

    def as_json(self) -> dict[str, float]:
        """Return the 95 % interval and the standard deviation over seeds, in per cent."""
        return {
            "low": self.interval.low,
            "high": self.interval.high,
            "seed_deviation": self.interval.deviation,
        }

    def beyond_as_json(self) -> dict[str, float | str]:
        """Return the difference from the weak-label baseline, in percentage points, and the verdict on it."""
        return {
            "mean": self.beyond.mean,
            "low": self.beyond.low,
            "high": self.beyond.high,
            "verdict": str(self.verdict),
        }


@dataclass(repr=False)
class Evaluation(Result):
    """The scores of one system; several if it was trained with several seeds.

    Attributes:
        runs: What was scored, one name per seed: run folders, or parsers in memory. Empty for given predictions.
        scores: One per seed; of an ensemble one.
        references: Name -> scores of a prediction that needs no model.
        missing: Labelled clips without features, scored as if nothing was predicted.
        notes: What else to know.
        seeds: Of the trainings; empty if they are not known.
        details: What lies behind the scores, if requested.
        folder: Where it was saved.
    """

    runs: list[str]
    scores: list[Scores]
    references: dict[str, Scores]
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    details: Details | None = None
    folder: Path | None = None

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if clips were left out or an example page could not be written, else 0."""
        return 1 if self.missing or (self.details and self.details.examples.failed) else 0

    @property
    def systems(self) -> list[str]:
        """What was evaluated, seeds apart: the folder of a run or of several seeds, or `parser in memory`."""
        paths = [Path(run) for run in self.runs]
        seeds = self.seeds if len(self.seeds) == len(paths) else [None] * len(paths)
        names = [
            path.parent.name if path.name == f"seed-{seed}" else path.name.removesuffix(f", seed {seed}")
            for path, seed in zip(paths, seeds, strict=True)
        ]
        return list(dict.fromkeys(names))

    @property
    def system(self) -> str:
        """What was evaluated, in one line."""
        ensemble = f", ensemble of {self.signature.ensemble} seeds" if self.is_ensemble else ""
        return f"{', '.join(self.systems) or 'given predictions'}{ensemble}"

    @property
    def is_ensemble(self) -> bool:
        """Whether several seeds were scored as one system."""
        return self.signature.ensemble > 1

    @property
    def signature(self) -> Signature:
        """Return the signature of the scores, which is the same for all runs."""
        return self.scores[0].signature

    @property
    def page(self) -> Path | None:
        """The page that shows it, once it is saved."""
        return self.folder / "evaluation.html" if self.folder is not None else None

    def __repr__(self) -> str:
        system = self.system if len(self.system) <= LONGEST_NAME else f"{self.system[: LONGEST_NAME - 1]}…"
        average = f"average {self.average.mean:.1f} ({self.average.low:.1f} to {self.average.high:.1f})"
        count = f", {len(self.scores)} seeds" if len(self.scores) > 1 else ""
        return f"Evaluation({system}: {average}{count}; {self.signature.clips} clips, {self.signature.decoding[:40]})"

    def _repr_html_(self) -> str:
        return html_table(self._score_table(), f"{self.system}, per cent; {self.signature}")

    # Numbers

    def per_clip(self, level: str, name: str) -> NDArray[np.float64]:
        """Return a score in per cent, (seeds, clips)."""
        return 100 * np.stack([scores.per_clip[level, name] for scores in self.scores])

    def average_per_clip(self) -> NDArray[np.float64]:
        """Return the average of all scores in per cent, (seeds, clips)."""
        return np.mean([self.per_clip(level, name) for level, name in self.scores[0].per_clip], axis=0)

    def interval(self, level: str, name: str) -> Interval:
        """Return a score's mean and 95 % interval over clips and seeds, per cent.

        Args:
            level: segment or event.
            name: Its kind, such as type_at_av.

        Raises:
            SeehearError: If there is no such score.
        """
        if (level, name) not in self._intervals:
            known = ", ".join(f"{at} {kind}" for at, kind in self._intervals)
            raise SeehearError(f"no score {level} {name}; available: {known}")
        return self._intervals[level, name]

    @cached_property
    def _intervals(self) -> dict[ScoreKey, Interval]:
        return {(level, name): bootstrap(self.per_clip(level, name)) for level, name in self.scores[0].per_clip}

    @cached_property
    def average(self) -> Interval:
        """The average of all scores with its 95 % interval, per cent."""
        return bootstrap(self.average_per_clip())

    @cached_property
    def beyond_baseline(self) -> dict[ScoreKey, Interval]:
        """Each score less that of the weak-label baseline, points, paired by clip."""
        baseline = self.references[WEAK_BASELINE].per_clip  # (N,) each
        beyond = {key: self.per_clip(*key) - 100 * baseline[key] for key in self.scores[0].per_clip}  # (S, N) each
        beyond[AVERAGE] = np.mean([*beyond.values()], axis=0)
        return {key: bootstrap(each) for key, each in beyond.items()}

    @cached_property
    def rows(self) -> tuple[ScoreRow, ...]:
        """Every score, the average last."""
        rows = []
        for level, name in self.scores[0].per_clip:
            references = {known: scores.level(level)[name] for known, scores in self.references.items()}
            beyond = self.beyond_baseline[level, name]
            rows.append(ScoreRow((level, name), self.interval(level, name), references, beyond))
        references = {known: scores.average for known, scores in self.references.items()}
        return (*rows, ScoreRow(AVERAGE, self.average, references, self.beyond_baseline[AVERAGE]))

    def verdict(self, level: str = "", name: str = "average") -> Verdict:
        """Return how a score, by default the average, compares with the weak-label baseline."""
        beyond = self.beyond_baseline[level, name]
        return Verdict.from_interval(beyond.low, beyond.high)

    def by_seed(self) -> Iterator[Evaluation]:
        """Yield the evaluation of each seed alone, without details; nothing for an ensemble."""
        if self.is_ensemble:
            return
        for n, scores in enumerate(self.scores):
            yield replace(
                self, runs=self.runs[n : n + 1], scores=[scores], seeds=self.seeds[n : n + 1], details=None, folder=None
            )

    # Views

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row per score, the average last; per cent and points.

        Returns:
            The columns level, kind, score, low, high, seed_deviation; baseline (the weak-label baseline's score);
            difference, difference_low, difference_high (from the baseline) and verdict.
        """
        pd = import_pandas()

        return pd.DataFrame(
            {
                "level": row.key[0],
                "kind": row.key[1],
                "score": row.interval.mean,
                **row.as_json(),
                "baseline": row.references[WEAK_BASELINE],
                "difference": row.beyond.mean,
                "difference_low": row.beyond.low,
                "difference_high": row.beyond.high,
                "verdict": str(row.verdict),
            }
            for row in self.rows
        )

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw every score with its interval, and the weak-label baseline's score.

        Args:
            ax: Axes to draw into; by default a new figure.

        Returns:
            The figure.
        """
        from seehear.plots.scores import ScoreMark, plot_scores

        marks = [
            ScoreMark(
                row.name,
                row.interval.mean,
                (row.interval.low, row.interval.high),
                row.references[WEAK_BASELINE],
            )
            for row in self.rows
        ]
        return plot_scores(marks, ax, self.system)

    def text(self) -> str:
        """Return a table of the scores, the reference predictions, and the verdicts."""
        several = len(self.scores) > 1
        over = "clips and seeds" if several else "clips"
        single = self.system if self.is_ensemble or not self.runs else self.runs[0]
        system = f"{len(self.runs)} seeds" if several else single
        verdicts = {
            verdict: [row.name for row in self.rows if row.verdict is verdict]
            for verdict in (Verdict.WORSE, Verdict.INCONCLUSIVE)
        }
        lines = [
            *self._missing_lines(),
            *self.notes,
            table(self._score_table()),
            f"per cent; {system}; intervals by bootstrap over {over}",
            MEANING,
            f"signature {self.signature}",
            *(f"{_AGAINST_BASELINE[verdict]}: {', '.join(names)}" for verdict, names in verdicts.items() if names),
            "",
            f"segment F1 by class{', mean over seeds' if several else ''}; of: segments in the ground truth",
            table(self._class_table()),
            *self._saved_lines(),
        ]
        return "\n".join(lines)

    def _missing_lines(self) -> list[str]:
        headline = f"{len(self.missing)} clips without features, scored as if nothing was predicted"
        return [listed(self.missing, headline)] if self.missing else []

    def _saved_lines(self) -> list[str]:
        lines = []
        if self.details and (failed := list(self.details.examples.failed.values())):
            lines.append(listed(failed, f"{len(failed)} clips without a page"))
        if self.folder is not None:
            view = f"open {self.page} in a browser, or run: seehear view {shlex.quote(str(self.folder))}"
            lines.append(f"details: {self.folder}; {view}")
        return lines

    def _score_table(self) -> list[list[str]]:
        several = len(self.scores) > 1
        rows = [["", "score", "95 % interval", *(["seed SD"] if several else []), *self.references]]
        for row in self.rows:
            own = row.interval
            deviation = [f"{own.deviation:.2f}"] if several else []
            cells = [f"{own.mean:.2f}", f"{own.low:.2f} to {own.high:.2f}", *deviation]
            rows.append([row.name, *cells, *(f"{value:.2f}" for value in row.references.values())])
        return rows

    def _class_table(self) -> list[list[str]]:
        by_class = self.class_rows(LEVELS[0])
        kinds = list(next(iter(by_class.values())))
        rows = [["class", *(text for kind in kinds for text in (kind, "of"))]]
        for label, by_kind in by_class.items():
            cells = []
            for kind in kinds:
                f1 = mean_f1(by_kind[kind])
                cells += ["–" if f1 is None else f"{f1:.1f}", str(by_kind[kind][0].support)]
            rows.append([label, *cells])
        return rows

    def class_rows(self, level: str) -> dict[str, dict[str, list[ClassRow]]]:
        """Return class -> kind -> its row of each seed, at a level."""
        rows: dict[str, dict[str, list[ClassRow]]] = {}
        for scores in self.scores:
            for row in scores.classes:
                if row.level == level:
                    rows.setdefault(row.label, {}).setdefault(row.kind, []).append(row)
        return rows

    def as_json(self) -> Any:
        """Return the scores by level and name, in per cent, with their intervals and references."""

        def by_level(value: Any) -> dict[str, Any]:
            rows = {row.key: value(row) for row in self.rows}
            names = [name for level, name in rows if level == LEVELS[0]]
            nested = {level: {name: rows[level, name] for name in names} for level in LEVELS}
            return {**nested, "average": rows[AVERAGE]}

        return {
            **by_level(lambda row: row.interval.mean),
            "signature": str(self.signature),
            "runs": self.runs,
            "seeds": self.seeds,
            "intervals": by_level(ScoreRow.as_json),
            "each": [scores.as_json() for scores in self.scores],
            "references": {name: scores.as_json() for name, scores in self.references.items()},
            "beyond_baseline": by_level(ScoreRow.beyond_as_json),
            "classes": [[row.as_json() for row in scores.classes] for scores in self.scores],
            "missing": self.missing,
            "notes": self.notes,
            **(self.details.as_json() if self.details else {}),
        }

    def save(self, folder: str | Path) -> Path:
        """Write the evaluation with its details into a folder.

        FOLDER/evaluation.html, a page for a browser; FOLDER/evaluation.json; FOLDER/predictions, dense tables of the
        predictions (FOLDER/predictions/seed-N for several seeds); FOLDER/clips, the clips that the page plays.

        Returns:
            The page.

        Raises:
            SeehearError: If it has no details.
        """
        from seehear.evaluation.saving import save

        return save(self, Path(folder))


_AGAINST_BASELINE = {
    Verdict.WORSE: "worse than the weak-label baseline",
    Verdict.INCONCLUSIVE: "inconclusive against the weak-label baseline",
}


def mean_f1(rows: Sequence[ClassRow]) -> float | None:
    """Return a class's F1, mean over seeds, per cent; None if it is neither true nor predicted.

    A class that only some seeds predicted counts as 0 for the others.
    """
    f1 = [row.f1 for row in rows]
    return None if np.isnan(f1).all() else float(np.nan_to_num(f1).mean())
