"""Pictures of an evaluation: whether confidences can be believed, what is taken for what, how training went.

They take names and numbers. What a colour says, a shape or a number says too, so that all can be read in grey; cells
are pale enough for black numbers on paper and for white ones on a dark page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from seehear.report import sheet
from seehear.report.sheet import BLUE, EDGE, GUIDE, QUIET, STRIP, VERMILION, Array
from seehear.scoring.confusion import Confusion
from seehear.scoring.reliability import Bin, Reliability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ABREAST = 3  # reliability diagrams side by side
SQUARE, COUNTS = 2.35, 0.5  # inches: a reliability diagram's side; how tall the counts beneath it are
SCALE, UNDER = 0.8, 0.46  # inches: an axis' numbers and name, beside and beneath
HEAD = 0.36  # inches: a panel's two lines
CELL, WIDEST_CELL, MAP = 0.28, 0.5, 4.6  # inches: the least and the most of a cell, between which a map is so wide
NAME = 1.9  # inches of a class's name at most
GAP = 0.1  # inches between a map and what was missed or made up
STRONGEST = 0.6  # opacity of a cell of 100 %
CURVES = 4.4, 2.4  # inches of a panel of learning curves
SMALL = 6.5  # points

SAYS = {"fair": "as often there as said", "over": "less often", "under": "more often"}


@dataclass(frozen=True)
class Training:
    """One training's E epochs: (E,) each, NaN where not known. chosen: number of the one whose weights were kept."""

    loss: ArrayLike
    val_loss: ArrayLike
    score: ArrayLike
    chosen: int | None


def verdict(found: Bin) -> str:
    """A key of SAYS: whether forecasts came true as often as they said, for all that can be told; "" without any."""
    if not found.count:
        return ""
    if found.frequency_low <= found.confidence <= found.frequency_high:
        return "fair"
    return "over" if found.confidence > found.frequency_high else "under"


def reliability(panels: Sequence[tuple[str, Reliability]], path: Path) -> list[Path]:
    """A diagram for each (title, what was found): how often what was said with some confidence is there.

    Points stand at each bin's mean confidence and frequency, with the frequency's 95 % interval; beneath, how many
    forecasts each bin holds, on a logarithmic scale. Bins without forecasts have no point.

    path: ending in .png or .svg, to write that alone; otherwise both are written, each suffix appended. Returns what
    was written. Raises ValueError without a panel.
    """
    return sheet.write(_draw_reliability(panels), path)


def confusion(found: Confusion, path: Path) -> list[Path]:
    """What is there (rows) against what was found (columns), per cent of the row; last what was missed.

    Beneath, what was made up, per cent of what was found of a column. Shades grow with the square root, so that rare
    errors can be seen; below half a per cent the number is <1. path, returns: as for `reliability`. Raises ValueError
    without a class.
    """
    return sheet.write(_draw_confusion(found), path)


def learning(trainings: Sequence[Training], score: str, path: Path) -> list[Path]:
    """Losses by epoch, and beside them a score of the validation clips, a line a training; chosen epochs are marked.

    score: what it is, with its unit; the panel is left out where no training has it. Epochs count from 1, losses that
    are not finite are gaps. path, returns: as for `reliability`. Raises ValueError where no training has a finite loss.
    """
    return sheet.write(_draw_learning(trainings, score), path)


def plot_reliability(panels: Sequence[tuple[str, Reliability]]) -> Figure:
    """Draw `reliability` as a figure."""
    return _draw_reliability(panels)


def plot_confusion(found: Confusion) -> Figure:
    """Draw `confusion` as a figure."""
    return _draw_confusion(found)


def _draw_reliability(panels: Sequence[tuple[str, Reliability]]) -> Figure:
    if not panels:
        raise ValueError("no reliability to draw")
    columns = min(ABREAST, len(panels))
    rows = math.ceil(len(panels) / columns)
    wide = EDGE + columns * (SCALE + SQUARE + 0.1) + EDGE
    labels = ["said = there", "95 % interval", *SAYS.values()]
    handles = [
        sheet.line(linestyle="--", color=QUIET),
        sheet.line(linestyle="-", color=QUIET, linewidth=1.6),
        *(sheet.line(marker=marker, color=colour) for marker, colour in _LOOKS.values()),
    ]
    room = wide - EDGE - SCALE
    strip = STRIP * math.ceil(len(labels) / sheet.legend_columns(labels, room)) + 0.12
    each = HEAD + SQUARE + 0.12 + COUNTS + UNDER
    figure = sheet.figure(wide, EDGE + strip + rows * each + 0.1)
    for n, (title, found) in enumerate(panels):
        row, column = divmod(n, columns)
        left, top = EDGE + SCALE + column * (SCALE + SQUARE + 0.1), EDGE + strip + row * each
        sheet.text(figure, left, top + 0.08, cut(title, 9, SQUARE), 9)
        ece, brier = (sheet.number(value, 3) for value in (found.error, found.brier))
        sheet.text(figure, left, top + 0.24, f"ECE {ece}, Brier {brier}", 8, color=QUIET)
        ax = sheet.axes(figure, left, top + HEAD, SQUARE, SQUARE)
        _draw_diagram(ax, found)
        if n == 0:
            sheet.legend(ax, handles, labels, room, above=(HEAD + 0.06) / SQUARE)
        ax = sheet.axes(figure, left, top + HEAD + SQUARE + 0.12, SQUARE, COUNTS)
        _draw_counts(ax, found)
        if column == 0:
            middles = ("share that is there", HEAD + SQUARE / 2), ("forecasts", HEAD + SQUARE + 0.12 + COUNTS / 2)
            for words, middle in middles:
                _turned(figure, EDGE + 0.05, top + middle, words, 8)
    return figure


_LOOKS = {"fair": ("o", BLUE), "over": ("v", VERMILION), "under": ("^", VERMILION)}


def _draw_diagram(ax: Axes, found: Reliability) -> None:
    ticks = np.linspace(0, 1, 6)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.set_xticks(ticks, [""] * len(ticks))
    ax.set_yticks(ticks, [f"{tick:.1f}" for tick in ticks])
    ax.grid(color=GUIDE, linewidth=0.6)
    ax.plot([0, 1], [0, 1], color=QUIET, linewidth=1.0, linestyle="--", zorder=1)
    for each in found.bins:
        if says := verdict(each):
            marker, colour = _LOOKS[says]
            ax.vlines(each.confidence, each.frequency_low, each.frequency_high, color=colour, linewidth=1.6)
            ax.plot(each.confidence, each.frequency, marker, color=colour, markersize=4.5)


def _draw_counts(ax: Axes, found: Reliability) -> None:
    most = 10 ** math.ceil(math.log10(max(10, *(each.count for each in found.bins))))
    ax.set_yscale("log")
    ax.set(xlim=(-0.02, 1.02), ylim=(0.5, most))
    ax.set_yticks([1, most], ["1", f"{most:,}"], fontsize=7)
    ax.minorticks_off()
    ticks = np.linspace(0, 1, 6)
    ax.set_xticks(ticks, [f"{tick:.1f}" for tick in ticks])
    ax.set_xlabel("confidence", fontsize=8, labelpad=2)
    for each in found.bins:
        if each.count:
            width = each.high - each.low
            ax.bar(
                each.low + width / 2,
                each.count - 0.5,
                width=0.86 * width,
                bottom=0.5,
                color=QUIET,
                alpha=0.55,
                zorder=2,
            )


def _draw_confusion(found: Confusion) -> Figure:
    table, count = found.table, len(found.classes)
    if not count:
        raise ValueError("no class to draw")
    there, made = table[:-1], table[-1, :-1]  # (C, C + 1), (C,)
    true = there.sum(axis=1)  # (C,)
    of_row = _share(there, true[:, None])
    of_column = _share(made, table[:, :-1].sum(axis=0))
    names = [cut(name, 8, NAME) for name in found.classes]
    supports = ["of", *(_count(value) for value in true)]
    cell = min(WIDEST_CELL, max(CELL, MAP / count))
    side = cell * count
    left = EDGE + max(sheet.widest([*names, "made up"]), sheet.inches("is there ↓  found as →", 7)) + 0.08
    top = EDGE + max(sheet.widest([*names, "missed"]), 0.6) + 0.08
    right = GAP + cell + 0.12 + sheet.widest(supports)
    feet = sheet.folded("per cent of each row; made up: per cent of what was found", SMALL, left + side + right - EDGE)
    figure = sheet.figure(left + side + right + EDGE, top + side + GAP + cell + 0.08 + 0.13 * len(feet) + EDGE)

    sheet.text(figure, left - 0.08, top - 0.1, "is there ↓  found as →", 7, ha="right", color=QUIET)
    for n, name in enumerate(names):
        at = (n + 0.5) * cell
        sheet.text(figure, left - 0.08, top + at, name, 8, ha="right")
        sheet.text(figure, left + side + right, top + at, supports[n + 1], 7, ha="right", color=QUIET)
        _standing(figure, left + at, top - 0.06, name, 8)
    _standing(figure, left + side + GAP + cell / 2, top - 0.06, "missed", 8)
    sheet.text(figure, left + side + right, top - 0.1, "of", 7, ha="right", color=QUIET)
    sheet.text(figure, left - 0.08, top + side + GAP + cell / 2, "made up", 8, ha="right")
    for n, line in enumerate(feet):
        sheet.text(figure, EDGE, top + side + GAP + cell + 0.12 + 0.13 * n, line, SMALL, color=QUIET)

    _draw_cells(sheet.axes(figure, left, top, side, side), of_row[:, :-1], right=np.eye(count, dtype=bool))
    _draw_cells(sheet.axes(figure, left + side + GAP, top, cell, side), of_row[:, -1:])
    _draw_cells(sheet.axes(figure, left, top + side + GAP, side, cell), of_column[None])
    return figure


def _draw_cells(ax: Axes, shares: Array, right: ArrayLike | None = None) -> None:
    """shares: (R, C), NaN where there is nothing to share. right: (R, C) bool, which cells are no error."""
    from matplotlib.patches import Rectangle

    rows, columns = shares.shape
    good = np.zeros(shares.shape, dtype=bool) if right is None else np.asarray(right)
    ax.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[])
    for at in range(rows + 1):
        ax.plot([0, columns], [at, at], color=GUIDE, linewidth=0.6, clip_on=False)
    for at in range(columns + 1):
        ax.plot([at, at], [0, rows], color=GUIDE, linewidth=0.6, clip_on=False)
    sheet.bare(ax)
    for (r, c), share in np.ndenumerate(shares):
        if share > 0:
            colour = BLUE if good[r, c] else VERMILION
            strength = STRONGEST * math.sqrt(share)
            ax.add_patch(Rectangle((c, r), 1, 1, facecolor=colour, alpha=strength, linewidth=0))
            words = "<1" if share < 0.005 else f"{100 * share:.0f}"
            ax.text(c + 0.5, r + 0.5, words, fontsize=7, ha="center", va="center_baseline")


def _draw_learning(trainings: Sequence[Training], score: str) -> Figure:
    losses = [(sheet.array(each.loss, len(np.atleast_1d(each.loss))), each) for each in trainings]
    if not any(np.isfinite(loss).any() for loss, _ in losses):
        raise ValueError("no training has a loss to draw")
    val = [sheet.array(each.val_loss, len(loss)) for loss, each in losses]
    scores = [sheet.array(each.score, len(loss)) for loss, each in losses]
    two = any(np.isfinite(values).any() for values in scores)
    kinds = [("training loss", "-", BLUE, [loss for loss, _ in losses])]
    if any(np.isfinite(values).any() for values in val):
        kinds.append(("validation loss", "--", VERMILION, val))
    labels = [name for name, *_ in kinds] + ["chosen epoch"]
    handles = [sheet.line(linestyle=style, color=colour) for _, style, colour, _ in kinds]
    handles.append(sheet.line(marker="o", color="black", markerfacecolor="white"))
    wide, tall = CURVES
    left, top = EDGE + 0.55, EDGE + STRIP + 0.12
    figure = sheet.figure(left + (wide + 0.7) * (1 + two) - 0.7 + EDGE, top + tall + UNDER + 0.05)
    last = max(len(loss) for loss, _ in losses)
    chosen = [each.chosen for _, each in losses]

    ax = _panel(figure, left, top, "loss", last)
    for _, style, colour, values in kinds:
        _draw_curves(ax, values, chosen, style, colour)
    sheet.legend(ax, handles, labels, wide)
    if two:
        ax = _panel(figure, left + wide + 0.7, top, score, last)
        _draw_curves(ax, scores, chosen, "-", BLUE)
    return figure


def _panel(figure: Figure, left: float, top: float, name: str, last: int) -> Axes:
    from matplotlib.ticker import MaxNLocator

    ax = sheet.axes(figure, left, top, *CURVES)
    ax.grid(color=GUIDE, linewidth=0.6)
    ax.set_xlabel("epoch", fontsize=8, labelpad=2)
    ax.set_ylabel(name, fontsize=8, parse_math=False)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    margin = min(0.02 * last, 0.9)  # the first epoch is 1: no 0 is to be seen
    ax.set_xlim(1 - margin, last + margin)
    return ax


def _draw_curves(ax: Axes, each: Sequence[Array], chosen: Sequence[int | None], style: str, colour: str) -> None:
    for values in each:
        ax.plot(np.arange(1, len(values) + 1), values, style, color=colour, linewidth=0.9, alpha=0.75)
    for values, at in zip(each, chosen, strict=True):
        if at is not None and math.isfinite(values[at]):
            ax.plot(at + 1, values[at], "o", color="black", markerfacecolor="white", markersize=4, zorder=3)


def _share(part: Array, whole: Array) -> Array:
    """NaN where there is no whole."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _count(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == round(value) else f"{value:.1f}"


def cut(text: str, size: float, wide: float) -> str:
    """A name as far as there is room for it in a line."""
    lines = sheet.folded(text, size, wide)
    return lines[0] if len(lines) == 1 else f"{sheet.folded(text, size, wide - sheet.inches('…', size))[0]}…"


def _standing(figure: Figure, left: float, bottom: float, text: str, size: float) -> None:
    """A text that reads upwards and begins here."""
    wide, tall = figure.get_size_inches()
    figure.text(
        left / wide, 1 - bottom / tall, text, fontsize=size, rotation=90, ha="center", va="bottom", parse_math=False
    )


def _turned(figure: Figure, left: float, middle: float, text: str, size: float) -> None:
    """A text that reads upwards, its middle here."""
    wide, tall = figure.get_size_inches()
    figure.text(left / wide, 1 - middle / tall, text, fontsize=size, rotation=90, ha="center", va="center")
