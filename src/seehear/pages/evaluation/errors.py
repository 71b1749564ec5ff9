"""What is taken for what, and errors that hold in the other modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from seehear.evaluation.details import FALSE_NEGATIVES, FALSE_POSITIVES, Details
from seehear.modality import display_name
from seehear.pages import page
from seehear.pages.numbers import count, number, percent
from seehear.plots import evaluation as report
from seehear.plots import style
from seehear.scoring.confusion import ELSEWHERE, Confusion, state_names

MAX_CLASSES_DRAWN = 30  # classes up to which a confusion matrix is drawn
MAX_CONFUSIONS, MAX_CONFUSIONS_ALONE = 10, 50  # the largest confusions listed, with a drawing and without one
ERROR_NAMES = {FALSE_POSITIVES: "false positives", FALSE_NEGATIVES: "false negatives"}
MAX_NAMED = 3  # classes or confusions named in a sentence


@dataclass(frozen=True)
class ConfusionPart:
    """The confusions of a modality.

    Attributes:
        largest: True class, predicted class, segments, per cent of the true class.
        more: Number of confusions that are not listed.
        unused: Number of classes that are neither true nor predicted.
    """

    modality: str
    words: list[str]
    drawing: Markup | None
    largest: list[tuple[str, str, str, str]]
    more: int
    unused: int


@dataclass(frozen=True)
class ElsewhereLine:
    """Errors of a modality by where else they would be right. parts: in order of ELSEWHERE, segments and share."""

    title: str
    modality: str
    segments: str
    parts: list[tuple[str, float]]
    words: str


def error_facts(details: Details, folder: Path) -> dict[str, Any]:
    """Return what the template takes, by name; write the drawings into the folder of the page."""
    return {
        "confusions": [_confusion_part(folder, name, each) for name, each in details.confusion.items()],
        "elsewhere": [
            _elsewhere_line(details, name, error)
            for name in details.modalities
            for error in (FALSE_POSITIVES, FALSE_NEGATIVES)
        ],
        "across": across(details.states(details.across.sum(axis=0)), details.modalities),
    }


def _confusion_part(folder: Path, modality: str, matrix: Confusion) -> ConfusionPart:
    classes, table = matrix.classes, matrix.table
    true = table[:-1].sum(axis=1)  # (C,)
    used = matrix.used()
    wrong = table[:-1, :-1] - np.diag(np.diag(table)[:-1])  # (C, C)
    order = sorted(zip(*np.nonzero(wrong), strict=True), key=lambda at: (-wrong[at], at))
    largest = [
        (classes[r], classes[c], number(wrong[r, c], ".1f"), percent(wrong[r, c], true[r]))
        for r, c in order[:MAX_CONFUSIONS_ALONE]
    ]
    worst = [
        f"{classes[r]} as {classes[c]} ({count(wrong[r, c])} of {count(true[r])} segments)"
        for r, c in order[:MAX_NAMED]
    ]
    words = _confusion_words(matrix, modality, worst)
    drawing = None
    if 0 < len(used.classes) <= MAX_CLASSES_DRAWN:
        file = folder / f"confusion-{modality}.svg"
        style.save(report.plot_confusion(used), file)
        drawing = page.drawing(file, f"Confusion matrix of classes {display_name(modality)}. {' '.join(words)}")
    listed = largest if drawing is None else largest[:MAX_CONFUSIONS]
    return ConfusionPart(modality, words, drawing, listed, len(order) - len(listed), len(classes) - len(used.classes))


def _confusion_words(matrix: Confusion, modality: str, worst: Sequence[str]) -> list[str]:
    spoken = display_name(modality)
    if not matrix.true:
        return [f"The ground truth has no class {spoken} in these clips."]
    right = matrix.true - matrix.substituted - matrix.false_negatives
    parts = [percent(part, matrix.true) for part in (right, matrix.false_negatives, matrix.substituted)]
    return [
        f"Of {count(matrix.true)} true segments of classes {spoken}, {parts[0]} % are predicted, {parts[1]} % are "
        f"false negatives and {parts[2]} % are confused with another class. {count(matrix.false_positives)} further "
        "segments are false positives.",
        f"Most confused: {'; '.join(worst)}." if worst else "No class is confused with another.",
    ]


def _elsewhere_line(details: Details, modality: str, error: str) -> ElsewhereLine:
    by_label = details.elsewhere[error][modality]  # (C, 4)
    counts = by_label.sum(axis=0)
    total, spoken = float(counts.sum()), display_name(modality)
    others = " or ".join(display_name(name) for name in details.modalities if name != modality)
    words, explained = "", counts[ELSEWHERE.index("other_modality")]
    if explained:
        in_other = by_label[:, ELSEWHERE.index("other_modality")]  # (C,)
        most = [c for c in np.argsort(-in_other, kind="stable")[:MAX_NAMED].tolist() if in_other[c] > 0]
        names = ", ".join(f"{details.classes[c]} ({count(in_other[c])})" for c in most)
        verb = "true" if error == FALSE_POSITIVES else "predicted"
        words = (
            f"Of {count(total)} segments {spoken} that are {ERROR_NAMES[error]}, {count(explained)} "
            f"({percent(explained, total)} %) are of classes that are {verb} as {others} at that moment: most often "
            f"{names}."
        )
    parts = [(count(part), part / total if total else 0.0) for part in counts.tolist()]
    return ElsewhereLine(f"{spoken}, {ERROR_NAMES[error]}", modality, count(total), parts, words)


def across(
    by_state: Mapping[str, Mapping[str, float]], modalities: tuple[str, ...]
) -> tuple[list[str], list[tuple[str, str, list[tuple[str, float]]]]]:
    """Compare the modalities in which classes are true with those in which they are predicted.

    Args:
        by_state: True modalities -> predicted modalities -> segments, see `Details.states`.
        modalities: Names of the modalities.

    Returns:
        Names of the columns (predicted), and rows: name (true), segments, and per column segments and share of the row.
    """
    names = state_names(modalities)
    predicted = [state for state in names if any(state in row for row in by_state.values())]
    rows = []
    for state in (state for state in names if state in by_state):
        row = by_state[state]
        total = sum(row.values())
        # True negatives are not counted: the row of nothing has no shares.
        cells = [(count(row.get(other, 0)), row.get(other, 0) / total if state else 0.0) for other in predicted]
        rows.append((_state(state, modalities), count(total), cells))
    return [_state(state, modalities) for state in predicted], rows


def _state(state: str, modalities: Sequence[str]) -> str:
    names = [display_name(name) for name in state.split("+") if name]
    if len(names) == len(modalities) > 1:
        return "both" if len(names) == 2 else "all"
    return f"{'only ' if len(modalities) > 1 else ''}{' and '.join(names)}" if names else "nothing"
