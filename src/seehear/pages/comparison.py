"""The page of a comparison: how far trained systems are from the first of them, score by score, and how surely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seehear.files import read_json
from seehear.pages import page
from seehear.pages.numbers import Axis, number, place, true_minus
from seehear.report.comparison import Row
from seehear.scoring.comparison import LEVEL, READ, Difference, of_seeds

NAME = "comparison"  # of the page, as of what it is made from


@dataclass(frozen=True)
class Line:
    """A score of a system beside the first's. cells: its name, then numbers as text. says: what to make of it.

    low, mean, high: where the difference and the ends of its interval are on the axis that all share, from 0 to 1.
    found: whether it is a difference, as far as seeds that were not trained too.
    """

    cells: list[str]
    low: float
    mean: float
    high: float
    found: bool
    better: bool
    says: str


@dataclass(frozen=True)
class Compared:
    """A system beside the first. seeds: how its seeds were compared, in words. average: the last of its lines."""

    name: str
    seeds: str
    lines: list[Line]

    @property
    def average(self) -> Line:
        return self.lines[-1]


def write(folder: Path) -> Path:
    """Write the page of the comparison in a folder. Returns the page. Raises SeehearError where there is none."""
    kept = read_json(folder / f"{NAME}.json")
    rows = {name: [_row(row) for row in of_system] for name, of_system in kept["systems"].items()}
    first = next(iter(kept["runs"]))
    ends = [end for of_system in rows.values() for row in of_system for end in _ends(row)]
    axis = min(0.0, *ends), max(0.0, *ends)
    drawn = folder / f"{NAME}.svg"
    return page.write(
        folder / f"{NAME}.html",
        "comparison.html",
        first=first,
        runs=[(name, path, ", ".join(map(str, kept["seeds"][name]))) for name, path in kept["runs"].items()],
        settings=kept["settings"],
        systems=[
            Compared(
                name,
                of_seeds(of_system[0].difference, kept["seeds"][name], kept["seeds"][first]),
                lines(of_system, axis),
            )
            for name, of_system in rows.items()
        ],
        axis=[number(end, "+.1f") for end in axis],
        zero=place(0.0, axis),
        drawing=page.drawing(drawn, "Differences of all scores with intervals, as in the tables")
        if drawn.exists()
        else None,
        read=READ,
        level=f"{LEVEL:g}",
        notes=kept["notes"],
        missing=kept["missing"],
        signature=kept["signature"],
    )


def lines(rows: Sequence[Row], axis: Axis) -> list[Line]:
    """A system's scores. axis: the least and the greatest difference that are drawn, points."""
    found = []
    for row in rows:
        name, *numbers = row.cells()
        low, mean, high = (place(end, axis) for end in _ends(row))
        sure = row.adjusted < LEVEL and row.difference.over_seeds
        found.append(
            Line([name, *map(true_minus, numbers)], low, mean, high, sure, row.difference.mean > 0, verdict(row))
        )
    return found


def verdict(row: Row) -> str:
    """What to make of a difference, in words."""
    found = row.difference
    if row.adjusted < LEVEL:
        return ("higher" if found.mean > 0 else "lower") + ("" if found.over_seeds else " in these runs")
    return "open" if found.low > 0 or found.high < 0 else "can’t be told"


def _row(kept: Mapping[str, Any]) -> Row:
    found = kept["difference"]
    return Row(**{**kept, "difference": Difference(**{**found, "seeds": tuple(found["seeds"])})})


def _ends(row: Row) -> tuple[float, float, float]:
    return row.difference.low, row.difference.mean, row.difference.high
