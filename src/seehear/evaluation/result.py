"""An evaluation: the scores of one system, their intervals, and how they compare with predictions without a model."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.modality import joint_of
from seehear.results import Result, counted, html_table, import_pandas, listed, table
from seehear.scoring.given import MODALITY, explained
from seehear.scoring.intervals import Interval, bootstrap_each
from seehear.scoring.never_found import never_found
from seehear.scoring.references import NOT_BASELINES, WEAK_BASELINE
from seehear.scoring.scores import AVERAGE, LEVELS, ONE_MODALITY, ClassRow, ScoreKey, Scores
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
        beyond: Name of a baseline -> the score less the baseline's, points, paired by clip, with its 95 % interval.
    """

    key: ScoreKey
    interval: Interval
    references: dict[str, float]
    beyond: dict[str, Interval]

    @property
    def name(self) -> str:
        """Return the score's level and name, such as `segment audio`."""
        return name_of(self.key)

    @property
    def verdict(self) -> Verdict:
        """How the score compares with the weak-label baseline."""
        return self.verdict_against(WEAK_BASELINE)

    def verdict_against(self, baseline: str) -> Verdict:
        """Return how the score compares with a baseline."""
        return Verdict.from_interval(self.beyond[baseline].low, self.beyond[baseline].high)

    def as_json(self) -> dict[str, float]:
        """Return the 95 % interval and the standard deviation over seeds, in per cent."""
        return {
            "low": self.interval.low,
            "high": self.interval.high,
            "seed_deviation": self.interval.deviation,
        }

    def beyond_as_json(self, baseline: str) -> dict[str, float | str]:
        """Return the difference from a baseline, in percentage points, and the verdict on it."""
        beyond = self.beyond[baseline]
        return {
            "mean": beyond.mean,
            "low": beyond.low,
            "high": beyond.high,
            "verdict": str(self.verdict_against(baseline)),
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
        meanings: Name of a reference -> what it predicts, in words.
        given: One per seed: `modality` and `time` -> scores with the true one given, see `scoring.given`.
    """

    runs: list[str]
    scores: list[Scores]
    references: dict[str, Scores]
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    details: Details | None = None
    folder: Path | None = None
    meanings: dict[str, str] = field(default_factory=dict)
    given: list[dict[str, Scores]] = field(default_factory=list)
    _beyond: dict[str, dict[ScoreKey, Interval]] = field(default_factory=dict, init=False, repr=False, compare=False)

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
        clips = counted(self.signature.clips, "clip")
        return f"Evaluation({system}: {average}{count}; {clips}, {self.signature.decoding})"

    def _repr_html_(self) -> str:
        return html_table(self._score_table(self.rows), f"{self.system}, per cent; {self.signature}")

    # Numbers

    def per_clip(self, level: str, name: str) -> NDArray[np.float64]:
        """Return a score in per cent, (seeds, clips)."""
        return 100 * np.stack([scores.values(level, name) for scores in self.scores])

    def average_per_clip(self) -> NDArray[np.float64]:
        """Return the average of all scores in per cent, (seeds, clips)."""
        return np.mean([self.per_clip(level, name) for level, name in self.scores[0].per_clip], axis=0)

    def interval(self, level: str, name: str) -> Interval:
        """Return a score's mean and 95 % interval over clips and seeds, per cent.

        Args:
            level: segment or event.
            name: Its kind, such as type_at_av or audio_only.

        Raises:
            SeehearError: If there is no such score.
        """
        if (level, name) not in self._intervals:
            known = ", ".join(f"{at} {kind}".strip() for at, kind in self._intervals)
            raise SeehearError(f"no score {level} {name}; available: {known}")
        return self._intervals[level, name]

    @cached_property
    def _intervals(self) -> dict[ScoreKey, Interval]:
        return bootstrap_each(_percent(self.scores))

    @property
    def average(self) -> Interval:
        """The average of all scores with its 95 % interval, per cent."""
        return self._intervals[AVERAGE]

    @property
    def baselines(self) -> list[str]:
        """Names of the references to compare the scores with, the weak-label baseline first."""
        return [name for name in self.references if name not in NOT_BASELINES]

    def beyond(self, reference: str) -> dict[ScoreKey, Interval]:
        """Return each score less that of a reference, points, paired by clip, with its 95 % interval.

        Raises:
            SeehearError: If there is no such reference.
        """
        if reference not in self.references:
            raise SeehearError(f"no reference {reference!r}; available: {', '.join(self.references)}")
        if reference not in self._beyond:
            own, other = _percent(self.scores), _percent([self.references[reference]])
            self._beyond[reference] = bootstrap_each({key: values - other[key] for key, values in own.items()})
        return self._beyond[reference]

    @property
    def beyond_baseline(self) -> dict[ScoreKey, Interval]:
        """Each score less that of the weak-label baseline, points, paired by clip."""
        return self.beyond(WEAK_BASELINE)

    @cached_property
    def rows(self) -> tuple[ScoreRow, ...]:
        """Every official score, the average last."""
        return tuple(self._row(key) for key in (*self.scores[0].per_clip, AVERAGE))

    @cached_property
    def only_rows(self) -> tuple[ScoreRow, ...]:
        """The scores of what is active in exactly one modality, which are not part of the average."""
        return tuple(self._row(key) for key in self.scores[0].only)

    def _row(self, key: ScoreKey) -> ScoreRow:
        references = {
            name: scores.average if key == AVERAGE else 100 * float(scores.values(*key).mean())
            for name, scores in self.references.items()
        }
        return ScoreRow(
            key, self._intervals[key], references, {name: self.beyond(name)[key] for name in self.baselines}
        )

    def verdict(self, level: str = "", name: str = "average", baseline: str = WEAK_BASELINE) -> Verdict:
        """Return how a score, by default the average, compares with a reference, by default the weak-label baseline."""
        beyond = self.beyond(baseline)[level, name]
        return Verdict.from_interval(beyond.low, beyond.high)

    @cached_property
    def given_intervals(self) -> dict[str, dict[ScoreKey, Interval]]:
        """`modality` and `time` -> the scores with the true one given, per cent, with their 95 % intervals."""
        names = self.given[0] if self.given else {}
        return {name: bootstrap_each(_percent([of_seed[name] for of_seed in self.given])) for name in names}

    @property
    def never_found(self) -> dict[str, dict[str, int]]:
        """Modality -> classes of which no seed predicted a single segment right -> their true segments."""
        kinds = list(dict.fromkeys(row.kind for row in self.scores[0].classes))
        runs = [scores.classes for scores in self.scores]
        return {kind: never_found(runs, kind) for kind in kinds if kind != joint_of(kinds)}

    def by_seed(self) -> Iterator[Evaluation]:
        """Yield the evaluation of each seed alone, without details; nothing for an ensemble."""
        if self.is_ensemble:
            return
        for n, scores in enumerate(self.scores):
            yield replace(
                self,
                runs=self.runs[n : n + 1],
                scores=[scores],
                seeds=self.seeds[n : n + 1],
                given=self.given[n : n + 1],
                details=None,
                folder=None,
            )

    # Views

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row per score, the average last; per cent and points.

        Scores of what is active in exactly one modality stand before the average, and are not part of it.

        Returns:
            The columns level, kind, score, low, high, seed_deviation; baseline (the weak-label baseline's score);
            difference, difference_low, difference_high (from the baseline) and verdict. Likewise for every further
            baseline: class_prior, class_prior_difference, class_prior_difference_low, …
        """
        pd = import_pandas()

        return pd.DataFrame(
            {
                "level": row.key[0],
                "kind": row.key[1],
                "score": row.interval.mean,
                **row.as_json(),
                **{name: value for baseline in self.baselines for name, value in _columns(row, baseline).items()},
            }
            for row in (*self.rows[:-1], *self.only_rows, self.rows[-1])
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
        lines = [
            *self._missing_lines(),
            *self.notes,
            table(self._score_table(self.rows)),
            f"per cent; {system}; intervals by bootstrap over {over}",
            *([] if self.only_rows else [ONE_MODALITY]),
            *(f"{name}: {meaning}" for name, meaning in self.meanings.items()),
            f"signature {self.signature}",
            *self._verdict_lines(),
            *self._only_lines(),
            *self._given_lines(),
            "",
            f"segment F1 by class{', mean over seeds' if several else ''}; of: segments in the ground truth",
            table(self._class_table()),
            *self._never_found_lines(),
            *self._saved_lines(),
        ]
        return "\n".join(lines)

    def _verdict_lines(self) -> list[str]:
        lines = []
        for baseline in self.baselines:
            for verdict, words in _AGAINST.items():
                names = [row.name for row in self.rows if row.verdict_against(baseline) is verdict]
                lines += [f"{words} the {called(baseline)}: {', '.join(names)}"] if names else []
        return lines

    def _only_lines(self) -> list[str]:
        if not self.only_rows:
            return []
        title = "F1 of what is active in exactly one modality; not part of the average"
        return ["", title, table(self._score_table(self.only_rows))]

    def _given_lines(self) -> list[str]:
        if not self.given:
            return []
        rows = [["", *(text for key in self.given_keys for text in (name_of(key), "95 % interval"))]]
        for title, intervals in self.by_given().items():
            rows.append([title, *(text for key in self.given_keys for text in _cells(intervals[key]))])
        meanings, dropped = explained(self.given_intervals)
        each = [f"{name} given: {meaning}" for name, meaning in meanings.items()]
        return ["", self.given_title, table(rows), *each, dropped]

    @property
    def given_title(self) -> str:
        """What the scores with the true modality or time given show."""
        of_modality = "modality, and how much is " if MODALITY in self.given_intervals else ""
        return f"how much of the error is {of_modality}time"

    @property
    def given_keys(self) -> tuple[ScoreKey, ...]:
        """The scores that are printed with the true modality or time given."""
        return (*((level, self.scores[0].summary) for level in LEVELS), AVERAGE)

    def by_given(self) -> dict[str, dict[ScoreKey, Interval]]:
        """Return the scores as predicted, with the modality given, and with the time given, by these words."""
        corrected = {f"{name} given": intervals for name, intervals in self.given_intervals.items()}
        return {"as predicted": self._intervals, **corrected}

    def _never_found_lines(self) -> list[str]:
        return [
            f"never found, {modality}: {', '.join(f'{label} ({count})' for label, count in missed.items()) or 'none'}"
            for modality, missed in self.never_found.items()
        ]

    def _missing_lines(self) -> list[str]:
        headline = f"{counted(len(self.missing), 'clip')} without usable features, scored as if nothing was predicted"
        return [listed(self.missing, headline)] if self.missing else []

    def _saved_lines(self) -> list[str]:
        lines = []
        if self.details and (failed := list(self.details.examples.failed.values())):
            lines.append(listed(failed, f"{counted(len(failed), 'clip')} without a page"))
        if self.folder is not None:
            view = f"open {self.page} in a browser, or run: seehear view {shlex.quote(str(self.folder))}"
            lines.append(f"details: {self.folder}; {view}")
        return lines

    def _score_table(self, of: Sequence[ScoreRow]) -> list[list[str]]:
        several = len(self.scores) > 1
        rows = [["", "score", "95 % interval", *(["seed SD"] if several else []), *self.references]]
        for row in of:
            deviation = [f"{row.interval.deviation:.2f}"] if several else []
            cells = [*_cells(row.interval), *deviation]
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
        return {
            **_by_level({row.key: row.interval.mean for row in self.rows}),
            "signature": str(self.signature),
            "runs": self.runs,
            "seeds": self.seeds,
            "intervals": _by_level({row.key: row.as_json() for row in self.rows}),
            "each": [scores.as_json() for scores in self.scores],
            "references": {name: scores.as_json() for name, scores in self.references.items()},
            "meanings": self.meanings,
            **{
                f"beyond_{column_of(name)}": _by_level({row.key: row.beyond_as_json(name) for row in self.rows})
                for name in self.baselines
            },
            "only": _by_level({row.key: asdict(row.interval) for row in self.only_rows}),
            "given": {
                name: _by_level({key: asdict(interval) for key, interval in intervals.items()})
                for name, intervals in self.given_intervals.items()
            },
            "never_found": self.never_found,
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


_AGAINST = {Verdict.WORSE: "worse than", Verdict.INCONCLUSIVE: "inconclusive against"}


def called(reference: str) -> str:
    """Return what a reference is called in a sentence, after `the`."""
    return "weak-label baseline" if reference == WEAK_BASELINE else reference


def name_of(key: ScoreKey) -> str:
    """Return a score's level and name, such as `segment audio`."""
    return " ".join(filter(None, key))


def column_of(reference: str) -> str:
    """Return what a reference is called in JSON and data frames: `baseline` is the weak-label baseline."""
    return "baseline" if reference == WEAK_BASELINE else reference.replace(" ", "_")


def mean_f1(rows: Sequence[ClassRow]) -> float | None:
    """Return a class's F1, mean over seeds, per cent; None if it is neither true nor predicted.

    A class that only some seeds predicted counts as 0 for the others.
    """
    f1 = [row.f1 for row in rows]
    return None if np.isnan(f1).all() else float(np.nan_to_num(f1).mean())


def _cells(interval: Interval) -> list[str]:
    return [f"{interval.mean:.2f}", f"{interval.low:.2f} to {interval.high:.2f}"]


def _columns(row: ScoreRow, reference: str) -> dict[str, float | str]:
    """Return the columns of a data frame on a reference; the first reference's have no prefix."""
    column, beyond = column_of(reference), row.beyond[reference]
    prefix = "" if reference == WEAK_BASELINE else f"{column}_"
    return {
        column: row.references[reference],
        f"{prefix}difference": beyond.mean,
        f"{prefix}difference_low": beyond.low,
        f"{prefix}difference_high": beyond.high,
        f"{prefix}verdict": str(row.verdict_against(reference)),
    }


def _percent(scores: Sequence[Scores]) -> dict[ScoreKey, NDArray[np.float64]]:
    """Return each score of several seeds in per cent, (S, N), the average of the official ones too."""
    official = {key: 100 * np.stack([of_seed.per_clip[key] for of_seed in scores]) for key in scores[0].per_clip}
    only = {key: 100 * np.stack([of_seed.only[key] for of_seed in scores]) for key in scores[0].only}
    return {**official, AVERAGE: np.mean([*official.values()], axis=0), **only}


def _by_level(values: Mapping[ScoreKey, Any]) -> dict[str, Any]:
    """Return level -> name -> value, and the average, if it is there."""
    nested: dict[str, Any] = {}
    for (level, name), value in values.items():
        if level:
            nested.setdefault(level, {})[name] = value
        else:
            nested[name] = value
    return nested
