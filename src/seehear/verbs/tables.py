"""Labels, truth and features of a split brought together, for training and for scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.labels import DenseTable, WeakTable, read_dense, read_weak
from seehear.networks.spec import ImageInput
from seehear.packed import NotFinite, Packed, finite, pack
from seehear.scoring.signature import revision
from seehear.store import NetworkInfo, Store

LOUDER = 10.0  # times, from which on one network drowns another
ROWS = 2000  # segments that tell how loud a network is


def loudness(packs: Mapping[str, Sequence[Packed]], networks: Mapping[str, Sequence[NetworkInfo]]) -> list[str]:
    """A note on networks whose features are far larger than those of others, on average over segments.

    The layer's weights are shared by the modalities: it hears the loudest best (docs/lab.md).
    """
    sizes = {}
    for modality, infos in networks.items():
        for info, packed in zip(infos, packs[modality], strict=True):
            rows = packed.rows[:: max(1, len(packed.rows) // ROWS)]
            sizes[info.name] = float(np.linalg.norm(rows, axis=1).mean())
    quiet, loud = (by(sizes, key=sizes.__getitem__) for by in (min, max))
    if sizes[loud] <= LOUDER * sizes[quiet]:
        return []
    times = sizes[loud] / max(sizes[quiet], 1e-12)
    return [
        f"features of {loud} are {times:.0f} times as large as those of {quiet}, and may drown them: --set scale=true"
    ]


def rates(networks: Mapping[str, Sequence[NetworkInfo]]) -> list[str]:
    """A note on networks that were shown different numbers of pictures a second."""
    seen = {info.name: info.fps for info in networks.get(ImageInput.modality, ())}
    if len(set(seen.values())) < 2:
        return []
    told = ", ".join(f"{name} {fps:g}" for name, fps in seen.items())
    return [f"networks saw different numbers of pictures a second ({told}): a run of both can't parse new clips"]


@dataclass(frozen=True)
class Labelled:
    """A split: its clips in the table's order, and which of them have features.

    missing: clips with a label but without features. networks: modality -> those asked for. packs: modality -> their
    features of `clips`.
    """

    weak: WeakTable
    dense: Mapping[str, DenseTable]
    clips: tuple[str, ...]
    missing: tuple[str, ...]
    packs: Mapping[str, Sequence[Packed]]
    segment: float
    networks: Mapping[str, Sequence[NetworkInfo]]

    @property
    def revision(self) -> str:
        """Of the label tables."""
        return revision([self.weak.path, *(table.path for table in self.dense.values())])

    @property
    def contents(self) -> str:
        """Of the features."""
        return "+".join(packed.contents for of_modality in self.packs.values() for packed in of_modality)

    def packs_of(self, networks: Mapping[str, Sequence[NetworkInfo]]) -> dict[str, list[Packed]]:
        """The features of some of the split's networks, modality by modality."""
        names = {modality: [info.name for info in infos] for modality, infos in self.networks.items()}
        return {
            modality: [self.packs[modality][names[modality].index(info.name)] for info in infos]
            for modality, infos in networks.items()
        }

    def truth(self, classes: Sequence[str], segments: int, clips: Sequence[str]) -> dict[str, NDArray[np.bool_]] | None:
        """modality -> (clips, segments, C) bool; None unless every modality has a dense table."""
        if not set(self.packs) <= set(self.dense):
            return None
        return {name: self.dense[name].array(clips, classes, segments, self.segment) for name in self.packs}


def networks_of(store: Store, collocation: Mapping[str, Sequence[str]]) -> dict[str, list[NetworkInfo]]:
    """modality -> its networks as the store knows them. Raises SeehearError for one that is of another modality."""
    chosen = {modality: [store.network(name) for name in names] for modality, names in collocation.items()}
    for modality, infos in chosen.items():
        for info in infos:
            if info.modality != modality:
                raise SeehearError(f"{info.name} is a network of modality {info.modality}: it can't feed {modality}")
    return chosen


def together(each: Sequence[Mapping[str, Sequence[NetworkInfo]]]) -> dict[str, list[NetworkInfo]]:
    """Every network that any of these has, so that all are measured on the same clips."""
    found: dict[str, dict[str, NetworkInfo]] = {}
    for networks in each:
        for modality, infos in networks.items():
            found.setdefault(modality, {}).update({info.name: info for info in infos})
    return {modality: [*infos.values()] for modality, infos in found.items()}


def read_split(
    store: Store,
    networks: Mapping[str, Sequence[NetworkInfo]],
    labels: str | Path,
    dense: Mapping[str, Path],
    classes: Sequence[str] | None = None,
    *,
    leave_out: bool = False,
) -> Labelled:
    """The clips of a weak table that have features of all these networks, modality by modality.

    classes: if given, a class outside of it is an error. leave_out: clips with features that are not finite count as
    missing, instead of being an error. Raises SeehearError if no clip has features, or a clip's features differ in
    length between networks.
    """
    weak = read_weak(labels, classes)
    tables = {modality: read_dense(path, classes) for modality, path in dense.items()}
    names = [info.name for infos in networks.values() for info in infos]
    there = store.clips(*names)
    clips = tuple(clip for clip in weak.clips if clip in there)
    if not clips:
        have = ", ".join(f"{name} {sum(clip in store.clips(name) for clip in weak.clips)}" for name in names)
        raise SeehearError(
            f"none of the {len(weak.clips)} clips of {labels} has features of {' and '.join(names)} in {store.path} "
            f"(how many have: {have}); a clip is named by its file's stem"
        )

    def packed(clips: Sequence[str]) -> dict[str, list[Packed]]:
        return {modality: [pack(store, info.name, clips) for info in infos] for modality, infos in networks.items()}

    try:
        packs = packed(clips)
    except NotFinite:
        usable = np.all([finite(store, name, clips) for name in names], axis=0)
        if not leave_out or not usable.any():
            raise
        clips = tuple(clip for clip, use in zip(clips, usable, strict=True) if use)
        packs = packed(clips)
    first = next(iter(packs.values()))[0]
    for name, other in zip(names, (packed for of_modality in packs.values() for packed in of_modality), strict=True):
        differ = np.flatnonzero(other.lengths() != first.lengths())
        if len(differ):
            n = int(differ[0])
            raise SeehearError(
                f"clip {clips[n]} has {first.lengths()[n]} segments of {names[0]} but {other.lengths()[n]} of {name}, "
                f"and so have {len(differ) - 1} more; extract both from the same files"
            )
    missing = tuple(clip for clip in weak.clips if clip not in set(clips))
    return Labelled(weak, tables, clips, missing, packs, store.segment, networks)
