"""A benchmark: the scores that papers report, with intervals, and what the truth can't say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seehear.errors import SeehearError
from seehear.results import Result, counted, html_table, import_pandas, listed, table
from seehear.scoring.intervals import Interval
from seehear.scoring.metrics.interface import ClassScore, Key, Metric, MetricSignature

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class BenchmarkRow:
    """One score of a system.

    Attributes:
        metric: Name of the metric.
        key: What was compared, and the score's name.
        interval: Mean over seeds and its 95 % interval, per cent; NaN where it is not defined.
    """

    metric: str
    key: Key
    interval: Interval


@dataclass(frozen=True)
class ClassRow:
    """One score of one class, mean over seeds.

    Attributes:
        metric: Name of the metric.
        key: What was compared, and the score's name.
        label: The class.
        value: Per cent; NaN where it is not defined.
        support: True segments, events or clips of the class.
    """

    metric: str
    key: Key
    label: str
    value: float
    support: int


@dataclass(frozen=True, repr=False)
class MetricResult:
    """The scores of one metric.

    Attributes:
        metric: The metric.
        keys: Names of its K scores.
        found: Their intervals, in [0, 1].
        by_run: Scores of single classes, one list per run.
        signature: How the scores were computed.
        notes: What else to know.
    """

    metric: Metric
    keys: tuple[Key, ...]
    found: list[Interval]
    by_run: list[tuple[ClassScore, ...]]
    signature: MetricSignature
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"MetricResult({self.metric.name}: {_short(self.headline)}, {len(self.keys)} scores)"

    @property
    def headline(self) -> BenchmarkRow:
        """The score to show where there is room for one, of the first kind."""
        named = (row for row in self.rows if row.key.score == self.metric.headline)
        return next(named, self.rows[0])

    @cached_property
    def rows(self) -> tuple[BenchmarkRow, ...]:
        """Every score, per cent."""
        return tuple(
            BenchmarkRow(self.metric.name, key, Interval(*(100 * value for value in vars(interval).values())))
            for key, interval in zip(self.keys, self.found, strict=True)
        )

    @cached_property
    def classes(self) -> tuple[ClassRow, ...]:
        """Scores of single classes. One that only some runs define counts as 0 for the others."""
        values: dict[tuple[Key, str], list[float]] = {}
        support: dict[tuple[Key, str], int] = {}
        for run in self.by_run:
            for each in run:
                values.setdefault((each.key, each.label), []).append(each.value)
                support[each.key, each.label] = each.support
        return tuple(
            ClassRow(self.metric.name, key, label, 100 * _mean(each), support[key, label])
            for (key, label), each in values.items()
        )

    def as_json(self) -> dict[str, Any]:
        """Return the scores with intervals in per cent, those of classes, and the signature; None for NaN."""
        return {
            "metric": self.metric.name,
            "paper": self.metric.paper,
            "scores": [{"kind": row.key.kind, "score": row.key.score, **_numbers(row.interval)} for row in self.rows],
            "classes": [
                {"kind": row.key.kind, "score": row.key.score, "label": row.label, "value": _json(row.value)}
                | {"support": row.support}
                for row in self.classes
            ],
            "signature": str(self.signature),
            "notes": list(self.notes),
        }


@dataclass(repr=False)
class Benchmark(Result):
    """The scores of one system by one metric or more; means over its seeds, if there are several.

    Attributes:
        results: One per metric, in the order asked for.
        runs: What was scored, one name per seed: run folders, or parsers in memory. Empty for given predictions.
        seeds: Of the trainings; empty if they are not known.
        missing: Clips without features, scored as if nothing was predicted.
        notes: What else to know.
        limits: What the truth can't say.
    """

    results: list[MetricResult]
    runs: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if clips without features were scored as empty, else 0."""
        return 1 if self.missing else 0

    @property
    def rows(self) -> list[BenchmarkRow]:
        """Every score of every metric."""
        return [row for result in self.results for row in result.rows]

    @property
    def signatures(self) -> list[MetricSignature]:
        """How the scores were computed, one per metric."""
        return [result.signature for result in self.results]

    def __getitem__(self, metric: str) -> MetricResult:
        """Return the scores of a metric.

        Raises:
            SeehearError: If it was not asked for.
        """
        for result in self.results:
            if result.metric.name == metric:
                return result
        raise SeehearError(
            f"no scores of {metric!r}; available: {', '.join(each.metric.name for each in self.results)}"
        )

    def interval(self, metric: str, score: str, kind: str | None = None) -> Interval:
        """Return a score with its 95 % interval, per cent.

        Args:
            metric: Name of the metric.
            score: Name of the score, such as `mean` or `tIoU 0.5`.
            kind: What was compared, such as `audio_visual`; by default the first that has the score.

        Raises:
            SeehearError: If there is no such score.
        """
        rows = self[metric].rows
        for row in rows:
            if row.key.score == score and kind in (None, row.key.kind):
                return row.interval
        raise SeehearError(
            f"no score {kind or ''} {score} of {metric}; available: {', '.join(str(row.key) for row in rows)}"
        )

    def __repr__(self) -> str:
        parts = [f"{result.metric.name} {_short(result.headline)}" for result in self.results[:3]]
        more = f", {len(self.results) - 3} more" if len(self.results) > 3 else ""
        count = f", {len(self.runs)} seeds" if self._several else ""
        return f"Benchmark({', '.join(parts)}{more}{count}; {counted(self.results[0].signature.clips, 'clip')})"

    def _repr_html_(self) -> str:
        return "\n".join(
            html_table(self._table(result), f"{result.metric.name}, per cent; {result.signature}")
            for result in self.results
        )

    def to_frame(self, by: Literal["score", "class"] = "score") -> pd.DataFrame:
        """Return a table of the scores, per cent.

        Args:
            by: `score`: one row per metric, kind and score, with the columns metric, kind, score, value, low, high and
                seed_deviation. `class`: one row per metric, kind, score and class, with label, value and support.

        Raises:
            SeehearError: If `by` is neither.
        """
        pd = import_pandas()

        if by == "class":
            of_classes = [row for result in self.results for row in result.classes]
            names = ["metric", "kind", "score", "label", "value", "support"]
            rows = [(r.metric, r.key.kind, r.key.score, r.label, r.value, r.support) for r in of_classes]
            return pd.DataFrame(rows, columns=names)
        if by != "score":
            raise SeehearError(f"by={by!r}: choose score or class")
        names = ["metric", "kind", "score", "value", "low", "high", "seed_deviation"]
        return pd.DataFrame(
            [(row.metric, row.key.kind, row.key.score, *vars(row.interval).values()) for row in self.rows],
            columns=names,
        )

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw every score with its interval; scores that are not defined are left out.

        Args:
            ax: Axes to draw into; by default a new figure.

        Returns:
            The figure.
        """
        from seehear.plots.scores import ScoreMark, plot_scores

        marks = []
        for row in self.rows:
            ends = (row.interval.low, row.interval.high)
            if not np.isnan(row.interval.mean):
                shown = None if np.isnan(ends).any() else ends
                marks.append(ScoreMark(f"{row.metric}: {row.key}", row.interval.mean, shown))
        return plot_scores(marks, ax, ", ".join(self.runs) or "given predictions")

    def text(self) -> str:
        """Return a table per metric, with its signature, and what the truth can't say."""
        headline = f"{counted(len(self.missing), 'clip')} without features, scored as if nothing was predicted"
        lines = [listed(self.missing, headline)] if self.missing else []
        lines += self.notes
        over = "clips and seeds" if self._several else "clips"
        for result in self.results:
            drawn = f"{result.signature.draws} draws over {over}"
            lines += [
                table(self._table(result), right_from=2),
                f"per cent; {f'mean of {len(self.runs)} seeds; ' if self._several else ''}"
                f"{f'95 % intervals by {drawn}' if result.signature.draws else 'no intervals'}",
                f"{result.metric.name}: {result.metric.meaning} ({result.metric.paper})",
                *result.notes,
                f"signature {result.signature}",
                "",
            ]
        return "\n".join([*lines, *self.limits]).rstrip()

    @property
    def _several(self) -> bool:
        return any(len(result.by_run) > 1 for result in self.results)

    def _table(self, result: MetricResult) -> list[list[str]]:
        rows = [[result.metric.name, "score", "value", "95 % interval", *(["seed SD"] if self._several else [])]]
        for row in result.rows:
            interval = row.interval
            ends = "–" if np.isnan(interval.low) else f"{interval.low:.2f} to {interval.high:.2f}"
            deviation = [f"{interval.deviation:.2f}"] if self._several else []
            rows.append([row.key.kind, row.key.score, _text(interval.mean), ends, *deviation])
        return rows

    def as_json(self) -> Any:
        """Return the scores of every metric with intervals, in per cent, and their signatures."""
        return {
            "metrics": [result.as_json() for result in self.results],
            "runs": self.runs,
            "seeds": self.seeds,
            "missing": self.missing,
            "notes": self.notes,
            "limits": self.limits,
        }


def _mean(values: Sequence[float]) -> float:
    return np.nan if np.isnan(values).all() else float(np.nan_to_num(values).mean())


def _text(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}"


def _short(row: BenchmarkRow) -> str:
    return f"{row.key.score} {_text(row.interval.mean)}"


def _json(value: float) -> float | None:
    return None if np.isnan(value) else value


def _numbers(interval: Interval) -> dict[str, float | None]:
    return {
        "value": _json(interval.mean),
        "low": _json(interval.low),
        "high": _json(interval.high),
        "seed_deviation": _json(interval.deviation),
    }
