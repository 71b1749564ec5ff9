"""Features of many clips as one memory map per network, for training.

Reading random clips from one memory map is about five times faster than from one file per clip, and the features need
not fit into memory. Packs are in STORE/packed. They are made at their first use, and again when features change. If the
store can only be read, its packs are in the cache folder, in packed/<hash of the store's path>.

    <network>-<hash>-<hash>.npy            rows (sum of T, width) float32 of the clips, one after another
    <network>-<hash>-<hash>.safetensors    offsets (clips + 1,) int64: clip n has the rows offsets[n]:offsets[n + 1];
                                           silent (S,) int64: rows that are digital silence; crc32 (1,) uint32: checksum
                                           of these and of the facts, which are in its metadata

The first hash is of the clips, the second of the state of their files.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from array import array
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.events import inside_clips
from seehear.features.rows import Rows, part_of, row_numbers
from seehear.features.store import REMEDY, Store, Stored
from seehear.files import DiskFullError, atomic, atomic_bytes, sweep
from seehear.locks import locked
from seehear.networks.weights import cache_folder
from seehear.progress import say
from seehear.stored import Count, as_model, facts_of, map_array, read_tensors

ROWS, INDEX = ".npy", ".safetensors"  # the two files of a pack
OLD_INDEX = ".json"  # of earlier versions
TENSORS = {"offsets": ("int64", 1), "silent": ("int64", 1), "crc32": ("uint32", 1)}  # of an index: type, dimensions
DAMAGED = "delete it"  # and it is made again


class NotFinite(SeehearError):
    """The features of a clip hold NaN or infinity."""


def finite(store: Store, network: str, clips: Sequence[str]) -> list[bool]:
    """Return for each clip whether all of its features of a network are finite."""
    return [bool(np.isfinite(store.read(network, clip)).all()) for clip in clips]


@dataclass(frozen=True)
class _Facts:
    """What a pack's index holds beside its tensors."""

    network: str
    clips: Count
    contents: str


@dataclass(frozen=True)
class Packed:
    """The features of one network of several clips.

    Attributes:
        rows: (sum of T, width) float32: a read-only memory map, or rows that are read when they are indexed.
        offsets: (clips + 1,) int64. Clip n has rows offsets[n]:offsets[n + 1].
        contents: Hash of the clips and of the origin of their features.
        silent: (sum of T,), which rows are segments of digital silence; None if nothing is known of it.
        available: (clips,) bool, False for a clip without features, whose rows are zeros; None if all have features.
    """

    rows: Rows
    offsets: NDArray[np.int64]
    contents: str
    silent: NDArray[np.bool_] | None = None
    available: NDArray[np.bool_] | None = None

    def lengths(self) -> NDArray[np.int64]:
        """Return T of each clip: (clips,)."""
        return np.diff(self.offsets)

    def known(self) -> NDArray[np.float32]:
        """Return the rows that are features: without those of clips that have none."""
        return self.rows[:] if self.available is None else self.rows[np.repeat(self.available, self.lengths())]

    def sample(self, count: int) -> NDArray[np.float32]:
        """Return about `count` rows that are features, at even distances."""
        if self.available is None:
            return self.rows[:: max(1, len(self.rows) // count)]
        known = np.flatnonzero(np.repeat(self.available, self.lengths()))
        return self.rows[known[:: max(1, len(known) // count)]]

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
        """Return the features of some clips, by number: in memory, or read when needed if they are too large for it."""
        numbers = row_numbers(self.offsets[clips], self.lengths()[clips])
        rows = part_of(self.rows, numbers)
        silent = None if self.silent is None else self.silent[numbers]
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


def modalities_of(packs: Mapping[str, Sequence[Packed]]) -> NDArray[np.bool_] | None:
    """Return which modalities clips have, by features of all their networks, (N, M) bool; None if all have all."""
    columns = []
    for of_modality in packs.values():
        known = [pack.available for pack in of_modality if pack.available is not None]
        columns.append(np.logical_and.reduce([np.ones(len(of_modality[0].lengths()), dtype=bool), *known]))
    return some_missing(np.stack(columns, axis=1))


def availability(clips: Sequence[str], absent: Mapping[str, int]) -> NDArray[np.bool_] | None:
    """Return which clips have features, (clips,) bool: those that are not `absent`; None if all have."""
    return np.array([clip not in absent for clip in clips], dtype=bool) if absent else None


def pack(store: Store, network: str, clips: Sequence[str], absent: Mapping[str, int] | None = None) -> Packed:
    """Return the features of clips, in this order, packing them if necessary. Memory holds one clip's at a time.

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
    kind, state = _hashes(store, network, clips, absent)
    name = f"{network}-{kind}-{state}"
    fits = _Fits(len(clips), store.network(network).width, availability(clips, absent))
    if store.is_here:
        sweep(store.path / "packed")
        if (packed := _read(store.path / "packed", name, fits)) is not None:
            return packed
    folder = _folder(store)
    with locked(folder):  # another process may be making the same pack
        if (packed := _read(folder, name, fits)) is not None:
            return packed
        _build(store, network, clips, absent, folder, name)
        _remove_stale(folder, f"{network}-{kind}-", name)
        packed = _read(folder, name, fits)
    if packed is None:
        raise SeehearError(f"{folder / name}{ROWS}: can't be read back after it was written")
    return packed


def _hashes(store: Store, network: str, clips: Sequence[str], absent: Mapping[str, int]) -> tuple[str, str]:
    """Return the hash of the clips' names, and that of the state of their files. Raises SeehearError as `pack`.

    Which clips are absent counts as a name: collocations that differ in it don't replace each other's packs.
    """
    kind, lengths = hashlib.sha256(), hashlib.sha256()
    for clip in clips:
        kind.update(f"{clip}\0absent\n".encode() if clip in absent else f"{clip}\n".encode())
        if clip in absent:
            lengths.update(f"{absent[clip]}\n".encode())
    state = store.state(network, [clip for clip in clips if clip not in absent])
    if absent:
        state = hashlib.sha256(f"{state}\0{lengths.hexdigest()}".encode()).hexdigest()
    return kind.hexdigest()[:12], state[:12]


def _remove_stale(folder: Path, kind: str, name: str) -> None:
    """Remove older packs of the same kind, of earlier versions, and of processes that were killed before the index."""
    for old in folder.glob(f"{kind}*"):
        if not old.name.startswith(name):
            old.unlink(missing_ok=True)  # a process that has mapped it keeps it
    for rows in folder.glob(f"*{ROWS}"):
        if not rows.with_suffix(INDEX).exists():
            rows.unlink(missing_ok=True)
    for index in folder.glob(f"*{OLD_INDEX}"):
        index.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Fits:
    """What a pack must fit: the number of clips, the width of the features, and which clips have them."""

    clips: int
    width: int
    available: NDArray[np.bool_] | None


def _opened(data: Path, index: Path, fits: _Fits) -> Packed:
    """Map a pack. Raises SeehearError, FileNotFoundError or ValueError if it is missing or damaged."""
    offsets, silent_rows, facts = _read_index(index)
    rows = map_array(data)
    if rows.dtype != np.float32 or rows.ndim != 2 or rows.shape[1] != fits.width or not rows.flags.c_contiguous:
        raise ValueError(f"{data}: holds {rows.dtype} of shape {rows.shape}")
    if len(offsets) != fits.clips + 1 or offsets[0] or (np.diff(offsets) < 0).any() or offsets[-1] != len(rows):
        raise ValueError(f"{index}: has offsets of other clips")
    if len(silent_rows) and not 0 <= silent_rows.min() <= silent_rows.max() < len(rows):
        raise ValueError(f"{index}: has silence past the end")
    silent = np.zeros(len(rows), dtype=bool)
    silent[silent_rows] = True
    return Packed(rows, offsets, facts.contents, silent, fits.available)


def _read_index(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64], _Facts]:
    """Return a pack's offsets, silent rows and facts. Raises SeehearError or FileNotFoundError."""
    tensors, metadata = read_tensors(path, "np", DAMAGED)
    facts = as_model(facts_of(metadata, "facts", path, DAMAGED), _Facts, path, DAMAGED)
    if {name: (str(tensor.dtype), tensor.ndim) for name, tensor in tensors.items()} != TENSORS:
        raise SeehearError(f"{path}: damaged (holds other tensors than {', '.join(TENSORS)}); {DAMAGED}")
    if tensors["crc32"].tolist() != [_checksum(tensors["offsets"], tensors["silent"], metadata["facts"])]:
        raise SeehearError(f"{path}: damaged (its checksum is wrong); {DAMAGED}")
    return tensors["offsets"], tensors["silent"], facts


def _checksum(offsets: NDArray[np.int64], silent: NDArray[np.int64], facts: str) -> int:
    """Return the checksum of a pack's index."""
    return zlib.crc32(facts.encode(), zlib.crc32(silent.tobytes(), zlib.crc32(offsets.tobytes())))


def _write_index(
    path: Path, offsets: NDArray[np.int64], silent: NDArray[np.int64], facts: Mapping[str, object]
) -> None:
    from safetensors.numpy import save

    text = json.dumps(facts)
    checksum = np.array([_checksum(offsets, silent, text)], dtype=np.uint32)
    tensors = {"offsets": offsets, "silent": silent, "crc32": checksum}
    atomic_bytes(path, save(tensors, metadata={"facts": text}))


def _folder(store: Store) -> Path:
    """Return where new packs of a store are kept: in the store, or in the cache if that can't be."""
    if not store.is_here:
        return _in_cache(str(store))
    folder = store.path / "packed"
    try:
        with locked(folder):
            return folder
    except DiskFullError:
        raise
    except SeehearError:
        cached = _in_cache(str(store.path.resolve()))
        say(f"{store} can't be written: its features are packed in {cached}")
        return cached


def _in_cache(store: str) -> Path:
    return cache_folder() / "packed" / hashlib.sha256(store.encode()).hexdigest()[:16]


def _read(folder: Path, name: str, fits: _Fits) -> Packed | None:
    """Return a pack; None if there is none, or it is damaged: the features are what counts."""
    with suppress(SeehearError, FileNotFoundError, ValueError):
        return _opened(folder / f"{name}{ROWS}", folder / f"{name}{INDEX}", fits)
    return None


def _build(
    store: Store, network: str, clips: Sequence[str], absent: Mapping[str, int], folder: Path, name: str
) -> None:
    """Write a pack clip by clip: only offsets and silent rows are kept in memory."""
    width, contents = store.network(network).width, hashlib.sha256()
    made_by: dict[str, str] = {}
    offsets, silent = np.zeros(len(clips) + 1, dtype=np.int64), array("q")
    # The rows come first: a pack without its index is none. Plain writes say that the disk is full; a memory map of a
    # file that has no room on the disk would end the process.
    with atomic(folder / f"{name}{ROWS}") as temporary, temporary.open("wb") as stream:
        _write_header(stream, 0, width)
        for n, clip in enumerate(clips):
            if clip in absent:
                contents.update(f"{clip}\0absent\0{absent[clip]}\n".encode())
                rows = np.zeros((absent[clip], width), dtype=np.float32)
            else:
                found = store.stored(network, clip)
                made_by.setdefault(found.origin.made_by, clip)
                _check(store, network, clip, found, width, made_by)
                contents.update(f"{clip}\0{found.origin.made_by}\0{found.origin.source}\n".encode())
                rows = found.features
                if found.silent is not None:
                    silent.frombytes((offsets[n] + np.flatnonzero(found.silent)).astype(np.int64).tobytes())
            stream.write(np.ascontiguousarray(rows, dtype="<f4").data)
            offsets[n + 1] = offsets[n] + len(rows)
        stream.seek(0)
        _write_header(stream, int(offsets[-1]), width)
    facts = {"network": network, "clips": len(clips), "contents": contents.hexdigest()[:16]}
    _write_index(folder / f"{name}{INDEX}", offsets, np.array(silent, dtype=np.int64), facts)


def _write_header(stream: IO[bytes], rows: int, width: int) -> None:
    """Write the header of a .npy file. It takes the same room for any number of rows: numpy leaves it to grow."""
    np.lib.format.write_array_header_2_0(stream, {"descr": "<f4", "fortran_order": False, "shape": (rows, width)})


def _check(store: Store, network: str, clip: str, found: Stored, width: int, made_by: Mapping[str, str]) -> None:
    """Raise SeehearError for features that can't be packed. made_by: fingerprint -> the first clip that has it."""
    file, features = store.where(network, clip), found.features
    if len(made_by) > 1:
        one, other = list(made_by.values())[:2]
        raise SeehearError(
            f"{store}: features of {network} were made with different settings, as those of clips {one} and "
            f"{other}, such as --fps; run `seehear extract` over all clips with the settings that you want"
        )
    if features.shape[1] != width:
        raise SeehearError(f"{file}: features of shape {features.shape}, {network} has (T, {width})")
    if not np.isfinite(features).all():
        raise NotFinite(f"{file}: clip {clip} has features of {network} that are not finite")
    if found.silent is not None and len(found.silent) != len(features):
        raise SeehearError(
            f"{file}: damaged (has silence of {len(found.silent)} segments, and features of {len(features)}); {REMEDY}"
        )
