"""How the runs were trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from seehear.evaluation.details import Details
from seehear.evaluation.result import Evaluation
from seehear.modality import display_name
from seehear.pages import page
from seehear.pages.evaluation.scores import score_name
from seehear.pages.evaluation.shared import MAX_ROWS
from seehear.pages.numbers import number
from seehear.plots import evaluation as report
from seehear.plots import style
from seehear.plots.style import NOTHING
from seehear.scoring.scores import TYPE_AT_AV

# Scores of validation clips that training records, by key; the first available is drawn.
VALIDATION = {"average": "average score", TYPE_AT_AV: "segment Type@AV", "label_f1": "F1 of clips’ labels"}


@dataclass(frozen=True)
class RunLine:
    """A run. average: of its scores here. cells: of its chosen epoch. tables: kind -> file of its predictions."""

    seed: str
    path: str
    average: str
    epochs: str
    cells: list[str]
    tables: Mapping[str, str]


def training_facts(evaluation: Evaluation, details: Details, folder: Path) -> dict[str, Any]:
    """Return what the template takes, by name; write the drawings into the folder of the page."""
    validation = _validation_scores(details.history)
    if TYPE_AT_AV in validation:
        validation[TYPE_AT_AV] = f"segment {score_name(evaluation.scores[0].summary)}"
    averages = [number(scores.average, ".2f") for scores in evaluation.scores]
    tables = [{display_name(kind): page.address(file) for kind, file in of.items()} for of in details.tables()]
    lines = []
    if evaluation.is_ensemble:  # its members were not scored one by one
        lines = [RunLine("ensemble", "", averages[0], NOTHING, _epoch_cells([], validation), tables[0])]
        averages, tables = [NOTHING] * len(details.seeds), [{} for _ in details.seeds]
    every = zip(details.seeds, evaluation.runs, averages, details.history, tables, strict=True)
    return {
        "runs": lines
        + [
            RunLine(str(seed), run, average, str(len(history)), _epoch_cells(history, validation), files)
            for seed, run, average, history, files in list(every)[:MAX_ROWS]
        ],
        "validation": validation,
        "curves": _draw_learning(folder, details.history, validation),
    }


def _epoch_cells(history: Sequence[Mapping[str, Any]], validation: Mapping[str, str]) -> list[str]:
    chosen = _chosen(history)
    if chosen is None:
        return [NOTHING] * (3 + len(validation))
    entry = history[chosen]
    val = entry.get("val", {})
    losses = [number(entry["loss"], ".3f"), number(val.get("loss"), ".3f")]
    return [str(chosen + 1), *losses, *(number(val.get(key), ".1f") for key in validation)]


def _validation_scores(histories: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, str]:
    """Return the scores of validation clips that training recorded: key -> name."""
    recorded = {key for history in histories for entry in history for key in entry.get("val", {})}
    return {key: name for key, name in VALIDATION.items() if key in recorded}


def _chosen(history: Sequence[Mapping[str, Any]]) -> int | None:
    return max((n for n, entry in enumerate(history) if entry["best"]), default=None)


def _draw_learning(
    folder: Path, histories: Sequence[Sequence[Mapping[str, Any]]], validation: Mapping[str, str]
) -> Markup | None:
    key = next(iter(validation), "")
    trainings = [
        report.Training(
            [entry["loss"] for entry in history],
            [entry.get("val", {}).get("loss") for entry in history],
            [entry.get("val", {}).get(key) for entry in history],
            _chosen(history),
        )
        for history in histories
        if history
    ]
    if not trainings:
        return None
    file = folder / "learning.svg"
    style.save(report.plot_learning(trainings, f"{validation.get(key, '')}, validation (%)"), file)
    score = f" and {validation[key]} of validation clips" if validation else ""
    return page.drawing(file, f"Losses by epoch{score}, a line per training, with the chosen epochs as in the table")
