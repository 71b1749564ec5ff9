"""The index of a folder of parsed clips: what is in which, found by class and by where it is, or is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seehear.pages import page, parse
from seehear.parsed import read_folder
from seehear.parsing import ParsedClip
from seehear.scoring.scores import kinds

POSTERS = 2_000_000  # bytes of thumbnails that the index holds; clips after them go without
LISTED = 1000  # clips that are there without scripts
NAMED = 6  # classes of a modality that are named of a clip


@dataclass(frozen=True)
class Card:
    """A clip in the index. found: modality -> its classes, the longest first."""

    clip: ParsedClip
    page: str | None
    poster: str | None
    found: dict[str, list[str]]


def write(folder: Path) -> Path:
    """Write the index of all parsed clips in a folder. Returns the page. Raises SeehearError if there are none."""
    clips, _ = read_folder(folder)
    modalities = list(dict.fromkeys(modality for clip in clips for modality in clip.modalities))
    classes = sorted({event.label for clip in clips for event in clip.events})
    number = {label: n for n, label in enumerate(classes)}
    links = [
        page.address(parse.name(clip.clip)) if (folder / parse.name(clip.clip)).exists() else None for clip in clips
    ]
    spent = 0
    cards = []
    for clip, link in zip(clips[:LISTED], links, strict=False):
        file = folder / parse.THUMBNAILS / f"{clip.clip}.jpg"
        poster = file.read_bytes() if spent < POSTERS and file.exists() else None
        spent += len(poster or b"")
        found = {modality: _longest(clip, modality) for modality in modalities}
        cards.append(Card(clip, link, page.inline(poster, "image/jpeg") if poster else None, found))
    return page.write(
        folder / f"{parse.INDEX}.html",
        "folder.html",
        scripts=["search.js"],
        data={
            "modalities": [[page.spoken(modality), page.tone(modality)] for modality in modalities],
            "classes": classes,
            "named": NAMED,
            # Of each event: number of the class, number of the modality, onset, offset.
            "clips": [
                [
                    clip.clip,
                    link,
                    page.seconds(clip.duration),
                    [[number[e.label], modalities.index(e.modality), e.onset, e.offset] for e in clip.events],
                ]
                for clip, link in zip(clips, links, strict=True)
            ],
        },
        folder=folder.resolve().name,
        count=len(clips),
        cards=cards,
        classes=classes,
        relations=relations(modalities),
        named=NAMED,
        decodings=sorted({clip.decoding for clip in clips}),
    )


def relations(modalities: Sequence[str]) -> list[tuple[str, str]]:
    """What can be asked for, as key and words: a key is `in` or `in-out`, the numbers of two modalities."""
    single = [name for name in modalities if kinds(modalities[:-1])[-1:] != (name,) or len(modalities) < 3]
    at_once = {name: f"{page.spoken(name)}{'' if name in single else ' at once'}" for name in modalities}
    number = {name: str(n) for n, name in enumerate(modalities)}
    each = [(number[name], words) for name, words in at_once.items()]
    apart = [
        (f"{number[name]}-{number[other]}", f"{page.spoken(name)} but not {page.spoken(other)}")
        for name in single
        for other in single
        if name != other
    ]
    return [("", "anywhere"), *each, *apart]


def _longest(clip: ParsedClip, modality: str) -> list[str]:
    lengths: dict[str, float] = {}
    for event in clip.of(modality):
        lengths[event.label] = lengths.get(event.label, 0.0) + event.offset - event.onset
    return sorted(lengths, key=lambda label: (-lengths[label], label))
