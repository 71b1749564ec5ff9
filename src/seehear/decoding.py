"""From probabilities to events: the decoding protocols that the field uses.

The official protocol keeps a class where the clip's probability reaches a threshold, and then its segments
that reach a threshold; later work filters each modality by its own clip probability (MA, JoMoLD), or not at
all. The protocol and its thresholds are part of a score's signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from seehear import arguments
from seehear.errors import SeehearError
from seehear.modality import AUDIO

Filter = Literal["global", "per-modality", "none"]
Threshold = float | Mapping[str, float]  # one for all classes, or by class (HALF for others)

HALF = 0.5
BESIDE = "false_alarms"  # in the JSON of thresholds: how they were chosen


@dataclass(frozen=True)
class ByModality:
    """A threshold per modality.

    Attributes:
        values: modality -> one for all classes, or by class; HALF for other modalities.
    """

    values: Mapping[str, Threshold]


Thresholds = Threshold | ByModality


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

    @staticmethod
    def of_segments(segment: NDArray[np.float32]) -> Probabilities:
        """Return the probabilities of segments alone, (N, T, M, C): a clip's is the largest of its segments'."""
        by_modality = np.broadcast_to(segment.max(axis=1, keepdims=True), segment.shape)
        return Probabilities(segment, by_modality.max(axis=2), by_modality)

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
        segment_threshold: Least probability of an active segment; one for all classes, by class, or by modality.
        clip_threshold: Least probability of a class that is kept; likewise.
    """

    filter: Filter = "global"
    segment_threshold: Thresholds = HALF
    clip_threshold: Thresholds = HALF

    def __post_init__(self) -> None:
        if self.filter not in get_args(Filter):
            raise SeehearError(f"no decoding filter {self.filter!r}: choose from {', '.join(get_args(Filter))}")
        for name in ("segment_threshold", "clip_threshold"):
            object.__setattr__(self, name, _real(getattr(self, name)))
            for value in _values(getattr(self, name)):
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
        active = probabilities.segment >= self.segment_thresholds(classes, modalities)  # (N, T, M, C)
        active &= self._kept(probabilities, classes, modalities)
        return {name: active[:, :, m] for m, name in enumerate(modalities)}

    def filtered(
        self, probabilities: Probabilities, classes: tuple[str, ...], modalities: tuple[str, ...]
    ) -> NDArray[np.float32]:
        """Return the probabilities of segments, (N, T, M, C), -inf where the clip filter keeps a class out.

        A segment is active exactly where this reaches the segment threshold, whichever that is.
        """
        kept = self._kept(probabilities, classes, modalities)
        return np.where(kept, probabilities.segment, np.float32(-np.inf))

    def _kept(
        self, probabilities: Probabilities, classes: tuple[str, ...], modalities: tuple[str, ...]
    ) -> NDArray[np.bool_] | np.bool_:
        """Return where the clip filter keeps a class, (N, T, M, C) or (N, T, 1, C), or True for everywhere."""
        keep_at = _array(self.clip_threshold, classes, modalities)  # (M, C)
        if self.filter == "global":
            return np.asarray(probabilities.clip[:, :, None] >= keep_at)
        return np.asarray(probabilities.modality_clip >= keep_at) if self.filter == "per-modality" else np.bool_(True)

    def segment_thresholds(self, classes: tuple[str, ...], modalities: tuple[str, ...]) -> NDArray[np.float32]:
        """Return the least probability of an active segment, per modality and class, (M, C)."""
        return _array(self.segment_threshold, classes, modalities)

    def as_json(self) -> dict[str, Any]:
        """Return a value that `json.dumps` takes, and `from_json` reads."""
        return {
            "filter": self.filter,
            "segment": _as_json(self.segment_threshold),
            "clip": _as_json(self.clip_threshold),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Decoding:
        """Return the decoding that `as_json` described; what is missing is that of the official protocol.

        `false_alarms`, the table that may stand beside thresholds, is not read.

        Raises:
            SeehearError: If it holds anything else.
        """
        if not isinstance(value, Mapping) or not set(value) <= {"filter", "segment", "clip", BESIDE}:
            raise SeehearError('a decoding must be {"filter": …, "segment": …, "clip": …}')
        segment, clip = (_from_json(value.get(name, HALF)) for name in ("segment", "clip"))
        return Decoding(value.get("filter", "global"), segment, clip)


def mean_decoding(decodings: Sequence[Decoding]) -> Decoding:
    """Return the decoding whose thresholds are the means of these.

    Raises:
        SeehearError: If they differ in more than numbers.
    """
    first = decodings[0]
    forms = {(each.filter, _form(each.segment_threshold), _form(each.clip_threshold)) for each in decodings}
    if len(forms) > 1:
        other = next(each for each in decodings if str(each) != str(first))
        raise SeehearError(f"the parsers decode in different ways ({first} and {other}): give decoding=")
    segment = _mean([each.segment_threshold for each in decodings])
    return Decoding(first.filter, segment, _mean([each.clip_threshold for each in decodings]))


def _form(threshold: Thresholds) -> Any:
    """Return what a threshold is given for: modalities, classes, or all."""
    if isinstance(threshold, ByModality):
        return tuple((name, _form(value)) for name, value in threshold.values.items())
    return tuple(threshold) if isinstance(threshold, Mapping) else ()


def _mean(thresholds: Sequence[Any]) -> Any:
    first = thresholds[0]
    if isinstance(first, ByModality):
        return ByModality({name: _mean([each.values[name] for each in thresholds]) for name in first.values})
    if isinstance(first, Mapping):
        return {name: _mean([each[name] for each in thresholds]) for name in first}
    return round(sum(thresholds) / len(thresholds), 6)


def _real(threshold: Any) -> Any:
    """Return a threshold with plain numbers, whose text and JSON are the same for 1, 1.0 and numbers of numpy."""
    if isinstance(threshold, ByModality):
        return ByModality({name: _real(value) for name, value in threshold.values.items()})
    if isinstance(threshold, Mapping):
        return {name: arguments.real(value, f"the threshold of {name}") for name, value in threshold.items()}
    return arguments.real(threshold, "a threshold")


def _values(threshold: Thresholds) -> Iterator[float]:
    if isinstance(threshold, ByModality):
        for value in threshold.values.values():
            yield from _values(value)
    elif isinstance(threshold, Mapping):
        yield from threshold.values()
    else:
        yield threshold


def _array(threshold: Thresholds, classes: tuple[str, ...], modalities: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the threshold of each modality and class, (M, C)."""
    if isinstance(threshold, ByModality):
        if unknown := set(threshold.values) - set(modalities):
            raise SeehearError(f"thresholds for modalities unknown to the parser: {', '.join(sorted(unknown))}")
        return np.stack([_per_class(threshold.values.get(name, HALF), classes) for name in modalities])
    return np.stack([_per_class(threshold, classes)] * len(modalities))


def _per_class(threshold: Threshold, classes: tuple[str, ...]) -> NDArray[np.float32]:
    if isinstance(threshold, Mapping):
        unknown = set(threshold) - set(classes)
        if unknown:
            raise SeehearError(f"thresholds for classes unknown to the parser: {', '.join(sorted(unknown))}")
        return np.array([threshold.get(name, HALF) for name in classes], dtype=np.float32)
    return np.full(len(classes), threshold, dtype=np.float32)


def _as_json(threshold: Thresholds) -> Any:
    if isinstance(threshold, ByModality):
        return {"by_modality": {name: _as_json(value) for name, value in threshold.values.items()}}
    return dict(threshold) if isinstance(threshold, Mapping) else threshold


def _from_json(value: Any) -> Thresholds:
    if isinstance(value, Mapping) and set(value) == {"by_modality"} and isinstance(value["by_modality"], Mapping):
        by_modality = {name: _from_json(each) for name, each in value["by_modality"].items()}
        if not any(isinstance(each, ByModality) for each in by_modality.values()):
            return ByModality(by_modality)  # type: ignore[arg-type]
    elif isinstance(value, Mapping) and all(_is_number(each) for each in value.values()):
        return {str(name): float(each) for name, each in value.items()}
    elif _is_number(value):
        return float(value)
    raise SeehearError(f'{str(value)[:60]}: a threshold is a number, {{class: number}}, or {{"by_modality": {{…}}}}')


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _named(modality: str, threshold: Threshold) -> str:
    return f"{modality}{':' if isinstance(threshold, Mapping) else ''}{_threshold_text(threshold)}"


def _threshold_text(threshold: Thresholds) -> str:
    if isinstance(threshold, ByModality):
        return f"[{','.join(_named(name, value) for name, value in threshold.values.items())}]"
    if isinstance(threshold, Mapping):
        text = ",".join(f"{name}={value:g}" for name, value in sorted(threshold.items()))
        return f"per-class@{hashlib.sha256(text.encode()).hexdigest()[:6]}"
    return f"{threshold:g}"
