"""The feature store: the features of clips on disk.

    STORE/store.json                            format and segment length
    STORE/<network>/network.json                how the features were made: modality, width, fingerprint
    STORE/<network>/<ab>/<clip>.safetensors     features (T, width) float32 of one clip, and of audio,
                                                if it is known, silent (T,) bool: digital silence;
                                                crc32 (1,) or (2,) uint32: checksums of these;
                                                in its metadata the origin, and notes on the clip, if any

Each clip × network is one file, written completely or not at all. So several processes can fill one store, and a
killed process loses only its current clip. These files are not flushed one by one, which would take longer than to
write them. Each carries checksums instead: what a loss of power left empty or damaged is found when it is read, and
made again by extraction. Temporary files lie in STORE/<network>, where they are few and quickly found. `<ab>` are the
first two hex digits of the sha256 of the clip's name.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.arguments import PathLike
from seehear.errors import ClipError, SeehearError
from seehear.files import atomic_bytes, atomic_json, check_folder, claim, sha256, sweep, while_there
from seehear.locks import locked
from seehear.media.notes import Note
from seehear.names import valid_clip_name, valid_modality_name, valid_network_name
from seehear.stored import (
    LEAST_SEGMENT,
    MAX_SEGMENT,
    Positive,
    Rate,
    Segment,
    Whole,
    Width,
    as_model,
    entries,
    exists,
    read_as,
    read_object,
    read_tensors,
    reasonable,
)
from seehear.texts import parse_json

FORMAT = 1
SUFFIX = ".safetensors"
# What reading a damaged or missing file raises
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error, SeehearError)
TENSORS = ("features", "silent")  # of a feature file, in the order of their checksums
REMEDY = "delete it and extract again"


@dataclass(frozen=True)
class Origin:
    """The origin of a feature, which is current as long as its origin is unchanged.

    Attributes:
        clip: The name of the clip.
        made_by: Fingerprint of network and settings.
        content: Hash of the clip file.
        size: Of the clip file, in bytes.
        modified: When the clip file was modified, in nanoseconds. A file with the same size and time is not read again.
        audio_track: Which of the clip's audio tracks, from 1; None for the one that players choose.
    """

    clip: str
    made_by: str
    content: str
    size: Whole = -1
    modified: Whole = -1
    audio_track: Positive | None = None

    @property
    def source(self) -> str:
        """What the features were made from: the content of the clip, and the audio track if one was chosen."""
        return self.content if self.audio_track is None else f"{self.content}/{self.audio_track}"

    @staticmethod
    def of(clip: str, path: Path, made_by: str) -> Origin:
        """Return the origin of features of a clip file as it is now.

        Args:
            clip: The name of the clip.
            path: Its file, which is read to compute the hash.
            made_by: Fingerprint of network and settings.
        """
        stat = path.stat()
        return Origin(clip, made_by, content_hash(path), stat.st_size, stat.st_mtime_ns)

    def is_current(self, made_by: str, path: Path, audio_track: int | None = None) -> bool:
        """Return whether extraction would give the same features again; see `Store.is_current`."""
        if (self.made_by, self.audio_track) != (made_by, audio_track):
            return False
        try:
            stat = path.stat()
            if (stat.st_size, stat.st_mtime_ns) == (self.size, self.modified):
                return True
            return stat.st_size == self.size and content_hash(path) == self.content
        except OSError:
            return False


@dataclass(frozen=True)
class NetworkInfo:
    """What a store records about a network.

    Attributes:
        name: Of the network.
        modality: audio, visual, or another.
        width: Numbers in a feature.
        made_by: Fingerprint of network and settings.
        fps: Frames sampled per second.
        reference: How to load the network; empty if its features were imported.
    """

    name: str
    modality: str
    width: Width
    made_by: str
    fps: Rate = 8.0
    reference: str = ""


@dataclass(frozen=True)
class _Marker:
    """What store.json holds beside the format."""

    segment: Segment


class Store:
    """A folder of features.

    Attributes:
        path: The folder.
        segment: Seconds per segment.
    """

    def __init__(self, path: PathLike, *, segment: float | None = None, create: bool = False) -> None:
        """Open a store.

        Args:
            path: The folder.
            segment: Seconds per segment; must agree with an existing store. By default that of the store, else 1.
            create: Whether to create a store that does not exist.

        Raises:
            SeehearError: The folder is no store, or is one of another format or segment.
        """
        self.path = Path(path)
        if create:
            sweep(self.path)
        marker, remedy = self.path / "store.json", "extract into a new folder"
        if not exists(marker):
            check_folder(self.path, "name the folder of a store")
            if not create:
                raise SeehearError(
                    f"{self.path}: no feature store here; `seehear extract` or `seehear features import` makes one"
                )
            if segment is not None and not LEAST_SEGMENT <= segment <= MAX_SEGMENT:
                raise SeehearError(
                    f"a segment must last from {LEAST_SEGMENT:g} to {MAX_SEGMENT:g} seconds, not {segment:g}"
                )
            if entries(self.path) and not marker.exists():  # it may be another process's, made just now
                raise SeehearError(f"{self.path}: holds other files; choose a new folder for the store")
        if create:
            claim(marker, {"format": FORMAT, "segment": segment or 1.0}, remedy)
        facts = read_object(marker, remedy)
        if facts.get("format") != FORMAT:
            raise SeehearError(
                f"{self.path}: a store of format {facts.get('format')}, this seehear reads format {FORMAT}; "
                "extract into a new folder, or use the version that made it"
            )
        self.segment = float(as_model(facts, _Marker, marker, remedy).segment)
        if segment is not None and segment != self.segment:
            raise SeehearError(
                f"{self.path}: has segments of {self.segment:g} s, not {segment:g} s; use another folder"
            )

    def networks(self) -> dict[str, NetworkInfo]:
        """Return the networks that have features here, by name."""
        files = [folder / "network.json" for folder in entries(self.path) if folder.is_dir()]
        return {file.parent.name: _network(file) for file in files if exists(file)}

    def network(self, name: str) -> NetworkInfo:
        """Return what is recorded about a network. Raises SeehearError naming the known networks if it has none."""
        known = self.networks()
        if name not in known:
            raise SeehearError(f"{self.path}: no features of {name!r}; available: {', '.join(known) or 'none'}")
        return known[name]

    def register(self, info: NetworkInfo) -> None:
        """Make room for a network's features. Raises SeehearError for a name that no network or modality may have."""
        valid_network_name(info.name)
        valid_modality_name(info.modality)
        file = self.path / info.name / "network.json"
        sweep(file.parent)
        if _registered(file, info):  # without a lock, for a store that can only be read
            return
        with locked(file.parent):
            if not _registered(file, info):
                atomic_json(file, asdict(info))

    def file(self, network: str, clip: str) -> Path:
        """Return where a clip's features are. Raises SeehearError for a name that would lead elsewhere."""
        valid_clip_name(clip)
        return (
            self.path / valid_network_name(network) / hashlib.sha256(clip.encode()).hexdigest()[:2] / f"{clip}{SUFFIX}"
        )

    def clips(self, network: str, *others: str) -> frozenset[str]:
        """Return the clips that have features of all of these networks."""
        parts = [part for part in entries(self.path / network) if len(part.name) == 2]
        files = [file.name for part in parts for file in entries(part)]
        clips = frozenset(name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX))
        return clips.intersection(*(self.clips(other) for other in others))

    def write(
        self,
        network: str,
        origin: Origin,
        features: NDArray[np.float32],
        silent: NDArray[np.bool_] | None = None,
        notes: Sequence[Note] = (),
    ) -> None:
        """Write the features of a clip, replacing older ones.

        Args:
            network: Whose features.
            origin: Names the clip, and what its features were made from.
            features: (T, width).
            silent: (T,), which segments are digital silence; None if it is not known.
            notes: On the clip, as far as they concern the network's modality.

        Raises:
            SeehearError: If the file can't be written, or the store has vanished since it was opened and stays away.
        """
        from safetensors.numpy import save

        file = self.file(network, origin.clip)
        facts = {name: value for name, value in asdict(origin).items() if value is not None}
        if notes:  # in the same text, because safetensors writes several in any order
            facts["notes"] = [note.as_json() for note in notes]
        metadata = {"origin": json.dumps(facts, sort_keys=True)}
        tensors: dict[str, NDArray[Any]] = {"features": np.ascontiguousarray(features, dtype=np.float32)}
        if silent is not None:
            tensors["silent"] = np.ascontiguousarray(silent, dtype=bool)
        # As a tensor, since safetensors writes several entries of metadata in random order.
        tensors["crc32"] = np.array([zlib.crc32(tensor.tobytes()) for tensor in tensors.values()], dtype=np.uint32)
        data, through = save(tensors, metadata=metadata), self.path / network
        while_there(self.path / "store.json", lambda: atomic_bytes(file, data, durable=False, through=through))

    def flush(self) -> None:
        """Write what `write` still gathers."""

    def read(self, network: str, clip: str) -> NDArray[np.float32]:
        """Read the features (T, width) of a clip. Raises SeehearError naming the file if it is missing or damaged."""
        features = self._tensor(network, clip, "features")
        if features is None:
            raise SeehearError(f"{self.file(network, clip)}: damaged (lacks features); {REMEDY}")
        if features.dtype != np.float32 or features.ndim != 2 or not features.size or not reasonable(features.shape):
            raise SeehearError(
                f"{self.file(network, clip)}: damaged (has {features.dtype} of shape {features.shape}, expected "
                f"float32 of shape (T, width)); {REMEDY}"
            )
        return features

    def silent(self, network: str, clip: str) -> NDArray[np.bool_] | None:
        """Read which segments of a clip are digital silence, (T,); None if it is not known. Raises as `read`."""
        silent = self._tensor(network, clip, "silent")
        if silent is not None and (silent.dtype != np.bool_ or silent.ndim != 1):
            raise SeehearError(
                f"{self.file(network, clip)}: damaged (silent has {silent.dtype} of shape {silent.shape}, expected "
                f"bool of shape (T,)); {REMEDY}"
            )
        return silent

    def notes(self, network: str, clip: str) -> tuple[Note, ...]:
        """Read the notes on a clip that concern the network's modality; none from stores of earlier versions.

        Raises:
            SeehearError: They are damaged.
        """
        file = self.file(network, clip)
        try:
            header, _ = self._header(network, clip)
            facts = parse_json(header["__metadata__"]["origin"], file)
            return tuple(Note.from_json(note) for note in facts.get("notes", ()))
        except UNREADABLE as error:
            raise SeehearError(f"{file}: its notes are damaged ({error}); {REMEDY}") from None

    def _tensor(self, network: str, clip: str, name: str) -> Any:
        """Return a tensor of a clip's file, None if the file lacks it."""
        file = self.file(network, clip)
        try:
            tensors, _ = read_tensors(file, "np", REMEDY, only=(name, "crc32"))
        except FileNotFoundError:
            raise SeehearError(f"{self.path}: clip {clip} has no features of {network}; `seehear extract` it") from None
        checksums = tensors["crc32"].tolist() if "crc32" in tensors else []  # none in files of earlier versions
        tensor = tensors.get(name)
        of_tensor = checksums[TENSORS.index(name) :][:1]
        if tensor is not None and checksums and [zlib.crc32(tensor.tobytes())] != of_tensor:
            raise SeehearError(f"{file}: damaged (its checksum is wrong); {REMEDY}")
        return tensor

    def origin(self, network: str, clip: str) -> Origin | None:
        """Return the origin of the features of a clip; None if there are none, or their file is damaged."""
        try:
            header, data = self._header(network, clip, whole=True)
            if not _is_whole(header, memoryview(data)):
                return None
            file = self.file(network, clip)
            return as_model(parse_json(header["__metadata__"]["origin"], file), Origin, file, REMEDY)
        except UNREADABLE:
            return None

    def is_damaged(self, network: str, clip: str) -> bool:
        """Return whether a clip has a file of features, and the file is damaged, so that extraction replaces it."""
        if not exists(self.file(network, clip)):
            return False
        try:
            self.notes(network, clip)
        except SeehearError:
            return True
        return self.origin(network, clip) is None

    def _header(self, network: str, clip: str, *, whole: bool = False) -> tuple[dict[str, Any], bytes]:
        """Return the header of a clip's file and, if `whole`, the bytes after it. Raises one of UNREADABLE."""
        file = self.file(network, clip)
        with open(file, "rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header: dict[str, Any] = parse_json(stream.read(min(length, 1 << 20)).decode(), file)
            return header, stream.read() if whole else b""

    def is_current(self, network: str, clip: str, made_by: str, path: Path, audio_track: int | None = None) -> bool:
        """Return whether extraction would give the same features again.

        Args:
            network: Whose features.
            clip: The name of the clip.
            made_by: Fingerprint of network and settings.
            path: The clip's file. It is read only if its time of modification has changed.
            audio_track: Which of its audio tracks, from 1; None for the one that players choose.

        Returns:
            False if the clip's file can't be read: the extraction says why.
        """
        origin = self.origin(network, clip)
        return origin is not None and origin.is_current(made_by, path, audio_track)


def _registered(file: Path, info: NetworkInfo) -> bool:
    """Return whether a network is registered as it is. Raises SeehearError if its features have another form."""
    if not exists(file):
        return False
    old = _network(file)
    if (old.modality, old.width) != (info.modality, info.width):
        raise SeehearError(
            f"{file}: {info.name} is {old.modality} of width {old.width} here, not {info.modality} of "
            f"width {info.width}: delete {file.parent} or use another name"
        )
    return old == info


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


def _network(file: Path) -> NetworkInfo:
    """Read what a store records about a network. Raises SeehearError naming the file if it is damaged."""
    remedy = f"delete {file.parent} and extract again"
    info = read_as(file, NetworkInfo, remedy)
    if info.name != file.parent.name:
        raise SeehearError(f"{file}: is of the network {info.name!r}, but lies in another folder; {remedy}")
    try:
        valid_modality_name(info.modality)
    except ClipError as error:
        raise SeehearError(f"{file}: {error}; {remedy}") from None
    return info


def content_hash(path: Path) -> str:
    """Return the hash of the bytes of a clip file, 32 hex digits."""
    return sha256(path)[:32]
