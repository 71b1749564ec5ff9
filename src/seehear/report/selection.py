"""Pictures of a collocation selection: its curves, its effects and interaction, what estimators cost, its answer.

They take names and numbers, and are written as PNG and SVG. What has no finite value is marked, never left out.
Colours are Okabe and Ito's; what a colour says, a shape or a number says too, so that all can be read in grey.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seehear.report import sheet
from seehear.report.sheet import (
    BLUE,
    EDGE,
    GREEN,
    GUIDE,
    KEY,
    LINE,
    NOTHING,
    ORANGE,
    PURPLE,
    QUIET,
    SKY,
    STRIP,
    VERMILION,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Ceiling = tuple[float, float, float]  # tau, and the ends of its interval

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, "black")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
TIED = "#DDECF6"  # behind what is tied
KEPT = 1 / 3  # of a panel's height must be left to its first curve
CHEAPEST = 1e-6  # of traversal's cost; what costs less is drawn at the left edge
CROSS = 0.14  # inches of height for the crosses of one curve
LED = 0.15  # inches from a point, from which on its number has a line to it


@dataclass(frozen=True)
class Curve:
    """A score of n collocations. values: (n,), NaN where it failed. low, high: (n,), ends of 95 % intervals."""

    label: str
    values: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    unit: str = ""


@dataclass(frozen=True)
class Point:
    """An estimator: its cost, its agreement with traversal, and what its choice loses. NaN is unknown.

    cost_ratio: share of traversal's cost, >= 0. tau: Kendall's tau-b, in [-1, 1], with its 95 % interval. regret: score
    of the best collocation less that of the chosen, >= 0. leaks: whether it looks at the clips that are reported on.
    """

    label: str
    cost_ratio: float
    tau: float
    low: float
    high: float
    regret: float
    leaks: bool


def figure5(
    names: Sequence[str],
    curves: Sequence[Curve],
    path: Path,
    *,
    order: Literal["truth", "grid"] = "truth",
    tied: ArrayLike | None = None,
) -> list[Path]:
    """The paper's Figure 5: curves over n collocations, the first the truth, the second the paper's upper bound.

    A curve joins the panel of another of its unit if that one keeps KEPT of the height; any other gets a panel of its
    own beneath, so that nothing is rescaled. order: `truth` has the best on the left and failed ones on the right,
    `grid` keeps the order given. tied: (n,) bool, collocations that the truth can't tell from its best.

    path: ending in .png or .svg, to write that alone; otherwise both are written, each suffix appended. Returns what
    was written. Raises ValueError where lengths differ.
    """
    return sheet.write(_draw_curves(names, curves, order, tied), path)


def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    values: ArrayLike,
    row_effects: ArrayLike,
    column_effects: ArrayLike,
    interaction: ArrayLike,
    path: Path,
    unit: str,
) -> list[Path]:
    """One modality's options against another's: scores with main effects along the margins, and the interaction.

    values, interaction: (R, C), row_effects: (R,), column_effects: (C,), all in `unit`, NaN where it failed. On both
    maps the same difference is the same distance in the colour bar, so that a pale interaction is a small one. With
    one row or one column there is none, and it is left out. path, returns and raises: as for `figure5`.
    """
    return sheet.write(_draw_effects(rows, columns, values, row_effects, column_effects, interaction, unit), path)


def cost_against_agreement(
    points: Sequence[Point], path: Path, ceiling: Ceiling | None = None, *, unit: str = ""
) -> list[Path]:
    """Estimators by cost and by agreement with traversal, numbered from the best, beside a table of them.

    What costs less than the axis goes is drawn at its left edge; what has no known cost is in the table alone. ceiling:
    traversal's agreement with itself, which no estimator can be expected to pass. unit: of the regrets. path, returns:
    as for `figure5`.
    """
    return sheet.write(_draw_trade(points, ceiling, unit), path)


def ranking(
    names: Sequence[str],
    scores: ArrayLike,
    rank_low: ArrayLike,
    rank_high: ArrayLike,
    p_best: ArrayLike,
    tied: ArrayLike,
    path: Path,
    *,
    unit: str = "",
    measured: ArrayLike | None = None,
) -> list[Path]:
    """The answer of a selection: n collocations from the best down, with their ranks' intervals and P(best).

    scores: (n,) in `unit`, NaN where it failed. measured: (n,) bool, false where a score only says the order and is
    not written; all are unless given. rank_low, rank_high: (n,), ends of 95 % intervals, 1 the best.
    p_best: (n,), in [0, 1]. tied: (n,) bool, those not told from the best. path, returns and raises: as for `figure5`.
    """
    return sheet.write(_draw_ranks(names, scores, rank_low, rank_high, p_best, tied, unit, measured), path)


def plot_curves(
    names: Sequence[str],
    curves: Sequence[Curve],
    *,
    order: Literal["truth", "grid"] = "truth",
    tied: ArrayLike | None = None,
) -> Figure:
    """The figure that `figure5` writes."""
    return _draw_curves(names, curves, order, tied)


def plot_effects(
    rows: Sequence[str],
    columns: Sequence[str],
    values: ArrayLike,
    row_effects: ArrayLike,
    column_effects: ArrayLike,
    interaction: ArrayLike,
    *,
    unit: str = "",
) -> Figure:
    """The figure that `heat_map` writes."""
    return _draw_effects(rows, columns, values, row_effects, column_effects, interaction, unit)


def plot_estimators(points: Sequence[Point], ceiling: Ceiling | None = None, *, unit: str = "") -> Figure:
    """The figure that `cost_against_agreement` writes."""
    return _draw_trade(points, ceiling, unit)


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
    """The figure that `ranking` writes."""
    return _draw_ranks(names, scores, rank_low, rank_high, p_best, tied, unit, measured)


def _draw_curves(names: Sequence[str], curves: Sequence[Curve], order: str, tied: ArrayLike | None) -> Figure:
    n = len(names)
    values = [sheet.array(curve.values, n) for curve in curves]
    bars = [(sheet.array(curve.low, n), sheet.array(curve.high, n)) for curve in curves]
    at = np.argsort(-values[0], kind="stable") if order == "truth" else np.arange(n)  # NaN comes last
    ranked = int(np.isfinite(values[0]).sum()) if order == "truth" else n  # where the truth failed there is no order
    together = np.flatnonzero(_flags(tied, n)[at])
    panels = _panels([curve.unit for curve in curves], values)

    size = 8.0 if n <= 30 else 7.0
    words = [
        [sheet.with_unit(curves[k].label, curves[k].unit if p else "") for k in panel] for p, panel in enumerate(panels)
    ]
    extra = {
        "95 % interval": (
            any(np.isfinite(low).any() for low, _ in bars),
            sheet.line(marker="|", color=QUIET, markersize=9),
        ),
        "tied with the best": (len(together) > 0, sheet.line(marker="s", color=TIED)),
        "no value": (not np.isfinite(values).all(), sheet.line(marker="x", color=QUIET)),
    }
    words[0] += [word for word, (wanted, _) in extra.items() if wanted]
    wide = max(n * min(max(7 / n, 0.19), 0.55), KEY + max(sheet.widest(labels) for labels in words), 3.6)
    beneath, overhang = _reach([names[k] for k in at], size, 60, wide)
    left = max(0.8, overhang + EDGE)
    strips = [STRIP * math.ceil(len(labels) / sheet.legend_columns(labels, wide)) + 0.1 for labels in words]
    talls = [2.8] + [1.05] * (len(panels) - 1)
    figure = sheet.figure(left + wide + EDGE, sum(strips) + sum(talls) + beneath + 2 * EDGE)

    top = EDGE
    x = np.arange(n)
    for p, panel in enumerate(panels):
        ax = sheet.axes(figure, left, top + strips[p], wide, talls[p])
        top += strips[p] + talls[p]
        ax.set_xlim(-0.5, n - 0.5)
        ax.set_xticks(x, [""] * n)
        ax.grid(color=GUIDE, linewidth=0.6)
        for k in together.tolist():
            ax.axvspan(k - 0.5, k + 0.5, color=TIED, linewidth=0, zorder=0)
        handles = []
        for place, k in enumerate(panel):
            # Side by side, that no interval hides another.
            beside = x + (place - (len(panel) - 1) / 2) * min(0.18, 0.6 / len(panel))
            curve, low, high = values[k][at], bars[k][0][at], bars[k][1][at]
            colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
            ax.vlines(beside, low, high, color=colour, linewidth=1.1, alpha=0.65)
            handles += ax.plot(
                beside[:ranked], curve[:ranked], color=colour, marker=marker, markersize=4, linewidth=1.1
            )
            ax.plot(beside[ranked:], curve[ranked:], marker, color=colour, markersize=4)
            failed = x[~np.isfinite(curve)]
            height = np.full(len(failed), CROSS * (place + 0.6) / talls[p])
            ax.plot(failed, height, "x", color=colour, transform=ax.get_xaxis_transform())
        ax.margins(y=0.15 / talls[p])
        known = np.isfinite([values[k] for k in panel])  # (curves of this panel, n)
        if not known.all():
            bottom, upper = ax.get_ylim()  # the crosses stand beneath everything
            ax.set_ylim(bottom - CROSS * len(panel) / talls[p] * (upper - bottom), upper)
        if p == 0:
            ax.set_ylabel(curves[0].unit, fontsize=9, parse_math=False)
            handles += [handle for wanted, handle in extra.values() if wanted]
        else:
            ax.locator_params(axis="y", nbins=3)
        if not known.any():
            ax.set_yticks([])
        sheet.legend(ax, handles, words[p], wide)
    ax.set_xticks(x, [names[k] for k in at], fontsize=size)
    _turn(ax, 60)
    sheet.plain(ax.get_xticklabels())
    return figure


def _panels(units: Sequence[str], values: Sequence[Array]) -> list[list[int]]:
    """Which curves share a panel, each panel by the numbers of its curves."""
    panels: list[list[int]] = []
    for k, unit in enumerate(units):
        for panel in panels:
            joined = np.concatenate([values[other] for other in (*panel, k)])
            if units[panel[0]] == unit and sheet.span(values[panel[0]]) >= KEPT * sheet.span(joined):
                panel.append(k)
                break
        else:
            panels.append([k])
    return panels


def _draw_effects(
    rows: Sequence[str],
    columns: Sequence[str],
    values: ArrayLike,
    row_effects: ArrayLike,
    column_effects: ArrayLike,
    interaction: ArrayLike,
    unit: str,
) -> Figure:
    from matplotlib.colors import LinearSegmentedColormap

    shape = len(rows), len(columns)
    scores, residuals = sheet.array(values, *shape), sheet.array(interaction, *shape)
    effects = sheet.array(row_effects, shape[0]), sheet.array(column_effects, shape[1])
    paired = min(shape) > 1
    known = scores[np.isfinite(scores)]
    middle = (known.min() + known.max()) / 2 if len(known) else 0.0
    half = max(sheet.span(scores) / 2, _furthest(residuals) if paired else 0.0) or 0.5
    decimals = sheet.decimals(2 * half)
    light = LinearSegmentedColormap.from_list("score", ["#F4F9FD", SKY, BLUE, "#002A47"])
    apart = LinearSegmentedColormap.from_list("interaction", ["#7A3500", VERMILION, "white", BLUE, "#00365A"])

    cell = max(
        0.5, 0.14 + sheet.widest([sheet.number(value, decimals, "+") for value in (*scores.flat, *residuals.flat)])
    )
    wide, tall = cell * shape[1], 0.32 * shape[0]
    slope = 0 if sheet.widest(columns) < cell - 0.08 else 50
    beneath, overhang = _reach(columns, 8, slope, wide)
    left = EDGE + max(0.1 + sheet.widest(rows), overhang)
    over, right = 0.9 if shape[1] > 1 else 0.0, 1.4 if shape[0] > 1 else 0.0  # inches for main effects
    bar = min(max(wide, 2.2), 3.2)
    marks = "; best framed" if len(known) == scores.size else "; best framed, failed hatched"
    heads = (
        sheet.with_unit("score and main effects", unit) + marks,
        sheet.with_unit("interaction: score less mean and main effects", unit),
    )
    blocks = max(wide + right, bar, sheet.inches(heads[0], 9)), max(wide, bar, sheet.inches(heads[1], 9))
    height = 0.3 + over + tall + beneath + 0.5
    stacked = paired and blocks[0] > 6.5
    across = [left + blocks[0]] + ([left + blocks[1]] if paired else [])
    size = (max(across), height * 2 - over + 0.2) if stacked else (sum(across), height)
    figure = sheet.figure(size[0] + EDGE, size[1] + 2 * EDGE)

    top = EDGE + 0.3 + over
    sheet.text(figure, left, EDGE + 0.1, heads[0], 9)
    ax = sheet.axes(figure, left, top, wide, tall)
    _draw_map(ax, scores, light, (middle - half, middle + half), decimals, "")
    _name_sides(ax, rows, columns, slope)
    if len(known):
        row, column = divmod(int(np.nanargmax(scores)), shape[1])
        ax.add_patch(_cell(row, column, fill=False, edgecolor=ORANGE, linewidth=2, zorder=3, clip_on=False))
    furthest = max(_furthest(effects[0]), _furthest(effects[1])) or 1.0
    if over:
        ax = sheet.axes(figure, left, EDGE + 0.3, wide, over)
        _draw_margin(ax, effects[1], furthest, decimals, sideways=False)
    if right:
        ax = sheet.axes(figure, left + wide + 0.08, top, right - 0.08, tall)
        _draw_margin(ax, effects[0], furthest, decimals, sideways=True)
    _draw_scale(figure, left, top + tall + beneath, bar, light, (middle - half, middle + half))
    if paired:
        left, top = (left, top + height - over + 0.2) if stacked else (across[0] + left, top)
        sheet.text(figure, left, top - 0.2, heads[1], 9)
        ax = sheet.axes(figure, left, top, wide, tall)
        _draw_map(ax, residuals, apart, (-half, half), decimals, "+")
        _name_sides(ax, rows, columns, slope)
        _draw_scale(figure, left, top + tall + beneath, bar, apart, (-half, half))
    return figure


def _draw_map(
    ax: Axes, values: Array, colours: Colormap, limits: tuple[float, float], decimals: int, sign: str
) -> None:
    ax.imshow(np.ma.masked_invalid(values), cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto")
    for (r, c), value in np.ndenumerate(values):
        dark = False
        if math.isfinite(value):
            red, green, blue, _ = colours((value - limits[0]) / (limits[1] - limits[0]))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
        else:
            ax.add_patch(_cell(r, c, facecolor="0.95", edgecolor="0.75", hatch="////", linewidth=0))
        colour = "white" if dark else "0.1"
        ax.text(c, r, sheet.number(value, decimals, sign), fontsize=8, ha="center", va="center", color=colour)
    ax.set_xticks(np.arange(1, values.shape[1]) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, values.shape[0]) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.2)
    sheet.bare(ax)


def _name_sides(ax: Axes, rows: Sequence[str], columns: Sequence[str], slope: int) -> None:
    ax.set_xticks(range(len(columns)), columns, fontsize=8)
    if slope:
        _turn(ax, slope)
    ax.set_yticks(range(len(rows)), rows, fontsize=8)
    ax.tick_params(which="both", length=0)
    sheet.plain([*ax.get_xticklabels(), *ax.get_yticklabels()])


def _draw_margin(ax: Axes, effects: Array, furthest: float, decimals: int, sideways: bool) -> None:
    """Effects as bars from 0, each with its number at its end; `furthest`: the longest bar of both margins."""
    where = np.arange(len(effects))
    colours = [BLUE if effect > 0 else VERMILION for effect in effects]
    room = (-2.1 * furthest, 2.1 * furthest)  # half of it for the numbers
    if sideways:
        ax.barh(where, np.nan_to_num(effects), height=0.5, color=colours)
        ax.set(xlim=room, ylim=(len(effects) - 0.5, -0.5))
        ax.axvline(0, color=QUIET, linewidth=0.8)
    else:
        ax.bar(where, np.nan_to_num(effects), width=0.4, color=colours)
        ax.set(ylim=room, xlim=(-0.5, len(effects) - 0.5))
        ax.axhline(0, color=QUIET, linewidth=0.8)
    for k, effect in enumerate(effects):
        end, direction = (effect, math.copysign(1, effect)) if math.isfinite(effect) else (0.0, 1.0)
        end += direction * 0.1 * furthest
        text = sheet.number(effect, decimals, "+")
        if sideways:
            ax.text(end, k, text, fontsize=7, va="center", ha="left" if direction > 0 else "right")
        else:
            ax.text(k, end, text, fontsize=7, ha="center", va="bottom" if direction > 0 else "top")
    ax.axis("off")


def _draw_scale(
    figure: Figure, left: float, top: float, wide: float, colours: Colormap, limits: tuple[float, float]
) -> None:
    ax = sheet.axes(figure, left, top, wide, 0.12)
    ax.imshow(np.linspace(0, 1, 256)[None], cmap=colours, aspect="auto", extent=(*limits, 0, 1))
    ax.set_yticks([])
    ax.locator_params(axis="x", nbins=5)
    ax.tick_params(axis="x", labelsize=7, length=2)
    sheet.bare(ax)


def _draw_trade(points: Sequence[Point], ceiling: Ceiling | None, unit: str) -> Figure:
    points = sorted(points, key=lambda point: -point.tau if math.isfinite(point.tau) else math.inf)
    n = len(points)
    costs, taus = (
        sheet.array([point.cost_ratio for point in points], n),
        sheet.array([point.tau for point in points], n),
    )
    lows, highs = sheet.array([point.low for point in points], n), sheet.array([point.high for point in points], n)
    leaks = np.array([point.leaks for point in points], dtype=bool)
    paid = costs[costs >= CHEAPEST]
    least = max(CHEAPEST, 10.0 ** math.floor(math.log10(min(paid, default=1e-3) / 1.3)))
    edge, most = least / 1.8, 1.7 * max([1.0, *paid])
    drawn = np.isfinite(costs)  # without a cost, a point has no place but in the table
    cheap, failed = drawn & (costs < least), drawn & ~np.isfinite(taus)
    kinds = {
        "doesn't look at the clips reported on": (drawn & ~leaks, sheet.line(marker="o", color=BLUE)),
        "looks at them (leaks)": (drawn & leaks, sheet.line(marker="o", color=VERMILION, markerfacecolor="white")),
        "cheaper than the axis goes": (cheap, sheet.line(marker="<", color=QUIET)),
        "no value": (failed, sheet.line(marker="x", color=QUIET)),
        "ceiling: traversal against itself": (np.array([ceiling is not None]), sheet.line(color=QUIET, linestyle="--")),
    }
    words = [word for word, (which, _) in kinds.items() if which.any()]

    table = _table(points, unit)
    columns = [sheet.widest(column) + 0.22 for column in zip(*table, strict=True)]
    left, wide, tall = 0.75, 5.6, max(4.0, LINE * len(table))
    beside = left + wide + 0.35
    top = EDGE + STRIP * math.ceil(len(words) / sheet.legend_columns(words, wide)) + 0.1
    figure = sheet.figure(beside + sum(columns) + EDGE, top + tall + 0.55 + EDGE)
    ax = sheet.axes(figure, left, top, wide, tall)
    ends = np.array([*taus, *lows, *highs, *(ceiling or ())])
    known = [0.0, 0.1, *ends[np.isfinite(ends)].tolist()]
    bottom, upper = min(known) - 0.07, max(known) + 0.05
    ax.set(xscale="log", xlim=(edge, most), ylim=(bottom, upper))
    ax.xaxis.set_major_formatter(lambda share, _: _percent(share))
    ax.minorticks_off()
    ax.set_xlabel("cost, as a share of traversal's", fontsize=9)
    intervals = ", and 95 % interval" if np.isfinite([lows, highs]).all(axis=0).any() else ""
    ax.set_ylabel(f"agreement with traversal, Kendall's τ-b{intervals}", fontsize=9)
    ax.grid(color=GUIDE, linewidth=0.6)
    ax.axhline(0, color=QUIET, linewidth=0.8, zorder=1)
    if ceiling is not None:
        ax.axhspan(*ceiling[1:], color="0.945", linewidth=0, zorder=0)
        for height, style in zip(ceiling, ("--", ":", ":"), strict=True):
            ax.axhline(height, color=QUIET, linewidth=1.0, linestyle=style, zorder=1)

    x = np.where(cheap, edge * 1.3, costs)
    y = np.where(failed, bottom + 0.03, taus)
    for k in np.flatnonzero(drawn).tolist():
        colour = VERMILION if leaks[k] else BLUE
        marker = "x" if failed[k] else "<" if cheap[k] else "o"
        ax.vlines(x[k], lows[k], highs[k], color=colour, linewidth=0.9, alpha=0.35)
        fill = "white" if leaks[k] else colour
        ax.plot(x[k], y[k], marker, color=colour, markerfacecolor=fill, markersize=5, clip_on=False, zorder=3)
    at = np.stack([np.log(x / edge) / math.log(most / edge) * wide, (y - bottom) / (upper - bottom) * tall], axis=1)
    numbers = [str(k + 1) for k in np.flatnonzero(drawn)]
    sizes = np.array([(sheet.inches(number, 7.5) + 0.03, 0.12) for number in numbers]).reshape(-1, 2)
    for number, point, place in zip(numbers, at[drawn], _place(at[drawn], sizes, (wide, tall)), strict=True):
        (x0, y0), (x1, y1) = point / (wide, tall), place / (wide, tall)
        if math.dist(point, place) > LED + 0.07:
            ax.plot([x0, x1], [y0, y1], color="0.5", linewidth=0.6, transform=ax.transAxes, zorder=2)
        behind = {"facecolor": "white", "alpha": 0.75, "pad": 0.4, "linewidth": 0}  # where a line passes
        ax.text(x1, y1, number, fontsize=7.5, ha="center", va="center", transform=ax.transAxes, zorder=4, bbox=behind)
    sheet.legend(ax, [kinds[word][1] for word in words], words, wide)

    for row, line in enumerate(table):
        right = beside
        for c, (word, room) in enumerate(zip(line, columns, strict=True)):
            right += room
            colour = QUIET if row == 0 else VERMILION if leaks[row - 1] else BLUE if c == 0 else "black"
            where, aligned = (right - room, "left") if c == 2 else (right - 0.22, "right")
            sheet.text(figure, where, top + LINE * (row + 0.5), word, 8, ha=aligned, color=colour)
    return figure


def _table(points: Sequence[Point], unit: str) -> list[tuple[str, ...]]:
    """The head, and a line a point: its sign, number, name, tau, interval if any has one, cost and regret."""
    decimals = sheet.decimals(sheet.span(np.array([0.0, *(point.regret for point in points)])))
    table: list[tuple[str, ...]] = [
        ("", "", "estimator", "τ", "95 % interval", "cost", sheet.with_unit("regret", unit))
    ]
    for number, point in enumerate(points, 1):
        known = math.isfinite(point.low) and math.isfinite(point.high)
        table.append(
            (
                "○" if point.leaks else "●",
                str(number),
                point.label,
                sheet.number(point.tau, 2),
                f"{sheet.number(point.low, 2)} … {sheet.number(point.high, 2)}" if known else NOTHING,
                _cost(point.cost_ratio),
                sheet.number(point.regret, decimals),
            )
        )
    if all(line[4] == NOTHING for line in table[1:]):
        table = [line[:4] + line[5:] for line in table]
    return table


def _place(points: Array, sizes: Array, room: tuple[float, float]) -> Array:
    """Middles of labels, (n, 2), each as near to its point as can be without lying on a label or a point.

    points, sizes: (n, 2), in inches. Labels stay in (0, 0) to `room`; where that is full, some lie on others.
    """
    angles = np.arange(24) * (math.tau / 24)
    distances = np.arange(0.07, 1.2, 0.05)
    offsets = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (24, 2), to the right first
    away = np.repeat(distances, len(angles))  # (m,)
    placed = np.zeros((0, 2))
    leaders = np.zeros((0, 2))  # places on the lines from labels to their points
    for k, (point, size) in enumerate(zip(points, sizes, strict=True)):
        candidates = (point + offsets * (distances[:, None, None] + size / 2)).reshape(-1, 2)  # (m, 2)
        along = np.linspace(point, candidates, 10)[1:-1] * np.where(away < LED, np.nan, 1)[:, None]  # (8, m, 2)
        others = np.delete(points, k, axis=0)
        reach = (sizes[:k] + size) / 2
        hidden = _near(candidates, placed, reach) + _near(candidates, points, size / 2 + 0.04)  # (m,)
        crossed = _near(candidates, leaders, size / 2) + _near(candidates, others, size / 2 + 0.1)
        for places in along:
            crossed = crossed + _near(places, others, 0.04) + _near(places, placed, sizes[:k] / 2)
        outside = ((candidates < size / 2) | (candidates > room - size / 2)).any(axis=1)
        best = int((10 * away + crossed + 100 * hidden + 10000 * outside).argmin())
        placed = np.concatenate([placed, candidates[best : best + 1]])
        leaders = np.concatenate([leaders, along[:, best]])
    return placed


def _near(places: Array, others: Array, reach: Array | float) -> NDArray[np.int64]:
    """How many of the others, (n, 2), are nearer than `reach` to each place, (m, 2), both across and up. (m,)"""
    return (np.abs(places[:, None] - others) < reach).all(axis=2).sum(axis=1)


def _draw_ranks(
    names: Sequence[str],
    scores: ArrayLike,
    rank_low: ArrayLike,
    rank_high: ArrayLike,
    p_best: ArrayLike,
    tied: ArrayLike,
    unit: str,
    measured: ArrayLike | None = None,
) -> Figure:
    n = len(names)
    shown = np.ones(n, dtype=bool) if measured is None else _flags(measured, n)
    score, low, high, chance = (sheet.array(values, n) for values in (scores, rank_low, rank_high, p_best))
    together = _flags(tied, n)
    at = np.argsort(-score, kind="stable")  # NaN comes last
    known = np.isfinite(score)
    better = (score[None, known] > score[:, None]).sum(axis=1)  # (n,)
    rank = np.where(known, better + 1, np.nan)  # equal ones share the best of their ranks
    decimals = sheet.decimals(sheet.span(score[shown]))
    head = sheet.with_unit("score", unit)
    written = [sheet.number(value, decimals) if show else "–" for value, show in zip(score, shown, strict=True)]
    numbers = sheet.widest([head, *written])

    left = EDGE + sheet.widest(names) + 0.15
    wide, bars, tall = min(max(2.6, 0.2 * n), 5.0), 1.3, LINE * n
    middle = left + wide + 0.25 + numbers
    labels = {
        "rank by score": sheet.line(marker="o", color=QUIET),
        "95 % interval": sheet.line(linestyle="-", color=QUIET, linewidth=1.6),
        "tied with the best": sheet.line(marker="s", color=TIED, markersize=8),
    }
    if not together.any():
        del labels["tied with the best"]
    whole = middle + 0.3 + bars
    top = EDGE + STRIP * math.ceil(len(labels) / sheet.legend_columns(list(labels), whole - left)) + 0.35
    figure = sheet.figure(whole + EDGE, top + tall + 0.55)
    ranks, chances = sheet.axes(figure, left, top, wide, tall), sheet.axes(figure, middle + 0.3, top, bars, tall)
    for ax in (ranks, chances):
        ax.set_ylim(n - 0.5, -0.5)
        ax.set_yticks(range(n), [""] * n)
        ax.tick_params(axis="y", length=0)
        ax.grid(color=GUIDE, linewidth=0.6)
        for row in np.flatnonzero(together[at]).tolist():
            ax.axhspan(row - 0.5, row + 0.5, color=TIED, linewidth=0, zorder=0)
    for row, k in enumerate(at.tolist()):
        colour = BLUE if together[k] else "0.45"
        ranks.hlines(row, low[k], high[k], color=colour, linewidth=1.6)
        if known[k]:
            fill = colour if together[k] else "white"
            ranks.plot(rank[k], row, "o", color=colour, markerfacecolor=fill, markersize=4.5)
        else:
            ranks.text(0.5 + 0.02 * n, row, "no value", fontsize=7, va="center_baseline", color=QUIET)
        sheet.text(figure, middle, top + LINE * (row + 0.5), written[k], 8, ha="right")
        length = float(np.nan_to_num(chance[k]))
        chances.barh(row, length, height=0.6, color=colour)
        percent = "< 0.01" if 0 < length < 0.005 else sheet.number(chance[k], 2)
        chances.text(length + 0.03, row, percent, fontsize=7, va="center_baseline")
    ranks.set_yticks(range(n), [names[k] for k in at], fontsize=8)
    sheet.plain(ranks.get_yticklabels())
    ranks.set_xlim(0.5, n + 0.5)
    step = 1 if n <= 12 else 5 if n <= 30 else 10
    ranks.set_xticks(sorted({1, *range(step, n + 1, step)}))
    chances.set(xlim=(0, 1.3), xticks=[0, 0.5, 1])
    sheet.text(figure, left, top - 0.12, "rank", 8, color=QUIET)
    sheet.text(figure, middle, top - 0.12, head, 8, ha="right", color=QUIET)
    sheet.text(figure, middle + 0.3, top - 0.12, "P(best)", 8, color=QUIET)
    sheet.legend(ranks, list(labels.values()), list(labels), whole - left, above=0.2 / tall)
    return figure


# What the pictures are put together from


def _turn(ax: Axes, slope: int) -> None:
    for text in ax.get_xticklabels():
        text.set(rotation=slope, ha="right", rotation_mode="anchor")


def _reach(names: Sequence[str], size: float, slope: int, wide: float) -> tuple[float, float]:
    """How far names under axes `wide` across, turned by `slope` degrees, reach down, and to the left of the axes."""
    angle = math.radians(slope)
    left = [
        sheet.inches(name, size) * math.cos(angle) - wide * (k + 0.5) / len(names)
        for k, name in enumerate(names)
        if slope
    ]
    return 0.25 + sheet.widest(names, size) * math.sin(angle), max(left, default=0.0)


def _cell(row: int, column: int, **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, row - 0.5), 1, 1, **style)


# Numbers


def _flags(values: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    return np.nan_to_num(sheet.array(values, n)) > 0


def _furthest(values: Array) -> float:
    return float(np.nan_to_num(np.abs(values)).max(initial=0.0))


def _cost(share: float) -> str:
    if not math.isfinite(share):
        return NOTHING
    if 0 < share < CHEAPEST:
        return f"< {_percent(CHEAPEST)}"
    return _percent(share)


def _percent(share: float) -> str:
    return np.format_float_positional(100 * share, precision=2, fractional=False, trim="-") + " %"
