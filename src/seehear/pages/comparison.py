"""The page of a comparison: how trained systems differ from the first of them, score by score, and how certainly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seehear.evaluation.comparison import ADJUSTED, Comparison
from seehear.pages import page
from seehear.pages.numbers import Axis, number, place, true_minus
from seehear.scoring.comparison import HOW_TO_READ, LEVEL, ScoreDifference
from seehear.scoring.verdict import Verdict

NAME = "comparison"  # of the page


@dataclass(frozen=True)
class Line:
    """A score of a system, compared with that of the first system.

    Attributes:
        cells: Its name, then numbers as text.
        low: Lower end of the interval on the axis that all share, from 0 to 1.
        mean: The difference on that axis.
        high: Upper end on that axis.
        significant: Whether the difference holds over clips and seeds.
        better: Whether the difference is above 0.
        verdict: In words.
    """

    cells: list[str]
    low: float
    mean: float
    high: float
    significant: bool
    better: bool
    verdict: str


@dataclass(frozen=True)
class System:
    """A system that is compared with the first. seeds: how its seeds were compared, in words."""

    name: str
    seeds: str
    lines: list[Line]

    @property
    def average(self) -> Line:
        """Return the line of the mean of all scores."""
        return self.lines[-1]


def write(comparison: Comparison, folder: Path) -> Path:
    """Write the page of a comparison. Returns the page.

    Args:
        comparison: What to show.
        folder: To write into; the plot that `Comparison.save` wrote there is shown.
    """
    ends = [end for rows in comparison.rows.values() for row in rows for end in _ends(row)]
    axis = min(0.0, *ends), max(0.0, *ends)
    plot = folder / f"{NAME}.svg"
    seeds = {
        name: ", ".join(map(str, numbers)) + " as an ensemble" * (name in comparison.ensembles)
        for name, numbers in comparison.seeds.items()
    }
    return page.write(
        folder / f"{NAME}.html",
        "comparison.html",
        first=comparison.first,
        runs=[(name, runs, seeds[name]) for name, runs in comparison.runs.items()],
        settings=comparison.settings,
        systems=[
            System(name, comparison.describe_seeds(name), lines(rows, axis)) for name, rows in comparison.rows.items()
        ],
        axis=[number(end, "+.1f") for end in axis],
        zero=place(0.0, axis),
        drawing=page.drawing(plot, "Differences of all scores with intervals, as in the tables")
        if plot.exists()
        else None,
        how_to_read=[*HOW_TO_READ, ADJUSTED],
        level=f"{LEVEL:g}",
        notes=comparison.notes,
        missing=comparison.missing,
        signatures=comparison.described_signatures,
    )


def lines(rows: Sequence[ScoreDifference], axis: Axis) -> list[Line]:
    """Return a system's scores as the table shows them.

    Args:
        rows: Its scores.
        axis: The least and the greatest difference drawn, points.
    """
    result = []
    for row in rows:
        name, *numbers = row.cells()
        low, mean, high = (place(end, axis) for end in _ends(row))
        better = row.difference.mean > 0
        result.append(
            Line([name, *map(true_minus, numbers)], low, mean, high, row.significant, better, describe_verdict(row))
        )
    return result


def describe_verdict(row: ScoreDifference) -> str:
    """Return the verdict of a difference in words."""
    difference = row.difference
    if row.verdict is Verdict.INCONCLUSIVE:
        hint = " (interval without 0)" if difference.low > 0 or difference.high < 0 else ""
        return f"{row.verdict}{hint}"
    return f"{row.verdict}" + ("" if difference.over_seeds else " in these runs")


def _ends(row: ScoreDifference) -> tuple[float, float, float]:
    return row.difference.low, row.difference.mean, row.difference.high
