"""The index of a folder of parsed clips: which classes are heard and seen in which clip, with a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seehear.modality import display_name, kinds
from seehear.pages import page, parse
from seehear.parsing.clip import Origin, ParsedClip

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


def write(clips: Sequence[ParsedClip], folder: Path) -> Path:
    """Write the index of parsed clips into the folder that has their pages.

    Args:
        clips: In the order in which they are listed.
        folder: Where `parse.write` wrote their pages and thumbnails; clips without a page are listed without a link.

    Returns:
        The page.
    """
    modalities = list(dict.fromkeys(modality for clip in clips for modality in clip.modalities))
    classes = sorted({event.label for clip in clips for event in clip.events})
    number = {label: n for n, label in enumerate(classes)}
    links = [
        page.address(parse.name(clip.clip)) if (folder / parse.name(clip.clip)).exists() else None for clip in clips
    ]
    notes = {note: n for n, note in enumerate(dict.fromkeys(note for clip in clips for note in clip.notes))}
    cards = _cards(clips[:LISTED], links, modalities, folder)
    return page.write(
        folder / f"{parse.INDEX}.html",
        "folder.html",
        scripts=["search.js"],
        data={
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
        },
        folder=folder.resolve().name,
        count=len(clips),
        noted=sum(bool(clip.notes) for clip in clips),
        untrained=sum(Origin.UNTRAINED in clip.origins for clip in clips),
        cards=cards,
        classes=classes,
        relations=relations(modalities),
        named=NAMED,
        decodings=sorted({clip.decoding for clip in clips}),
    )


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
