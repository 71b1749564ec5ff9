"""Whether features are those that a trained model needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from seehear.errors import SeehearError
from seehear.features.segments import Settings
from seehear.features.store import NetworkInfo
from seehear.networks import REGISTRY


def check_required(
    required: Iterable[NetworkInfo],
    segment: float,
    found: Mapping[str, NetworkInfo],
    found_segment: float,
    where: str,
    model: str,
) -> None:
    """Check that features were made as those that a model was trained on.

    Args:
        required: The networks of the model.
        segment: Seconds per segment, of the model.
        found: Name -> network, of the features.
        found_segment: Seconds per segment, of the features.
        where: The place of the features, for the message.
        model: What the model is called, for the message.

    Raises:
        SeehearError: Naming the network whose features were made with other settings or weights.
    """
    if found_segment != segment:
        raise SeehearError(f"{where}: has segments of {found_segment:g} s, {model} was trained on {segment:g} s")
    for info in required:
        if info.name not in found:
            raise SeehearError(f"{where}: no features of {info.name!r}, which {model} needs")
        if found[info.name].width != info.width:
            raise SeehearError(
                f"{where}: features of {info.name} have width {found[info.name].width}, {model} was trained on width "
                f"{info.width}"
            )
        if not _alike(found[info.name], info, segment):
            raise SeehearError(
                f"{where}: features of {info.name} were made with other settings or weights than those that {model} "
                f"was trained on; extract with the same (--fps {info.fps:g}), or train again"
            )


def _alike(one: NetworkInfo, other: NetworkInfo, segment: float) -> bool:
    """Return whether the fingerprints of two networks are those of the same features."""
    if one.made_by == other.made_by:
        return True
    if one.reference not in REGISTRY or (one.reference, one.fps) != (other.reference, other.fps):
        return False
    spec, settings = REGISTRY[one.reference], Settings(one.fps, segment)
    return settings.are_of(one.made_by, spec) and settings.are_of(other.made_by, spec)
