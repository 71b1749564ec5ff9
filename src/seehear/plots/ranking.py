"""The answer of a selection: collocations from the best down, with intervals of their ranks.

What has no finite value is marked, never left out. What is tied with the best is filled too, so that it can be read in
grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seehear.plots import style
from seehear.plots.style import BLUE, LINE, NOTHING, QUIET, TIED, Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@style.styled
def plot_ranking(
    names: Sequence[str],
    scores: ArrayLike,
    rank_low: ArrayLike,
    rank_high: ArrayLike,
    p_best: ArrayLike,
    tied: ArrayLike,
    *,
    unit: str = "",
    measured: ArrayLike | None = None,
) -> Figure:
    """Draw n collocations from the best down: ranks with 95 % intervals, scores, and P(best).

    Args:
        names: Of the collocations.
        scores: (n,) in `unit`, NaN where it failed.
        rank_low: (n,), the better end of the interval; 1 is the best rank.
        rank_high: (n,), the other end.
        p_best: (n,), in [0, 1].
        tied: (n,) bool, in the tied set.
        unit: Of the scores.
        measured: (n,) bool, false where a score only gives the order and is not written; all are unless given.

    Returns:
        The figure; its axes are ranks and P(best).

    Raises:
        ValueError: Lengths differ.
    """
    n = len(names)
    shown = np.ones(n, dtype=bool) if measured is None else style.flags(measured, n)
    score, low, high, chance = (style.array(values, n) for values in (scores, rank_low, rank_high, p_best))
    at = np.argsort(-score, kind="stable")  # NaN comes last
    together, known = style.flags(tied, n)[at], np.isfinite(score)[at]
    better = (score[None, np.isfinite(score)] > score[at][:, None]).sum(axis=1)  # equal ones share the best rank
    digits = style.decimals(style.span(score[shown]))
    written = [style.number(score[k], digits) if shown[k] else NOTHING for k in at]
    figure = style.new_figure(7, n * LINE + 1.5)
    ranks, chances = figure.subplots(1, 2, width_ratios=[min(max(2.6, 0.2 * n), 5.0), 1.5])
    colours = [BLUE if one else "0.45" for one in together]
    _draw_ranks(ranks, better + 1, low[at], high[at], known, colours, together)
    bars = chances.barh(range(n), np.nan_to_num(chance[at]), height=0.6, color=colours)
    percents = ["< 0.01" if 0 < p < 0.005 else style.number(p, 2) for p in chance[at]]
    chances.bar_label(bars, percents, padding=2, fontsize=7)
    chances.set(xlim=(0, 1.35), xticks=[0, 0.5, 1], xlabel="P(best)")
    ranks.set_yticks(range(n), [style.shortened(names[k], 60) for k in at])
    chances.set_yticks([-0.9, *range(n)], [style.shortened(style.with_unit("score", unit)), *written])
    for ax in (ranks, chances):
        ax.set(ylim=(n - 0.5, -1.2))
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
        for row in np.flatnonzero(together).tolist():
            ax.axhspan(row - 0.5, row + 0.5, color=TIED, linewidth=0, zorder=0)
    signs = {
        "rank by score": style.sign(marker="o", color=QUIET),
        "95 % interval": style.sign(linestyle="-", color=QUIET),
    }
    if together.any():
        signs["tied with the best"] = style.sign(marker="s", color=TIED, markersize=8)
    style.legend(figure, list(signs.values()), list(signs), 6, loc="outside upper left")
    return style.fit(figure, [ranks], min(max(2.6, 0.2 * n), 5.0), (n + 0.7) * LINE)


def _draw_ranks(
    ax: Axes, rank: Array, low: Array, high: Array, known: Array, colours: Sequence[str], filled: NDArray[np.bool_]
) -> None:
    for row, colour in enumerate(colours):
        ax.hlines(row, low[row], high[row], color=colour, linewidth=1.6)
        if known[row]:
            ax.plot(rank[row], row, "o", color=colour, markerfacecolor=colour if filled[row] else "white")
        else:
            ax.text(0.02, row, "no value", transform=ax.get_yaxis_transform(), fontsize=7, va="center", color=QUIET)
    n = len(colours)
    step = 1 if n <= 12 else 5 if n <= 30 else 10
    ax.set(xlim=(0.5, n + 0.5), xticks=sorted({1, *range(step, n + 1, step)}), xlabel="rank")
