"""The layout of a store with one file per clip and network.

    STORE/<network>/<ab>/<clip>.safetensors     features (T, width) float32 of one clip, and of audio,
                                                if it is known, silent (T,) bool: digital silence;
                                                crc32 (1,) or (2,) uint32: checksums of these;
                                                in its metadata the origin, and notes on the clip, if any

Each file is written completely or not at all. So several processes can fill one store, and a killed process loses only
its current clip. These files are not flushed one by one, which would take longer than to write them. Each carries
checksums instead: what a loss of power left empty or damaged is found when it is read, and made again by extraction.
Temporary files lie in STORE/<network>, where they are few and quickly found. `<ab>` are the first two hex digits of
the sha256 of the clip's name.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.features.layout import REMEDY, TENSORS, Entry, Layout
from seehear.files import atomic_bytes, while_there
from seehear.stored import exists, names_in, read_tensors
from seehear.texts import parse_json

SUFFIX = ".safetensors"


class Files(Layout):
    """One file per clip and network, in a folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, network: str, clip: str) -> str:
        """Return the name of a clip's file."""
        return f"{network}/{hashlib.sha256(clip.encode()).hexdigest()[:2]}/{clip}{SUFFIX}"

    def _file(self, network: str, clip: str) -> Path:
        return self.path / self.file(network, clip)

    def clips(self, network: str) -> frozenset[str]:
        """Return the clips that have a file."""
        folder = self.path / network
        files = [file for part in names_in(folder) if len(part) == 2 for file in names_in(folder / part)]
        return frozenset(name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX))

    def has(self, network: str, clip: str) -> bool:
        """Return whether a clip has a file."""
        return exists(self._file(network, clip))

    def write(self, network: str, entry: Entry) -> None:
        """Write the file of a clip."""
        from safetensors.numpy import save

        facts = dict(entry.facts)
        if entry.notes:  # in the same text, because safetensors writes several in any order
            facts["notes"] = entry.notes
        tensors: dict[str, NDArray[Any]] = {"features": entry.features}
        if entry.silent is not None:
            tensors["silent"] = entry.silent
        # As a tensor, since safetensors writes several entries of metadata in random order.
        tensors["crc32"] = np.array([zlib.crc32(tensor.tobytes()) for tensor in tensors.values()], dtype=np.uint32)
        data = save(tensors, metadata={"origin": json.dumps(facts, sort_keys=True)})
        file, through = self._file(network, entry.clip), self.path / network
        while_there(self.path / "store.json", lambda: atomic_bytes(file, data, durable=False, through=through))

    def flush(self) -> None:
        """Do nothing: every clip is written at once."""

    def tensors(self, network: str, clip: str, *names: str) -> dict[str, NDArray[Any]]:
        """Read tensors of a clip's file."""
        return self._read(self._file(network, clip), names)[0]

    def stored(self, network: str, clip: str) -> tuple[dict[str, NDArray[Any]], Any]:
        """Read all of a clip's file."""
        file = self._file(network, clip)
        tensors, metadata = self._read(file, TENSORS)
        return tensors, parse_json(metadata.get("origin", "null"), file)

    def _read(self, file: Path, names: Sequence[str]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
        """Return tensors of a file that are as they were written, and its metadata."""
        tensors, metadata = read_tensors(file, "np", REMEDY, only=(*names, "crc32"))
        checksums = tensors.pop("crc32").tolist() if "crc32" in tensors else []  # none in files of earlier versions
        for name, tensor in tensors.items():
            if checksums and [zlib.crc32(tensor.tobytes())] != checksums[TENSORS.index(name) :][:1]:
                raise SeehearError(f"{file}: damaged (its checksum is wrong); {REMEDY}")
        return tensors, metadata

    def facts(self, network: str, clip: str, *, whole: bool = False) -> dict[str, Any]:
        """Read the header of a clip's file; if `whole`, the file."""
        file = self._file(network, clip)
        with open(file, "rb") as stream:
            header = _header(stream, file)
            data = stream.read() if whole else b""
        if whole and not _is_whole(header, memoryview(data)):
            raise SeehearError(f"{file}: damaged; {REMEDY}")
        facts: dict[str, Any] = parse_json(header["__metadata__"]["origin"], file)
        return facts

    def shape(self, network: str, clip: str) -> tuple[int, ...]:
        """Read the shape of a clip's features in the header of its file."""
        file = self._file(network, clip)
        with open(file, "rb", buffering=0) as stream:
            return tuple(_header(stream, file)["features"]["shape"])

    def states(self, network: str, clips: Sequence[str]) -> Iterator[str]:
        """Yield the size and time of each clip's file."""
        for clip in clips:
            stat = self._file(network, clip).stat()
            yield f"{clip}\0{stat.st_size}\0{stat.st_mtime_ns}\n"


def _header(stream: BinaryIO, file: Path) -> dict[str, Any]:
    """Read the header of an open feature file. file: for messages. Raises ValueError or struct.error."""
    (length,) = struct.unpack("<Q", stream.read(8))
    header: dict[str, Any] = parse_json(stream.read(min(length, 1 << 20)).decode(), file)
    return header


def _is_whole(header: Mapping[str, Any], data: memoryview) -> bool:
    """Return whether the data of a feature file is as long as its header says, and as it was written.

    Args:
        header: Tensor -> its facts, as safetensors has them. Files of earlier versions have no checksums.
        data: The bytes after the header.
    """
    places = {name: slice(*tensor["data_offsets"]) for name, tensor in header.items() if name != "__metadata__"}
    if len(data) != max((place.stop for place in places.values()), default=0):
        return False
    checksums = np.frombuffer(data[places["crc32"]], dtype="<u4").tolist() if "crc32" in places else []
    return all(zlib.crc32(data[places[name]]) == checksum for name, checksum in zip(TENSORS, checksums, strict=False))
