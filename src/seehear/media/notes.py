"""Notes on a clip: what was repaired in it, is ambiguous, or could not be read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from textwrap import indent
from typing import Any

from seehear.errors import SeehearError
from seehear.modality import track_name
from seehear.results import counted, listed

MOST = 20  # notes that are listed one by one
EXAMPLES = 3  # notes of each kind that are listed if there are more


class NoteKind(Enum):
    """A kind of note: its name in files, a sentence with `{track}` and `{amount}`, and whether content is missing."""

    DAMAGED = ("damaged", "{amount:.1f} s of its {track} can't be decoded: it is damaged", True)
    CUT_OFF = ("cut-off", "its last {amount:.1f} s are missing, as its header says", True)
    UNREAD = ("unread", "the {amount:.0f} bytes behind its end are not read: cut it there, or remux it", True)
    ENDS_EARLY = ("ends-early", "its file ends {amount:.1f} s before the part does", False)
    GAP = ("gap", "its {track} has gaps of {amount:.1f} s in all", False)
    CLOCK_RESET = ("clock-reset", "it has {amount:.0f} parts, each with its own clock: they follow one another", False)
    ASSUMED_RATE = ("assumed-rate", "its frames have no times: {amount:g} per second are assumed", False)
    AMBIGUOUS_TIMES = ("ambiguous-times", "{amount:.0f} of its frames have the time of another frame", False)
    SEVERAL_TRACKS = (
        "several-tracks",
        "of its {amount:.0f} {track} tracks, the players' choice is used",
        False,
    )
    ASSUMED_LAYOUT = ("assumed-layout", "its {amount:.0f} channels have no known places: all count alike", False)
    OPPOSITE_PHASE = ("opposite-phase", "for {amount:.1f} s its channels cancel out: the first one is used", False)
    NOT_FINITE = ("not-finite", "{amount:.0f} of its samples are no finite numbers: they are silence", False)
    TOO_LOUD = ("too-loud", "its samples reach {amount:g} times full scale: they are scaled down", False)
    CLIPPED = ("clipped", "{amount:.1f} s of its {track} are clipped at full scale", False)
    SILENT = ("silent", "its {track} track is digital silence", False)

    def __init__(self, slug: str, sentence: str, missing: bool) -> None:
        self.slug, self.sentence, self.missing = slug, sentence, missing

    def __repr__(self) -> str:
        return f"NoteKind.{self.name}"


BY_SLUG = {kind.slug: kind for kind in NoteKind}


@dataclass(frozen=True, order=False, repr=False)
class Note:
    """A note on one clip.

    Attributes:
        kind: What it is about.
        modality: The track: audio or visual; empty for the whole file.
        amount: Seconds, a count or a ratio, as the sentence of the kind says.
    """

    kind: NoteKind
    modality: str = ""
    amount: float = 0.0

    @property
    def missing(self) -> bool:
        """Whether content of the clip is missing, so that what is computed from it is incomplete."""
        return self.kind.missing

    def __repr__(self) -> str:
        amount = f"{self.amount:.6g}" if self.amount else ""
        return f"Note({', '.join(filter(None, [self.kind.slug, self.modality, amount]))})"

    def __str__(self) -> str:
        track = track_name(self.modality) if self.modality else "content"
        return self.kind.sentence.format(track=track, amount=self.amount)

    def as_json(self) -> dict[str, Any]:
        """Return the note as a value that `json.dumps` takes."""
        return {"kind": self.kind.slug, "modality": self.modality, "amount": self.amount}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Note:
        """Return the note that `as_json` described.

        Raises:
            SeehearError: It describes none.
        """
        try:
            note = Note(BY_SLUG[value["kind"]], str(value["modality"]), float(value["amount"]))
            if not math.isfinite(note.amount):
                raise ValueError(f"the amount is {note.amount}")
            return note
        except (KeyError, TypeError, ValueError) as error:
            raise SeehearError(f"{str(value)[:60]}: is no note on a clip ({type(error).__name__}: {error})") from None


def about(notes: Iterable[Note], *modalities: str) -> tuple[Note, ...]:
    """Return the notes that concern these modalities: those on their tracks, and those on the whole file."""
    return tuple(note for note in notes if note.modality in ("", *modalities))


def merged(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return one note per kind and track, with the largest amount, in the order of the kinds."""
    largest: dict[tuple[NoteKind, str], Note] = {}
    for note in notes:
        other = largest.setdefault((note.kind, note.modality), note)
        if note.amount > other.amount:
            largest[note.kind, note.modality] = note
    order = list(NoteKind)
    return tuple(sorted(largest.values(), key=lambda note: (order.index(note.kind), note.modality)))


def any_missing(notes: Mapping[str, Sequence[Note]]) -> bool:
    """Return whether content of a clip is missing. notes: of each clip."""
    return any(note.missing for of_clip in notes.values() for note in of_clip)


def listed_notes(notes: Mapping[str, Sequence[Note]]) -> str:
    """List the notes on clips for people, one per line; if there are many, the first of each kind.

    Args:
        notes: Of each clip, by its name.

    Returns:
        The lines; an empty string if there are no notes.
    """
    count = sum(map(bool, notes.values()))
    missing = sum(any(note.missing for note in of_clip) for of_clip in notes.values())
    headline = f"{counted(count, 'clip')} with notes" + (f"; content of {missing} is missing" if missing else "")
    lines = [f"{clip}: {note}" for clip, of_clip in notes.items() for note in of_clip]
    if len(lines) <= MOST:
        return listed(lines, headline)
    groups = []
    for kind in sorted(NoteKind, key=lambda kind: not kind.missing):
        of_kind = [f"{clip}: {note}" for clip, of_clip in notes.items() for note in of_clip if note.kind is kind]
        clips = sum(any(note.kind is kind for note in of_clip) for of_clip in notes.values())
        groups.append(indent(listed(of_kind, f"{kind.slug}, {counted(clips, 'clip')}", EXAMPLES), "  "))
    return "\n".join([f"{headline}:", *filter(None, groups)])
