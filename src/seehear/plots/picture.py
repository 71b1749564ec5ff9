"""The plot of a clip: thumbnails, spectrogram, and events heard, seen and both, above the ground truth if known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from seehear.media.overview import FLOOR, HIGHEST, LOWEST, Overview
from seehear.modality import display_name
from seehear.parsing.clip import Origin, ParsedClip
from seehear.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 9.0  # inches of the tracks
THUMBNAILS, SPECTROGRAM, LANE = 0.95, 0.85, 0.24  # inches of height
COLOURS = {"audio": style.BLUE, "visual": style.ORANGE, "audio_visual": style.GREEN}  # bars are labelled as well
LABELLED = 0.04  # of the clip's length: shorter events have no room for their confidence
LONGEST_GRID = 60.0  # seconds of a clip up to which every second has a line


@style.styled
def plot_clip(parsed: ParsedClip, overview: Overview | None = None) -> Figure:
    """Draw a parsed clip. Where the ground truth is known, it is drawn hollow beneath the predicted events.

    Args:
        parsed: The clip.
        overview: Its thumbnails and spectrogram; left out if None.

    Returns:
        The figure, with axes for thumbnails and spectrogram, if the clip has them, and per modality.
    """
    rows = 1 if parsed.truth is None else 2  # per class
    heights = overview_heights(overview)
    tracks = [(modality, parsed.labels(modality)) for modality in parsed.modalities]
    heights += [max(1, len(labels)) * LANE * rows + 0.06 for _, labels in tracks]
    # Sizes are estimated: `style.fit` would lay out every clip's figure three times.
    names = max((len(style.shortened(label, 24)) for _, labels in tracks for label in labels), default=0) * 0.068 + 1.1
    gaps = 0.2 * (len(heights) - 1)
    figure = style.new_figure(WIDTH + names, sum(heights) + gaps + (0.9 if parsed.truth is None else 1.2))
    axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    axes[0].set_title(style.shortened(parsed.clip, 64), fontsize=12, weight="bold")
    star = "* " if len(parsed.origins) > 1 else ""
    untrained = f"{star}untrained, " if Origin.UNTRAINED in parsed.origins else ""
    axes[0].set_title(f"{untrained}{parsed.duration:.1f} s", loc="right", color=style.QUIET)
    rest = draw_overview(axes, overview)
    for ax, (modality, labels) in zip(rest, tracks, strict=True):
        colour = COLOURS.get(modality, style.PURPLE)
        prepare_track(ax, modality, _marked(parsed, labels), rows, colour, parsed.no_events(modality))
        _draw_events(ax, parsed, modality, labels, rows, colour)
        for second in range(1, math.ceil(parsed.duration)) if parsed.duration <= LONGEST_GRID else ():
            ax.axvline(second, color="white", linewidth=0.8, zorder=0)
    axes[-1].set_xlim(0, parsed.duration)
    axes[-1].set_xlabel("seconds")
    if parsed.truth is not None:
        note = "filled: predicted, the stronger the more confident;   hollow: ground truth"
        figure.supxlabel(note, fontsize=8, color=style.QUIET)
    figure.align_ylabels(rest)
    return figure


def _marked(parsed: ParsedClip, labels: Sequence[str]) -> list[str]:
    """The names of classes; with a star if they are untrained, and others are not."""
    if len(parsed.origins) == 1:
        return list(labels)
    untrained = {event.label for event in parsed.events if event.origin is Origin.UNTRAINED}
    return [f"{label} *" if label in untrained else label for label in labels]


def overview_heights(overview: Overview | None) -> list[float]:
    """Inches of height of the axes that `draw_overview` fills."""
    heights = [THUMBNAILS] if overview and overview.thumbnails else []
    return [*heights, SPECTROGRAM] if overview and overview.has_audio else heights


def draw_overview(axes: Iterable[Axes], overview: Overview | None) -> list[Axes]:
    """Draw thumbnails and spectrogram into the first axes, as far as the clip has them. Returns the others."""
    axes = list(axes)
    remaining = list(axes)
    if overview and overview.thumbnails:
        _draw_thumbnails(remaining.pop(0), overview)
    if overview and overview.has_audio:
        ax, extent = remaining.pop(0), (0, overview.duration, 0, 1)
        ax.imshow(overview.spectrogram, origin="lower", extent=extent, aspect="auto", cmap="magma", vmin=-FLOOR, vmax=0)
        ax.set_yticks([0, 1], [f"{LOWEST:.0f} Hz", f"{HIGHEST / 1000:.0f} kHz"])
    for ax in axes:
        ax.spines[:].set_visible(False)
        ax.tick_params(axis="x", length=0)
    axes[-1].tick_params(axis="x", length=2.5)
    return remaining


def _draw_thumbnails(ax: Axes, overview: Overview) -> None:
    each = overview.duration / len(overview.thumbnails)
    for n, frame in enumerate(overview.thumbnails):
        ax.imshow(frame, extent=(n * each, (n + 1) * each, 0, 1), aspect="auto", interpolation="antialiased")
        ax.axvline(n * each, color="white", linewidth=1.5)
    ax.set(xlim=(0, overview.duration), ylim=(0, 1), yticks=[])


def prepare_track(
    ax: Axes, modality: str, labels: Sequence[str], rows: int, colour: str, empty: str = "no event"
) -> None:
    """Name a modality's track and its lanes: `rows` rows per class, from the top. empty: shown if there is no class."""
    ax.set_ylim(max(1, len(labels)) * rows, 0)
    ax.set_facecolor("0.97")
    ax.set_ylabel(
        style.shortened(plain(display_name(modality)), 20),
        rotation=0,
        ha="right",
        va="center",
        fontsize=10,
        weight="bold",
        color=colour,
    )
    middles = [(lane + 0.5) * rows for lane in range(len(labels))]
    ax.set_yticks(middles, [style.shortened(plain(label), 24) for label in labels])
    ax.tick_params(axis="y", length=0)
    if not labels:
        ax.text(0.01, 0.5, empty, transform=ax.transAxes, color="0.5", va="center_baseline")


def _draw_events(ax: Axes, parsed: ParsedClip, modality: str, labels: Sequence[str], rows: int, colour: str) -> None:
    """Draw predicted events as bars with their confidence, and true ones as frames."""
    for event in parsed.of(modality):
        top, length, sure = labels.index(event.label) * rows, event.offset - event.onset, event.confidence
        bar = [(event.onset, length)]
        ax.broken_barh(bar, (top + 0.12, 0.76), color=colour, alpha=0.25 + 0.75 * sure, linewidth=0)
        if length > LABELLED * parsed.duration:
            ink = "white" if sure > 0.6 and modality != "visual" else "0.15"
            at = (event.onset + length / 2, top + 0.5)
            ax.text(*at, f"{sure:.2f}", fontsize=6.5, ha="center", va="center_baseline", color=ink)
    for event in parsed.of(modality, true=True):
        frame, top = [(event.onset, event.offset - event.onset)], labels.index(event.label) * rows
        ax.broken_barh(frame, (top + 1.12, 0.62), facecolor="none", edgecolor="0.3", linewidth=1.0)


def plain(name: str) -> str:
    """A name with spaces in place of underscores."""
    return name.replace("_", " ")
