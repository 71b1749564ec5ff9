"""Notes on a clip: what was repaired in it, is ambiguous, or could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from seehear.errors import SeehearError
from seehear.modality import track_name


class NoteKind(Enum):
    """A kind of note: its name in files, a sentence with `{track}` and `{amount}`, and whether content is missing."""

    DAMAGED = ("damaged", "{amount:.1f} s of its {track} can't be decoded: it is damaged", True)
    CUT_OFF = ("cut-off", "its last {amount:.1f} s are missing, as its header says", True)
    GAP = ("gap", "its {track} has gaps of {amount:.1f} s in all", False)
    CLOCK_RESET = ("clock-reset", "it has {amount:.0f} parts, each with its own clock: they follow one another", False)
    ASSUMED_RATE = ("assumed-rate", "its frames have no times: {amount:g} per second are assumed", False)
    SEVERAL_TRACKS = ("several-tracks", "it has {amount:.0f} {track} tracks: one of them is used", False)
    ASSUMED_LAYOUT = ("assumed-layout", "its {amount:.0f} channels have no known places: all count alike", False)
    OPPOSITE_PHASE = ("opposite-phase", "for {amount:.1f} s its channels cancel out: the first one is used", False)
    NOT_FINITE = ("not-finite", "{amount:.0f} of its samples are no finite numbers: they are silence", False)
    TOO_LOUD = ("too-loud", "its samples reach {amount:g} times full scale: they are scaled down", False)
    CLIPPED = ("clipped", "{amount:.1f} s of its {track} are clipped at full scale", False)
    SILENT = ("silent", "its {track} track is digital silence", False)

    def __init__(self, slug: str, sentence: str, missing: bool) -> None:
        self.slug, self.sentence, self.missing = slug, sentence, missing


BY_SLUG = {kind.slug: kind for kind in NoteKind}


@dataclass(frozen=True, order=False)
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

    def __str__(self) -> str:
        return self.kind.sentence.format(track=track_name(self.modality), amount=self.amount)

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
            return Note(BY_SLUG[value["kind"]], str(value["modality"]), float(value["amount"]))
        except (KeyError, TypeError, ValueError) as error:
            raise SeehearError(f"{str(value)[:60]}: is no note on a clip ({type(error).__name__}: {error})") from None
