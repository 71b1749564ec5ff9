"""Modalities: their names, the names that people read, and the joint modality of events that are in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_
from typing import Any, Protocol, TypeVar

AUDIO = "audio"
VISUAL = "visual"
JOINT = f"{AUDIO}_{VISUAL}"
NAMES = {AUDIO: "heard", VISUAL: "seen", JOINT: "both"}  # what people read
TRACKS = {AUDIO: "audio", VISUAL: "video"}  # of a media file
MODALITIES = {name: modality for modality, name in NAMES.items()}


class _Joinable(Protocol):
    def __and__(self, other: Any, /) -> Any: ...


T = TypeVar("T", bound=_Joinable)


def display_name(modality: str) -> str:
    """Return what people read: heard, seen or both, or the modality's own name."""
    return NAMES.get(modality, modality)


def track_name(modality: str) -> str:
    """Return what people call the track of a modality: audio or video, or the modality's own name."""
    return TRACKS.get(modality, modality)


def modality_of(name: str) -> str:
    """Return the modality that people call `name`: `audio` for `heard` or `Audio`; any other name stays as it is."""
    known = name.strip().casefold()
    return MODALITIES.get(known, known if known in NAMES else name)


def joint_name(modalities: Sequence[str]) -> str:
    """Return the name of the joint modality, `audio_visual` for audio and visual."""
    return "_".join(modalities)


def joint_of(modalities: Sequence[str]) -> str | None:
    """Return the modality among these that joins all the others, or None."""
    for modality in modalities:
        others = [other for other in modalities if other != modality]
        if len(others) > 1 and modality == joint_name(others):
            return modality
    return None


def kinds(modalities: Sequence[str]) -> tuple[str, ...]:
    """Return each modality and, if there are several, the joint one last."""
    return (*modalities, joint_name(modalities)) if len(modalities) > 1 else tuple(modalities)


def with_joint(active: Mapping[str, T], modalities: Sequence[str]) -> dict[str, T]:
    """Add the joint modality: what is active in every modality.

    Args:
        active: What is active in each modality; values that `&` joins, such as boolean arrays.
        modalities: Those to join, in order.

    Returns:
        `active` and, if there are several modalities, their conjunction under the joint name.
    """
    joint = {name: reduce(and_, [active[m] for m in modalities]) for name in kinds(modalities)[len(modalities) :]}
    return {**active, **joint}
