"""Scores, by class and by what is known of the clips."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seehear.evaluation.details import Details
from seehear.evaluation.result import Evaluation, ScoreRow, called, mean_f1, name_of
from seehear.pages.evaluation.shared import MAX_ROWS
from seehear.pages.numbers import number
from seehear.scoring import given
from seehear.scoring.intervals import Interval
from seehear.scoring.references import WEAK_BASELINE
from seehear.scoring.scores import LEVELS, TYPE_AT_AV, ClassRow
from seehear.scoring.verdict import Verdict


@dataclass(frozen=True)
class ScoreLine:
    """A score in the table.

    Attributes:
        ends: The score, the ends of its interval and the weak-label baseline's score, from 0 to 1.
        references: Scores of the reference predictions, as text.
        differences: Of each baseline: the difference from it with its interval, and the verdict, as texts.
    """

    name: str
    score: str
    interval: str
    deviation: str
    ends: Mapping[str, float]
    references: list[str]
    differences: list[tuple[str, str]]


@dataclass(frozen=True)
class Baseline:
    """A reference to compare the scores with.

    Attributes:
        name: After "the", in a sentence.
        score: Its average.
        worse: Scores that are worse than its.
        inconclusive: Scores that are neither better nor worse.
    """

    name: str
    score: str
    worse: list[str]
    inconclusive: list[str]


@dataclass(frozen=True)
class ClassCell:
    """A class in one kind: per cent, means over runs. fraction: F1 from 0 to 1. support: true segments or events."""

    kind: str
    f1: str
    fraction: float
    precision: str
    recall: str
    support: int


def score_facts(evaluation: Evaluation, details: Details) -> dict[str, Any]:
    """Return what the template takes, by name."""
    rows = [score_line(row) for row in evaluation.rows]
    return {
        "rows": rows,
        "average": rows[-1],
        "only": [score_line(row) for row in evaluation.only_rows],
        "references": list(evaluation.references),
        "baselines": [_baseline(evaluation, name) for name in evaluation.baselines],
        "meanings": evaluation.meanings,
        **_given_facts(evaluation),
        "never_found": evaluation.never_found,
        "by_class": {level: by_class(evaluation.class_rows(level)) for level in LEVELS},
        "class_count": len(details.classes),
    }


def _baseline(evaluation: Evaluation, name: str) -> Baseline:
    rows = evaluation.rows
    names = {verdict: [row.name for row in rows if row.verdict_against(name) is verdict] for verdict in Verdict}
    score = number(rows[-1].references[name], ".2f")
    return Baseline(called(name), score, names[Verdict.WORSE], names[Verdict.INCONCLUSIVE])


def score_line(row: ScoreRow) -> ScoreLine:
    """Return a score as the table shows it."""
    own = row.interval
    baseline = row.references[WEAK_BASELINE]
    ends = {"at": own.mean, "low": own.low, "high": own.high, "baseline": baseline}
    differences = []
    for name, beyond in row.beyond.items():
        difference, low, high = (number(end, "+.2f") for end in (beyond.mean, beyond.low, beyond.high))
        differences.append((f"{difference} ({low} to {high})", str(row.verdict_against(name))))
    return ScoreLine(
        row.name,
        number(own.mean, ".2f"),
        _range(own),
        number(own.deviation, ".2f"),
        {end: value / 100 for end, value in ends.items()},
        [number(value, ".2f") for value in row.references.values()],
        differences,
    )


def score_name(kind: str) -> str:
    """Return a kind of scores as people write it."""
    return "Type@AV" if kind == TYPE_AT_AV else kind


def _range(interval: Interval) -> str:
    return f"{number(interval.low, '.2f')} to {number(interval.high, '.2f')}"


def _given_facts(evaluation: Evaluation) -> dict[str, Any]:
    """Return the scores with the true modality or time given: those that are printed, and all."""
    columns = evaluation.by_given() if evaluation.given else {}

    def cells(interval: Interval) -> tuple[str, str, dict[str, float]]:
        ends = {"at": interval.mean, "low": interval.low, "high": interval.high}
        return number(interval.mean, ".2f"), _range(interval), {end: value / 100 for end, value in ends.items()}

    every = [row.key for row in evaluation.rows]
    meanings, dropped = given.explained(columns and evaluation.given_intervals)
    return {
        "given_scores": [name_of(key) for key in evaluation.given_keys],
        "given": [(name, [cells(of[key]) for key in evaluation.given_keys]) for name, of in columns.items()],
        "given_names": list(columns),
        "given_every": [(name_of(key), [cells(of[key]) for of in columns.values()]) for key in every],
        "given_title": f"{evaluation.given_title[0].upper()}{evaluation.given_title[1:]}",
        "given_meanings": meanings,
        "given_dropped": dropped,
    }


def by_class(rows: Mapping[str, Mapping[str, Sequence[ClassRow]]]) -> list[tuple[str, list[ClassCell]]]:
    """Return the cells of each class; of more than MAX_ROWS classes those with most support, in their order.

    Args:
        rows: class -> kind -> its row of each run.
    """
    support = {label: sum(of_kind[0].support for of_kind in of.values()) for label, of in rows.items()}
    shown = set(sorted(rows, key=lambda label: -support[label])[:MAX_ROWS])
    return [
        (label, [_class_cell(kind, of_kind) for kind, of_kind in of.items()])
        for label, of in rows.items()
        if label in shown
    ]


def _class_cell(kind: str, rows: Sequence[ClassRow]) -> ClassCell:
    f1 = mean_f1(rows)
    precision, recall = _mean([row.precision for row in rows]), _mean([row.recall for row in rows])
    return ClassCell(kind, number(f1, ".1f"), (f1 or 0) / 100, precision, recall, rows[0].support)


def _mean(values: Sequence[float]) -> str:
    """Return the mean of those that are known."""
    known = [value for value in values if not math.isnan(value)]
    return number(sum(known) / len(known) if known else None, ".1f")
