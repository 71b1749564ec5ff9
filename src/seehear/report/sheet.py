"""What reports' pictures are put together from: figures measured in inches, texts as wide as they are, numbers.

Lengths are inches, from the figure's upper left. Colours are Okabe and Ito's; what a colour says, a shape or a number
says too, so that all can be read in grey.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seehear.report.picture import save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

DPI = 150
EDGE, LINE, STRIP, KEY = 0.15, 0.2, 0.2, 0.45  # inches: a figure's edge; a table's line; a legend's line, and its sign
BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
GUIDE, QUIET = "0.91", "0.4"  # faint lines; what steps back
NOTHING = "–"  # where a number would be


def write(figure: Figure, path: Path) -> list[Path]:
    """path: ending in .png or .svg, to write that alone; otherwise both, each suffix appended. What was written."""
    files = [path]
    if path.suffix not in (".png", ".svg"):
        files = [path.with_name(path.name + suffix) for suffix in (".png", ".svg")]
    for file in files:
        save(figure, file)
    return files


def figure(wide: float, tall: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(wide, tall), dpi=DPI)


def axes(figure: Figure, left: float, top: float, wide: float, tall: float) -> Axes:
    width, height = figure.get_size_inches()
    ax = figure.add_axes((left / width, 1 - (top + tall) / height, wide / width, tall / height))
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=8, length=2.5)
    ax.set_axisbelow(True)
    return ax


def bare(ax: Axes) -> None:
    ax.spines[:].set_visible(False)


def text(figure: Figure, left: float, top: float, text: str, size: float, **style: Any) -> None:
    # A name is text, whatever signs are in it: matplotlib would read mathematics between dollars.
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - top / height, text, fontsize=size, va="center_baseline", parse_math=False, **style)


def plain(texts: Sequence[Any]) -> None:
    for text in texts:
        text.set_parse_math(False)


def legend(ax: Axes, handles: Sequence[Any], labels: Sequence[str], wide: float, above: float = 0.0) -> None:
    """On top of the axes, or above them by a share of their height."""
    legend = ax.legend(
        handles,
        [str(k) for k in range(len(labels))],  # some versions of matplotlib leave out what begins with "_"
        loc="lower left",
        bbox_to_anchor=(0, 1 + above),
        ncols=legend_columns(labels, wide),
        fontsize=8,
        frameon=False,
        borderaxespad=0.1,
        borderpad=0.2,
        handlelength=1.6,
        columnspacing=1.4,
    )
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)
    plain(legend.get_texts())


def legend_columns(labels: Sequence[str], wide: float) -> int:
    return max(1, min(len(labels), int(wide / (widest(labels) + KEY))))


def line(**style: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], **{"linestyle": "none", "markersize": 5, "linewidth": 1.0, **style})


@cache
def inches(text: str, size: float) -> float:
    """How wide a text will be."""
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        width, _, _ = RendererAgg(1, 1, 72).get_text_width_height_descent(text, FontProperties(size=size), False)
    return float(width) / 72


def folded(text: str, size: float, wide: float) -> list[str]:
    """A text in lines no wider than this, broken after a space or one of + | × / _ - where one is there.

    A line holds one character at least. Joined, the lines are the text, less spaces at their ends.
    """
    lines = [""]
    for word in re.findall(r"[^\s+|×/_-]*(?:[\s+|×/_-]|$)", text):
        if inches((lines[-1] + word).rstrip(), size) <= wide:
            lines[-1] += word
        elif inches(word.rstrip(), size) <= wide:
            lines.append(word)
        else:
            for character in word:
                if inches(lines[-1] + character, size) <= wide:
                    lines[-1] += character
                else:
                    lines.append(character)
    return [line.rstrip() for line in lines if line.strip()]


def widest(texts: Sequence[str], size: float = 8) -> float:
    return max(inches(text, size) for text in texts)


# Numbers


def array(values: ArrayLike | None, *shape: int) -> Array:
    """Of this shape, NaN where not finite or None. Raises ValueError for another shape."""
    if values is None:
        return np.full(shape, np.nan)
    array = np.array(values, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"of shape {array.shape} instead of {shape}")
    return np.where(np.isfinite(array), array, np.nan)


def span(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.max() - known.min()) if len(known) else 0.0


def decimals(span: float) -> int:
    """That three digits of differences as large as `span` show."""
    return min(max(2 - math.floor(math.log10(span)), 0), 5) if span > 0 else 2


def number(value: float, decimals: int, sign: str = "") -> str:
    """With a true minus, and none before a zero."""
    return f"{value:{sign}z.{decimals}f}".replace("-", "−") if math.isfinite(value) else NOTHING


def with_unit(word: str, unit: str) -> str:
    return f"{word} ({unit})" if unit else word
