"""The page of an evaluation: how good a system is, how certain that is, where its errors lie, and clips to see them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from seehear.errors import ClipError, SeehearError
from seehear.evaluation.details import CLIPS, FALSE_NEGATIVES, FALSE_POSITIVES, Details, Examples
from seehear.evaluation.result import FILE, Evaluation, ScoreRow, called, mean_f1, name_of
from seehear.media.child import open_clip
from seehear.media.overview import Overview, thumbnails_for
from seehear.modality import display_name
from seehear.pages import folder as index
from seehear.pages import page, parse
from seehear.pages.numbers import number
from seehear.parsing.folder import is_parse, read_folder
from seehear.parsing.folder import write as write_json
from seehear.plots import evaluation as report
from seehear.plots import style
from seehear.plots.style import NOTHING
from seehear.progress import Progress
from seehear.scoring import given
from seehear.scoring.clips import ClassError, ClipRow, best_first
from seehear.scoring.confusion import ELSEWHERE, Confusion, state_names
from seehear.scoring.intervals import Interval
from seehear.scoring.precision_recall import ThresholdCurves
from seehear.scoring.references import WEAK_BASELINE
from seehear.scoring.reliability import Bin, Calibration, Reliability
from seehear.scoring.scores import LEVELS, TYPE_AT_AV, ClassRow, kinds
from seehear.scoring.verdict import Verdict
from seehear.stored import entries
from seehear.texts import read_json

if TYPE_CHECKING:
    from seehear.parsing.clip import ParsedClip

NAME = "evaluation"  # of the page
MAX_ROWS = 300  # of a table, and names of a list; the JSON has all
MAX_CLASSES_DRAWN = 30  # classes up to which a confusion matrix is drawn
MAX_CONFUSIONS, MAX_CONFUSIONS_ALONE = 10, 50  # the largest confusions listed, with a drawing and without one
MAX_PANELS = 60  # classes per modality whose precision and recall are drawn
WIDE, HIGH = 100, 60  # units of the drawing of a class by threshold
MAX_NAMED = 3  # classes or confusions named in a sentence
HIGH_CONFIDENCE = 0.8  # the confidence that is explained in words
CALIBRATION = {Calibration.FAIR: "calibrated", Calibration.OVER: "overconfident", Calibration.UNDER: "underconfident"}
# Scores of validation clips that training records, by key; the first available is drawn.
VALIDATION = {"average": "average score", TYPE_AT_AV: "segment Type@AV", "label_f1": "F1 of clips’ labels"}
ERROR_NAMES = {FALSE_POSITIVES: "false positives", FALSE_NEGATIVES: "false negatives"}


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
    """A reference to compare the scores with. score: its average. not_better: scores that are not better than its."""

    name: str
    score: str
    not_better: list[str]


@dataclass(frozen=True)
class ClassCell:
    """A class in one kind: per cent, means over runs. fraction: F1 from 0 to 1. support: true segments or events."""

    kind: str
    f1: str
    fraction: float
    precision: str
    recall: str
    support: int


@dataclass(frozen=True)
class ThresholdPanel:
    """Precision and recall of a class by threshold.

    Attributes:
        precision, recall: At the own threshold, per cent, as text.
        at: The own threshold on the drawing's horizontal axis.
        paths: Of precision and recall, as data of SVG paths.
        dots: Their places at the own threshold, (x, y) each; none where not defined.
        words: What is drawn.
    """

    label: str
    support: int
    threshold: str
    precision: str
    recall: str
    at: str
    paths: list[str]
    dots: list[tuple[str, str] | None]
    words: str


@dataclass(frozen=True)
class ThresholdPart:
    """The classes of a modality by threshold. more: number of classes that are not drawn."""

    modality: str
    panels: list[ThresholdPanel]
    more: int


@dataclass(frozen=True)
class CalibrationPart:
    """Calibration of a modality, or of clips' classes. words: what HIGH_CONFIDENCE means. bins: rows of texts."""

    title: str
    modality: str
    reliability: Reliability
    words: str
    bins: list[list[str]]


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


@dataclass(frozen=True)
class Card:
    """A clip to look at. href: its page, empty if there is none; failed: why. errors: the most frequent ones."""

    clip: str
    href: str
    poster: str | None
    average: str
    support: int
    errors: list[tuple[str, str]]
    failed: str


@dataclass(frozen=True)
class RunLine:
    """A run. average: of its scores here. cells: of its chosen epoch. tables: kind -> file of its predictions."""

    seed: str
    path: str
    average: str
    epochs: str
    cells: list[str]
    tables: Mapping[str, str]


class ClipPages:
    """The clips that have a page, in the folder of an evaluation's page."""

    def __init__(self, folder: Path, clips: Iterable[str]) -> None:
        self.folder, self._bytes_left = folder / CLIPS, index.POSTERS
        self.clips = {clip for clip in clips if (self.folder / parse.name(clip)).exists()}

    def href(self, clip: str) -> str:
        """Return the address of a clip's page; empty if it has none."""
        return page.address(f"{CLIPS}/{parse.name(clip)}") if clip in self.clips else ""

    def poster(self, clip: str) -> str | None:
        """Return a clip's thumbnail, as long as the page has room for it."""
        file = self.folder / parse.THUMBNAILS / f"{clip}.jpg"
        if clip not in self.clips or self._bytes_left <= 0 or not file.exists():
            return None
        picture = file.read_bytes()
        self._bytes_left -= len(picture)
        return page.inline(picture, "image/jpeg")


def write_clips(clips: Mapping[str, ParsedClip], folder: Path, run: str) -> dict[str, str]:
    """Write JSON and page of each clip, and their index. Those that an earlier evaluation left there are removed.

    Args:
        clips: Name -> parsed clip.
        folder: To write into.
        run: The run that parsed them.

    Returns:
        Name -> why the clip has no page.
    """
    failed = {}
    with Progress("clips' pages", len(clips)) as progress:
        for name, clip in clips.items():
            try:
                media = open_clip(clip.file)
                overview = Overview.of(media, thumbnails_for(media.aspect))
                write_json(clip, folder, run=run)
                parse.write(clip, overview, folder, back=f"../{NAME}.html")
            except ClipError as error:
                failed[name] = str(error)
            progress.advance(name)
    contents = dict(_parses(folder))
    # What `seehear parse` writes names no run.
    stale = [name for name, facts in contents.items() if "run" in facts and (name not in clips or name in failed)]
    for name in stale:
        for file in (folder / f"{name}.json", folder / parse.name(name), folder / parse.THUMBNAILS / f"{name}.jpg"):
            file.unlink(missing_ok=True)
    if len(contents) > len(stale):
        index.write(read_folder(folder)[0], folder)
    elif stale:
        (folder / f"{parse.INDEX}.html").unlink(missing_ok=True)
    return failed


def _parses(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the parsed clips in a folder, by file name; other files, and damaged ones, are none."""
    for file in entries(folder):
        if file.suffix == ".json":
            with suppress(SeehearError):
                if is_parse(content := read_json(file)):
                    yield file.stem, content


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
        **_score_facts(evaluation, details),
        **_threshold_facts(details),
        **_calibration_facts(details, folder),
        **_error_facts(details, folder),
        **_clip_facts(details, folder, evaluation.scores[0].summary),
        **_training_facts(evaluation, details, folder),
    )


# Scores


def _score_facts(evaluation: Evaluation, details: Details) -> dict[str, Any]:
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
    others = [row.name for row in rows if row.verdict_against(name) is not Verdict.BETTER]
    return Baseline(called(name), number(rows[-1].references[name], ".2f"), others)


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


def _range(interval: Interval) -> str:
    return f"{number(interval.low, '.2f')} to {number(interval.high, '.2f')}"


def _given_facts(evaluation: Evaluation) -> dict[str, Any]:
    """Return the scores with the true modality or time given: those that are printed, and all."""
    columns = evaluation.by_given() if evaluation.given else {}

    def cells(interval: Interval) -> tuple[str, str, dict[str, float]]:
        ends = {"at": interval.mean, "low": interval.low, "high": interval.high}
        return number(interval.mean, ".2f"), _range(interval), {end: value / 100 for end, value in ends.items()}

    every = [row.key for row in evaluation.rows]
    return {
        "given_scores": [name_of(key) for key in evaluation.given_keys],
        "given": [(name, [cells(of[key]) for key in evaluation.given_keys]) for name, of in columns.items()],
        "given_names": list(columns),
        "given_every": [(name_of(key), [cells(of[key]) for of in columns.values()]) for key in every],
        "given_meanings": given.MEANINGS,
        "given_dropped": given.DROPPED,
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


# Thresholds


def _threshold_facts(details: Details) -> dict[str, Any]:
    parts = []
    for modality, curves in details.curves.items():
        used = curves.used()
        drawn = sorted(sorted(used, key=lambda c: -curves.support[c])[:MAX_PANELS])
        panels = [_threshold_panel(curves, c, display_name(modality)) for c in drawn]
        parts.append(ThresholdPart(modality, panels, len(used) - len(drawn)))
    return {"by_threshold": parts, "wide": WIDE, "high": HIGH}


def _threshold_panel(curves: ThresholdCurves, c: int, modality: str) -> ThresholdPanel:
    own = float(curves.own[c])
    shares = float(curves.own_precision[c]), float(curves.own_recall[c])
    precision, recall = (number(100 * share, ".0f") for share in shares)
    label, threshold = curves.classes[c], number(own, ".2f")
    return ThresholdPanel(
        label,
        int(curves.support[c]),
        threshold,
        precision,
        recall,
        f"{WIDE * own:.1f}",
        [_path(curves.thresholds.tolist(), values[c].tolist()) for values in (curves.precision, curves.recall)],
        [None if math.isnan(share) else _point(own, share) for share in shares],
        f"{label}, {modality}, by threshold: at {threshold}, precision {precision} %, recall {recall} %",
    )


def _point(threshold: float, share: float) -> tuple[str, str]:
    return f"{WIDE * threshold:.1f}", f"{HIGH * (1 - share):.1f}"


def _path(thresholds: Sequence[float], shares: Sequence[float]) -> str:
    """Return a curve as data of an SVG path, with gaps where a share is not defined."""
    parts, pen = [], "M"
    for threshold, share in zip(thresholds, shares, strict=True):
        if math.isnan(share):
            pen = "M"
            continue
        parts.append(pen + " ".join(_point(threshold, share)))
        pen = "L"
    return "".join(parts)


# Calibration


def _calibration_facts(details: Details, folder: Path) -> dict[str, Any]:
    titled = [(display_name(name), name, each) for name, each in details.reliability.items()]
    parts = [
        CalibrationPart(title, modality, each, explain_confidence(each.bins), [_bin(one) for one in each.bins])
        for title, modality, each in [*titled, ("classes of clips", "", details.reliability_clip)]
    ]
    file = folder / "reliability.svg"
    style.save(report.plot_reliability([(part.title, part.reliability) for part in parts]), file)
    words = "; ".join(f"{part.title}: {part.words}" for part in parts if part.words)
    return {
        "calibration": parts,
        "diagrams": page.drawing(file, f"Reliability diagrams, as in the tables. {words}"),
    }


def explain_confidence(bins: Sequence[Bin]) -> str:
    """Return in words what a confidence of HIGH_CONFIDENCE means: of its bin, or the nearest with forecasts."""
    filled = [each for each in bins if each.count]
    if not filled:
        return ""
    near = min(filled, key=lambda each: max(each.low - HIGH_CONFIDENCE, HIGH_CONFIDENCE - each.high + 1e-9, 0))
    often, low, high = (
        number(10 * value, ".1f") for value in (near.frequency, near.frequency_low, near.frequency_high)
    )
    return (
        f"of the predictions with a confidence of {near.low:.1f} to {near.high:.1f} (mean {near.confidence:.2f}), "
        f"{often} in 10 are true (95 % {low} to {high}): {_calibration_word(near)}"
    )


def _bin(each: Bin) -> list[str]:
    ends = (number(end, ".3f") for end in (each.frequency_low, each.frequency_high))
    return [
        f"{each.low:.1f} to {each.high:.1f}",
        str(each.count),
        str(each.clips),
        number(each.confidence, ".3f"),
        number(each.frequency, ".3f"),
        " to ".join(ends) if each.count else NOTHING,
        _calibration_word(each),
    ]


def _calibration_word(each: Bin) -> str:
    return CALIBRATION[each.calibration] if each.calibration is not None else ""


# Errors


def _error_facts(details: Details, folder: Path) -> dict[str, Any]:
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


# Clips and runs


def _clip_facts(details: Details, folder: Path, kind: str) -> dict[str, Any]:
    """Return the clips. kind: Of the scores that stand beside the average of each."""
    examples, ranked = details.examples, best_first(details.clips)
    pages = ClipPages(folder, examples.clips)
    rows = {row.clip: row for row in ranked}
    return {
        "examples": examples,
        "best": [_card(rows[clip], examples, pages) for clip in examples.best[:MAX_ROWS]],
        "worst": [_card(rows[clip], examples, pages) for clip in examples.worst[:MAX_ROWS]],
        "index": page.address(f"{CLIPS}/{parse.INDEX}.html") if pages.clips else "",
        "ranked_scores": [f"{level} {_score_name(kind)}" for level in LEVELS],
        "ranked": [(row.clip, pages.href(row.clip), _clip_cells(row, kind)) for row in reversed(ranked[-MAX_ROWS:])],
        "ranked_count": len(ranked),
        "without_events": details.without_events,
    }


def _card(row: ClipRow, examples: Examples, pages: ClipPages) -> Card:
    errors = []
    if error := row.false_negatives:
        errors.append(("false negatives", f"{_class_name(error)}, {count(error.segments)} of {error.support} segments"))
    if error := row.false_positives:
        errors.append(("false positives", f"{_class_name(error)}, {count(error.segments)} segments"))
    failed, average = examples.failed.get(row.clip, ""), number(row.average, ".1f")
    return Card(row.clip, pages.href(row.clip), pages.poster(row.clip), average, row.support, errors, failed)


def _score_name(kind: str) -> str:
    return "Type@AV" if kind == TYPE_AT_AV else kind


def _clip_cells(row: ClipRow, kind: str) -> list[str]:
    values = (row.average, *(row.scores[level][kind] for level in LEVELS))
    errors = [
        f"{_class_name(error)}: {count(error.segments)}" if error else ""
        for error in (row.false_negatives, row.false_positives)
    ]
    return [*(number(value, ".1f") for value in values), str(row.support), *errors]


def _class_name(error: ClassError) -> str:
    return f"{error.label}, {display_name(error.modality)}"


def _training_facts(evaluation: Evaluation, details: Details, folder: Path) -> dict[str, Any]:
    validation = _validation_scores(details.history)
    if TYPE_AT_AV in validation:
        validation[TYPE_AT_AV] = f"segment {_score_name(evaluation.scores[0].summary)}"
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


# Numbers


def count(value: float) -> str:
    """Return a count, or a mean of counts over runs: whole where it is."""
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def percent(part: float, whole: float) -> str:
    """Return a share in whole per cent; <1 for one that would be rounded to 0."""
    share = 100 * part / whole
    return "<1" if 0 < share < 0.5 else f"{share:.0f}"
