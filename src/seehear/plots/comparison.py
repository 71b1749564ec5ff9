"""A forest plot: how far systems are from a baseline, score by score.

What has no finite value is marked, never left out. The side of the zero line or a filled sign repeats what a colour
shows, so that the plot can be read in grey.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from seehear.plots import style
from seehear.plots.style import BLUE, LINE, NOTHING, QUIET, VERMILION
from seehear.scoring.comparison import LEVEL
from seehear.scoring.comparison import ScoreDifference as Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4  # panels side by side
PANEL, SINGLE = 1.7, 3.4  # inches across: of a panel among several, and of one by itself
BESIDE = 1.0  # inches at least of the texts beside a panel
AXIS = "difference (points)"


@dataclass(frozen=True)
class Compared:
    """A system and how it differs from the baseline."""

    name: str
    rows: Sequence[Row]


@style.styled
def plot_forest(compared: Sequence[Compared], *, baseline: str, signature: str = "") -> Figure:
    """Draw mean differences with 95 % intervals: a panel per system, a line per score.

    Panels share their axis. Rows of one level that follow each other stand beneath its name. Differences whose adjusted
    p is below LEVEL are filled, others hollow.

    Args:
        compared: One or more systems; all have the same scores of the same baseline, in the same order.
        baseline: The name of the baseline.
        signature: Of the scores, for the foot of the plot.

    Returns:
        The figure.

    Raises:
        ValueError: There is no system or no score, or systems differ in their scores.
    """
    scores = [[(row.level, row.score, row.baseline) for row in system.rows] for system in compared]
    if not scores or not scores[0]:
        raise ValueError("no system or no score to compare")
    if any(others != scores[0] for others in scores):
        raise ValueError("systems are compared in other scores or with another baseline")
    columns, panel = min(COLUMNS, len(compared)), SINGLE if len(compared) == 1 else PANEL
    blocks = math.ceil(len(compared) / columns)
    heights, heads, bottom = _heights(compared[0].rows)
    figure = style.new_figure(3 + columns * (panel + 1), 2 + blocks * (bottom * LINE + 1))
    grid = figure.subplots(blocks, columns, squeeze=False)
    for k, ax in enumerate(grid.flat):
        if k >= len(compared):
            ax.set_visible(False)
            continue
        _draw_panel(ax, compared[k], heights, bottom, _limits(compared), panel + 1)
        labels = [(at, f"{row.score}   {row.baseline:.1f}") for at, row in zip(heights, compared[k].rows, strict=True)]
        labels += [(-0.2, "baseline"), *((at, f"{level}:      ") for level, at in heads)]
        ax.set_yticks([at for at, _ in labels], [text if k % columns == 0 else "" for _, text in labels])
        if len(compared) > 1:
            ax.set_title(style.wrapped(style.shortened(compared[k].name, 80), panel + 1, 9))
    title = f"{compared[0].name} minus {baseline}" if len(compared) == 1 else f"systems minus {baseline}"
    width = columns * (panel + BESIDE)
    _draw_key(figure, style.wrapped(title, width, 9), width)
    foot = [style.wrapped(text, width, 6.5) for text in (_note(compared), signature) if text]
    figure.supxlabel("\n".join(foot), x=0.02, ha="left", fontsize=6.5, color=QUIET)
    return style.fit(figure, grid[0, :1], panel, bottom * LINE, (1 / columns, 1 / blocks))


def _draw_key(figure: Figure, title: str, width: float) -> None:
    signs = [
        style.sign(marker="o", color=QUIET),
        style.sign(marker="o", color=QUIET, markerfacecolor="white"),
        style.sign(linestyle="-", color=QUIET),
    ]
    labels = [f"p < {LEVEL:g}", "not significant", "95 % interval"]
    style.legend(
        figure, signs, labels, width, loc="outside upper left", title=title, title_fontsize=9, alignment="left"
    )


def _draw_panel(
    ax: Axes, system: Compared, heights: Sequence[float], bottom: float, limits: tuple[float, float], width: float
) -> None:
    """Draw one system's differences, and write them and their p at the right. heights: of each row, in lines."""
    ax.set(xlim=limits, ylim=(bottom, -0.6))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.locator_params(axis="x", nbins=5)
    ax.grid()
    ax.axvline(0, color=QUIET, linewidth=1.0, zorder=1)
    ax.set_xlabel(f"{AXIS}\n{style.wrapped(_runs(system), width)}")
    for row, at in zip(system.rows, heights, strict=True):
        mean, low, high = row.difference.mean, row.difference.low, row.difference.high
        if not math.isfinite(mean):
            ax.plot(0, at, "x", color=QUIET)
            continue
        significant = row.adjusted < LEVEL
        colour = (BLUE if mean > 0 else VERMILION) if significant else QUIET
        ax.hlines(at, low, high, color=colour, linewidth=1.6)
        ax.plot(mean, at, "o", color=colour, markerfacecolor=colour if significant else "white")
    means = [style.number(row.difference.mean, 2, "+") for row in system.rows]
    longest = max(map(len, means))
    texts = [
        f"{mean:\N{FIGURE SPACE}>{longest}}   {_p(row.adjusted)}" for mean, row in zip(means, system.rows, strict=True)
    ]
    right = ax.secondary_yaxis("right")
    right.set_yticks([-0.2, *heights], ["difference   p", *texts])
    right.tick_params(length=0)
    right.spines["right"].set_visible(False)


def _heights(rows: Sequence[Row]) -> tuple[list[float], list[tuple[str, float]], float]:
    """Lines from the top of each row's middle, and of each level's name; lines of all."""
    heights: list[float] = []
    heads: list[tuple[str, float]] = []
    at = 1.0
    for level, group in groupby(rows, key=lambda row: row.level):
        if level:
            heads.append((level, at))
            at += 1
        for _ in group:
            heights.append(at)
            at += 1
        at += 0.25
    return heights, heads, at - 0.5


def _limits(compared: Sequence[Compared]) -> tuple[float, float]:
    """Of an axis that has room for all intervals and for 0."""
    differences = [row.difference for system in compared for row in system.rows]
    ends = np.array([0.0, *(end for one in differences for end in (one.mean, one.low, one.high))])
    low, high = np.nanmin(ends[~np.isinf(ends)]), np.nanmax(ends[~np.isinf(ends)])
    margin = 0.06 * (high - low) or 1.0
    return float(low - margin), float(high + margin)


def _note(compared: Sequence[Compared]) -> str:
    """What p means here, and of how many clips the scores are."""
    differences = [row.difference for system in compared for row in system.rows]
    clips = " or ".join(f"{count}" for count in sorted({one.clips for one in differences}))
    words = "p tests clips and seeds together and is stricter than the interval"
    if len(compared) > 1:
        words += f"; it is Holm-adjusted for {len(compared)} systems"
    if not all(one.over_seeds for one in differences):
        words += "; with one seed it tests clips alone"
    return f"{words}. {clips} clips."


def _runs(system: Compared) -> str:
    """How many seeds of a system and of the baseline were compared, and what that means for p."""
    difference = system.rows[0].difference
    first, second = difference.seeds
    text = f"{first} against {second} seeds" + (", in pairs" if difference.paired_seeds and first > 1 else "")
    if not difference.over_seeds:
        return f"{text}: no evidence about other seeds"
    if difference.floor >= LEVEL:
        text += f": too few for any p < {LEVEL:g}"
    return text


def _p(p: float) -> str:
    """A p to two digits, and three decimals at most."""
    if not math.isfinite(p):
        return NOTHING
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
