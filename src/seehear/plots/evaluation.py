"""Plots of an evaluation: reliability diagrams, a confusion matrix, learning curves.

A shape or a number repeats what a colour shows, so that all can be read in grey. Cells are pale enough for black
numbers on paper and for white ones on a dark page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from seehear.plots import style
from seehear.plots.style import BLUE, GUIDE, QUIET, VERMILION, Array
from seehear.scoring.confusion import Confusion
from seehear.scoring.precision_recall import ThresholdCurves
from seehear.scoring.reliability import Calibration, Reliability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3  # reliability diagrams side by side
SQUARE, COUNTS = 2.35, 0.5  # inches: side of a reliability diagram; height of the counts beneath it
CELL, LARGEST_CELL, MAP = 0.28, 0.5, 4.6  # inches: the smallest and the largest cell; width of a map between them
GAP = 0.35  # cells between the classes and the false negatives and positives
STRONGEST = 0.6  # opacity of a cell of 100 %
PANELS, PANEL = 5, (1.45, 1.05)  # panels of classes side by side, and inches of each
CURVES = 4.4, 2.4  # inches of a panel of learning curves
FALSE_NEGATIVE, FALSE_POSITIVE = "false negative", "false positive"

CURVE_LOOKS = ("-", BLUE), ("--", VERMILION)  # of precision and recall: line and colour
LABELS = {
    Calibration.FAIR: "as often true as predicted",
    Calibration.OVER: "less often",
    Calibration.UNDER: "more often",
}
LOOKS = {  # marker and colour
    Calibration.FAIR: ("o", BLUE),
    Calibration.OVER: ("v", VERMILION),
    Calibration.UNDER: ("^", VERMILION),
}


@dataclass(frozen=True)
class Training:
    """The epochs of one training.

    Attributes:
        loss, val_loss, score: (E,) each, NaN or None where not known.
        chosen: Index of the epoch whose weights were kept.
    """

    loss: ArrayLike
    val_loss: ArrayLike
    score: ArrayLike
    chosen: int | None


@style.styled
def plot_reliability(panels: Sequence[tuple[str, Reliability]]) -> Figure:
    """Draw a reliability diagram per panel: how often predictions of some confidence are true.

    Points stand at each bin's mean confidence and frequency, with the frequency's 95 % interval; beneath, the number of
    forecasts in each bin, on a logarithmic scale. Bins without forecasts have no point.

    Args:
        panels: Titles and measurements.

    Returns:
        The figure; its axes are the diagrams and the counts, in turn.

    Raises:
        ValueError: There is no panel.
    """
    if not panels:
        raise ValueError("no reliability to draw")
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = style.new_figure(1 + columns * (SQUARE + 0.6), 1 + rows * (SQUARE + COUNTS + 1))
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[SQUARE, COUNTS] * rows)
    for n, (title, reliability) in enumerate(panels):
        row, column = divmod(n, columns)
        ax = figure.add_subplot(grid[2 * row, column])
        counts = figure.add_subplot(grid[2 * row + 1, column], sharex=ax)
        ece, brier = (style.number(value, 3) for value in (reliability.error, reliability.brier))
        ax.set_title(f"{style.shortened(title, 36)}\nECE {ece}, Brier {brier}")
        _draw_diagram(ax, reliability)
        _draw_counts(counts, reliability)
        if column == 0:
            ax.set_ylabel("frequency")
            counts.set_ylabel("forecasts")
    signs = [
        style.sign(linestyle="--", linewidth=1.0, color=QUIET),
        style.sign(linestyle="-", color=QUIET),
        *(style.sign(marker=marker, color=colour) for marker, colour in LOOKS.values()),
    ]
    labels = ["calibrated", "95 % interval", *LABELS.values()]
    style.legend(figure, signs, labels, columns * (SQUARE + 0.2), loc="outside upper left")
    return style.fit(figure, figure.axes[:1], SQUARE, SQUARE)


def _draw_diagram(ax: Axes, reliability: Reliability) -> None:
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=np.linspace(0, 1, 6), yticks=np.linspace(0, 1, 6))
    ax.tick_params(axis="x", labelbottom=False)
    ax.grid()
    ax.plot([0, 1], [0, 1], color=QUIET, linewidth=1.0, linestyle="--", zorder=1)
    for each in reliability.bins:
        if each.calibration is not None:
            marker, colour = LOOKS[each.calibration]
            ax.vlines(each.confidence, each.frequency_low, each.frequency_high, color=colour, linewidth=1.6)
            ax.plot(each.confidence, each.frequency, marker, color=colour)


def _draw_counts(ax: Axes, reliability: Reliability) -> None:
    largest = 10 ** math.ceil(math.log10(max(10, *(each.count for each in reliability.bins))))
    ax.set(yscale="log", ylim=(0.5, largest), xlabel="confidence")
    ax.set_yticks([1, largest], ["1", f"{largest:,}"])
    ax.minorticks_off()
    filled = [each for each in reliability.bins if each.count]
    widths = np.array([each.high - each.low for each in filled])
    middles = np.array([each.low for each in filled]) + widths / 2
    counts = np.array([each.count for each in filled])
    ax.bar(middles, counts - 0.5, width=0.86 * widths, bottom=0.5, color=QUIET, alpha=0.55)


@style.styled
def plot_thresholds(curves: ThresholdCurves) -> Figure:
    """Draw precision and recall by threshold, a panel per class, with the system's own threshold as a line.

    Args:
        curves: Of one modality. Classes that neither occur nor are predicted have no panel.

    Returns:
        The figure.

    Raises:
        ValueError: There is no class to draw.
    """
    shown = curves.used()
    if not shown:
        raise ValueError("no class to draw")
    columns = min(PANELS, len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = style.new_figure(columns * (PANEL[0] + 0.3) + 0.5, rows * (PANEL[1] + 0.4) + 0.7)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for n, ax in enumerate(grid.flat):
        ax.set_axis_off() if n >= len(shown) else _draw_class(ax, curves, shown[n])
    for ax in grid[:, 0]:
        ax.set_ylabel("per cent")
    for n in range(len(shown) - columns, len(shown)):  # the lowest panel of each column
        grid.flat[n].set_xlabel("threshold")
        grid.flat[n].tick_params(labelbottom=True)
    signs = [style.sign(linestyle=line, color=colour) for line, colour in CURVE_LOOKS]
    signs.append(style.sign(linestyle="-", linewidth=1.0, color=QUIET))
    style.legend(figure, signs, ["precision", "recall", "own threshold"], columns * PANEL[0], loc="outside upper left")
    return figure


def _draw_class(ax: Axes, curves: ThresholdCurves, c: int) -> None:
    ax.set(xlim=(0, 1), ylim=(-3, 103), xticks=[0, 0.5, 1], yticks=[0, 50, 100])
    ax.grid()
    ax.set_title(f"{style.shortened(curves.classes[c], 20)} ({curves.support[c]})", fontsize=7)
    ax.axvline(curves.own[c], color=QUIET, linewidth=1.0)
    for (line, colour), each, own in zip(
        CURVE_LOOKS, (curves.precision, curves.recall), (curves.own_precision, curves.own_recall), strict=True
    ):
        ax.plot(curves.thresholds, 100 * each[c], line, color=colour, linewidth=1.3)
        ax.plot(curves.own[c], 100 * own[c], "o", color=colour, markersize=3)


@style.styled
def plot_confusion(confusion: Confusion, ax: Axes | None = None) -> Figure:
    """Draw a confusion matrix: ground truth (rows) against predictions (columns), per cent of each row.

    The last column has the false negatives; the last row the false positives, per cent of what was predicted in a
    column. Shades grow with the square root, so that rare errors can be seen; below half a per cent the number is <1.

    Args:
        confusion: The counts of segments.
        ax: Axes to draw into; a figure of its own otherwise.

    Returns:
        The figure.

    Raises:
        ValueError: There is no class.
    """
    count = len(confusion.classes)
    if not count:
        raise ValueError("no class to draw")
    true = confusion.table[:-1].sum(axis=1)  # (C,)
    shares = np.full((count + 1, count + 1), np.nan)
    shares[:-1] = _share(confusion.table[:-1], true[:, None])
    shares[-1, :-1] = _share(confusion.table[-1, :-1], confusion.table[:, :-1].sum(axis=0))
    cell = min(LARGEST_CELL, max(CELL, MAP / count))
    side = (count + 1 + GAP) * cell
    figure = style.new_figure(side + 2, side + 2) if ax is None else style.figure_of(ax)
    axes = figure.subplots() if ax is None else ax
    _draw_shares(axes, shares, count)
    at = [*np.arange(count) + 0.5, count + GAP + 0.5]
    names = [style.shortened(name, 26) for name in confusion.classes]
    axes.set_xticks(at, [*names, FALSE_NEGATIVE], rotation=90)
    axes.set_yticks(at, [*names, FALSE_POSITIVE])
    right = axes.secondary_yaxis("right")
    right.set_yticks(at[:-1], [_count(value) for value in true])
    right.tick_params(length=0, labelcolor=QUIET)
    right.spines["right"].set_visible(False)
    right.set_ylabel("segments in the ground truth", color=QUIET)
    axes.set_ylabel("ground truth")
    axes.set_xlabel("predicted")
    axes.xaxis.set_label_position("top")
    if ax is None:
        note = f"per cent of each row; {FALSE_POSITIVE}: per cent of each column"
        figure.supxlabel(style.wrapped(note, side + 1, 6.5), fontsize=6.5, color=QUIET)
        style.fit(figure, [axes], side, side)
    return figure


def _draw_shares(ax: Axes, shares: Array, count: int) -> None:
    """Draw cells: shares (C + 1, C + 1), NaN where the whole is 0; a gap separates the last row and column."""
    from matplotlib.patches import Rectangle

    ax.set(xlim=(0, count + 1 + GAP), ylim=(count + 1 + GAP, 0))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    for r, c in np.ndindex(shares.shape):
        if r == c == count:
            continue
        corner = (c + GAP * (c == count), r + GAP * (r == count))
        ax.add_patch(Rectangle(corner, 1, 1, facecolor="none", edgecolor=GUIDE, linewidth=0.6))
        if shares[r, c] > 0:
            strength = STRONGEST * math.sqrt(shares[r, c])
            colour = BLUE if r == c else VERMILION
            ax.add_patch(Rectangle(corner, 1, 1, facecolor=colour, alpha=strength, linewidth=0))
            text = "<1" if shares[r, c] < 0.005 else f"{100 * shares[r, c]:.0f}"
            ax.text(corner[0] + 0.5, corner[1] + 0.5, text, fontsize=7, ha="center", va="center_baseline")


@style.styled
def plot_learning(trainings: Sequence[Training], score: str) -> Figure:
    """Draw losses by epoch, and beside them a validation score: a line per training, chosen epochs marked.

    Epochs count from 1. Losses that are not finite are gaps.

    Args:
        trainings: One or more.
        score: Name of the score, with its unit. Its panel is left out if no training has it.

    Returns:
        The figure.

    Raises:
        ValueError: No training has a finite loss.
    """
    losses = [style.array(each.loss, len(np.atleast_1d(each.loss))) for each in trainings]
    if not any(np.isfinite(loss).any() for loss in losses):
        raise ValueError("no training has a loss to draw")
    val = [style.array(each.val_loss, len(loss)) for loss, each in zip(losses, trainings, strict=True)]
    scores = [style.array(each.score, len(loss)) for loss, each in zip(losses, trainings, strict=True)]
    panels = [("loss", [("training loss", "-", BLUE, losses)])]
    if any(np.isfinite(values).any() for values in val):
        panels[0][1].append(("validation loss", "--", VERMILION, val))
    if any(np.isfinite(values).any() for values in scores):
        panels.append((score, [("", "-", BLUE, scores)]))
    width, height = CURVES
    figure = style.new_figure((width + 0.7) * len(panels), height + 0.8)
    chosen = [each.chosen for each in trainings]
    for ax, (name, kinds) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _prepare_epochs(ax, name, max(map(len, losses)))
        for _, line, colour, curves in kinds:
            _draw_curves(ax, curves, chosen, line, colour)
    labels = [name for name, *_ in panels[0][1]] + ["chosen epoch"]
    signs = [style.sign(linestyle=line, linewidth=1.0, color=colour) for _, line, colour, _ in panels[0][1]]
    signs.append(style.sign(marker="o", color="black", markerfacecolor="white"))
    style.legend(figure, signs, labels, width, loc="outside upper left")
    return style.fit(figure, figure.axes[:1], width, height)


def _prepare_epochs(ax: Axes, name: str, last: int) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.grid()
    ax.set(xlabel="epoch", ylabel=name)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    margin = min(0.02 * last, 0.9)  # epochs begin with 1: the axis does not reach 0
    ax.set_xlim(1 - margin, last + margin)


def _draw_curves(ax: Axes, curves: Sequence[Array], chosen: Sequence[int | None], line: str, colour: str) -> None:
    for values in curves:
        ax.plot(np.arange(1, len(values) + 1), values, line, color=colour, linewidth=0.9, alpha=0.75)
    for values, at in zip(curves, chosen, strict=True):
        if at is not None and math.isfinite(values[at]):
            ax.plot(at + 1, values[at], "o", color="black", markerfacecolor="white", markersize=4, zorder=3)


def _share(part: Array, whole: Array) -> Array:
    """Return part / whole, NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _count(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == round(value) else f"{value:.1f}"
