"""The page of a parsed clip: it plays; beneath it what it looks and sounds like, and what is heard, seen and both."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seehear.errors import ClipError
from seehear.files import atomic_bytes
from seehear.pages import page
from seehear.parsed import link
from seehear.parsing import ParsedClip, ParsedEvent
from seehear.report.strip import FLOOR, HIGHEST, LOWEST, Strip

HEIGHT = 144  # pixels of a thumbnail
THUMBNAILS = "thumbnails"  # folder in that of the pages: one picture a clip, for their index
INDEX = "index"
LABELLED = 0.04  # of the clip's length, from which on an event has room for its confidence
TICKS = 10  # on the time axis, about
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)  # seconds between ticks


@dataclass(frozen=True)
class Lane:
    """A class in a modality: its events and its true events."""

    label: str
    events: Sequence[ParsedEvent]
    true: Sequence[ParsedEvent]


def name(clip: str) -> str:
    """Of a clip's page; a clip can't take the place of the folder's index."""
    return f"{clip}.html" if clip != INDEX else f"{INDEX}_.html"


def write(parsed: ParsedClip, strip: Strip, folder: Path, *, embed: bool = False, back: str = f"{INDEX}.html") -> Path:
    """Write the clip's page into a folder, and its thumbnail for the folder's index. Returns the page.

    strip: of the clip. embed: put the clip itself into the page. back: the page that leads here, relative to this one.
    Raises ClipError if the clip is to be embedded and can't be read.
    """
    width = max(1, round(HEIGHT * strip.aspect))
    pictures = [page.jpeg(picture, width, HEIGHT) for picture in strip.thumbnails]
    if pictures:
        atomic_bytes(folder / THUMBNAILS / f"{parsed.clip}.jpg", pictures[len(pictures) // 2])
    spectrogram = page.png(strip.spectrogram, -FLOOR, 0.0) if strip.has_audio else None
    there = link(Path(parsed.file), folder)
    tracks = [(modality, lanes(parsed, modality)) for modality in parsed.modalities]
    return page.write(
        folder / name(parsed.clip),
        "parse.html",
        scripts=["player.js"],
        data={"duration": parsed.duration, "clip": parsed.clip},
        parsed=parsed,
        there=there,
        source=None if embed else page.address(there),
        embedded=_embedded(Path(parsed.file)) if embed else None,
        silent_pictures=not pictures,
        thumbnails=[page.inline(picture, "image/jpeg") for picture in pictures],
        spectrogram=page.inline(spectrogram, "image/png") if spectrogram else None,
        heights=f"{LOWEST:.0f} Hz to {HIGHEST / 1000:.0f} kHz",
        tracks=tracks,
        classes=sorted({lane.label for _, found in tracks for lane in found}),
        ticks=ticks(parsed.duration),
        labelled=LABELLED * parsed.duration,
        back=back,
    )


def lanes(parsed: ParsedClip, modality: str) -> list[Lane]:
    """The classes of a track, by when they first begin."""
    found, true = parsed.of(modality), parsed.of(modality, true=True)
    return [
        Lane(label, [one for one in found if one.label == label], [one for one in true if one.label == label])
        for label in parsed.labels(modality)
    ]


def ticks(duration: float) -> list[float]:
    """Round seconds, about TICKS of them, from 0 to no more than the duration."""
    step = next((step for step in STEPS if duration / step <= TICKS), STEPS[-1])
    return [round(n * step, 1) for n in range(int(duration / step) + 1)]


def _embedded(file: Path) -> tuple[str, str]:
    """The clip's media type and its bytes in base64."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ClipError(f"{file}: can't be put into the page ({error.strerror})") from None
    return mimetypes.guess_type(file.name)[0] or "video/mp4", base64.b64encode(data).decode()
