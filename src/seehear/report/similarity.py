"""A picture of what the multimodal time-series contrastive loss is about: how alike the segments of one clip are.

For every system, cosines of all pairs of segments within and between two modalities, beside what the loss wants them
to be. Bands along the matrices show the truth: where blocks of similarity follow the events, their ends agree.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from seehear.events import segment_span
from seehear.parsing import ParsedEvent
from seehear.report import sheet
from seehear.report.picture import (
    GAP,
    LANE,
    NAMES,
    RIGHT,
    SPECTROGRAM,
    THUMBNAILS,
    WIDTH,
    draw_spectrogram,
    draw_thumbnails,
)
from seehear.report.sheet import BLUE, EDGE, GREEN, ORANGE, PURPLE, QUIET, SKY, VERMILION, Array
from seehear.report.strip import Strip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of classes; blue and vermilion are the matrices'. A letter goes with each, so that all can be read in grey, and the
# two together tell 78 classes apart.
COLOURS = (GREEN, ORANGE, PURPLE, "#F0E442", "0.35", SKY)
OPPOSED_TO_ALIKE = ("#7A3500", VERMILION, "white", BLUE, "#00365A")
NUMBERED = 10  # segments up to which numbers fit into the cells
BOLD = 1.2  # times as wide as plain text
# Inches.
LEFT = 2.05  # beside the clip, for names
TOP, SECONDS, NAMED = 0.45, 0.35, 0.55  # above the clip; beneath it; of a track's name at least
BETWEEN, SCALE = 0.14, 0.44  # between matrices; beside one, for its ticks and what they count
BAND, BANDS, MARGIN = 0.13, 0.52, 0.03  # a lane of a band; at most all of them; between them and the matrix
ADVICE, HEAD, TITLE = 0.5, 0.36, 0.16  # of height: what to look for, a system's name, a matrix's title
BAR, LETTER = 1.5, 0.1  # the scale of colours; what a letter needs either way

Truth = Mapping[str, Sequence[ParsedEvent]]
Classes = Mapping[str, Sequence[ParsedEvent]]  # class -> its events
Lane = list[tuple[str, int, int]]  # class, first segment, segment after the last


@dataclass(frozen=True)
class Matrices:
    """What one system makes of a clip of T segments: cosines, in [-1, 1], NaN where there is none.

    name: of the system, as "baseline". within: modality -> (T, T). between: (T, T), a row is a segment of the first
    modality and a column one of the second. target: (T, T), what the loss wants `between` to be; None without one.
    """

    name: str
    within: Mapping[str, ArrayLike]
    between: ArrayLike
    target: ArrayLike | None = None


@dataclass(frozen=True)
class _Known:
    """The truth as it is drawn.

    tracks: modality -> its events, by when each class first begins. looks: class -> letter and colour.
    bands: of each of the two modalities at least one lane, in each of which no event lies on another.
    """

    tracks: Mapping[str, Classes]
    looks: Mapping[str, tuple[str, str]]
    bands: Mapping[str, Sequence[Lane]]

    @property
    def lanes(self) -> int:
        """Of the deepest band."""
        return max(len(band) for band in self.bands.values())


@dataclass(frozen=True)
class _Plan:
    """What all matrices of a picture share. count: T. duration: of T segments, seconds. known: None without truth."""

    modalities: tuple[str, str]
    count: int
    duration: float
    known: _Known | None

    @property
    def depth(self) -> float:
        """Inches of the bands, and of the gap before the matrix."""
        return min(BAND * self.known.lanes, BANDS) + MARGIN if self.known else 0.0

    @property
    def side(self) -> float:
        """Inches of a matrix."""
        return (WIDTH - 2 * EDGE - 3 * BETWEEN) / 4 - SCALE - self.depth


def draw(
    clip: str,
    modalities: tuple[str, str],
    systems: Sequence[Matrices],
    truth: Truth | None,
    segment: float,
    strip: Strip | None = None,
) -> Figure:
    """The clip above, then a row a system: within the first modality, within the second, between them, the target.

    truth: modality -> its true events, None where they are not known. segment: of a segment, seconds. strip: what the
    clip looks and sounds like, with as many thumbnails as `picture.thumbnails_for` says. Raises ValueError without a
    system or a segment, or where a matrix is not (T, T).
    """
    count = len(np.atleast_1d(systems[0].between)) if systems else 0
    if not count:
        raise ValueError("no system, or no segment, to draw")
    known = None if truth is None else _known(truth, modalities, count, segment)
    plan = _Plan(modalities, count, count * segment, known)
    talls = [THUMBNAILS] if strip and strip.thumbnails else []
    talls += [SPECTROGRAM] if strip and strip.has_sound else []
    talls += [max(1, len(classes)) * LANE for classes in known.tracks.values()] if known else []
    above = TOP + sum(talls) + GAP * len(talls) + (SECONDS if talls else 0)
    row = HEAD + TITLE + plan.depth + plan.side + SCALE + BETWEEN
    figure = sheet.figure(WIDTH, above + ADVICE + row * len(systems))

    sheet.text(figure, EDGE, 0.26, _fit(clip, 12, (WIDTH - 1) / BOLD), 12, weight="bold")
    sheet.text(figure, WIDTH - EDGE, 0.26, f"{plan.duration:.1f} s", 9, ha="right", color=QUIET)
    _draw_clip(figure, talls, plan, strip)
    sheet.text(figure, EDGE, above + 0.12, _advice(plan), 9)
    _draw_bar(figure, above)
    for k, system in enumerate(systems):
        _draw_system(figure, above + ADVICE + row * k, system, plan)
    return figure


def _known(truth: Truth, modalities: tuple[str, str], count: int, segment: float) -> _Known:
    events = sorted((event for each in truth.values() for event in each), key=lambda event: (event.onset, event.label))
    labels = dict.fromkeys(event.label for event in events)
    looks = {label: (ascii_uppercase[k % 26], COLOURS[k % len(COLOURS)]) for k, label in enumerate(labels)}
    tracks = {name: _classes(truth.get(name, ())) for name in dict.fromkeys([*modalities, *truth])}
    return _Known(tracks, looks, {name: _band(truth.get(name, ()), count, segment) for name in modalities})


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


def _classes(events: Sequence[ParsedEvent]) -> Classes:
    classes: dict[str, list[ParsedEvent]] = {}
    for event in sorted(events, key=lambda event: (event.onset, event.label)):
        classes.setdefault(event.label, []).append(event)
    return classes


def _draw_clip(figure: Figure, talls: Sequence[float], plan: _Plan, strip: Strip | None) -> None:
    """The clip and its truth, one above the other on one axis of seconds. talls: inches of height of each."""
    panels, top = [], TOP
    for tall in talls:
        ax = sheet.axes(figure, LEFT, top, WIDTH - LEFT - RIGHT, tall)
        ax.spines[:].set_visible(False)
        ax.set_yticks([])
        panels.append((ax, top))
        top += tall + GAP
    remaining = iter(panels)
    if strip and strip.thumbnails:
        draw_thumbnails(next(remaining)[0], strip)
    if strip and strip.has_sound:
        draw_spectrogram(next(remaining)[0], strip)
    for modality in plan.known.tracks if plan.known else ():
        _draw_track(figure, *next(remaining), modality, plan)
    at, words = _ticks(plan, 12)
    for ax, _ in panels:
        ax.set_xlim(0, plan.duration)
        ax.set_xticks(at, [""] * len(at))
        ax.tick_params(axis="x", length=0)
    if panels:
        ax.set_xticks(at, words)
        ax.tick_params(axis="x", length=2.5)
        ax.set_xlabel("seconds", fontsize=8, labelpad=1)


def _draw_track(figure: Figure, ax: Axes, top: float, modality: str, plan: _Plan) -> None:
    """A modality's true events, a lane a class."""
    assert plan.known is not None
    classes = plan.known.tracks[modality]
    ax.set_ylim(max(1, len(classes)), 0)
    ax.set_facecolor("0.97")
    ax.grid(axis="x", color="white", linewidth=0.8)
    inches = (WIDTH - LEFT - RIGHT) / plan.duration
    room = LEFT - EDGE - 0.1
    for lane, (label, events) in enumerate(classes.items()):
        shown = _fit(_plain(label), 8, LEFT - EDGE - NAMED - 0.18)
        room = min(room, LEFT - EDGE - sheet.inches(shown, 8) - 0.18)
        sheet.text(figure, LEFT - 0.08, top + (lane + 0.5) * LANE, shown, 8, ha="right")
        for event in events:
            onset, offset = max(event.onset, 0.0), min(event.offset, plan.duration)
            if onset < offset:
                size = (offset - onset) * inches, LANE * 0.84
                _draw_event(ax, (onset, lane + 0.08, offset - onset, 0.84), size, plan.known.looks[label])
    if not classes:
        ax.text(0.01, 0.5, "nothing", transform=ax.transAxes, fontsize=8, color="0.5", va="center_baseline")
    name = _fit(_plain(NAMES.get(modality, modality)), 10, room / BOLD)
    sheet.text(figure, EDGE, top + LANE * max(1, len(classes)) / 2, name, 10, weight="bold", color="0.15")


def _draw_event(
    ax: Axes, place: tuple[float, float, float, float], size: tuple[float, float], look: tuple[str, str]
) -> None:
    """A box with its class's letter where it has room. place: x, y, width, height, as on the axes. size: in inches."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    x, y, wide, tall = place
    letter, colour = look
    ax.add_patch(Rectangle((x, y), wide, tall, facecolor=colour, edgecolor="white", linewidth=0.5))
    if min(size) >= LETTER:
        points = min(8.0, 56 * min(size))
        ink = _ink(to_rgb(colour))
        ax.text(x + wide / 2, y + tall / 2, letter, fontsize=points, ha="center", va="center_baseline", color=ink)


def _draw_bar(figure: Figure, top: float) -> None:
    """What the colours of all matrices say."""
    left = WIDTH - EDGE - sheet.inches("alike", 8) - 0.1 - BAR
    ax = sheet.axes(figure, left, top + 0.06, BAR, 0.13)
    ax.imshow(np.linspace(-1, 1, 256)[None], cmap=_colours(), vmin=-1, vmax=1, extent=(-1, 1, 0, 1), aspect="auto")
    ax.set_xticks([-1, -0.5, 0, 0.5, 1], ["−1", "−.5", "0", ".5", "1"], fontsize=8)
    ax.tick_params(axis="x", length=2, pad=1)
    ax.set_yticks([])
    ax.spines[:].set(visible=True, linewidth=0.5, color="0.5")
    sheet.text(figure, left - 0.1, top + 0.125, "cosine:  opposed", 8, ha="right")
    sheet.text(figure, left + BAR + 0.1, top + 0.125, "alike", 8)


def _draw_system(figure: Figure, top: float, system: Matrices, plan: _Plan) -> None:
    """A row of four matrices."""
    first, second = plan.modalities
    words = {name: _short(name) for name in plan.modalities}
    pair = f"{words[first]}–{words[second]}"
    figure.add_artist(_rule(figure, top))
    sheet.text(figure, EDGE, top + 0.14, _fit(system.name, 10, (WIDTH - 2 * EDGE) / BOLD), 10, weight="bold")
    panels = [
        (f"{words[first]}–{words[first]}", first, first, system.within[first]),
        (f"{words[second]}–{words[second]}", second, second, system.within[second]),
        (pair, first, second, system.between),
        (f"target of {pair}", first, second, system.target),
    ]
    side, depth, known = plan.side, plan.depth, plan.known
    upper = top + HEAD + TITLE + depth
    for k, (title, down, across, values) in enumerate(panels):
        left = EDGE + SCALE + depth + k * (SCALE + depth + side + BETWEEN)
        sheet.text(figure, left, top + HEAD, _fit(title, 9, side), 9)
        ax = sheet.axes(figure, left, upper, side, side)
        if values is None:
            ax.spines[:].set_visible(False)
            ax.set(xticks=[], yticks=[], facecolor="0.97")
            ax.text(0.5, 0.5, "has no target", fontsize=8, ha="center", va="center", color=QUIET)
            continue
        _draw_matrix(ax, sheet.array(values, plan.count, plan.count), plan)
        _turned(figure, left - depth - SCALE + 0.07, upper + side / 2, f"{words[down]}, seconds")
        sheet.text(figure, left + side / 2, upper + side + 0.31, f"{words[across]}, seconds", 8, ha="center")
        if known is not None:
            lane = (depth - MARGIN) / known.lanes  # inches
            deep = lane * len(known.bands[down])
            ax = sheet.axes(figure, left - MARGIN - deep, upper, deep, side)
            _draw_band(ax, known.bands[down], known, plan.count, (lane, side / plan.count), upright=True)
            deep = lane * len(known.bands[across])
            ax = sheet.axes(figure, left, upper - MARGIN - deep, side, deep)
            _draw_band(ax, known.bands[across], known, plan.count, (lane, side / plan.count), upright=False)


def _draw_matrix(ax: Axes, values: Array, plan: _Plan) -> None:
    """The first segment is in the upper left."""
    colours, end = _colours(), plan.duration
    ax.set_facecolor("0.85")
    ax.imshow(
        np.ma.masked_invalid(values), cmap=colours, vmin=-1, vmax=1, extent=(0, end, end, 0), interpolation="nearest"
    )
    ax.spines[:].set(visible=True, linewidth=0.5, color="0.5")
    at, words = _ticks(plan, 6)
    ax.set_xticks(at, words)
    ax.set_yticks(at, words)
    ax.tick_params(axis="x", pad=2, length=0)
    ax.tick_params(axis="y", pad=2 + 72 * plan.depth, length=0)  # beyond the band
    if plan.count <= NUMBERED:
        cell, inches = plan.duration / plan.count, plan.side / plan.count
        numbers = [_number(value) for value in values.flat]
        size = min(8.0, 72 * inches / 2.1, 8 * 0.93 * inches / sheet.widest(numbers, 8))
        for ((r, c), value), number in zip(np.ndenumerate(values), numbers, strict=True):
            ink = _ink(colours((value + 1) / 2)) if math.isfinite(value) else "0.1"
            middle = (c + 0.5) * cell, (r + 0.5) * cell
            ax.text(*middle, number, fontsize=size, ha="center", va="center_baseline", color=ink)


def _draw_band(
    ax: Axes, lanes: Sequence[Lane], known: _Known, count: int, inches: tuple[float, float], upright: bool
) -> None:
    """Which segments carry which event, the first lane next to the matrix. inches: a lane's depth, a segment."""
    ax.set(xlim=(len(lanes), 0) if upright else (0, count), ylim=(count, 0) if upright else (0, len(lanes)))
    ax.set(xticks=[], yticks=[], facecolor="0.93")
    ax.spines[:].set_visible(False)
    for lane, events in enumerate(lanes):
        for label, start, stop in events:
            length = stop - start
            place = (lane, start, 1, length) if upright else (start, lane, length, 1)
            _draw_event(ax, place, (inches[0], length * inches[1]), known.looks[label])


def _advice(plan: _Plan) -> str:
    pair = "–".join(_short(name) for name in plan.modalities)
    if plan.known is not None:
        return f"A good {pair} matrix is blue where both its bands carry one class, and pale elsewhere."
    return f"A good {pair} matrix is blue along its diagonal, where both are of one moment."


def _ticks(plan: _Plan, most: int) -> tuple[list[float], list[str]]:
    """Edges of segments, evenly spaced from 0 and at most `most` steps, in seconds and as text."""
    steps = (first * 10**power for power in itertools.count() for first in (1, 2, 5))
    step = next(step for step in steps if plan.count <= step * most)
    at = [edge * plan.duration / plan.count for edge in range(0, plan.count + 1, step)]
    return at, [f"{round(second, 2):g}" for second in at]


def _rule(figure: Figure, top: float) -> Any:
    """A thin line from edge to edge."""
    from matplotlib.lines import Line2D

    y = 1 - top / figure.get_figheight()
    return Line2D([EDGE / WIDTH, 1 - EDGE / WIDTH], [y, y], color="0.8", linewidth=0.6)


def _turned(figure: Figure, left: float, top: float, text: str) -> None:
    """A text that reads upwards, its middle at this place."""
    at = left / WIDTH, 1 - top / figure.get_figheight()
    figure.text(*at, text, fontsize=8, rotation=90, ha="center", va="center", parse_math=False)


def _colours() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("cosine", OPPOSED_TO_ALIKE)


def _ink(colour: Sequence[float]) -> str:
    """What can be read on a colour (red, green, blue, …), each in [0, 1]."""
    red, green, blue = colour[:3]
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else "0.1"


def _number(value: float) -> str:
    """In hundredths, as short as can be: −.07."""
    if abs(value) >= 0.995:
        return sheet.number(value, 1)
    return re.sub(r"^(−?)0\.", r"\1.", sheet.number(value, 2))


def _short(modality: str) -> str:
    return _fit(_plain(modality), 9, 0.75)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _fit(text: str, size: float, wide: float) -> str:
    """As much of a text as goes into `wide` inches."""
    if sheet.inches(text, size) <= wide:
        return text
    most = next(most for most in range(min(len(text), 200), -1, -1) if sheet.inches(text[:most] + "…", size) <= wide)
    return text[:most].rstrip() + "…"
