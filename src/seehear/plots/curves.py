"""The paper's Figure 5: scores of all collocations, as curves.

What has no finite value is marked, never left out. Curves differ in markers too, so that they can be read in grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seehear.plots import style
from seehear.plots.style import BLUE, GREEN, ORANGE, PURPLE, QUIET, SKY, TIED, VERMILION, Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, "black")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
KEPT = 1 / 3  # of a panel's height must be left to its first curve


@dataclass(frozen=True)
class Curve:
    """A score of n collocations. values: (n,), NaN where it failed. low, high: (n,), ends of 95 % intervals."""

    label: str
    values: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    unit: str = ""


@style.styled
def plot_curves(
    names: Sequence[str],
    curves: Sequence[Curve],
    *,
    order: Literal["truth", "grid"] = "truth",
    tied: ArrayLike | None = None,
) -> Figure:
    """Draw curves over n collocations: Figure 5 of the paper, if the first is traversal and the second the upper bound.

    A curve joins the panel of another of its unit if that one keeps KEPT of the height; any other gets a panel of its
    own beneath, so that nothing is rescaled.

    Args:
        names: Of the n collocations.
        curves: One or more; the first sets the order.
        order: `truth` has the best on the left and failed ones on the right, `grid` keeps the order given.
        tied: (n,) bool, collocations in the tied set of the first curve.

    Returns:
        The figure.

    Raises:
        ValueError: Lengths differ.
    """
    n = len(names)
    values = [style.array(curve.values, n) for curve in curves]
    at = np.argsort(-values[0], kind="stable") if order == "truth" else np.arange(n)  # NaN comes last
    ranked = int(np.isfinite(values[0]).sum()) if order == "truth" else n  # failed ones have no order
    together = np.flatnonzero(style.flags(tied, n)[at])
    panels = _panels([curve.unit for curve in curves], values)
    heights = [2.8] + [1.05] * (len(panels) - 1)
    # A legend that is wider than the panels would leave them no room.
    width = max(n * min(max(7 / n, 0.19), 0.55), 3.6, style.legend_width(curve.label for curve in curves))
    figure = style.new_figure(width + 1.5, sum(heights) + 2)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for p, (ax, panel) in enumerate(zip(axes, panels, strict=True)):
        ax.grid()
        for k in together.tolist():
            ax.axvspan(k - 0.5, k + 0.5, color=TIED, linewidth=0, zorder=0)
        signs = [_draw_curve(ax, curves[k], k, at, ranked, place, len(panel)) for place, k in enumerate(panel)]
        labels = [style.with_unit(curves[k].label, curves[k].unit if p else "") for k in panel]
        if not np.isfinite([values[k] for k in panel]).any():
            ax.set_yticks([])
        if p == 0:
            ax.set_ylabel(curves[0].unit)
            for label, extra in _extras(curves, values, together).items():
                labels.append(label)
                signs.append(extra)
        else:
            ax.locator_params(axis="y", nbins=3)
        style.legend(ax, signs, labels, width, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1)
    ax.set_xlim(-0.5, n - 0.5)
    size = 8 if n <= 30 else 7
    texts = [style.shortened(names[k], 60) for k in at]
    ax.set_xticks(range(n), texts, rotation=60, ha="right", rotation_mode="anchor", fontsize=size)
    return style.fit(figure, axes[:1], width, heights[0])


def _draw_curve(ax: Axes, curve: Curve, k: int, at: NDArray[np.intp], ranked: int, place: int, panel: int) -> Any:
    """Draw the k-th curve in the order `at`, as the `place`-th of `panel` curves in these axes. Returns its line."""
    n, x = len(at), np.arange(len(at))
    values, low, high = (style.array(one, n)[at] for one in (curve.values, curve.low, curve.high))
    colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
    # Side by side, so that no interval hides another.
    moved = x + (place - (panel - 1) / 2) * min(0.18, 0.6 / panel)
    ax.vlines(moved, low, high, color=colour, linewidth=1.1, alpha=0.65)
    (line,) = ax.plot(moved[:ranked], values[:ranked], color=colour, marker=marker, markersize=4, linewidth=1.1)
    ax.plot(moved[ranked:], values[ranked:], marker, color=colour, markersize=4)
    failed = x[~np.isfinite(values)]
    if len(failed):
        heights = np.full(len(failed), 0.03 + 0.05 * place)  # of the panel; beneath all values
        ax.plot(failed, heights, "x", color=colour, transform=ax.get_xaxis_transform())
        known = np.concatenate([ax.dataLim.intervaly, [0.0]])[:2]
        if np.isfinite(known).all():
            ax.set_ylim(known[0] - 0.3 * (known[1] - known[0] or 1), known[1] + 0.05 * (known[1] - known[0] or 1))
    return line


def _extras(curves: Sequence[Curve], values: Sequence[Array], together: NDArray[np.intp]) -> dict[str, Any]:
    """What else the legend explains, where it is drawn."""
    n = len(values[0])
    extras = {}
    if any(np.isfinite(style.array(curve.low, n)).any() for curve in curves):
        extras["95 % interval"] = style.sign(marker="|", color=QUIET, markersize=9)
    if len(together):
        extras["tied with the best"] = style.sign(marker="s", color=TIED, markersize=8)
    if not np.isfinite(values).all():
        extras["no value"] = style.sign(marker="x", color=QUIET)
    return extras


def _panels(units: Sequence[str], values: Sequence[Array]) -> list[list[int]]:
    """Which curves share a panel, each panel by the numbers of its curves."""
    panels: list[list[int]] = []
    for k, unit in enumerate(units):
        for panel in panels:
            joined = np.concatenate([values[other] for other in (*panel, k)])
            if units[panel[0]] == unit and style.span(values[panel[0]]) >= KEPT * style.span(joined):
                panel.append(k)
                break
        else:
            panels.append([k])
    return panels
