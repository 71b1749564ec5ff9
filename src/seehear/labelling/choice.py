"""Which clip is labelled next: one that the model is unsure of, or, every few clips, one drawn by chance.

Clips that a model chose are no fair sample: scores on them say nothing about other clips. So a fixed share of all clips
is set apart by chance, before any label is known. They are chosen in an order by chance too, whatever the model thinks
of them, and only they validate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from seehear.errors import SeehearError
from seehear.labelling.records import Choice

EVERY = 5  # one clip in so many is drawn by chance
UNKNOWN = -1.0  # the uncertainty of a clip without suggestions: it comes after those that have some


@dataclass(frozen=True)
class Chooser:
    """Chooses clips. The same settings choose the same clips on every machine and after every restart.

    Attributes:
        every: One clip in so many is drawn by chance; 1 for all, 0 for none.
        seed: Of the draw.
    """

    every: int = EVERY
    seed: int = 0

    def __post_init__(self) -> None:
        if self.every < 0:
            raise SeehearError(f"every {self.every}: must be 1 or more, or 0 for no random clips")

    def place(self, clip: str) -> float:
        """Return a clip's place in the order by chance, in [0, 1)."""
        return self._draw("place", clip)

    def is_random(self, clip: str) -> bool:
        """Return whether a clip is among those drawn by chance."""
        return self.every > 0 and self._draw("random", clip) < 1 / self.every

    def _draw(self, what: str, clip: str) -> float:
        digest = hashlib.sha256(f"{what}\0{self.seed}\0{clip}".encode()).digest()
        return int.from_bytes(digest[:7], "big") / (1 << 56)

    def next(
        self,
        open_clips: Sequence[str],
        labelled: Mapping[Choice, int],
        uncertainty: Callable[[str], float | None],
        offers: Mapping[str, int],
        leave_out: Collection[str] = (),
    ) -> tuple[str, Choice] | None:
        """Return the clip to label next, and who chose it; None if there is none.

        Args:
            open_clips: Those that are not labelled yet.
            labelled: How many were labelled, by who chose them.
            uncertainty: Of a clip, in [0, 1]; None if it is not known.
            offers: How often a clip was offered and not labelled: such clips come after the others.
            leave_out: Clips that are not offered, unless nothing else is left.
        """
        usable = [clip for clip in open_clips if clip not in leave_out] or list(open_clips)
        by_chance = [clip for clip in usable if self.is_random(clip)]
        others = [clip for clip in usable if not self.is_random(clip)]
        drawn, total = labelled.get(Choice.RANDOM, 0), sum(labelled.values())
        due = self.every > 0 and (drawn + 1) * self.every <= total + 1
        if by_chance and (due or not others):
            return min(by_chance, key=lambda clip: (offers.get(clip, 0), self.place(clip))), Choice.RANDOM
        if not others:
            return None

        def rank(clip: str) -> tuple[int, float, float]:
            known = uncertainty(clip)
            return offers.get(clip, 0), -(UNKNOWN if known is None else known), self.place(clip)

        return min(others, key=rank), Choice.UNSURE
