"""The page of a selection: which networks to use, how certain that is, what it cost and, if judged, how good it was."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from seehear.pages import page
from seehear.pages.numbers import Axis, number, place
from seehear.selection import views
from seehear.selection.judge import Judgement, Row
from seehear.selection.plan import duration
from seehear.selection.result import Selection, Settings
from seehear.selection.sources import Sources
from seehear.selection.task import Estimates
from seehear.selection.views import TextRow

NAME = "selection"  # of the page
MAX_ROWS = 300  # of a table; the JSON has all
SMALLEST_FIRST = ("estimator", "p", "regret", "cost", "FLOP")  # columns sorted from the smallest up at the first click
MAX_DRAWINGS = 3_000_000  # bytes of drawings on a page; further ones are linked to


@dataclass(frozen=True)
class Cost:
    """What an estimator took, in text. share: of traversal's time."""

    name: str
    trainings: int
    time: str
    flops: str
    share: str


@dataclass(frozen=True)
class Compared:
    """An estimator compared with traversal, in cells of text. answered: whether it ranked in the selection."""

    name: str
    leaks: bool
    answered: bool
    cells: list[str]


@dataclass(frozen=True)
class Judged:
    """A judgement as the page shows it.

    Attributes:
        labels: Name of the clips.
        file: Name of its JSON file.
        judgement: The judgement.
        other_grid: Whether it is of other collocations than the selection now has.
        truth: Collocations by traversal, from the best down, with the places of the lower end, the mean and the upper
            end on the axis, from 0 to 1.
        axis: The ends of the axis on which intervals are drawn; None where they are unknown.
        header: Names of the columns that compare estimators, and the direction in which each is sorted first.
        legend: What these columns mean.
        compared: The estimators.
        answer: The estimator that ranked in the selection, as it was judged; None where it was not compared.
        chosen: What it chose, several where they share the top.
        best: By traversal.
        drawings: kind -> drawing.
    """

    labels: str
    file: str
    judgement: Judgement
    other_grid: bool
    truth: list[tuple[TextRow, tuple[float, float, float]]]
    axis: tuple[str, str] | None
    header: list[tuple[str, str]]
    legend: list[str]
    compared: list[Compared]
    answer: Row | None
    chosen: list[TextRow]
    best: TextRow
    drawings: Mapping[str, Markup]


class Drawings:
    """The drawings in a folder, as many as a page may hold."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.left = folder, MAX_DRAWINGS

    def of(self, descriptions: Mapping[str, str], suffix: str = "") -> dict[str, Markup]:
        """Return kind -> drawing, of the files KIND and suffix that exist. descriptions: kind -> what it shows."""
        drawn: dict[str, Markup] = {}
        for kind, shows in descriptions.items():
            file = self.folder / f"{kind}{suffix}.svg"
            if file.exists():
                size = file.stat().st_size
                fits = size <= self.left
                self.left -= size if fits else 0
                drawn[kind] = page.drawing(file, shows) if fits else _linked(file)
        return drawn


def write(selection: Selection, judgements: Mapping[str, Judgement], folder: Path) -> Path:
    """Write the page of a selection.

    Args:
        selection: What to show.
        judgements: Name of the clips -> judgement by them.
        folder: Where the page and the plots lie.

    Returns:
        The page.
    """
    drawings = Drawings(folder)
    shown = {
        "ranking": "Collocations from the best down, with their ranks' intervals and P(best), as in the table",
        "pairing": "Scores of all collocations, what each network adds, and what each pairing adds",
    }
    if selection.effects is None:
        del shown["pairing"]
    first, *others = selection.estimates
    best = selection.best
    sources = selection.sources
    ranking = views.ranking(selection, MAX_ROWS)
    return page.write(
        folder / f"{NAME}.html",
        "selection.html",
        scripts=["table.js", "copy.js"],
        folder=folder.resolve().name,
        leaking=views.LEAKING if selection.leaks else None,
        best=best,
        answer=ranking[0],
        tied=[str(each) for each in selection.tied if each != best],
        outlook=views.outlook(selection),
        command=sources.train_command(best.argument) if sources else "",
        judging=judging(folder, selection.grid.modalities),
        unit=views.unit(selection),
        first=first,
        others=[views.estimator_name(each, first) for each in others],
        ranking=ranking,
        more=max(0, len(selection.ranking) - MAX_ROWS),
        drawings=drawings.of(shown),
        pairing=views.pairing(selection),
        cost=views.cost(selection),
        costs=[_cost(selection, each) for each in selection.estimates],
        judgements=[_judged(name, each, selection, drawings) for name, each in judgements.items()],
        failures=_failures(selection),
        notes=selection.notes,
        missing=selection.missing,
        settings=[*_sources(sources), *_settings(selection.settings)],
        signature=selection.signature,
        max_rows=MAX_ROWS,
        views=views,
    )


def _cost(selection: Selection, estimates: Estimates) -> Cost:
    share = views.cost_share(selection, estimates)
    return Cost(estimates.label, estimates.trainings, duration(estimates.seconds), f"{estimates.flops:.2g}", share)


def _failures(selection: Selection) -> list[tuple[str, str, str]]:
    """(estimator, collocation, why), and estimators that failed for all."""
    failed = [(each.label, name, why) for each in selection.estimates for name, why in each.failures.items()]
    return [*failed, *((name, "every collocation", why) for name, why in selection.failed.items())]


def judging(folder: Path, modalities: Sequence[str]) -> str:
    """Return the command that would judge the selection, with names of tables for people to replace."""
    truths = []
    for modality in modalities:
        known = modality in ("audio", "visual")
        truths += [f"--dense-{modality}", f"{modality.upper()}.csv"] if known else ["--dense", f"{modality}=TRUTH.csv"]
    return shlex.join(["seehear", "judge", str(folder), "--labels", "TEST.csv", *truths])


def _sources(sources: Sources | None) -> Iterator[tuple[str, str]]:
    """Where the data came from, as names and values."""
    if sources is None:
        return
    yield "store", sources.store
    for split, tables in (("train", sources.train), ("val", sources.val)):
        if tables is not None:
            yield f"{split} labels", tables.labels
            for modality, path in tables.dense.items():
                yield f"{split} truth, {modality}", path
    if sources.classes:
        yield "classes", sources.classes


def _settings(settings: Settings) -> Iterator[tuple[str, str]]:
    """What decided the selection, as names and values."""
    for modality, names in settings.networks.items():
        yield f"{modality} networks", ", ".join(names)
    if settings.together > 1:
        yield "networks together", f"up to {settings.together}"
    yield "seeds", ", ".join(map(str, settings.seeds))
    yield "budget", f"{settings.budget:g} of traversal's cost"
    yield "recipe", " ".join(_flat(settings.recipe.model_dump(mode="json")))


def _judged(name: str, judgement: Judgement, selection: Selection, drawings: Drawings) -> Judged:
    other_grid = set(judgement.grid) != set(selection.grid)
    ends = [(row.low, row.score, row.high) for row in judgement.ranking]
    known = [end for of_row in ends for end in of_row if not math.isnan(end)]
    axis = min(known), max(known)
    rows = views.traversal(judgement)
    by_name = {row.name: row for row in rows}
    with_intervals = not math.isnan(judgement.ranking[0].low)
    answer = next((row for row in judgement.rows if row.name == selection.estimates[0].label), None)
    shown = {
        "figure5": f"Figure 5: collocations trained in full and scored on {name}, with estimators' scores of them",
        "cost": "Estimators by their cost and their agreement with traversal, as in the table",
        "traversal": f"Scores by traversal on {name}, what each network adds, and what each pairing adds",
    }
    return Judged(
        labels=name,
        file=f"judged-{name}.json",
        judgement=judgement,
        other_grid=other_grid,
        truth=[(row, _places(of_row, axis)) for row, of_row in zip(rows, ends, strict=True)],
        axis=(number(axis[0], ".1f"), number(axis[1], ".1f")) if with_intervals else None,
        header=[
            (name, "ascending" if name in SMALLEST_FIRST else "descending")
            for name in views.agreement_header(judgement)
        ],
        legend=views.agreement_legend(judgement),
        compared=[]
        if other_grid
        else [
            Compared(row.name, row.leaks, row is answer, views.agreement_cells(judgement, row))
            for row in judgement.by_agreement
        ],
        answer=answer,
        chosen=[by_name[str(judgement.grid.collocations[n])] for n in answer.agreement.chosen] if answer else [],
        best=rows[0],
        drawings={} if other_grid else drawings.of(shown, f"-{name}"),
    )


def _places(ends: tuple[float, float, float], axis: Axis) -> tuple[float, float, float]:
    low, mean, high = (place(end, axis) for end in ends)
    return low, mean, high


def _linked(file: Path) -> Markup:
    return Markup('<p>The plot is too large for this page: <a href="{}">{}</a></p>').format(
        page.address(file.name), file.name
    )


def _flat(settings: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """KEY=VALUE, as --set takes them."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{within}{key}.")
        else:
            yield f"{within}{key}={str(value).lower() if isinstance(value, bool) else value}"
