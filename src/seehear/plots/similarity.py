"""How similar the segments of one clip are, as the multimodal time-series contrastive loss sees them.

For every system, cosines of all pairs of segments within and between two modalities, and the target of the loss.
Bands along the matrices show the ground truth: where blocks of similarity follow the events, their ends agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from seehear.events import segment_span
from seehear.media.overview import Overview
from seehear.parsing.clip import ParsedEvent
from seehear.plots import style
from seehear.plots.picture import LANE, draw_overview, overview_heights, plain, prepare_track
from seehear.plots.style import BLUE, GREEN, ORANGE, PURPLE, QUIET, SKY, VERMILION, Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of classes; blue and vermilion are the matrices'. A letter goes with each, so that all can be read in grey; letters
# and colours together distinguish 78 classes.
COLOURS = (GREEN, ORANGE, PURPLE, "#F0E442", "0.35", SKY)
OPPOSED_TO_ALIKE = ("#7A3500", VERMILION, "white", BLUE, "#00365A")
NUMBERED = 10  # segments up to which numbers fit into the cells
WIDTH, ROW = 11.0, 3.0  # inches: the figure's width, a system's height
BAND, BANDS = 0.065, 0.26  # of a matrix's side: a lane of a band; all of them at most
LETTERED = 0.05  # of an axis: shorter events have no room for a letter

Truth = Mapping[str, Sequence[ParsedEvent]]
Lane = list[tuple[str, int, int]]  # class, first segment, segment after the last
Looks = Mapping[str, tuple[str, str]]  # class -> letter and colour


@dataclass(frozen=True)
class Matrices:
    """The similarities that one system gives a clip of T segments: cosines, in [-1, 1], NaN where there is none.

    Attributes:
        name: Of the system, such as "baseline".
        within: modality -> (T, T).
        between: (T, T); a row is a segment of the first modality and a column one of the second.
        target: (T, T), the target of the loss for `between`; None if it has none.
    """

    name: str
    within: Mapping[str, ArrayLike]
    between: ArrayLike
    target: ArrayLike | None = None


@style.styled
def plot_similarity(
    clip: str,
    modalities: tuple[str, str],
    systems: Sequence[Matrices],
    truth: Truth | None,
    segment: float,
    overview: Overview | None = None,
) -> Figure:
    """Draw a clip, then a row per system: within the first modality, within the second, between them, the target.

    Args:
        clip: Its name.
        modalities: The two.
        systems: One or more.
        truth: modality -> its true events; None if they are not known.
        segment: Seconds per segment.
        overview: The clip's thumbnails and spectrogram.

    Returns:
        The figure.

    Raises:
        ValueError: There is no system or no segment, or a matrix is not (T, T).
    """
    count = len(np.atleast_1d(systems[0].between)) if systems else 0
    if not count:
        raise ValueError("no system, or no segment, to draw")
    duration = count * segment
    tracks = {} if truth is None else {name: truth.get(name, ()) for name in dict.fromkeys([*modalities, *truth])}
    looks = _looks(truth or {})
    bands = {name: _band(truth.get(name, ()), count, segment) for name in modalities} if truth is not None else {}
    heights = overview_heights(overview)
    heights += [max(1, len({event.label for event in events})) * LANE + 0.06 for events in tracks.values()]
    top = sum(heights) + 0.16 * len(heights) + 0.5 if heights else 0.0
    figure = style.new_figure(WIDTH, 0.6 + top + ROW * len(systems))
    figure.suptitle(_title(clip, duration, modalities, truth is not None), x=0.01, ha="left", fontsize=9)
    ratios = [*([top] if heights else []), *[ROW] * len(systems)]
    rows: list[Any] = list(figure.subfigures(len(ratios), 1, squeeze=False, height_ratios=ratios)[:, 0])
    if heights:
        axes = rows.pop(0).subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for ax, (modality, events) in zip(draw_overview(axes, overview), tracks.items(), strict=True):
            _draw_track(ax, modality, events, looks, duration)
        axes[-1].set_xlim(0, duration)
        axes[-1].set_xlabel("seconds")
        axes[0].figure.align_ylabels(axes)
    for row, system in zip(rows, systems, strict=True):
        _draw_system(row, system, modalities, (count, duration), bands, looks)
    return figure


def _title(clip: str, duration: float, modalities: tuple[str, str], known: bool) -> str:
    """The clip, and what to look for."""
    pair = "–".join(_short(name) for name in modalities)
    advice = f"A good {pair} matrix is blue along its diagonal, where both are of one moment."
    if known:
        advice = f"A good {pair} matrix is blue where both its bands carry one class, and pale elsewhere."
    return f"{style.shortened(clip, 100)}, {duration:.1f} s\n{advice}"


def _looks(truth: Truth) -> Looks:
    events = sorted((event for each in truth.values() for event in each), key=lambda event: (event.onset, event.label))
    labels = dict.fromkeys(event.label for event in events)
    return {label: (ascii_uppercase[k % 26], COLOURS[k % len(COLOURS)]) for k, label in enumerate(labels)}


def _band(events: Sequence[ParsedEvent], count: int, segment: float) -> list[Lane]:
    """Events in as few lanes as they need so that none lies on another, each in the first that has room."""
    lanes: list[Lane] = [[]]
    for event in sorted(events, key=lambda event: (event.onset, event.offset, event.label)):
        start, stop = segment_span(event.onset, event.offset, segment)
        start, stop = max(start, 0), min(stop, count)
        if start < stop:
            free = next((lane for lane in lanes if not lane or lane[-1][2] <= start), None)
            if free is None:
                lanes.append(free := [])
            free.append((event.label, start, stop))
    return lanes


def _draw_track(ax: Axes, modality: str, events: Sequence[ParsedEvent], looks: Looks, duration: float) -> None:
    """Draw a modality's true events, a lane per class."""
    labels = list(dict.fromkeys(event.label for event in sorted(events, key=lambda one: (one.onset, one.label))))
    prepare_track(ax, modality, labels, 1, "0.15")
    ax.grid(axis="x", color="white", linewidth=0.8)
    for event in events:
        onset, offset = max(event.onset, 0.0), min(event.offset, duration)
        if onset < offset:
            place = (onset, labels.index(event.label) + 0.08, offset - onset, 0.84)
            _draw_event(ax, place, looks[event.label], offset - onset >= LETTERED / 4 * duration)


def _draw_event(ax: Axes, place: tuple[float, float, float, float], look: tuple[str, str], lettered: bool) -> None:
    """Draw a box in its class's colour, with its letter. place: x, y, width, height in data coordinates."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    x, y, wide, tall = place
    letter, colour = look
    ax.add_patch(Rectangle((x, y), wide, tall, facecolor=colour, edgecolor="white", linewidth=0.5))
    if lettered:
        ink = style.ink_on(to_rgb(colour))
        ax.text(x + wide / 2, y + tall / 2, letter, fontsize=7, ha="center", va="center_baseline", color=ink)


def _draw_system(
    row: Any,
    system: Matrices,
    modalities: tuple[str, str],
    size: tuple[int, float],
    bands: Mapping[str, Sequence[Lane]],
    looks: Looks,
) -> None:
    """Draw four matrices into a subfigure. size: T, and seconds of T segments."""
    first, second = modalities
    pair = f"{_short(first)}–{_short(second)}"
    row.suptitle(style.shortened(system.name, 110), x=0.01, ha="left", fontsize=10, weight="bold")
    panels = [
        (f"{_short(first)}–{_short(first)}", first, first, system.within[first]),
        (f"{_short(second)}–{_short(second)}", second, second, system.within[second]),
        (pair, first, second, system.between),
        (f"target of {pair}", first, second, system.target),
    ]
    axes = row.subplots(1, 4)
    for ax, (title, down, across, values) in zip(axes, panels, strict=True):
        lanes = max(map(len, bands.values()), default=0)
        ax.set_title(title, pad=4 + 160 * min(BAND * lanes, BANDS))  # above the band
        if values is None:
            ax.spines[:].set_visible(False)
            ax.set(xticks=[], yticks=[], facecolor="0.97", box_aspect=1)
            ax.text(0.5, 0.5, "no target", ha="center", va="center", color=QUIET)
            continue
        image = _draw_matrix(ax, style.array(values, size[0], size[0]), size[1])
        ax.set_xlabel(f"{_short(across)}, seconds")
        ax.set_ylabel(f"{_short(down)}, seconds")
        if bands:
            _draw_band(ax, bands[across], looks, size[0], upright=False)
            _draw_band(ax, bands[down], looks, size[0], upright=True)
    bar = row.colorbar(image, ax=axes, ticks=[-1, -0.5, 0, 0.5, 1], shrink=0.7, aspect=25)
    bar.set_label("cosine: opposed to alike")


def _draw_matrix(ax: Axes, values: Array, duration: float) -> Any:
    """Draw cosines (T, T); the first segment is in the upper left. Returns the image."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("cosine", OPPOSED_TO_ALIKE)
    extent = (0, duration, duration, 0)
    ax.set_facecolor("0.85")
    image = ax.imshow(
        np.ma.masked_invalid(values), cmap=colours, vmin=-1, vmax=1, extent=extent, interpolation="nearest"
    )
    ax.spines[:].set(visible=True, linewidth=0.5, color="0.5")
    ax.locator_params(nbins=6)
    if len(values) <= NUMBERED:
        style.write_cells(ax, values, [_hundredths(value) for value in values.flat], min(8.0, 52 / len(values)))
    return image


def _draw_band(ax: Axes, lanes: Sequence[Lane], looks: Looks, count: int, upright: bool) -> None:
    """Draw which segments carry which event, at the right of a matrix or above it; the first lane is nearest to it."""
    depth = min(BAND * len(lanes), BANDS)
    band = ax.inset_axes((1.01, 0, depth, 1) if upright else (0, 1.01, 1, depth))
    band.set(xlim=(0, len(lanes)) if upright else (0, count), ylim=(count, 0) if upright else (0, len(lanes)))
    band.set(xticks=[], yticks=[], facecolor="0.93")
    band.spines[:].set_visible(False)
    for lane, events in enumerate(lanes):
        for label, start, stop in events:
            length = stop - start
            place = (lane, start, 1, length) if upright else (start, lane, length, 1)
            _draw_event(band, place, looks[label], length >= LETTERED * count and len(lanes) * BAND <= BANDS)


def _hundredths(value: float) -> str:
    """A cosine in hundredths, as short as can be: −.07."""
    if abs(value) >= 0.995:
        return style.number(value, 1)
    return style.number(value, 2).replace("0.", ".", 1)


def _short(modality: str) -> str:
    return style.shortened(plain(modality), 12)
