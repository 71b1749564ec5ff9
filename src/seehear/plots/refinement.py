"""Refined labels: per class, the share of its weak labels that hold in one modality alone, and in several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seehear.plots import style
from seehear.plots.style import BLUE, GREEN, LINE, ORANGE, PURPLE, SKY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seehear.refinement.result import ClassShares

COLOURS = (BLUE, ORANGE, PURPLE, SKY)  # of modalities
HATCHES = ("", "////", "....", "xxxx")  # that differ in grey
LEAST = 8  # per cent, of a bar that has room for its number
WIDTH = 4.0  # inches


@style.styled
def plot_shares(rows: Sequence[ClassShares], kinds: Sequence[str], source: str = "") -> Figure:
    """Draw one bar per class: only in each modality, then in several.

    Args:
        rows: The classes, drawn from top to bottom.
        kinds: What their counts are of, in words.
        source: Where the labels come from, for the title.

    Returns:
        The figure.
    """
    height = max(1, len(rows)) * LINE
    figure = style.new_figure(7, height + 1.2)
    ax = figure.subplots()
    counts = np.array([row.counts for row in rows], dtype=np.float64).reshape(len(rows), len(kinds))
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    colours = [COLOURS[k % len(COLOURS)] for k in range(max(1, len(kinds) - 1))] + [GREEN]
    left = np.zeros(len(rows))
    for k, kind in enumerate(kinds):
        bars = ax.barh(
            range(len(rows)),
            shares[:, k],
            left=left,
            height=0.7,
            color=colours[k],
            label=kind,
            hatch=HATCHES[k % len(HATCHES)],
            edgecolor="white",
            linewidth=0.5,
        )
        ax.bar_label(
            bars,
            [f"{share:.0f}" if share >= LEAST else "" for share in shares[:, k]],
            label_type="center",
            fontsize=7,
            color="white" if colours[k] in (BLUE, GREEN) else "black",
            bbox={"facecolor": colours[k], "edgecolor": "none", "pad": 0.8},  # keeps the hatch off the number
        )
        left += shares[:, k]
    ax.set_yticks(range(len(rows)), [f"{style.shortened(row.label, 40)} ({row.clips})" for row in rows])
    ax.set(xlim=(0, 100), ylim=(max(1, len(rows)) - 0.5, -0.5), xlabel="share of the class's weak labels, per cent")
    ax.set_title(f"where the weak labels hold, by {source}" if source else "")
    ax.tick_params(axis="y", length=0)
    handles, labels = ax.get_legend_handles_labels()
    style.legend(figure, handles, labels, 6, loc="outside upper left")
    return style.fit(figure, [ax], WIDTH, height)
