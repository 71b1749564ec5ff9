"""The feature store: what each network made of each clip, on disk.

    STORE/store.json                            format and segment length
    STORE/<network>/network.json                what made the features: modality, width, fingerprint
    STORE/<network>/<ab>/<clip>.safetensors     features (T, width) float32 of one clip

One clip × network is one file, written whole or not at all, so several processes can fill one store and a
killed one loses only what it was at. `<ab>` are the first two hex digits of the sha256 of the clip's name.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.files import atomic_bytes, atomic_json, read_json, sha256
from seehear.names import check_clip, check_modality, check_network

FORMAT = 1
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Origin:
    """Where a feature came from; it is current while this still holds.

    made_by: fingerprint of network and settings. content: hash of the clip file.
    size, modified: of the clip file, bytes and nanoseconds, so that an untouched file need not be read again.
    """

    clip: str
    made_by: str
    content: str
    size: int = -1
    modified: int = -1

    @staticmethod
    def of(clip: str, path: Path, made_by: str) -> Origin:
        """The clip file as it is now."""
        stat = path.stat()
        return Origin(clip, made_by, content_hash(path), stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True)
class NetworkInfo:
    """What a store knows of a network.

    made_by: fingerprint of network and settings. fps: pictures sampled a second.
    reference: how to load the network, empty where its features were imported.
    """

    name: str
    modality: str
    width: int
    made_by: str
    fps: float = 8.0
    reference: str = ""


class Store:
    """A folder of features. Opening one that isn't there makes it."""

    def __init__(self, path: str | Path, *, segment: float | None = None, create: bool = False) -> None:
        """segment: the length of a segment in seconds, for a new store; an old one must agree with it.

        Raises SeehearError if there is no store and `create` is not set, or it is of another format.
        """
        self.path = Path(path)
        marker = self.path / "store.json"
        if not marker.exists():
            if not create:
                raise SeehearError(
                    f"{self.path}: no feature store here; `seehear extract` or `seehear features import` makes one"
                )
            others = [entry for entry in self.path.glob("*") if not entry.name.startswith(".")]
            if others and not marker.exists():  # it may be another process's, made just now
                raise SeehearError(f"{self.path}: is a folder with other things in it; name a new one for the store")
            atomic_json(marker, {"format": FORMAT, "segment": segment or 1.0})
        facts = read_json(marker)
        if facts.get("format") != FORMAT:
            raise SeehearError(
                f"{self.path}: a store of format {facts.get('format')}, this seehear reads format {FORMAT}; "
                "extract into a new folder, or use the version that made it"
            )
        self.segment = float(facts["segment"])
        if segment is not None and segment != self.segment:
            raise SeehearError(
                f"{self.path}: has segments of {self.segment:g} s, not {segment:g} s; use another folder"
            )

    def networks(self) -> dict[str, NetworkInfo]:
        """The networks that have features here, by name."""
        files = sorted(self.path.glob("*/network.json"))
        return {file.parent.name: NetworkInfo(**read_json(file)) for file in files}

    def network(self, name: str) -> NetworkInfo:
        """Raises SeehearError naming those there are."""
        known = self.networks()
        if name not in known:
            raise SeehearError(f"{self.path}: no features of {name!r} here; there are: {', '.join(known) or 'none'}")
        return known[name]

    def register(self, info: NetworkInfo) -> None:
        """Make room for a network's features. Raises SeehearError for a name that no network or modality may have."""
        check_network(info.name)
        check_modality(info.modality)
        file = self.path / info.name / "network.json"
        if file.exists():
            old = NetworkInfo(**read_json(file))
            if (old.modality, old.width) != (info.modality, info.width):
                raise SeehearError(
                    f"{file}: {info.name} is {old.modality} of width {old.width} here, not {info.modality} of "
                    f"width {info.width}: delete {file.parent} or use another name"
                )
            if old == info:
                return
        atomic_json(file, asdict(info))

    def file(self, network: str, clip: str) -> Path:
        """Where a clip's features are. Raises SeehearError for a name that would lead elsewhere."""
        check_clip(clip)
        return self.path / check_network(network) / hashlib.sha256(clip.encode()).hexdigest()[:2] / f"{clip}{SUFFIX}"

    def clips(self, network: str, *others: str) -> frozenset[str]:
        """The clips that have features of a network, and of all others that are named."""
        files = (self.path / network).glob(f"??/*{SUFFIX}")
        there = frozenset(file.name.removesuffix(SUFFIX) for file in files if not file.name.startswith("."))
        return there.intersection(*(self.clips(other) for other in others))

    def write(self, network: str, origin: Origin, features: NDArray[np.float32]) -> None:
        """Keep the features (T, width) of a clip, replacing older ones."""
        from safetensors.numpy import save

        metadata = {"origin": json.dumps(asdict(origin), sort_keys=True)}
        values = np.ascontiguousarray(features, dtype=np.float32)
        atomic_bytes(self.file(network, origin.clip), save({"features": values}, metadata=metadata))

    def read(self, network: str, clip: str) -> NDArray[np.float32]:
        """Features (T, width). Raises SeehearError naming the file that is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        file = self.file(network, clip)
        try:
            return load_file(file)["features"]
        except FileNotFoundError:
            raise SeehearError(f"{self.path}: clip {clip} has no features of {network}; `seehear extract` it") from None
        except (SafetensorError, KeyError) as error:
            raise SeehearError(f"{file}: damaged ({error}); delete it and extract again") from None

    def origin(self, network: str, clip: str) -> Origin | None:
        """Where the clip's features came from, None if there are none or their file is damaged."""
        try:
            with open(self.file(network, clip), "rb") as stream:
                (length,) = struct.unpack("<Q", stream.read(8))
                header = json.loads(stream.read(min(length, 1 << 20)))
            return Origin(**json.loads(header["__metadata__"]["origin"]))
        except (OSError, ValueError, KeyError, TypeError, struct.error):
            return None

    def is_current(self, network: str, clip: str, made_by: str, path: Path) -> bool:
        """Whether the features here are what would come out again. The clip file is read only if it was touched."""
        origin = self.origin(network, clip)
        if origin is None or origin.made_by != made_by:
            return False
        stat = path.stat()
        if (stat.st_size, stat.st_mtime_ns) == (origin.size, origin.modified):
            return True
        return stat.st_size == origin.size and content_hash(path) == origin.content


def content_hash(path: Path) -> str:
    """Of a clip file's bytes."""
    return sha256(path)[:32]
