"""Refined labels: per class, the share of its weak labels that hold in one modality alone, and in several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seehear.modality import display_name
from seehear.plots import style
from seehear.plots.style import BLUE, GREEN, LINE, ORANGE, PURPLE, SKY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seehear.refinement.result import ClassShares

COLOURS = (BLUE, ORANGE, PURPLE, SKY)
HATCHES = ("", "////", "....", "xxxx")
WIDTH = 4.0  # inches


@style.styled
def plot_shares(rows: Sequence[ClassShares], modalities: Sequence[str], source: str = "") -> Figure:
    """Draw one bar per class: only in each modality, then in several.

    Args:
        rows: The classes, drawn from top to bottom.
        modalities: Names of the modalities.
        source: Where the labels come from, for the title.

    Returns:
        The figure.
    """
    figure = style.new_figure(7, len(rows) * LINE + 1.2)
    ax = figure.subplots()
    counts = np.array(
        [[*(row.only[name] for name in modalities), row.both] for row in rows], dtype=np.float64
    )  # (C, M+1)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [f"only {display_name(name)}" for name in modalities] + ["both" if len(modalities) == 2 else "several"]
    colours = [*COLOURS[: len(modalities)], GREEN]
    left = np.zeros(len(rows))
    for k, name in enumerate(names):
        bars = ax.barh(
            range(len(rows)),
            shares[:, k],
            left=left,
            height=0.7,
            color=colours[k],
            label=name,
            hatch=HATCHES[k % len(HATCHES)],
            edgecolor="white",
            linewidth=0.5,
        )
        ax.bar_label(
            bars,
            [f"{share:.0f}" if share >= 8 else "" for share in shares[:, k]],
            label_type="center",
            fontsize=7,
            color="white" if colours[k] in (BLUE, GREEN) else "black",
        )
        left += shares[:, k]
    ax.set_yticks(range(len(rows)), [f"{style.shortened(row.label, 40)} ({row.clips})" for row in rows])
    ax.set(xlim=(0, 100), ylim=(len(rows) - 0.5, -0.5), xlabel="share of the class's weak labels, per cent")
    ax.set_title(source)
    ax.tick_params(axis="y", length=0)
    handles, labels = ax.get_legend_handles_labels()
    style.legend(figure, handles, labels, 6, loc="outside upper left")
    return style.fit(figure, [ax], WIDTH, len(rows) * LINE)
