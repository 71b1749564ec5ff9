"""Estimators of a selection: how well each agrees with traversal, what it costs, and what its choice loses.

What has no finite value is marked, never left out. Estimators that leak are hollow too: they can be read in grey.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seehear.plots import style
from seehear.plots.style import BLUE, LINE, NOTHING, QUIET, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Ceiling = tuple[float, float, float]  # tau, and the ends of its interval

CHEAPEST = 1e-6  # of traversal's cost; what costs less is drawn at the left edge


@dataclass(frozen=True)
class Point:
    """An estimator: its cost, its agreement with traversal, and what its choice loses. NaN is unknown.

    Attributes:
        label: Its name.
        cost_ratio: Share of traversal's cost, >= 0.
        tau: Kendall's tau-b with traversal, in [-1, 1]; low, high: ends of its 95 % interval.
        regret: Score of the best collocation less that of the chosen one, >= 0.
        leaks: Whether it looks at the clips that are reported on.
    """

    label: str
    cost_ratio: float
    tau: float
    low: float
    high: float
    regret: float
    leaks: bool


@style.styled
def plot_estimators(points: Sequence[Point], ceiling: Ceiling | None = None, *, unit: str = "") -> Figure:
    """Draw a line per estimator, from the best down: its agreement with traversal, its cost, and its regret.

    Names of estimators that no cheaper one beats are bold. What costs less than CHEAPEST is drawn at the left edge.

    Args:
        points: The estimators.
        ceiling: Traversal's agreement with itself, which no estimator can be expected to pass; with its interval.
        unit: Of the regrets.

    Returns:
        The figure; its axes are agreement, cost and regret.
    """
    points = sorted(points, key=lambda point: -point.tau if math.isfinite(point.tau) else math.inf)
    n = len(points)
    figure = style.new_figure(11, n * LINE + 1.5)
    taus, costs, regrets = axes = figure.subplots(1, 3, sharey=True, width_ratios=[3.2, 2.4, 1.8])
    _draw_agreement(taus, points, ceiling)
    _draw_costs(costs, points)
    _draw_regrets(regrets, points, unit)
    for ax in axes:
        ax.grid(axis="x")
        ax.tick_params(axis="y", length=0)
    taus.set_ylim(n - 0.5, -0.5)
    taus.set_yticks(range(n), [style.shortened(point.label, 50) for point in points])
    front = _front(points)
    for label, point in zip(taus.get_yticklabels(), points, strict=True):
        label.set(color=VERMILION if point.leaks else "black", weight="bold" if point in front else "normal")
    signs = {"looks only at other clips than those reported on": style.sign(marker="o", color=BLUE)}
    if any(point.leaks for point in points):
        signs["leaks: looks at them"] = style.sign(marker="o", color=VERMILION, markerfacecolor="white")
    if any(math.isfinite(point.low) for point in points):
        signs["95 % interval"] = style.sign(linestyle="-", color=QUIET)
    if ceiling is not None:
        signs["ceiling: traversal against itself"] = style.sign(color=QUIET, linestyle="--", linewidth=1.0)
    if front:
        signs["bold: none that is cheaper agrees better"] = style.sign()
    style.legend(figure, list(signs.values()), list(signs), 10, loc="outside upper left")
    return style.fit(figure, [taus], 3.2, n * LINE + 0.1)


def _front(points: Sequence[Point]) -> list[Point]:
    """Estimators than which none agrees better at no more cost; of unknown cost or agreement there are none."""
    known = [point for point in points if math.isfinite(point.tau) and math.isfinite(point.cost_ratio)]
    return [
        one
        for one in known
        if not one.leaks
        and not any(other.cost_ratio <= one.cost_ratio and other.tau > one.tau and not other.leaks for other in known)
    ]


def _draw_agreement(ax: Axes, points: Sequence[Point], ceiling: Ceiling | None) -> None:
    if ceiling is not None:
        ax.axvspan(*ceiling[1:], color="0.945", linewidth=0, zorder=0)
        ax.axvline(ceiling[0], color=QUIET, linewidth=1.0, linestyle="--", zorder=1)
    ax.axvline(0, color=QUIET, linewidth=0.8, zorder=1)
    for row, point in enumerate(points):
        colour = VERMILION if point.leaks else BLUE
        ax.hlines(row, point.low, point.high, color=colour, linewidth=1.6)
        if math.isfinite(point.tau):
            ax.plot(point.tau, row, "o", color=colour, markerfacecolor="white" if point.leaks else colour)
        else:
            ax.text(0.02, row, " no value", color=QUIET, fontsize=7, va="center_baseline")
    ax.margins(x=0.06)
    ax.set_xlabel("agreement with traversal, Kendall's τ-b")


def _draw_costs(ax: Axes, points: Sequence[Point]) -> None:
    costs = np.array([point.cost_ratio for point in points], dtype=float)
    paid = costs[costs >= CHEAPEST]
    least = max(CHEAPEST, 10.0 ** math.floor(math.log10(min(paid, default=1e-3) / 1.3)))
    powers = 10.0 ** np.arange(round(math.log10(least)), 1, 2)
    ax.set(xscale="log", xlim=(least / 1.8, 30 * max([1.0, *paid])), xticks=powers)  # room for the numbers
    ax.xaxis.set_major_formatter(lambda share, _: _percent(share))
    ax.minorticks_off()
    for row, point in enumerate(points):
        drawn = max(point.cost_ratio, least / 1.8)  # NaN stays NaN
        marker = "<" if point.cost_ratio < least else "o"
        colour = VERMILION if point.leaks else BLUE
        if math.isfinite(point.cost_ratio):
            fill = "white" if point.leaks else colour
            ax.plot(drawn, row, marker, color=colour, markerfacecolor=fill, clip_on=False, zorder=3)
        at = drawn if math.isfinite(drawn) else least
        ax.annotate(_cost(point.cost_ratio), (at, row), (6, 0), textcoords="offset points", fontsize=7, va="center")
    ax.set_xlabel("cost, as a share of traversal's")


def _draw_regrets(ax: Axes, points: Sequence[Point], unit: str) -> None:
    regrets = np.array([point.regret for point in points], dtype=float)
    digits = style.decimals(style.span(np.array([0.0, *regrets])))
    bars = ax.barh(range(len(points)), np.nan_to_num(regrets), height=0.55, color="0.6")
    ax.bar_label(bars, [style.number(regret, digits) for regret in regrets], padding=2, fontsize=7)
    ax.set_xlim(0, 1.35 * max(np.nan_to_num(regrets).max(initial=0.0), 1e-9))
    ax.locator_params(axis="x", nbins=4)
    ax.set_xlabel(style.with_unit("regret", unit))


def _cost(share: float) -> str:
    if not math.isfinite(share):
        return NOTHING
    if 0 < share < CHEAPEST:
        return f"< {_percent(CHEAPEST)}"
    return _percent(share)


def _percent(share: float) -> str:
    return np.format_float_positional(100 * share, precision=2, fractional=False, trim="-") + " %"
