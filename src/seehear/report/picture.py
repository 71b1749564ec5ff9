"""A clip's picture: thumbnails, spectrogram, and bars for what is heard, seen and both, above the truth if known."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seehear.files import atomic
from seehear.modality import NAMES as NAMES
from seehear.parsing import ParsedClip
from seehear.report.strip import FLOOR, HIGHEST, LOWEST, Strip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 11.0  # inches
LEFT, RIGHT = 1.75, 0.25  # inches beside the tracks, for names
THUMBNAILS, SPECTROGRAM, LANE, GAP = 0.95, 0.85, 0.24, 0.16  # inches of height
# Okabe and Ito's colours, which colour-blind people can tell apart; bars are labelled as well.
COLOURS = {"audio": "#0072B2", "visual": "#E69F00", "audio_visual": "#009E73"}
OTHER = "#CC79A7"


def thumbnails_for(aspect: float) -> int:
    """How many thumbnails of this width over height fill the strip."""
    return max(1, round((WIDTH - LEFT - RIGHT) / (THUMBNAILS * aspect)))


def draw(parsed: ParsedClip, strip: Strip) -> Figure:
    """The truth, where it is known, is drawn hollow beneath the bars."""
    from matplotlib.figure import Figure

    tracks = [(modality, parsed.labels(modality)) for modality in parsed.modalities]
    heights = [THUMBNAILS] if strip.thumbnails else []
    heights += [SPECTROGRAM] if strip.has_sound else []
    heights += [max(1, len(lanes)) * LANE * (1 if parsed.truth is None else 2) + 0.06 for _, lanes in tracks]
    height = sum(heights) + GAP * len(heights) + 0.95
    figure = Figure(figsize=(WIDTH, height), dpi=110)
    top = height - 0.45
    axes: list[Axes] = []
    for tall in heights:
        box = (LEFT / WIDTH, (top - tall) / height, (WIDTH - LEFT - RIGHT) / WIDTH, tall / height)
        ax = figure.add_axes(box)
        ax.set_xlim(0, parsed.duration)
        ax.set_yticks([])
        axes.append(ax)
        top -= tall + GAP
    for ax in axes[:-1]:
        ax.set_xticks([])
    # A name is text, whatever signs are in it: matplotlib would read mathematics between dollars.
    figure.text(0.015, 1 - 0.26 / height, parsed.clip, fontsize=12, weight="bold", va="center", parse_math=False)
    figure.text(0.985, 1 - 0.26 / height, f"{parsed.duration:.1f} s", fontsize=9, va="center", ha="right", color="0.35")
    remaining = iter(axes)
    if strip.thumbnails:
        draw_thumbnails(next(remaining), strip)
    if strip.has_sound:
        draw_spectrogram(next(remaining), strip)
    for (modality, lanes), ax in zip(tracks, remaining, strict=True):
        _draw_track(ax, parsed, modality, lanes)
    axes[-1].set_xlabel("seconds", fontsize=8)
    axes[-1].tick_params(labelsize=8)
    if parsed.truth is not None:
        note = "filled: parsed, its strength the confidence    hollow: truth"
        figure.text(LEFT / WIDTH, 0.12 / height, note, fontsize=8, color="0.35")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the picture in the format of the path's suffix; the same figure gives the same bytes."""
    import matplotlib

    metadata = {"Date": None} if path.suffix == ".svg" else {}
    # Text stays text in an SVG: it can be searched, and whoever shows it has fonts for every script. A PNG shows
    # a box for a sign that the font lacks, about which there is nothing to be done.
    settings = {"svg.fonttype": "none", "svg.hashsalt": "seehear"}
    with atomic(path) as temporary, matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(temporary, format=path.suffix[1:], metadata=metadata)


def draw_thumbnails(ax: Axes, strip: Strip) -> None:
    each = strip.duration / len(strip.thumbnails)
    for n, picture in enumerate(strip.thumbnails):
        ax.imshow(picture, extent=(n * each, (n + 1) * each, 0, 1), aspect="auto", interpolation="antialiased")
        ax.axvline(n * each, color="white", linewidth=1.5)
    ax.set_xlim(0, strip.duration)
    ax.set_ylim(0, 1)


def draw_spectrogram(ax: Axes, strip: Strip) -> None:
    extent = (0, strip.duration, 0, 1)
    ax.imshow(strip.spectrogram, origin="lower", extent=extent, aspect="auto", cmap="magma", vmin=-FLOOR, vmax=0)
    ax.set_yticks([0, 1], [f"{LOWEST:.0f} Hz", f"{HIGHEST / 1000:.0f} kHz"], fontsize=7)


def _draw_track(ax: Axes, parsed: ParsedClip, modality: str, lanes: Sequence[str]) -> None:
    colour = COLOURS.get(modality, OTHER)
    rows = 1 if parsed.truth is None else 2
    ax.set_ylim(max(1, len(lanes)) * rows, 0)
    ax.set_facecolor("0.97")
    for spine in ax.spines.values():
        spine.set_visible(False)
    for second in range(1, math.ceil(parsed.duration)) if parsed.duration <= 60 else ():
        ax.axvline(second, color="white", linewidth=0.8, zorder=0)
    name = NAMES.get(modality, modality)
    ax.text(-1.62, 0.5, name, transform=_beside(ax), fontsize=10, weight="bold", color=colour, va="center")
    for lane, label in enumerate(lanes):
        y = lane * rows + rows / 2
        ax.text(-0.08, y, _short(label), transform=_lane(ax), fontsize=8, va="center", ha="right", parse_math=False)
        for event in parsed.of(modality):
            if event.label == label:
                at, length = (event.onset, event.offset - event.onset), event.confidence
                ax.broken_barh([at], (lane * rows + 0.12, 0.76), color=colour, alpha=0.25 + 0.75 * length, linewidth=0)
                if at[1] > parsed.duration / 25:
                    dark = length > 0.6 and modality != "visual"
                    middle = event.onset + at[1] / 2
                    percent = f"{event.confidence:.2f}"
                    text_colour = "white" if dark else "0.15"
                    ax.text(
                        middle, lane * rows + 0.52, percent, fontsize=6.5, ha="center", va="center", color=text_colour
                    )
        for true in parsed.of(modality, true=True):
            if true.label == label:
                at = (true.onset, true.offset - true.onset)
                ax.broken_barh([at], (lane * rows + 1.12, 0.62), facecolor="none", edgecolor="0.3", linewidth=1.0)
    if not lanes:
        ax.text(0.01, 0.5, "nothing", transform=ax.transAxes, fontsize=8, color="0.5", va="center")


def _beside(ax: Axes):  # type: ignore[no-untyped-def]
    """x in inches from the track's left edge, y in its height."""
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    figure = ax.figure
    inches = figure.dpi_scale_trans + ScaledTranslation(LEFT, 0, figure.dpi_scale_trans)
    return blended_transform_factory(inches, ax.transAxes)


def _lane(ax: Axes):  # type: ignore[no-untyped-def]
    """x in inches from the track's left edge, y in lanes."""
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    figure = ax.figure
    inches = figure.dpi_scale_trans + ScaledTranslation(LEFT, 0, figure.dpi_scale_trans)
    return blended_transform_factory(inches, ax.transData)


def _short(label: str, most: int = 22) -> str:
    label = label.replace("_", " ")
    return label if len(label) <= most else label[: most - 1] + "…"
