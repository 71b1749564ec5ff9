"""The page of a parsed clip: a player above thumbnails, spectrogram, and events heard, seen and both."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from numpy.typing import NDArray

from seehear.errors import ClipError
from seehear.files import atomic_bytes
from seehear.media.child import open_clip
from seehear.media.overview import FLOOR, HIGHEST, LOWEST, Overview
from seehear.pages import page
from seehear.parsing.clip import Origin, ParsedClip, ParsedEvent
from seehear.parsing.folder import link
from seehear.storage.files import is_elsewhere
from seehear.texts import is_url

HEIGHT = 144  # pixels of a thumbnail
THUMBNAILS = "thumbnails"  # folder beside the pages: one image per clip, for their index
INDEX = "index"
LISTED = 12  # classes that an untrained class stands for
LABELLED = 0.04  # of the clip's length: shorter events have no room for their confidence
TICKS = 10  # on the time axis, about
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)  # seconds between ticks


@dataclass(frozen=True)
class Lane:
    """A class in a modality: its predicted and its true events."""

    label: str
    events: Sequence[ParsedEvent]
    true: Sequence[ParsedEvent]

    @property
    def untrained(self) -> bool:
        """Whether it has events of a class that was not trained."""
        return any(event.origin is Origin.UNTRAINED for event in self.events)


def name(clip: str) -> str:
    """The file name of a clip's page: none takes the place of the folder's index, or of another clip's page."""
    is_index = clip.rstrip("_").casefold() == INDEX  # index, Index, index_, …
    return f"{clip}_.html" if is_index else f"{clip}.html"


def write(
    parsed: ParsedClip, overview: Overview, folder: Path, *, embed: bool = False, back: str = f"{INDEX}.html"
) -> Path:
    """Write the clip's page into a folder, and its thumbnail for the folder's index.

    Args:
        parsed: The clip.
        overview: Its thumbnails and spectrogram.
        folder: Made if it doesn't exist.
        embed: Put the media file into the page, unless it lies elsewhere; the page links to it otherwise.
        back: The page that leads here, relative to this one.

    Returns:
        The page.

    Raises:
        ClipError: The media file is to be embedded and can't be read.
    """
    if overview.thumbnails:
        middle = overview.thumbnails[len(overview.thumbnails) // 2]
        atomic_bytes(folder / THUMBNAILS / f"{parsed.clip}.jpg", _thumbnail(middle, overview))
    content = _content(parsed, overview, link(parsed.media_file, folder), embed, back)
    return page.write(folder / name(parsed.clip), "parse.html", **content)


def html(parsed: ParsedClip, overview: Overview, *, embed: bool = True) -> str:
    """The clip's page as text, for the `srcdoc` of a frame, as in a notebook; nothing is written.

    Args:
        parsed: The clip.
        overview: Its thumbnails and spectrogram.
        embed: Put the media file into the page. Otherwise the page names the file by its absolute path, which browsers
            play only in pages that are opened from disk.

    Returns:
        HTML.

    Raises:
        ClipError: The media file is to be embedded and can't be read.
    """
    file = parsed.media_file
    source = file if is_url(file) else Path(file).resolve().as_posix()
    return page.render("parse.html", **_content(parsed, overview, source, embed, None))


def _content(parsed: ParsedClip, overview: Overview, source: str, embed: bool, back: str | None) -> dict[str, Any]:
    """What the page shows, as `page.render` takes it. source: the media file, as the page reaches it."""
    elsewhere = is_elsewhere(parsed.media_file)  # a page loads nothing from elsewhere
    spectrogram = page.png(overview.spectrogram, -FLOOR, 0.0) if overview.has_audio else None
    tracks = [(modality, lanes(parsed, modality), parsed.no_events(modality)) for modality in parsed.modalities]
    return {
        "scripts": ["player.js"],
        "data": {
            "duration": parsed.duration,
            "clip": parsed.clip,
            "begins": 0.0 if embed else parsed.begins,
            "partial": bool(parsed.fragment) and not embed,
        },
        "parsed": parsed,
        "untrained": Origin.UNTRAINED in parsed.origins,
        "mixed": len(parsed.origins) > 1,
        "listed": LISTED,
        "file": source,
        "source": None if embed or elsewhere else page.address(source) + parsed.fragment,
        "elsewhere": elsewhere,
        "address": source if source.startswith(("https://", "http://")) else None,
        "embedded": _embedded(parsed) if embed and not elsewhere else None,
        "thumbnails": [page.inline(_thumbnail(frame, overview), "image/jpeg") for frame in overview.thumbnails],
        "spectrogram": page.inline(spectrogram, "image/png") if spectrogram else None,
        "frequencies": f"{LOWEST:.0f} Hz to {HIGHEST / 1000:.0f} kHz",
        "tracks": tracks,
        "classes": sorted({lane.label for _, of_modality, _ in tracks for lane in of_modality}),
        "ticks": ticks(parsed.duration),
        "labelled": LABELLED * parsed.duration,
        "back": back,
    }


def lanes(parsed: ParsedClip, modality: str) -> list[Lane]:
    """The classes of a track, ordered by first onset."""
    predicted, true = parsed.of(modality), parsed.of(modality, true=True)
    return [
        Lane(label, [one for one in predicted if one.label == label], [one for one in true if one.label == label])
        for label in parsed.labels(modality)
    ]


def ticks(duration: float) -> list[float]:
    """Round seconds, about TICKS of them, from 0 to at most the duration."""
    step = next((step for step in STEPS if duration / step <= TICKS), STEPS[-1])
    return [round(n * step, 1) for n in range(int(duration / step) + 1)]


def _thumbnail(frame: NDArray[Any], overview: Overview) -> bytes:
    return page.jpeg(frame, max(1, round(HEIGHT * overview.aspect)), HEIGHT)


def _embedded(parsed: ParsedClip) -> tuple[str, str]:
    """The media file's type, and its bytes in base64; a part is cut from its file."""
    file = Path(parsed.media_file)
    if parsed.fragment:
        from seehear.datasets.cutting import cut_part

        with TemporaryDirectory() as folder:
            target = Path(folder) / "part.mp4"
            cut_part(open_clip(parsed.file, parsed.audio_track), target)
            return "video/mp4", base64.b64encode(target.read_bytes()).decode()
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ClipError(f"{file}: can't be put into the page ({error.strerror})") from None
    return mimetypes.guess_type(file.name)[0] or "video/mp4", base64.b64encode(data).decode()
