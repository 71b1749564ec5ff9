"""A plot of scores: each with its interval, and the score of a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seehear.plots import style
from seehear.plots.style import BLUE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE = 0.24  # inches of height per score


@dataclass(frozen=True)
class ScoreMark:
    """One score.

    Attributes:
        name: What it is called.
        value: Per cent.
        interval: Ends of its 95 % interval, per cent.
        baseline: The baseline's score, per cent.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None
    baseline: float | None = None


@style.styled
def plot_scores(
    marks: Sequence[ScoreMark], ax: Axes | None = None, title: str = "", baseline: str = "weak-label baseline"
) -> Figure:
    """Draw a row per score: its value as a point, its interval as a line, the baseline as an upright mark.

    Args:
        marks: Scores, from the top.
        ax: Axes to draw into; a new figure unless given.
        title: Above the plot.
        baseline: What the baseline is.

    Returns:
        The figure.
    """
    from matplotlib.figure import Figure

    if ax is None:
        ax = style.new_figure(6.4, 0.9 + LINE * len(marks)).subplots()
    ax.set(xlim=(-2, 102), ylim=(len(marks) - 0.4, -0.6), xlabel="per cent")
    ax.set_yticks(range(len(marks)), [mark.name for mark in marks])
    ax.set_title(style.shortened(title))
    ax.grid(axis="x")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    for row, mark in enumerate(marks):
        if mark.interval is not None:
            ax.hlines(row, *mark.interval, color=BLUE, label="95 % interval" if row == 0 else "")
        if mark.baseline is not None:
            ax.plot(mark.baseline, row, "|", color="black", markersize=9, label=baseline if row == 0 else None)
        ax.plot(mark.value, row, "o", color=BLUE)
        ax.annotate(f"{mark.value:.1f}", (mark.value, row), (0, 4), textcoords="offset points", fontsize=7, ha="center")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.1, ncols=2)  # right of the title
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure
