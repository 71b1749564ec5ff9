"""A block: the features of several clips and one network in one file, which never changes.

It is a safetensors file with two tensors:

    features    (rows, width) float32, the segments of its clips one after the other
    silent      (rows,) bool, which of them are digital silence; False also where it is not known

Everything else is in the header, so that an index needs no data: the metadata has one text, `clips`, JSON with a list
per column and an item per clip (`_Columns`). The file is named by the hash of its header, from the first byte of the
file on. A header that was damaged is found by that, and damaged features by the checksums that the header has.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.features.layout import REMEDY, Entry
from seehear.names import valid_clip_name
from seehear.storage.place import Place
from seehear.stored import Count, Positive, Whole, Width, as_model, reasonable
from seehear.texts import parse_json

SUFFIX = ".safetensors"
REPLACING = "-replaces"  # ends the name of a block that replaces features of others
MAX_BLOCK = 10_000  # clips
MAX_HEADER = 1 << 26  # bytes
HEAD = 1 << 16  # bytes that are read first: the header of a block of about 200 clips
ROW = np.dtype(
    [
        ("size", "<i8"),
        ("modified", "<i8"),
        ("audio_track", "<i8"),  # 0 for the one that players choose
        ("first", "<i8"),  # of its rows
        ("length", "<i8"),  # how many rows it has
        ("silent_crc32", "<i8"),  # -1 if it is not known what is silent
        ("crc32", "<u4"),
        ("content_end", "<u4"),
    ]
)


@dataclass(frozen=True)
class _Columns:
    """What the header says of the clips, one item of each list per clip.

    Attributes:
        clips: Names.
        lengths: Rows of each.
        crc32: Checksums of the features of each.
        silent_crc32: Checksums of `silent` of each; None if it is not known what is silent.
        made_by: Of the origin; see `Origin`, as for the next four.
        content: Likewise.
        size: Likewise.
        modified: Likewise.
        audio_track: Likewise.
        notes: clip -> its notes, of the clips that have some.
        replaces: clip -> the names of the other blocks that had features of it when this one was written.
    """

    clips: list[str]
    lengths: list[Count]
    crc32: list[Count]
    silent_crc32: list[Count | None]
    made_by: list[str]
    content: list[str]
    size: list[Whole]
    modified: list[Whole]
    audio_track: list[Positive | None]
    notes: dict[str, list[Any]] = field(default_factory=dict)
    replaces: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Tensor:
    """A tensor in the header of a safetensors file."""

    dtype: Literal["F32", "BOOL"]
    shape: list[Count]
    data_offsets: tuple[Count, Count]


@dataclass(frozen=True)
class _Header:
    """The tensors of a block."""

    features: _Tensor
    silent: _Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What is in memory of a block: its header, compactly, since a store may have a million clips.

    Attributes:
        name: Of its file, without the suffix.
        width: Numbers in a feature.
        features: Where the features begin in the file, in bytes.
        silent: Where `silent` begins.
        clips: Names.
        made_by: Of the origin of each clip.
        contents: Of the origins, one after the other.
        rows: (clips,) ROW, the numbers that belong to each clip.
        notes: clip -> JSON.
        replaces: clip -> the names of the blocks whose features of it are replaced.
    """

    name: str
    width: int
    features: int
    silent: int
    clips: tuple[str, ...]
    made_by: tuple[str, ...]
    contents: str
    rows: NDArray[np.void]
    notes: Mapping[str, str]
    replaces: Mapping[str, tuple[str, ...]]

    def facts(self, position: int) -> dict[str, Any]:
        """Return the fields of the origin of a clip, and its notes."""
        clip = self.clips[position]
        size, modified, audio_track, *_, end = self.rows[position].tolist()
        start = int(self.rows["content_end"][position - 1]) if position else 0
        return {
            "clip": clip,
            "made_by": self.made_by[position],
            "content": self.contents[start:end],
            "size": size,
            "modified": modified,
            "audio_track": audio_track or None,
            "notes": json.loads(self.notes[clip]) if clip in self.notes else [],
        }

    def shape(self, position: int) -> tuple[int, int]:
        """Return the shape (T, width) of the features of a clip."""
        return int(self.rows["length"][position]), self.width

    def part(self, position: int, tensor: str) -> tuple[int, int, int | None]:
        """Return where a tensor of a clip is: its first byte, how many there are, and their checksum.

        Args:
            position: Of the clip in the block.
            tensor: features or silent.

        Returns:
            The checksum is None if the clip lacks the tensor.
        """
        row = self.rows[position]
        first, length = int(row["first"]), int(row["length"])
        if tensor == "features":
            return self.features + 4 * self.width * first, 4 * self.width * length, int(row["crc32"])
        checksum = int(row["silent_crc32"])
        return self.silent + first, length, None if checksum < 0 else checksum


def encode(entries: Sequence[Entry], replaces: Mapping[str, Sequence[str]]) -> tuple[str, bytes]:
    """Return the name and the content of a block.

    Args:
        entries: Of at least one clip, all of one width, each clip once.
        replaces: clip -> the names of the blocks that have features of it.
    """
    from safetensors.numpy import save

    silent = [np.zeros(len(e.features), bool) if e.silent is None else e.silent for e in entries]
    columns: dict[str, Any] = {
        "clips": [entry.clip for entry in entries],
        "lengths": [len(entry.features) for entry in entries],
        "crc32": [zlib.crc32(entry.features.data) for entry in entries],
        "silent_crc32": [None if entry.silent is None else zlib.crc32(entry.silent.data) for entry in entries],
        "notes": {entry.clip: entry.notes for entry in entries if entry.notes},
        "replaces": {clip: sorted(names) for clip, names in replaces.items() if names},
    }
    for name in ("made_by", "content", "size", "modified", "audio_track"):
        columns[name] = [entry.facts.get(name) for entry in entries]
    text = json.dumps(columns, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    tensors = {"features": np.concatenate([entry.features for entry in entries]), "silent": np.concatenate(silent)}
    data = save(tensors, metadata={"clips": text})
    header = data[: 8 + int.from_bytes(data[:8], "little")]
    return _hash(header) + (REPLACING if columns["replaces"] else ""), data


def _hash(header: bytes) -> str:
    return hashlib.sha256(header).hexdigest()[:32]


def is_header(name: str, header: bytes) -> bool:
    """Return whether this is the header of the block of this name, as it was written."""
    return name.removesuffix(REPLACING) == _hash(header)


def read_header(place: Place, file: str) -> bytes:
    """Read the header of a block, from the first byte of the file on; less if the file is damaged.

    Raises:
        FileNotFoundError: If there is no such file.
        SeehearError: If it can't be read.
    """
    head = place.read(file, 0, HEAD)
    end = min(8 + int.from_bytes(head[:8], "little"), MAX_HEADER)
    return head[:end] if end <= len(head) else head + place.read(file, len(head), end)


def decode(name: str, header: bytes, where: str) -> Block:
    """Return a block by its header.

    Args:
        name: Of its file, without the suffix.
        header: From the first byte of the file on.
        where: The file, for messages.

    Raises:
        SeehearError: If the header is not as it was written, or not that of a block.
    """
    if not is_header(name, header):
        raise SeehearError(f"{where}: damaged (its header is not as it was written); {REMEDY}")
    try:
        (length,) = struct.unpack("<Q", header[:8])
        facts = parse_json(header[8 : 8 + length].decode(), where, REMEDY)
        columns = as_model(parse_json(facts["__metadata__"]["clips"], where, REMEDY), _Columns, where, REMEDY)
        tensors = as_model(facts, _Header, where, REMEDY)
        return _block(name, columns, tensors, 8 + length)
    except (ValueError, KeyError, TypeError, OverflowError, struct.error) as error:
        raise SeehearError(f"{where}: damaged ({type(error).__name__}: {error}); {REMEDY}") from None


def _block(name: str, columns: _Columns, tensors: _Header, data: int) -> Block:
    """Return a block. Raises ValueError or SeehearError if it contradicts itself. data: where the data begins."""
    count, total = len(columns.clips), sum(columns.lengths)
    shape = tuple(tensors.features.shape)
    lists = (columns.lengths, columns.crc32, columns.silent_crc32, columns.made_by, columns.content, columns.size)
    if {len(each) for each in (*lists, columns.modified, columns.audio_track)} != {count} or not count:
        raise ValueError("lists of different lengths")
    if len(set(map(valid_clip_name, columns.clips))) != count or count > MAX_BLOCK:
        raise ValueError("clips that occur twice, or too many")
    if len(shape) != 2 or not reasonable(shape) or shape[0] != total or tensors.silent.shape != [total]:
        raise ValueError(f"features of shape {shape} for {total} rows")
    for tensor, size in ((tensors.features, 4 * shape[0] * shape[1]), (tensors.silent, total)):
        if tensor.data_offsets[1] - tensor.data_offsets[0] != size:
            raise ValueError("tensors of another size")
    as_model(shape[1], Width, name, REMEDY)
    rows = np.zeros(count, dtype=ROW)
    rows["size"], rows["modified"] = columns.size, columns.modified
    rows["audio_track"] = [track or 0 for track in columns.audio_track]
    rows["length"], rows["crc32"] = columns.lengths, columns.crc32
    rows["first"] = np.cumsum([0, *columns.lengths[:-1]])
    rows["silent_crc32"] = [-1 if checksum is None else checksum for checksum in columns.silent_crc32]
    rows["content_end"] = np.cumsum([len(content) for content in columns.content])
    return Block(
        name,
        shape[1],
        data + tensors.features.data_offsets[0],
        data + tensors.silent.data_offsets[0],
        tuple(columns.clips),
        tuple(map(sys.intern, columns.made_by)),
        "".join(columns.content),
        rows,
        {clip: json.dumps(notes) for clip, notes in columns.notes.items()},
        {clip: tuple(names) for clip, names in columns.replaces.items()},
    )
