"""A picture of how far systems are from a baseline, score by score: a forest plot, written as PNG and SVG.

It takes names and numbers. What has no finite value is marked, never left out. What a colour says, a side of the zero
line or a filled sign says too, so that it can be read in grey.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seehear.report import sheet
from seehear.report.sheet import BLUE, EDGE, GUIDE, LINE, NOTHING, QUIET, STRIP, VERMILION
from seehear.scoring.comparison import LEVEL
from seehear.scoring.comparison import ScoreDifference as Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ABREAST = 4  # panels side by side
PANEL, ALONE = 1.7, 3.4  # inches across: of a panel among several, and of one by itself
SMALL = 6.5  # points: the type of a foot
FOOT = 0.13  # inches: a line of it
AXIS = 0.42  # inches: an axis' numbers and name
APART = 0.3  # inches between blocks of panels


@dataclass(frozen=True)
class Compared:
    """A system and how it differs from the baseline."""

    name: str
    rows: Sequence[Row]


def forest(compared: Sequence[Compared], path: Path, *, baseline: str, signature: str) -> list[Path]:
    """A panel a compared system, a line a score: the mean difference, its 95 % interval, and the adjusted p.

    compared: one system or more; all have the same scores of the same baseline in the same order. Panels share their
    axis. Rows of one level that follow each other stand beneath its name. Differences whose adjusted p is beneath LEVEL
    are filled, others hollow. baseline: its name. signature: of the scores.

    path: ending in .png or .svg, to write that alone; otherwise both are written, each suffix appended. Returns what
    was written. Raises ValueError where there is no system or no score, or systems differ in scores.
    """
    return sheet.write(plot_forest(compared, baseline=baseline, signature=signature), path)


def plot_forest(compared: Sequence[Compared], *, baseline: str, signature: str = "") -> Figure:
    """Draw `forest` as a figure."""
    return _draw(compared, baseline, signature)


def _draw(compared: Sequence[Compared], baseline: str, signature: str) -> Figure:
    scores = [[(row.level, row.score, sheet.number(row.baseline, 1)) for row in system.rows] for system in compared]
    if not scores or not scores[0]:
        raise ValueError("no system or no score to compare")
    if any(others != scores[0] for others in scores):
        raise ValueError("systems are compared in other scores or with another baseline")
    rows = compared[0].rows
    heights, heads, tall = _lay_out(rows)
    decimals = sheet.decimals(_reach(compared)[1] - _reach(compared)[0])

    # Columns: names, the baseline's scores; then for each system of a block its panel, differences and p.
    names = max(sheet.widest([f"   {row.score}" for row in rows]), sheet.widest([level for level, _ in heads] or [""]))
    owns = sheet.widest(["baseline", *(own for _, _, own in scores[0])])
    means = max(sheet.widest([_mean(row, decimals) for row in system.rows]) for system in compared)
    means = max(means, sheet.widest(["difference"], 7))
    head = "p" if len(compared) == 1 else "adjusted p"
    chances = max(sheet.widest([_chance(row.adjusted) for row in system.rows]) for system in compared)
    chances = max(chances, sheet.widest([head], 7))
    left = EDGE + names + 0.2 + owns + 0.2
    panel = ALONE if len(compared) == 1 else PANEL
    each = panel + 0.12 + means + 0.15 + chances
    abreast = min(ABREAST, len(compared))
    whole = left + abreast * each + (abreast - 1) * APART
    room = whole - EDGE  # for lines of text across the figure

    title = f"{compared[0].name} minus {baseline}" if len(compared) == 1 else f"systems minus {baseline}"
    titles = sheet.folded(title, 10, room)
    labels = [f"p < {LEVEL:g}", "not significant", "95 % interval"]
    handles = [
        sheet.line(marker="o", color=QUIET),
        sheet.line(marker="o", color=QUIET, markerfacecolor="white"),
        sheet.line(linestyle="-", color=QUIET, linewidth=1.6),
    ]
    strip = STRIP * math.ceil(len(labels) / sheet.legend_columns(labels, whole - left))
    feet = [line for part in _foot(compared, signature) for line in sheet.folded(part, SMALL, room)]
    blocks = [compared[k : k + abreast] for k in range(0, len(compared), abreast)]
    folds = [
        [sheet.folded(system.name, 8.5, each) if len(compared) > 1 else [] for system in block] for block in blocks
    ]
    notes = [[sheet.folded(_runs(system), SMALL, each) for system in block] for block in blocks]
    overs = [max(len(lines) for lines in fold) * 0.17 + 0.2 for fold in folds]
    unders = [AXIS + max(len(lines) for lines in note) * FOOT + 0.1 for note in notes]
    height = EDGE + 0.2 * len(titles) + strip + 0.08 + sum(overs) + sum(unders) + len(blocks) * tall
    height += APART * (len(blocks) - 1) + FOOT * len(feet) + EDGE
    figure = sheet.figure(whole + EDGE, height)

    top = EDGE
    for line in titles:
        sheet.text(figure, EDGE, top + 0.1, line, 10)
        top += 0.2
    top += strip + 0.08
    for block, fold, note, over, under in zip(blocks, folds, notes, overs, unders, strict=True):
        top += over
        for level, at in heads:
            sheet.text(figure, EDGE, top + at, level, 8, color=QUIET)
        sheet.text(figure, left - 0.2, top - 0.1, "baseline", 7, ha="right", color=QUIET)
        for row, at in zip(rows, heights, strict=True):
            sheet.text(figure, EDGE + sheet.inches("   ", 8) * bool(row.level), top + at, row.score, 8)
            sheet.text(figure, left - 0.2, top + at, sheet.number(row.baseline, 1), 8, ha="right")
        for k, (system, lines, runs) in enumerate(zip(block, fold, note, strict=True)):
            start = left + k * (each + APART)
            for n, line in enumerate(lines):
                sheet.text(figure, start, top - 0.2 - 0.17 * (len(lines) - n - 0.5), line, 8.5)
            ax = sheet.axes(figure, start, top, panel, tall)
            _draw_panel(ax, system.rows, heights, tall, _limits(compared))
            if block is blocks[0] and k == 0:
                sheet.legend(ax, handles, labels, whole - left, above=over / tall)
            end = start + panel + 0.12 + means
            sheet.text(figure, end, top - 0.1, "difference", 7, ha="right", color=QUIET)
            sheet.text(figure, start + each, top - 0.1, head, 7, ha="right", color=QUIET)
            for row, at in zip(system.rows, heights, strict=True):
                sheet.text(figure, end, top + at, _mean(row, decimals), 8, ha="right")
                sheet.text(figure, start + each, top + at, _chance(row.adjusted), 8, ha="right")
            for n, line in enumerate(runs):
                sheet.text(figure, start, top + tall + AXIS + FOOT * (n + 0.5), line, SMALL, color=QUIET)
        top += tall + under + APART
    top -= APART
    for n, line in enumerate(feet):
        sheet.text(figure, EDGE, top + FOOT * (n + 0.5), line, SMALL, color=QUIET)
    return figure


def _draw_panel(
    ax: Axes, rows: Sequence[Row], heights: Sequence[float], tall: float, limits: tuple[float, float]
) -> None:
    """heights: where each row stands, inches from the top of the panel, which is `tall`."""
    ax.set(xlim=limits, ylim=(tall, 0))
    ax.set_yticks(heights, [""] * len(rows))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.locator_params(axis="x", nbins=5)
    ax.grid(color=GUIDE, linewidth=0.6)
    ax.axvline(0, color=QUIET, linewidth=1.0, zorder=1)
    ax.set_xlabel("difference (points)", fontsize=8)
    for row, at in zip(rows, heights, strict=True):
        mean, low, high = row.difference.mean, row.difference.low, row.difference.high
        if not math.isfinite(mean):
            ax.plot(0, at, "x", color=QUIET, markersize=4.5)
            continue
        significant = row.adjusted < LEVEL
        colour = (BLUE if mean > 0 else VERMILION) if significant else QUIET
        ax.hlines(at, low, high, color=colour, linewidth=1.6)
        ax.plot(mean, at, "o", color=colour, markerfacecolor=colour if significant else "white", markersize=4.5)


def _lay_out(rows: Sequence[Row]) -> tuple[list[float], list[tuple[str, float]], float]:
    """Inches from the top of each row's middle, and of each level's name; inches of all."""
    heights: list[float] = []
    heads: list[tuple[str, float]] = []
    top = 0.05
    for level, group in groupby(rows, key=lambda row: row.level):
        top += 0.05 if heights else 0
        if level:
            heads.append((level, top + LINE / 2))
            top += LINE
        for _ in group:
            heights.append(top + LINE / 2)
            top += LINE
    return heights, heads, top + 0.05


def _reach(compared: Sequence[Compared]) -> tuple[float, float]:
    """The least and the greatest of all that is drawn, 0 among it."""
    differences = [row.difference for system in compared for row in system.rows]
    ends = np.array([0.0, *(end for one in differences for end in (one.mean, one.low, one.high))])
    known = ends[np.isfinite(ends)]
    return float(known.min()), float(known.max())


def _limits(compared: Sequence[Compared]) -> tuple[float, float]:
    low, high = _reach(compared)
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def _foot(compared: Sequence[Compared], signature: str) -> list[str]:
    """How the picture is to be read, and of which clips and scores it is."""
    differences = [row.difference for system in compared for row in system.rows]
    clips = sorted({one.clips for one in differences})
    words = "p is of clips and seeds together and stricter than the interval"
    if len(compared) > 1:
        words += f", Holm-adjusted for {len(compared)} systems"
    if not all(one.over_seeds for one in differences):
        words += "; of clips alone where there is one seed"
    return [f"{words}. {' or '.join(f'{count}' for count in clips)} clips.", signature]


def _runs(system: Compared) -> str:
    """How often a system and the baseline were trained, and what that means for p."""
    difference = system.rows[0].difference
    first, second = difference.seeds
    text = f"{first} against {second} seeds" + (", in pairs" if difference.paired_seeds and first > 1 else "")
    if not difference.over_seeds:
        return f"{text}: says nothing of other seeds"
    if difference.floor >= LEVEL:
        text += f": too few for any p < {LEVEL:g}"
    return text


def _mean(row: Row, decimals: int) -> str:
    return sheet.number(row.difference.mean, min(decimals, 2), "+")


def _chance(p: float) -> str:
    """A p to two digits, and three decimals at most."""
    if not math.isfinite(p):
        return NOTHING
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
