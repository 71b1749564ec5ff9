"""Parsed clips with their media and pages, made in a moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from make_media import movie
from seehear.media.overview import Overview
from seehear.media.reader import Media
from seehear.pages import folder as index
from seehear.pages import parse
from seehear.parsing.clip import ParsedClip, ParsedEvent
from seehear.parsing.folder import read_folder, write

MODALITIES = ("audio", "visual", "audio_visual")
EVENTS = (
    ParsedEvent("Dog", "audio", 2.0, 3.0, 0.9),
    ParsedEvent("Speech", "audio", 4.0, 6.0, 0.55),
    ParsedEvent("Dog", "visual", 2.0, 6.0, 0.7),
    ParsedEvent("Dog", "audio_visual", 2.0, 3.0, 0.65),
)
TRUTH = (ParsedEvent("Dog", "audio", 1.0, 3.0, 1.0), ParsedEvent("Cat", "visual", 0.0, 6.0, 1.0))


def clip(folder: Path, name: str = "yard", *, seconds: float = 6.0, **settings: object) -> Path:
    """A film of that length in a folder beside that of the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    return movie(folder / f"{name}.mp4", seconds, **settings)


def parsed(
    file: Path,
    events: Sequence[ParsedEvent] = EVENTS,
    truth: Sequence[ParsedEvent] | None = None,
    duration: float = 6.0,
) -> ParsedClip:
    known = None if truth is None else tuple(truth)
    return ParsedClip(file.stem, str(file), duration, 1.0, MODALITIES, "global", tuple(events), {}, known)


def with_page(made: ParsedClip, folder: Path, *, embed: bool = False) -> Path:
    """The clip's JSON and page in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write(made, folder)
    return parse.write(made, Overview.of(Media(made.file), 3), folder, embed=embed)


def with_index(folder: Path) -> Path:
    """The index of all clips whose JSON is in a folder."""
    return index.write(read_folder(folder)[0], folder)


def until(page, condition: str) -> None:  # type: ignore[no-untyped-def]
    """Wait for a page to get there. Playwright's own way would evaluate text in it, which its policy forbids."""
    for _ in range(1000):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never came to be: {condition}")
