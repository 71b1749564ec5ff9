"""Clips to see the errors in, each with a page of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.errors import ClipError, SeehearError
from seehear.evaluation.details import CLIPS, Details, Examples
from seehear.media.child import open_clip
from seehear.media.overview import Overview, thumbnails_for
from seehear.modality import display_name
from seehear.pages import folder as index
from seehear.pages import page, parse
from seehear.pages.evaluation.scores import score_name
from seehear.pages.evaluation.shared import MAX_ROWS, NAME
from seehear.pages.numbers import count, number
from seehear.parsing.folder import is_parse, read_folder
from seehear.parsing.folder import write as write_json
from seehear.progress import Progress
from seehear.scoring.clips import ClassError, ClipRow, best_first
from seehear.scoring.scores import LEVELS
from seehear.stored import entries
from seehear.texts import read_json

if TYPE_CHECKING:
    from seehear.parsing.clip import ParsedClip


@dataclass(frozen=True)
class Card:
    """A clip to look at. href: its page, empty if there is none; failed: why. errors: the most frequent ones."""

    clip: str
    href: str
    poster: str | None
    average: str
    support: int
    errors: list[tuple[str, str]]
    failed: str


class ClipPages:
    """The clips that have a page, in the folder of an evaluation's page."""

    def __init__(self, folder: Path, clips: Iterable[str]) -> None:
        self.folder, self._bytes_left = folder / CLIPS, index.POSTERS
        self.clips = {clip for clip in clips if (self.folder / parse.name(clip)).exists()}

    def href(self, clip: str) -> str:
        """Return the address of a clip's page; empty if it has none."""
        return page.address(f"{CLIPS}/{parse.name(clip)}") if clip in self.clips else ""

    def poster(self, clip: str) -> str | None:
        """Return a clip's thumbnail, as long as the page has room for it."""
        file = self.folder / parse.THUMBNAILS / f"{clip}.jpg"
        if clip not in self.clips or self._bytes_left <= 0 or not file.exists():
            return None
        picture = file.read_bytes()
        self._bytes_left -= len(picture)
        return page.inline(picture, "image/jpeg")


def write_clips(clips: Mapping[str, ParsedClip], folder: Path, run: str) -> dict[str, str]:
    """Write JSON and page of each clip, and their index. Those that an earlier evaluation left there are removed.

    Args:
        clips: Name -> parsed clip.
        folder: To write into.
        run: The run that parsed them.

    Returns:
        Name -> why the clip has no page.
    """
    failed = {}
    with Progress("clips' pages", len(clips)) as progress:
        for name, clip in clips.items():
            try:
                media = open_clip(clip.file)
                overview = Overview.of(media, thumbnails_for(media.aspect))
                write_json(clip, folder, run=run)
                parse.write(clip, overview, folder, back=f"../{NAME}.html")
            except ClipError as error:
                failed[name] = str(error)
            progress.advance(name)
    contents = dict(_parses(folder))
    # What `seehear parse` writes names no run.
    stale = [name for name, facts in contents.items() if "run" in facts and (name not in clips or name in failed)]
    for name in stale:
        for file in (folder / f"{name}.json", folder / parse.name(name), folder / parse.THUMBNAILS / f"{name}.jpg"):
            file.unlink(missing_ok=True)
    if len(contents) > len(stale):
        index.write(read_folder(folder)[0], folder)
    elif stale:
        (folder / f"{parse.INDEX}.html").unlink(missing_ok=True)
    return failed


def _parses(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the parsed clips in a folder, by file name; other files, and damaged ones, are none."""
    for file in entries(folder):
        if file.suffix == ".json":
            with suppress(SeehearError):
                if is_parse(content := read_json(file)):
                    yield file.stem, content


def clip_facts(details: Details, folder: Path, kind: str) -> dict[str, Any]:
    """Return what the template takes, by name. kind: Of the scores that stand beside the average of each clip."""
    examples, ranked = details.examples, best_first(details.clips)
    pages = ClipPages(folder, examples.clips)
    rows = {row.clip: row for row in ranked}
    return {
        "examples": examples,
        "best": [_card(rows[clip], examples, pages) for clip in examples.best[:MAX_ROWS]],
        "worst": [_card(rows[clip], examples, pages) for clip in examples.worst[:MAX_ROWS]],
        "index": page.address(f"{CLIPS}/{parse.INDEX}.html") if pages.clips else "",
        "ranked_scores": [f"{level} {score_name(kind)}" for level in LEVELS],
        "ranked": [(row.clip, pages.href(row.clip), _clip_cells(row, kind)) for row in reversed(ranked[-MAX_ROWS:])],
        "ranked_count": len(ranked),
        "without_events": details.without_events,
    }


def _card(row: ClipRow, examples: Examples, pages: ClipPages) -> Card:
    errors = []
    if error := row.false_negatives:
        errors.append(("false negatives", f"{_class_name(error)}, {count(error.segments)} of {error.support} segments"))
    if error := row.false_positives:
        errors.append(("false positives", f"{_class_name(error)}, {count(error.segments)} segments"))
    failed, average = examples.failed.get(row.clip, ""), number(row.average, ".1f")
    return Card(row.clip, pages.href(row.clip), pages.poster(row.clip), average, row.support, errors, failed)


def _clip_cells(row: ClipRow, kind: str) -> list[str]:
    values = (row.average, *(row.scores[level][kind] for level in LEVELS))
    errors = [
        f"{_class_name(error)}: {count(error.segments)}" if error else ""
        for error in (row.false_negatives, row.false_positives)
    ]
    return [*(number(value, ".1f") for value in values), str(row.support), *errors]


def _class_name(error: ClassError) -> str:
    return f"{error.label}, {display_name(error.modality)}"
