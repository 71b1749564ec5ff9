"""From probabilities to events: the decoding protocols that the field uses.

The official protocol keeps a class where the clip's probability reaches a threshold, and then its segments
that reach a threshold; later work filters each modality by its own clip probability (MA, JoMoLD), or not at
all. The protocol and its thresholds are part of a score's signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.modality import AUDIO

Filter = Literal["global", "per-modality", "none"]
Threshold = float | Mapping[str, float]  # one for all classes, or by class (HALF for others)

HALF = 0.5


@dataclass(frozen=True)
class Probabilities:
    """A model's probabilities for N clips, in [0, 1].

    Attributes:
        segment: (N, T, M, C), 0 past a clip's end.
        clip: (N, T, C), of the clip around each segment: the same at every segment, unless a long clip was parsed in
            windows.
        modality_clip: (N, T, M, C), likewise per modality.
    """

    segment: NDArray[np.float32]
    clip: NDArray[np.float32]
    modality_clip: NDArray[np.float32]

    def __repr__(self) -> str:
        return "Probabilities({} clips × {} segments × {} modalities × {} classes)".format(*self.segment.shape)


def silenced(probabilities: Probabilities, silent: NDArray[np.bool_], modalities: tuple[str, ...]) -> Probabilities:
    """Return the probabilities with 0 for all that would be heard in digital silence.

    Args:
        probabilities: Of N clips and T segments.
        silent: (N, T), which segments are silent.
        modalities: Of the probabilities, in order.
    """
    if AUDIO not in modalities or not silent.any():
        return probabilities
    segment = probabilities.segment.copy()
    segment[silent, modalities.index(AUDIO)] = 0
    return replace(probabilities, segment=segment)


@dataclass(frozen=True)
class Decoding:
    """A decoding protocol.

    Attributes:
        filter: Which clip probability must reach `clip_threshold` for a class to be kept in a clip: `global` the
            clip's, `per-modality` that of each modality, `none` neither.
        segment_threshold: Least probability of an active segment; one for all classes, or by class.
        clip_threshold: Least probability of a class that is kept; likewise.
    """

    filter: Filter = "global"
    segment_threshold: Threshold = HALF
    clip_threshold: Threshold = HALF

    def __post_init__(self) -> None:
        if self.filter not in get_args(Filter):
            raise SeehearError(f"no decoding filter {self.filter!r}: choose from {', '.join(get_args(Filter))}")
        for threshold in (self.segment_threshold, self.clip_threshold):
            for value in threshold.values() if isinstance(threshold, Mapping) else [threshold]:
                if not 0 <= value <= 1:
                    raise SeehearError(f"a threshold is a probability from 0 to 1, not {value:g}")

    def __str__(self) -> str:
        parts: list[str] = [self.filter]
        if self.filter != "none":
            parts.append(f"clip{_threshold_text(self.clip_threshold)}")
        parts.append(f"seg{_threshold_text(self.segment_threshold)}")
        return ",".join(parts)

    def __call__(
        self, probabilities: Probabilities, classes: tuple[str, ...], modalities: tuple[str, ...]
    ) -> dict[str, NDArray[np.bool_]]:
        """Return the active segments, modality -> boolean (N, T, C)."""
        keep_at = self._per_class(self.clip_threshold, classes)
        active = probabilities.segment >= self._per_class(self.segment_threshold, classes)  # (N, T, M, C)
        if self.filter == "global":
            active &= probabilities.clip[:, :, None] >= keep_at
        elif self.filter == "per-modality":
            active &= probabilities.modality_clip >= keep_at
        return {name: active[:, :, m] for m, name in enumerate(modalities)}

    def _per_class(self, threshold: Threshold, classes: tuple[str, ...]) -> NDArray[np.float32]:
        if isinstance(threshold, Mapping):
            unknown = set(threshold) - set(classes)
            if unknown:
                raise SeehearError(f"thresholds for classes unknown to the parser: {', '.join(sorted(unknown))}")
            return np.array([threshold.get(name, HALF) for name in classes], dtype=np.float32)
        return np.full(len(classes), threshold, dtype=np.float32)


def _threshold_text(threshold: Threshold) -> str:
    if isinstance(threshold, Mapping):
        text = ",".join(f"{name}={value:g}" for name, value in sorted(threshold.items()))
        return f"per-class@{hashlib.sha256(text.encode()).hexdigest()[:6]}"
    return f"{threshold:g}"
