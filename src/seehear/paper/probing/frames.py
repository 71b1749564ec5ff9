"""Segments whose class is known: what a network's features of pictures can be asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.labels import DenseTable


@dataclass(frozen=True)
class Frames:
    """n segments by clip and time. clip, segment, label: (n,), numbers from 0 in the lists that were given."""

    clip: NDArray[np.int64]
    segment: NDArray[np.int64]
    label: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.clip)


def labelled_frames(
    table: DenseTable, clips: Sequence[str], classes: Sequence[str], segments: int, segment: float = 1.0
) -> Frames:
    """Of the clips in which exactly one class is ever seen, the segments in which it is.

    A clip with several classes is left out whole: where one is not on show, another may still be in view. table: of
    what is seen. segments: of a clip; what lies past them is left out. segment: its length in seconds.

    Wu et al. collect "all the labeled frames" and don't say what becomes of a frame with several labels.
    """
    seen: dict[str, set[str]] = {}
    for event in table.events:
        if event.onset < event.offset:
            seen.setdefault(event.clip, set()).add(event.label)
    active = table.array(clips, classes, segments, segment)  # (N, T, C)
    active[[len(seen.get(clip, ())) != 1 for clip in clips]] = False
    clip, at, label = np.nonzero(active)
    return Frames(clip.astype(np.int64), at.astype(np.int64), label.astype(np.int64))
