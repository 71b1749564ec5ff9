"""What all plots share: colours, matplotlib's settings, sizes that follow the text, saving, and numbers as text.

The colours are Okabe and Ito's, which colour-blind people can distinguish. A shape, a position or a number
repeats what a colour shows, so that every plot can be read in grey. Matplotlib is imported when a plot is drawn.
"""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seehear.files import atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

Array = NDArray[np.float64]
P = ParamSpec("P")
R = TypeVar("R")

BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
GUIDE, QUIET = "0.91", "0.4"  # grid lines; secondary text and marks
TIED = "#DDECF6"  # behind what is tied with the best
NOTHING = "–"  # in place of a number that is not known
ROOM = 6.0  # inches
LINE = 0.2  # inches of height per row of 8-point text
SETTINGS = {
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.08,
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GUIDE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.markersize": 4.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "hatch.linewidth": 0.6,
    # A name is text, whatever signs are in it: matplotlib would read mathematics between dollars.
    "text.parse_math": False,
    # A matplotlibrc in the working folder may ask for TeX, which runs the commands of that file.
    "text.usetex": False,
}

# Text stays text in an SVG: it can be searched, and whoever shows it has fonts for every script. A PNG shows a box for
# a sign that is not in the font. Labels of ticks are made when a figure is laid out, with these settings.
WRITING = {"svg.fonttype": "none", "svg.hashsalt": "seehear", "text.usetex": False}


def styled(plot: Callable[P, R]) -> Callable[P, R]:
    """Let a plotting function draw with SETTINGS."""

    @wraps(plot)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        import matplotlib

        with matplotlib.rc_context(SETTINGS), _without_glyph_warnings():
            return plot(*args, **kwargs)

    return inside


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure with constrained layout, sizes in inches; no window and no global state.

    A notebook shows it where it is the last expression of a cell.
    """
    from seehear.plots.figure import NotebookFigure

    return NotebookFigure(figsize=(width, height))


def figure_of(ax: Axes) -> Figure:
    """The figure that axes are in, also within a subfigure."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def fit(
    figure: Figure, axes: Iterable[Axes], width: float, height: float, share: tuple[float, float] | None = None
) -> Figure:
    """Make a figure as large as its texts need.

    Args:
        figure: With constrained layout.
        axes: A row, a column or a grid of axes that share the figure.
        width: Inches that they are to have together, from the left end of the first to the right end of the last.
        height: Inches likewise.
        share: How far the axes grow with the figure, across and down, where it is known: 1 over the number of panels
            that are side by side, and over that of rows. It is measured otherwise, which takes twice as long.

    Returns:
        The same figure.
    """
    axes, engine = list(axes), figure.get_layout_engine()
    assert engine is not None
    size = figure.get_size_inches() + ROOM  # layout fails in a figure that is too small for its texts

    def extent(size: Array) -> Array:
        """Inches of the axes in a figure of this size, across and down."""
        figure.set_size_inches(*size)
        engine.execute(figure)
        boxes = [ax.get_window_extent() for ax in axes]
        right, left = max(box.x1 for box in boxes), min(box.x0 for box in boxes)
        top, bottom = max(box.y1 for box in boxes), min(box.y0 for box in boxes)
        return np.array([right - left, top - bottom]) / figure.dpi

    # Texts keep their size, so that the axes grow linearly with the figure.
    first = extent(size)
    growth = extent(size + 1) - first if share is None else np.array(share)
    figure.set_size_inches(*(size + ([width, height] - first) / growth))
    return figure


def legend_width(labels: Iterable[str]) -> float:
    """Return the inches that a legend in one column needs, about."""
    return max(map(len, labels), default=0) * 0.068 + 0.6


def legend(where: Any, handles: Sequence[Any], labels: Sequence[str], width: float, **options: Any) -> Legend:
    """Draw a legend in as many columns as have room.

    Args:
        where: A figure or axes.
        handles: A sign per label.
        labels: Texts.
        width: Inches of room.
        options: Of matplotlib's `legend`.

    Returns:
        The legend.
    """
    columns = max(1, min(len(labels), int(width / legend_width(labels))))
    # matplotlib leaves out labels that begin with an underscore: texts are set afterwards.
    drawn: Legend = where.legend(handles, [str(n) for n in range(len(labels))], ncols=columns, **options)
    for text, label in zip(drawn.get_texts(), labels, strict=True):
        text.set_text(label)
    return drawn


def sign(**style: Any) -> Any:
    """A line or marker for a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], **{"linestyle": "none", "linewidth": 1.6, **style})


def write_cells(ax: Axes, values: Array, texts: Sequence[str], size: float = 8.0) -> None:
    """Write a text into each cell of the last image in the axes, in an ink that can be read on it.

    Args:
        ax: Axes with an image of (R, C) cells.
        values: (R, C), NaN where there is none.
        texts: R × C texts, row by row.
        size: Points.
    """
    image = ax.images[-1]
    left, right, bottom, top = image.get_extent()
    rows, columns = values.shape
    for ((r, c), value), text in zip(np.ndenumerate(values), texts, strict=True):
        ink = ink_on(image.to_rgba(np.array([value]))[0]) if math.isfinite(value) else "0.1"
        x, y = left + (c + 0.5) * (right - left) / columns, top + (r + 0.5) * (bottom - top) / rows
        ax.text(x, y, text, fontsize=size, ha="center", va="center_baseline", color=ink)


def ink_on(colour: Sequence[float]) -> str:
    """White or near black: what can be read on a colour (red, green, blue, …), each in [0, 1]."""
    red, green, blue = colour[:3]
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else "0.1"


def save(figure: Figure, path: Path) -> list[Path]:
    """Write a figure whole, or not at all; the same figure gives the same bytes.

    Args:
        figure: Any figure of matplotlib.
        path: A file that ends in .png or .svg; any other path stands for two files, with .png and .svg appended.

    Returns:
        The files.
    """
    files = [path]
    if path.suffix not in (".png", ".svg"):
        files = [path.with_name(path.name + suffix) for suffix in (".png", ".svg")]
    with _laid_out(figure):
        for file in files:
            with atomic(file) as temporary:
                write(figure, temporary, file.suffix[1:])
    return files


def svg(figure: Figure) -> str:
    """A figure as the text of an SVG file."""
    buffer = io.StringIO()
    write(figure, buffer, "svg")
    return buffer.getvalue()


def write(figure: Figure, target: Path | IO[Any], kind: str) -> None:
    """Write a figure to a file or a stream. kind: png or svg."""
    import matplotlib

    metadata = {"Date": None} if kind == "svg" else {}
    with matplotlib.rc_context(WRITING), _without_glyph_warnings(), _laid_out(figure):
        figure.savefig(target, format=kind, metadata=metadata)


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Lay a figure out once, however often it is written: matplotlib does so twice per file, after two drawings."""
    import matplotlib

    engine = figure.get_layout_engine()
    if engine is None:
        yield
        return
    with matplotlib.rc_context(WRITING), _without_glyph_warnings():
        engine.execute(figure)
    with matplotlib.rc_context({"figure.constrained_layout.use": False, "figure.autolayout": False}):
        figure.set_layout_engine(None)  # none at all, by these settings
    try:
        yield
    finally:
        figure.set_layout_engine(engine)


@contextmanager
def _without_glyph_warnings() -> Iterator[None]:
    """Don't warn of signs that are not in the font."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def shortened(name: str, longest: int = 40) -> str:
    """Return a name of at most `longest` characters, its middle replaced by … where it is longer."""
    if len(name) <= longest:
        return name
    head = (longest - 1) // 2
    return f"{name[:head]}…{name[head + 1 - longest :]}"


def wrapped(text: str, width: float, size: float = 8.0) -> str:
    """A text in lines of about `width` inches in type of `size` points; long words are broken."""
    return textwrap.fill(text, max(8, int(width * 72 / (0.6 * size))))


def array(values: ArrayLike | None, *shape: int) -> Array:
    """Values as an array of this shape, NaN where not finite or None.

    Raises:
        ValueError: The values have another shape.
    """
    if values is None:
        return np.full(shape, np.nan)
    converted = np.array(values, dtype=np.float64)
    if converted.shape != shape:
        raise ValueError(f"of shape {converted.shape} instead of {shape}")
    return np.where(np.isfinite(converted), converted, np.nan)


def flags(values: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    """Values as (n,) bool; all false if None."""
    return np.nan_to_num(array(values, n)) > 0


def span(values: Array) -> float:
    """Return the largest finite value less the least; 0 without finite values."""
    known = values[np.isfinite(values)]
    return float(known.max() - known.min()) if len(known) else 0.0


def decimals(span: float) -> int:
    """How many decimals show three digits of differences as large as `span`."""
    return min(max(2 - math.floor(math.log10(span)), 0), 5) if span > 0 else 2


def number(value: float, decimals: int, plus: str = "") -> str:
    """A number as text, with a true minus, and none before a zero. plus: "+" to write the sign of positive ones."""
    return f"{value:{plus}z.{decimals}f}".replace("-", "−") if math.isfinite(value) else NOTHING


def with_unit(word: str, unit: str) -> str:
    """A word with its unit in brackets, if it has one."""
    return f"{word} ({unit})" if unit else word
