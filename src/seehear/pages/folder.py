"""The index of a folder of parsed clips: which classes are heard and seen in which clip, with a search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from sys import intern
from typing import Any

from seehear.modality import display_name, kinds
from seehear.pages import page, parse
from seehear.parsing.clip import Origin, ParsedClip

PART = 10_000  # clips of one page; the clips beyond have further pages
POSTERS = 2_000_000  # bytes of thumbnails that the index holds; later clips have none
LISTED = 1000  # clips that are listed without scripts
NAMED = 6  # classes named per clip and modality


@dataclass(frozen=True)
class Card:
    """A clip in the index.

    Attributes:
        clip: The clip.
        page: URL of its page; None if it has none.
        poster: URL of its thumbnail, if there is room for it.
        classes: modality -> its classes, the longest first.
        empty: modality -> what is shown if it has no class.
    """

    clip: ParsedClip
    page: str | None
    poster: str | None
    classes: dict[str, list[str]]
    empty: dict[str, str]


@dataclass(frozen=True)
class Part:
    """A page of an index of several pages.

    Attributes:
        link: Its URL, relative to the first page.
        start: Number of its first clip, from 1.
        stop: Number of its last clip.
        first: Name of its first clip.
        last: Name of its last clip.
    """

    link: str
    start: int
    stop: int
    first: str
    last: str


def write(clips: Iterable[ParsedClip], folder: Path) -> Path:
    """Write the index of parsed clips into the folder that has their pages.

    It has a page per 10,000 clips, each with a search of its own: index.html, which leads to the others, and
    index/2.html, index/3.html, … So memory is bounded, by the events of the clips of three pages, and a browser can
    show each page.

    Args:
        clips: In the order in which they are listed. They are taken one by one.
        folder: Where `parse.write` wrote their pages and thumbnails; clips without a page are listed without a link.

    Returns:
        The first page.
    """
    chunks = _chunks(clips)
    head = next(chunks, [])
    parts = [_part(1, head, 1)] if head else []
    this, following = next(chunks, []), 2
    while this:
        after = next(chunks, [])
        parts.append(_part(following, this, parts[-1].stop + 1))
        _write_page(this, folder, following, parts[-1:], more=bool(after))
        this, following = after, following + 1
    _remove_pages(folder, following)
    return _write_page(head, folder, 1, parts, more=len(parts) > 1)


def _chunks(clips: Iterable[ParsedClip]) -> Iterator[list[ParsedClip]]:
    """Yield the clips of each page, reduced to what an index shows."""
    compact = map(_compact, clips)
    while chunk := list(islice(compact, PART)):
        yield chunk


def _compact(clip: ParsedClip) -> ParsedClip:
    """Return a clip without its probabilities, which are most of it; names of classes are shared with other clips."""
    events = tuple(replace(each, label=intern(each.label), modality=intern(each.modality)) for each in clip.events)
    return replace(clip, events=events, probabilities={}, classes=(), truth=None, overview=None, highest={})


def _part(number: int, clips: Sequence[ParsedClip], start: int) -> Part:
    return Part(_file(number), start, start + len(clips) - 1, clips[0].clip, clips[-1].clip)


def _file(number: int) -> str:
    """Return a page's file in the folder. A clip can't take its place: pages of clips are in no subfolder."""
    return f"{parse.INDEX}.html" if number == 1 else f"{parse.INDEX}/{number}.html"


def _remove_pages(folder: Path, number: int) -> None:
    """Remove the further pages from this number on, which an earlier index of more clips had."""
    for old in count(number):
        try:
            (folder / _file(old)).unlink()
        except OSError:
            break
    with suppress(OSError):  # it holds the pages of this index
        (folder / parse.INDEX).rmdir()


def _write_page(clips: Sequence[ParsedClip], folder: Path, number: int, parts: Sequence[Part], *, more: bool) -> Path:
    """Write a page of the index.

    Args:
        clips: Those of the page.
        folder: That of the index.
        number: Of the page, from 1.
        parts: All pages for the first one, or the page itself.
        more: Whether another page follows.
    """
    up = "" if number == 1 else "../"
    modalities = list(dict.fromkeys(modality for clip in clips for modality in clip.modalities))
    classes = sorted({event.label for clip in clips for event in clip.events})
    links = [
        f"{up}{page.address(parse.name(clip.clip))}" if (folder / parse.name(clip.clip)).exists() else None
        for clip in clips
    ]
    return page.write(
        folder / _file(number),
        "folder.html",
        scripts=["search.js"],
        data=_data(clips, links, modalities, classes),
        folder=folder.resolve().name,
        count=len(clips),
        noted=sum(bool(clip.notes) for clip in clips),
        untrained=sum(Origin.UNTRAINED in clip.origins for clip in clips),
        cards=_cards(clips[:LISTED], links, modalities, folder),
        classes=classes,
        relations=relations(modalities),
        named=NAMED,
        decodings=sorted({clip.decoding for clip in clips}),
        parts=parts if more or number > 1 else [],
        neighbours=_neighbours(number, more),
    )


def _data(
    clips: Sequence[ParsedClip], links: Sequence[str | None], modalities: list[str], classes: Sequence[str]
) -> dict[str, Any]:
    """Return what the search reads: about 200 bytes of JSON per clip with ten events."""
    number = {label: n for n, label in enumerate(classes)}
    notes = {note: n for n, note in enumerate(dict.fromkeys(note for clip in clips for note in clip.notes))}
    return {
        "modalities": [[display_name(modality), page.tone(modality)] for modality in modalities],
        "classes": classes,
        "named": NAMED,
        "notes": [[str(note), note.missing] for note in notes],
        # Per event: number of the class, number of the modality, onset, offset. Last what is shown if a modality
        # has no class, by its number, of the modalities that the clip lacks; and the numbers of its notes.
        "clips": [
            [
                clip.clip,
                link,
                page.seconds(clip.duration),
                [[number[e.label], modalities.index(e.modality), e.onset, e.offset] for e in clip.events],
                {modalities.index(name): clip.no_events(name) for name in clip.absent if name in modalities},
                [notes[note] for note in clip.notes],
            ]
            for clip, link in zip(clips, links, strict=True)
        ],
    }


def _neighbours(number: int, more: bool) -> list[tuple[str, str]]:
    """Return the pages that lead on from a page of the index: what they are called, and their URLs."""
    if number == 1:
        return [("Next clips", _file(2))] if more else []
    before = f"../{parse.INDEX}.html" if number == 2 else f"{number - 1}.html"
    return [
        ("All pages", f"../{parse.INDEX}.html"),
        ("Previous clips", before),
        *([("Next clips", f"{number + 1}.html")] if more else []),
    ]


def _cards(
    clips: Sequence[ParsedClip], links: Sequence[str | None], modalities: Sequence[str], folder: Path
) -> list[Card]:
    cards: list[Card] = []
    spent = 0
    for clip, link in zip(clips, links, strict=False):
        file = folder / parse.THUMBNAILS / f"{clip.clip}.jpg"
        poster = file.read_bytes() if spent < POSTERS and file.exists() else None
        spent += len(poster or b"")
        classes = {modality: _longest(clip, modality) for modality in modalities}
        empty = {modality: clip.no_events(modality) if modality in clip.absent else "–" for modality in modalities}
        cards.append(Card(clip, link, page.inline(poster, "image/jpeg") if poster else None, classes, empty))
    return cards


def relations(modalities: Sequence[str]) -> list[tuple[str, str]]:
    """Where a class can be searched for, as keys and words.

    Args:
        modalities: The joint one last, if there are several.

    Returns:
        Keys and words. A key is the number of a modality, or `in-out` for one modality without another; the empty key
        stands for any modality.
    """
    single = [name for name in modalities if kinds(modalities[:-1])[-1:] != (name,) or len(modalities) < 3]
    words = {name: f"{display_name(name)}{'' if name in single else ' at once'}" for name in modalities}
    number = {name: str(n) for n, name in enumerate(modalities)}
    each = [(number[name], text) for name, text in words.items()]
    without = [
        (f"{number[name]}-{number[other]}", f"{display_name(name)} but not {display_name(other)}")
        for name in single
        for other in single
        if name != other
    ]
    return [("", "anywhere"), *each, *without]


def _longest(clip: ParsedClip, modality: str) -> list[str]:
    """The classes of a clip's events, by the seconds that they last."""
    lengths: dict[str, float] = {}
    for event in clip.of(modality):
        lengths[event.label] = lengths.get(event.label, 0.0) + event.offset - event.onset
    return sorted(lengths, key=lambda label: (-lengths[label], label))
