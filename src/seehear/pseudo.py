"""Labels per modality that were estimated, not observed: in which modality a weak label holds, and when."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.events import reindexed
from seehear.memory import taken

CONFIDENT = 0.5  # a segment with at least this confidence has the class
HASHED = 4096  # clips at once; their bits fill whole bytes


@dataclass(frozen=True, eq=False, repr=False)
class PseudoLabels:
    """Refined weak labels and pseudo-labels of segments, for N clips.

    Attributes:
        classes: Names of the C classes.
        weak: modality -> (N, C) bool: whether the weak label holds in this modality. It holds in at least one.
        confidence: modality -> (N, T, C) float32 in [0, 1]: how likely a segment has the class. 0 where the weak label
            lacks the class, and past a clip's end; NaN where nothing is known.
        source: Where they come from, for signatures: the teacher and its settings, or the revision of tables.
    """

    classes: tuple[str, ...]
    weak: Mapping[str, NDArray[np.bool_]]
    confidence: Mapping[str, NDArray[np.float32]]
    source: str

    def __post_init__(self) -> None:
        """Check the arrays.

        Raises:
            SeehearError: If shapes differ, or a confidence is outside [0, 1].
        """
        shapes = {name: array.shape for name, array in self.confidence.items()}
        for name, weak in self.weak.items():
            if name not in shapes or len(shapes[name]) != 3:
                raise SeehearError(f"{name}: confidences must be (clips, segments, classes), not {shapes.get(name)}")
            if weak.shape != (shapes[name][0], shapes[name][2]):
                raise SeehearError(f"{name}: weak labels {weak.shape} do not fit confidences {shapes[name]}")
        if len(set(shapes.values())) > 1 or set(shapes) != set(self.weak):
            raise SeehearError(f"pseudo-labels of the modalities differ in shape: {shapes}")
        for name, array in self.confidence.items():
            least, most = np.fmin.reduce(array, axis=None, initial=0), np.fmax.reduce(array, axis=None, initial=1)
            if least < 0 or most > 1:
                raise SeehearError(
                    f"{name}: a confidence must be a number from 0 to 1, not {least if least < 0 else most:g}"
                )

    def __repr__(self) -> str:
        clips = len(next(iter(self.weak.values())))
        return f"PseudoLabels({', '.join(self.weak)}: {clips} clips × {len(self.classes)} classes; {self.source})"

    @property
    def revision(self) -> str:
        """Return the source, and eight hex digits of the labels.

        Confidences count only as being known, and above CONFIDENT: their last digits depend on the machine.
        """
        digest = hashlib.sha256(repr(self.classes).encode())
        for name, array in self.confidence.items():
            digest.update(name.encode() + np.packbits(self.weak[name]).tobytes())
            for test in (_confident, np.isnan):
                for start in range(0, len(array), HASHED):
                    digest.update(np.packbits(test(array[start : start + HASHED])).tobytes())
        return f"{self.source}@{digest.hexdigest()[:8]}"

    @property
    def segments(self) -> dict[str, NDArray[np.bool_]]:
        """Return modality -> (N, T, C) bool: which segments have the class."""
        return {name: _confident(array) for name, array in self.confidence.items()}

    def found(self) -> tuple[int, int]:
        """Return how many labels, each of a clip and a class, are in a segment of a modality; and of how many."""
        segments = self.segments
        of_clip = np.any([array.any(axis=1) for array in segments.values()], axis=0)  # (N, C)
        held = np.any(list(self.weak.values()), axis=0)
        return int((held & of_clip).sum()), int(held.sum())

    def subset(self, clips: NDArray[np.int64]) -> PseudoLabels:
        """Return some clips, by number."""
        return self._each(lambda array: taken(array, clips), self.classes)

    def with_classes(self, classes: Sequence[str]) -> PseudoLabels:
        """Return them with these classes as columns: others are dropped, new ones never occur."""
        if tuple(classes) == self.classes:
            return self
        return self._each(lambda array: reindexed(array, self.classes, classes), tuple(classes))

    def _each(self, change: Any, classes: tuple[str, ...]) -> PseudoLabels:
        weak = {name: change(array) for name, array in self.weak.items()}
        confidence = {name: change(array) for name, array in self.confidence.items()}
        return PseudoLabels(classes, weak, confidence, self.source)


def _confident(confidence: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which segments have the class, False for NaN; of any shape."""
    return np.asarray(confidence >= CONFIDENT)
