"""The page of an evaluation: how good a system is, how certain that is, where its errors lie, and clips to see them."""

from __future__ import annotations

from pathlib import Path

from seehear.errors import SeehearError
from seehear.evaluation.result import FILE, Evaluation
from seehear.pages import page
from seehear.pages.evaluation.calibration import calibration_facts
from seehear.pages.evaluation.clips import clip_facts
from seehear.pages.evaluation.errors import error_facts
from seehear.pages.evaluation.scores import score_facts
from seehear.pages.evaluation.shared import MAX_ROWS, NAME
from seehear.pages.evaluation.thresholds import threshold_facts
from seehear.pages.evaluation.training import training_facts
from seehear.pages.numbers import number, percent
from seehear.scoring.scores import kinds


def write(evaluation: Evaluation, folder: Path) -> Path:
    """Write the page of an evaluation, and its drawings as SVG. Returns the page.

    Args:
        evaluation: With details.
        folder: To write into. Clips whose pages `write_clips` wrote there are linked.

    Raises:
        SeehearError: If the evaluation has no details.
    """
    details = evaluation.details
    if details is None:
        raise SeehearError("the page shows an evaluation's details: call evaluate(..., details=True)")
    return page.write(
        folder / f"{NAME}.html",
        "evaluation.html",
        scripts=["table.js"],
        systems=evaluation.systems,
        seeds=details.seeds,
        several=len(evaluation.scores) > 1,
        ensemble=evaluation.is_ensemble,
        labels=evaluation.signature.labels,
        clips=evaluation.signature.clips,
        modalities=details.modalities,
        kinds=kinds(details.modalities),
        notes=evaluation.notes,
        missing=evaluation.missing,
        signature=str(evaluation.signature),
        file=FILE,
        number=number,
        percent=percent,
        max_rows=MAX_ROWS,
        **score_facts(evaluation, details),
        **threshold_facts(details),
        **calibration_facts(details, folder),
        **error_facts(details, folder),
        **clip_facts(details, folder, evaluation.scores[0].summary),
        **training_facts(evaluation, details, folder),
    )
