"""Main effects and interaction of one modality's networks and another's, as two maps.

Every cell has its number, so that the maps can be read in grey; what has no finite value is hatched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from seehear.plots import style
from seehear.plots.style import BLUE, ORANGE, QUIET, SKY, VERMILION, Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCORES = ("#F4F9FD", SKY, BLUE, "#002A47")
DIFFERENCES = ("#7A3500", VERMILION, "white", BLUE, "#00365A")
STACKED = 10  # with this many columns or more, the maps are stacked


@style.styled
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
    """Draw scores of one modality's options against another's, main effects along the margins, and the interaction.

    On both maps the same difference has the same difference in shade, so that a pale interaction is a small one. With
    one row or one column there is no interaction, and it is left out.

    Args:
        rows: R names.
        columns: C names.
        values: (R, C), NaN where it failed.
        row_effects: (R,).
        column_effects: (C,).
        interaction: (R, C), NaN where it failed.
        unit: Of all values.

    Returns:
        The figure.

    Raises:
        ValueError: Shapes differ.
    """
    r, c = shape = len(rows), len(columns)
    scores, rest = style.array(values, *shape), style.array(interaction, *shape)
    by_row, by_column = style.array(row_effects, r), style.array(column_effects, c)
    known, paired = scores[np.isfinite(scores)], min(shape) > 1
    middle = (known.min() + known.max()) / 2 if len(known) else 0.0
    half = max(style.span(scores) / 2, _furthest(rest) if paired else 0.0) or 0.5
    digits = style.decimals(2 * half)
    wide, tall, stacked = max(0.6 * c, 2.4), 0.32 * r, c > STACKED
    axes = _panels(wide, tall, paired, stacked, margins=(c > 1, r > 1))
    figure = style.figure_of(axes["scores"])
    _draw_map(axes["scores"], scores, SCORES, (middle - half, middle + half), digits, "")
    furthest = max(_furthest(by_row), _furthest(by_column)) or 1.0
    for name, effects in (("top", by_column), ("right", by_row)):
        if name in axes:
            _draw_margin(axes[name], effects, furthest, digits, sideways=name == "right")
    notes = ["framed: the best", *(["hatched: failed"] if len(known) < scores.size else [])]
    if paired:
        _draw_map(axes["rest"], rest, DIFFERENCES, (-half, half), digits, "+")
        head = axes["rest"].set_title(style.with_unit("interaction", unit))
        head.set_in_layout(stacked)  # otherwise the column effects leave it room
        _name_cells(axes["rest"], rows, columns)
        notes.append("interaction: score less mean and main effects")
    if len(known):
        row, column = divmod(int(np.nanargmax(scores)), c)
        axes["scores"].add_patch(_cell(row, column, fill=False, edgecolor=ORANGE, linewidth=2, zorder=3, clip_on=False))
    _name_cells(axes["scores"], rows, columns)
    title = "score and main effects" if max(shape) > 1 else "score"
    axes.get("top", axes["scores"]).set_title(style.with_unit(title, unit))
    figure.supxlabel("\n".join(notes), x=0.02, ha="left", fontsize=6.5, color=QUIET)
    return style.fit(figure, [axes["scores"]], wide, tall)


def _panels(wide: float, tall: float, paired: bool, stacked: bool, margins: tuple[bool, bool]) -> dict[str, Axes]:
    """Axes of a new figure: scores, effects at their top and right where `margins` is true, and the rest if paired."""
    top, right = margins
    layout, widths, heights = [["scores"]], [wide], [tall]
    if right:
        layout[0].append("right")
        widths.append(1.4)
    if top:
        layout.insert(0, ["top", *["."] * right])
        heights.insert(0, 0.9)
    if paired and stacked:
        layout.append(["rest", "."])
        heights.append(tall)
    elif paired:
        layout = [[*layout[0], "."], [*layout[1], "rest"]]
        widths.append(wide)
    figure = style.new_figure(sum(widths) + 2.5, sum(heights) + 2)
    axes: dict[str, Axes] = figure.subplot_mosaic(layout, width_ratios=widths, height_ratios=heights)
    return axes


def _name_cells(ax: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    ax.set_xticks(range(len(columns)), [style.shortened(name, 50) for name in columns])
    if max(map(len, columns)) > 6:
        ax.tick_params(axis="x", rotation=50)
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(rows)), [style.shortened(name, 50) for name in rows])


def _draw_map(
    ax: Axes, values: Array, colours: Sequence[str], limits: tuple[float, float], digits: int, plus: str
) -> None:
    """Draw (R, C) values as shades and numbers; cells without a value are hatched."""
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("", colours)
    ax.imshow(np.ma.masked_invalid(values), cmap=shades, vmin=limits[0], vmax=limits[1], aspect="auto")
    style.write_cells(ax, values, [style.number(value, digits, plus) for value in values.flat])
    for r, c in zip(*np.nonzero(~np.isfinite(values)), strict=True):
        ax.add_patch(_cell(r, c, facecolor="0.95", edgecolor="0.75", hatch="////", linewidth=0))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


def _draw_margin(ax: Axes, effects: Array, furthest: float, digits: int, sideways: bool) -> None:
    """Draw effects as bars from 0 with numbers at their ends; `furthest` is the longest bar of both margins."""
    where, lengths = np.arange(len(effects)), np.nan_to_num(effects)
    colours = [BLUE if effect > 0 else VERMILION for effect in lengths]
    room = (-2.1 * furthest, 2.1 * furthest)  # half of it for the numbers
    if sideways:
        bars = ax.barh(where, lengths, height=0.5, color=colours)
        ax.set(xlim=room, ylim=(len(effects) - 0.5, -0.5))
        ax.axvline(0, color=QUIET, linewidth=0.8)
    else:
        bars = ax.bar(where, lengths, width=0.4, color=colours)
        ax.set(ylim=room, xlim=(-0.5, len(effects) - 0.5))
        ax.axhline(0, color=QUIET, linewidth=0.8)
    ax.bar_label(bars, [style.number(effect, digits, "+") for effect in effects], padding=2, fontsize=7)
    ax.axis("off")


def _cell(row: int, column: int, **looks: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, row - 0.5), 1, 1, **looks)


def _furthest(values: Array) -> float:
    return float(np.nan_to_num(np.abs(values)).max(initial=0.0))
