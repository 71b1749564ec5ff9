"""Features of many clips as one memory map per network, for training.

Reading random clips from one memory map is about five times faster than from one file per clip, and the features need
not fit into memory. Packs are in STORE/packed. They are made at their first use, and again when features change. If the
store can only be read, its packs are in the cache folder, in packed/<hash of the store's path>.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seehear.errors import SeehearError
from seehear.events import inside_clips
from seehear.features.store import REMEDY, Store
from seehear.files import DiskFullError, atomic, atomic_json, sweep
from seehear.locks import locked
from seehear.networks.weights import cache_folder
from seehear.progress import say
from seehear.storage.place import LocalPlace
from seehear.stored import Count, map_array, read_as


class NotFinite(SeehearError):
    """The features of a clip hold NaN or infinity."""


def finite(store: Store, network: str, clips: Sequence[str]) -> list[bool]:
    """Return for each clip whether all of its features of a network are finite."""
    return [bool(np.isfinite(store.read(network, clip)).all()) for clip in clips]


@dataclass(frozen=True)
class _Index:
    """What a pack's JSON file holds."""

    offsets: Annotated[list[Count], Field(min_length=1)]
    contents: str
    silent: Sequence[Count] = ()


@dataclass(frozen=True)
class Packed:
    """The features of one network of several clips.

    Attributes:
        rows: (sum of T, width) float32, a read-only memory map.
        offsets: (clips + 1,) int64. Clip n has rows offsets[n]:offsets[n + 1].
        contents: Hash of the clips and of the origin of their features.
        silent: (sum of T,), which rows are segments of digital silence; None if nothing is known of it.
        available: (clips,) bool, False for a clip without features, whose rows are zeros; None if all have features.
    """

    rows: NDArray[np.float32]
    offsets: NDArray[np.int64]
    contents: str
    silent: NDArray[np.bool_] | None = None
    available: NDArray[np.bool_] | None = None

    def lengths(self) -> NDArray[np.int64]:
        """Return T of each clip: (clips,)."""
        return np.diff(self.offsets)

    def known(self) -> NDArray[np.float32]:
        """Return the rows that are features: without those of clips that have none."""
        return self.rows if self.available is None else self.rows[np.repeat(self.available, self.lengths())]

    def lacks(self, clips: Sequence[str]) -> set[str]:
        """Return which of its clips have no features, given the names of all of them."""
        return set() if self.available is None else {clips[n] for n in np.flatnonzero(~self.available).tolist()}

    def cut(self, clips: slice) -> Packed:
        """Return consecutive clips, without a copy."""
        start, stop, _ = clips.indices(len(self.offsets) - 1)
        offsets = self.offsets[start : stop + 1]
        silent = None if self.silent is None else self.silent[offsets[0] : offsets[-1]]
        available = some_missing(None if self.available is None else self.available[clips])
        return Packed(self.rows[offsets[0] : offsets[-1]], offsets - offsets[0], self.contents, silent, available)

    def subset(self, clips: NDArray[np.int64]) -> Packed:
        """Return the features of some clips, by number, in memory."""
        of_clip = [slice(self.offsets[n], self.offsets[n + 1]) for n in clips]
        rows = np.concatenate([self.rows[:0], *(self.rows[each] for each in of_clip)])
        silent = self.silent
        if silent is not None:
            silent = np.concatenate([silent[:0], *(silent[each] for each in of_clip)])
        offsets = np.concatenate([[0], np.cumsum(self.lengths()[clips])])
        chosen = hashlib.sha256(f"{self.contents}\0{clips.tolist()}".encode()).hexdigest()[:16]
        available = some_missing(None if self.available is None else self.available[clips])
        return Packed(rows, offsets, chosen, silent, available)


def silence_of(packs: Sequence[Packed]) -> NDArray[np.bool_]:
    """Return which segments are digital silence by any of several packs of the same clips: (N, T)."""
    lengths = packs[0].lengths()
    within = inside_clips(lengths)  # (N, T), in the order of the rows
    silent = np.zeros(within.shape, dtype=bool)
    for pack in packs:
        if pack.silent is not None:
            silent[within] |= pack.silent
    return silent


def some_missing(available: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Return which clips have features, as it is; None if all have."""
    return None if available is None or available.all() else available


def availability(clips: Sequence[str], absent: Mapping[str, int]) -> NDArray[np.bool_] | None:
    """Return which clips have features, (clips,) bool: those that are not `absent`; None if all have."""
    return np.array([clip not in absent for clip in clips], dtype=bool) if absent else None


def pack(store: Store, network: str, clips: Sequence[str], absent: Mapping[str, int] | None = None) -> Packed:
    """Return the features of clips, in this order, packing them if necessary.

    Args:
        store: Holds the features, and gets the pack.
        network: Whose features.
        clips: Names of the clips.
        absent: Those of the clips that get rows of zeros in place of features -> how many.

    Raises:
        SeehearError: If features are missing or damaged, or were not all made with the same settings.
        NotFinite: If features hold NaN or infinity.
    """
    absent = absent or {}
    # Which clips are absent is part of the name: collocations that differ in it don't replace each other's packs.
    names = [list(clips), sorted(absent)] if absent else list(clips)
    chosen = hashlib.sha256(json.dumps(names).encode()).hexdigest()[:12]
    state = store.state(network, [clip for clip in clips if clip not in absent])
    if absent:
        state = hashlib.sha256(json.dumps([state, absent], sort_keys=True).encode()).hexdigest()
    name = f"{network}-{chosen}-{state[:12]}"
    fits = _Fits(len(clips), store.network(network).width, availability(clips, absent))
    if isinstance(store.place, LocalPlace):
        sweep(store.path / "packed")
    if (packed := _read(store.path / "packed", name, fits)) is not None:
        return packed
    folder = _folder(store)
    with locked(folder):  # another process may be making the same pack
        if (packed := _read(folder, name, fits)) is not None:
            return packed
        _build(store, network, clips, absent, folder, name)
        for old in folder.glob(f"{network}-{chosen}-*"):
            if not old.name.startswith(name):
                old.unlink(missing_ok=True)  # a process that has mapped it keeps it
        for rows in folder.glob("*.npy"):
            if not rows.with_suffix(".json").exists():  # of a process that was killed before it wrote the index
                rows.unlink(missing_ok=True)
        packed = _read(folder, name, fits)
    if packed is None:
        raise SeehearError(f"{folder / name}.npy: can't be read back after it was written")
    return packed


@dataclass(frozen=True)
class _Fits:
    """What a pack must fit: the number of clips, the width of the features, and which clips have them."""

    clips: int
    width: int
    available: NDArray[np.bool_] | None


def _opened(data: Path, index: Path, fits: _Fits) -> Packed:
    """Map a pack. Raises SeehearError, FileNotFoundError or ValueError if it is missing or damaged."""
    facts = read_as(index, _Index, "delete it")
    rows = map_array(data)
    offsets = np.array(facts.offsets, dtype=np.int64)
    if rows.dtype != np.float32 or rows.ndim != 2 or rows.shape[1] != fits.width or not rows.flags.c_contiguous:
        raise ValueError(f"{data}: holds {rows.dtype} of shape {rows.shape}")
    if len(offsets) != fits.clips + 1 or offsets[0] or (np.diff(offsets) < 0).any() or offsets[-1] != len(rows):
        raise ValueError(f"{index}: has offsets of other clips")
    silent = np.zeros(len(rows), dtype=bool)
    if max(facts.silent, default=0) >= len(rows):
        raise ValueError(f"{index}: has silence past the end")
    silent[list(facts.silent)] = True
    return Packed(rows, offsets, facts.contents, silent, fits.available)


def _folder(store: Store) -> Path:
    """Return where new packs of a store are kept: in the store, or in the cache if the store can only be read."""
    folder = store.path / "packed"
    try:
        if isinstance(store.place, LocalPlace):
            with locked(folder):
                return folder
        digest = hashlib.sha256(str(store.place).encode()).hexdigest()[:16]
        return cache_folder() / "packed" / digest
    except DiskFullError:
        raise
    except SeehearError:
        digest = hashlib.sha256(str(store.path.resolve()).encode()).hexdigest()[:16]
        cached = cache_folder() / "packed" / digest
        say(f"{store.path} can't be written: its features are packed in {cached}")
        return cached


def _read(folder: Path, name: str, fits: _Fits) -> Packed | None:
    """Return a pack; None if there is none, or it is damaged: the features are what counts."""
    with suppress(SeehearError, FileNotFoundError, ValueError):
        return _opened(folder / f"{name}.npy", folder / f"{name}.json", fits)
    return None


def _build(
    store: Store, network: str, clips: Sequence[str], absent: Mapping[str, int], folder: Path, name: str
) -> None:
    width = store.network(network).width
    made_by: dict[str, str] = {}
    contents = hashlib.sha256()
    lengths = [0]
    parts: list[NDArray[np.float32]] = []
    silent_rows: list[int] = []
    for clip in clips:
        if clip in absent:
            contents.update(f"{clip}\0absent\0{absent[clip]}\n".encode())
            parts.append(np.zeros((absent[clip], width), dtype=np.float32))
            lengths.append(lengths[-1] + absent[clip])
            continue
        features, silent = store.read(network, clip), store.silent(network, clip)  # first, since they name damage
        if (origin := store.origin(network, clip)) is None:
            raise SeehearError(
                f"{store.file(network, clip)}: damaged (what its features were made from can't be read); {REMEDY}"
            )
        made_by.setdefault(origin.made_by, clip)
        contents.update(f"{clip}\0{origin.made_by}\0{origin.source}\n".encode())
        if len(made_by) > 1:
            one, other = list(made_by.values())[:2]
            raise SeehearError(
                f"{store.path}: features of {network} were made with different settings, as those of clips {one} and "
                f"{other}, such as --fps; run `seehear extract` over all clips with the settings that you want"
            )
        if features.ndim != 2 or features.shape[1] != width:
            raise SeehearError(
                f"{store.file(network, clip)}: features of shape {features.shape}, {network} has (T, {width})"
            )
        if not np.isfinite(features).all():
            raise NotFinite(f"{store.file(network, clip)}: clip {clip} has features of {network} that are not finite")
        parts.append(features)
        if silent is not None:
            if len(silent) != len(features):
                raise SeehearError(
                    f"{store.file(network, clip)}: damaged (has silence of {len(silent)} segments, and features of "
                    f"{len(features)}); {REMEDY}"
                )
            silent_rows += (lengths[-1] + np.flatnonzero(silent)).tolist()
        lengths.append(lengths[-1] + len(features))
    # The rows come first: a pack without its index is none. Plain writes say that the disk is full; a memory map of a
    # file that has no room on the disk would end the process.
    with atomic(folder / f"{name}.npy") as temporary, temporary.open("wb") as stream:
        header = {"descr": "<f4", "fortran_order": False, "shape": (lengths[-1], width)}
        np.lib.format.write_array_header_2_0(stream, header)
        for features in parts:
            stream.write(np.ascontiguousarray(features, dtype="<f4").data)
    facts = {"network": network, "clips": list(clips), "offsets": lengths, "contents": contents.hexdigest()[:16]}
    atomic_json(folder / f"{name}.json", {**facts, "silent": silent_rows})
