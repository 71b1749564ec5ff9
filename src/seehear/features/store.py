"""The feature store: the features of clips on disk, or in object storage.

    STORE/store.json                            format, segment length, clips per block if there are blocks
    STORE/<network>/network.json                how the features were made: modality, width, fingerprint

In a store of format 1 each clip × network is one file (`seehear.features.files`), in one of format 2 each block of
clips × network (`seehear.features.blocks`). Either way the features of a clip are there whole or not at all, and
several processes can fill one store.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from seehear import arguments
from seehear.arguments import PathLike
from seehear.errors import ClipError, SeehearError
from seehear.features.block import MAX_BLOCK
from seehear.features.blocks import Blocks
from seehear.features.files import Files
from seehear.features.layout import REMEDY, UNREADABLE, Entry, Layout, located
from seehear.features.origin import Origin, content_hash
from seehear.files import check_folder, json_bytes, sweep
from seehear.locks import locked
from seehear.media.notes import Note
from seehear.names import RESERVED, valid_clip_name, valid_modality_name, valid_network_name
from seehear.storage.files import Location
from seehear.storage.place import LocalPlace, Place
from seehear.storage.remote import RemotePlace, place_of
from seehear.stored import LEAST_SEGMENT, MAX_SEGMENT, Rate, Segment, Width, as_model, reasonable
from seehear.texts import json_of

__all__ = ["REMEDY", "NetworkInfo", "Origin", "Store", "Stored", "content_hash"]

FILES, BLOCKS = 1, 2  # the formats: one file per clip, blocks of clips
REMOTE_BLOCK = 64  # clips per block of a new store in object storage, where one file per clip would be slow
MAX_JSON = 1 << 20  # bytes of store.json and network.json
NEW_FOLDER = "extract into a new folder"


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
class Stored:
    """What a store holds of a clip and a network.

    Attributes:
        features: (T, width) float32.
        silent: (T,) bool, which segments are digital silence; None if it is not known.
        origin: What the features were made from.
    """

    features: NDArray[np.float32]
    silent: NDArray[np.bool_] | None
    origin: Origin


@dataclass(frozen=True)
class _Marker:
    """What store.json holds."""

    format: int
    segment: Segment
    block: Annotated[int, Field(strict=True, ge=1, le=MAX_BLOCK)] = 1


class Store:
    """A folder of features.

    What is written may be gathered before it becomes a file: call `flush` at the end, or use the store in a `with`
    block, which does.

    Attributes:
        place: The folder, which may be in object storage.
        segment: Seconds per segment.
        block: Clips per block; 1 if each clip has its own file.
    """

    def __init__(
        self,
        path: PathLike | Place,
        *,
        segment: float | None = None,
        create: bool = False,
        block: int | None = None,
    ) -> None:
        """Open a store.

        Args:
            path: The folder, or its address such as `s3://bucket/store`.
            segment: Seconds per segment; must agree with an existing store. By default that of the store, else 1.
            create: Whether to create a store that does not exist.
            block: Clips per file; must agree with an existing store. By default as the store has them, else 1.

        Raises:
            SeehearError: The folder is no store, or is one of another format, segment or block.
        """
        self.place = path if isinstance(path, Place) else place_of(path)
        segment = None if segment is None else arguments.real(segment, "segment")
        block = None if block is None else arguments.whole(block, "block")
        if isinstance(self.place, RemotePlace) and not self.place.listed:
            raise SeehearError(
                f"{self.place}: web servers only give single files; a store is a folder, or s3:// or gs://"
            )
        if create and self.is_here:
            sweep(self.path)
        if not self.place.exists("store.json"):
            self._check_new(create, segment, block)
            default = 1 if self.is_here else REMOTE_BLOCK
            chosen = default if block is None else block
            marker: dict[str, Any] = {"format": FILES, "segment": segment or 1.0}
            if chosen > 1 or not self.is_here:
                marker |= {"format": BLOCKS, "block": chosen}
            self.place.create("store.json", json_bytes(marker))
        found = _marker(self.place)
        self.segment, self.block = float(found.segment), found.block
        if segment is not None and segment != self.segment:
            raise SeehearError(
                f"{self.place}: has segments of {self.segment:g} s, not {segment:g} s; use another folder"
            )
        if block is not None and block != self.block:
            raise SeehearError(f"{self.place}: has {_per_file(self.block)}, not {_per_file(block)}; use another folder")
        self._layout: Layout
        if found.format == BLOCKS:
            self._layout = Blocks(self.place, found.block)
            weakref.finalize(self, self._layout.flush)  # for whoever forgets to
        elif self.is_here:
            self._layout = Files(self.path)
        else:
            raise SeehearError(
                f"{self.place}: has one file per clip, which seehear reads from folders of this machine alone; copy "
                "it to one, or extract into a new place"
            )

    @property
    def is_here(self) -> bool:
        """Whether the store is a folder of this machine, or one that it shares with others."""
        return isinstance(self.place, LocalPlace)

    @property
    def path(self) -> Path:
        """The folder. Raises SeehearError for a store elsewhere."""
        if not isinstance(self.place, LocalPlace):
            raise SeehearError(f"{self.place}: is elsewhere, and this needs a folder of this machine")
        return self.place.path

    @property
    def marker(self) -> Path:
        """The whole path of the file that makes the folder a store. Raises SeehearError for a store elsewhere."""
        return self.path.resolve() / "store.json"

    def __str__(self) -> str:
        return str(self.place)

    def __reduce__(self) -> tuple[type[Store], tuple[Place]]:
        """Open the store again in another process. What is gathered stays here."""
        return Store, (self.place,)

    def _check_new(self, create: bool, segment: float | None, block: int | None) -> None:
        """Raise SeehearError unless a store may be created here, with these settings."""
        if self.is_here:
            check_folder(self.path, "name the folder of a store")
        if not create:
            raise SeehearError(
                f"{self.place}: no feature store here; `seehear extract` or `seehear features import` makes one"
            )
        if segment is not None and not LEAST_SEGMENT <= segment <= MAX_SEGMENT:
            raise SeehearError(
                f"a segment must last from {LEAST_SEGMENT:g} to {MAX_SEGMENT:g} seconds, not {segment:g}"
            )
        if block is not None and not 1 <= block <= MAX_BLOCK:
            raise SeehearError(f"a block must have from 1 to {MAX_BLOCK} clips, not {block}")
        # It may be another process's, made just now.
        if self.place.names() and not self.place.exists("store.json"):
            raise SeehearError(f"{self.place}: holds other files; choose a new folder for the store")

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    def networks(self) -> dict[str, NetworkInfo]:
        """Return the networks that have features here, by name."""
        names = [name for name in self.place.names() if name not in RESERVED]
        return {name: _network(self.place, name) for name in names if self.place.exists(f"{name}/network.json")}

    def network(self, name: str) -> NetworkInfo:
        """Return what is recorded about a network. Raises SeehearError naming the known networks if it has none."""
        known = self.networks()
        if name not in known:
            raise SeehearError(f"{self.place}: no features of {name!r}; available: {', '.join(known) or 'none'}")
        return known[name]

    def register(self, info: NetworkInfo) -> None:
        """Make room for a network's features. Raises SeehearError for a name that no network or modality may have."""
        valid_network_name(info.name)
        valid_modality_name(info.modality)
        if self.is_here:
            sweep(self.path / info.name)
        if self._registered(info):  # without a lock, for a store that can only be read
            return
        with self._alone(info.name):
            file = f"{info.name}/network.json"
            if not self.place.exists(file):  # of several processes that register another network, one succeeds
                self.place.create(file, json_bytes(asdict(info)))
            if not self._registered(info):
                self.place.write(file, json_bytes(asdict(info)))

    def _registered(self, info: NetworkInfo) -> bool:
        """Return whether a network is registered as it is. Raises SeehearError if its features have another form."""
        if not self.place.exists(f"{info.name}/network.json"):
            return False
        old = _network(self.place, info.name)
        if (old.modality, old.width) != (info.modality, info.width):
            raise SeehearError(
                f"{located(self.place, f'{info.name}/network.json')}: {info.name} is {old.modality} of width "
                f"{old.width} here, not {info.modality} of width {info.width}: choose "
                "another name or another store"
            )
        return old == info

    @contextmanager
    def _alone(self, network: str) -> Iterator[None]:
        """Keep other processes of this host from registering the network, as far as there are locks."""
        if self.is_here:
            with locked(self.path / network):
                yield
        else:
            yield

    def file(self, network: str, clip: str) -> Path:
        """Return the file of a clip's features. Raises SeehearError for a name that would lead elsewhere."""
        return self.path / self._layout.file(valid_network_name(network), valid_clip_name(clip))

    def where(self, network: str, clip: str) -> str:
        """Return where a clip's features are, for messages. Raises as `file`."""
        return located(self.place, self._layout.file(valid_network_name(network), valid_clip_name(clip)))

    def clips(self, network: str, *others: str) -> frozenset[str]:
        """Return the clips that have features of all of these networks."""
        return self._layout.clips(network).intersection(*(self._layout.clips(other) for other in others))

    def state(self, network: str, clips: Sequence[str]) -> str:
        """Return a hash that changes when the features of one of these clips do.

        Raises:
            SeehearError: If one of the clips has no features.
        """
        state = hashlib.sha256()
        done = 0
        try:
            for text in self._layout.states(network, clips):
                state.update(text.encode())
                done += 1
        except FileNotFoundError:
            raise self._missing(network, clips[done]) from None
        return state.hexdigest()

    def write(
        self,
        network: str,
        origin: Origin,
        features: NDArray[np.float32],
        silent: NDArray[np.bool_] | None = None,
        notes: Sequence[Note] = (),
    ) -> None:
        """Write the features of a clip, replacing older ones.

        In a store of blocks they are gathered: they are in a file after `flush`, or when a block is full, or 60
        seconds after the first of them.

        Args:
            network: Whose features.
            origin: Names the clip, and what its features were made from.
            features: (T, width).
            silent: (T,), which segments are digital silence; None if it is not known.
            notes: On the clip, as far as they concern the network's modality.

        Raises:
            SeehearError: If the file can't be written, or the store has vanished since it was opened and stays away.
        """
        valid_network_name(network)
        entry = Entry(
            valid_clip_name(origin.clip),
            np.ascontiguousarray(features, dtype=np.float32),
            None if silent is None else np.ascontiguousarray(silent, dtype=bool),
            {name: value for name, value in asdict(origin).items() if value is not None},
            [note.as_json() for note in notes],
        )
        self._layout.write(network, entry)

    def flush(self) -> None:
        """Write the features that were gathered. Raises as `write`; what could not be written is forgotten."""
        self._layout.flush()

    def read(self, network: str, clip: str) -> NDArray[np.float32]:
        """Read the features (T, width) of a clip. Raises SeehearError naming the file if it is missing or damaged."""
        return self._features(network, clip, self._tensors(network, clip, "features"))

    def segments(self, network: str, clip: str) -> int:
        """Return how many segments a clip has, without reading its features.

        Raises:
            SeehearError: The clip has no features of the network, or what stands beside them is damaged.
        """
        valid_network_name(network)
        try:
            shape = self._layout.shape(network, valid_clip_name(clip))
        except FileNotFoundError:
            raise self._missing(network, clip) from None
        except UNREADABLE as error:
            raise self._damaged(network, clip, str(error) or type(error).__name__) from None
        if len(shape) != 2 or not all(type(size) is int and size > 0 for size in shape) or not reasonable(shape):
            raise self._damaged(network, clip, f"has features of shape {shape}")
        return shape[0]

    def silent(self, network: str, clip: str) -> NDArray[np.bool_] | None:
        """Read which segments of a clip are digital silence, (T,); None if it is not known. Raises as `read`."""
        return self._silent(network, clip, self._tensors(network, clip, "silent"))

    def stored(self, network: str, clip: str) -> Stored:
        """Read the features of a clip, its silence and its origin at once. Raises as `read`."""
        try:
            tensors, facts = self._layout.stored(valid_network_name(network), valid_clip_name(clip))
        except FileNotFoundError:
            raise self._missing(network, clip) from None
        features, silent = self._features(network, clip, tensors), self._silent(network, clip, tensors)
        try:
            return Stored(features, silent, as_model(facts, Origin, self.place, self._layout.remedy))
        except SeehearError:
            raise self._damaged(network, clip, "what its features were made from can't be read") from None

    def notes(self, network: str, clip: str) -> tuple[Note, ...]:
        """Read the notes on a clip that concern the network's modality; none from stores of earlier versions.

        Raises:
            SeehearError: They are damaged.
        """
        valid_network_name(network)
        valid_clip_name(clip)
        try:
            return tuple(Note.from_json(note) for note in self._layout.facts(network, clip).get("notes", ()))
        except UNREADABLE as error:
            where = self.where(network, clip)
            raise SeehearError(f"{where}: its notes are damaged ({error}); {self._layout.remedy}") from None

    def origin(self, network: str, clip: str) -> Origin | None:
        """Return the origin of the features of a clip; None if there are none, or their file is damaged."""
        self._layout.prepare(network)  # what fails here says nothing of the clip
        try:
            facts = self._layout.facts(valid_network_name(network), valid_clip_name(clip), whole=True)
            return as_model(facts, Origin, self.place, self._layout.remedy)
        except UNREADABLE:
            return None

    def is_damaged(self, network: str, clip: str) -> bool:
        """Return whether a clip has features, and they are damaged, so that extraction replaces them."""
        if not self._layout.has(valid_network_name(network), valid_clip_name(clip)):
            return False
        try:
            self.notes(network, clip)
        except SeehearError:
            return True
        return self.origin(network, clip) is None

    def unreadable(self, network: str) -> list[str]:
        """Return the damaged files of which it can't be said whose features they held; none in a store of files."""
        return [located(self.place, name) for name in self._layout.unreadable(network)]

    def is_current(self, network: str, clip: str, made_by: str, path: Location, audio_track: int | None = None) -> bool:
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

    def _tensors(self, network: str, clip: str, name: str) -> dict[str, NDArray[Any]]:
        """Return a tensor of a clip by its name, nothing if the clip lacks it."""
        valid_network_name(network)
        try:
            return self._layout.tensors(network, valid_clip_name(clip), name)
        except FileNotFoundError:
            raise self._missing(network, clip) from None

    def _features(self, network: str, clip: str, tensors: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Return the features of a clip, if they have their form."""
        features = tensors.get("features")
        if features is None:
            raise self._damaged(network, clip, "lacks features")
        if features.dtype != np.float32 or features.ndim != 2 or not features.size or not reasonable(features.shape):
            fault = f"has {features.dtype} of shape {features.shape}, expected float32 of shape (T, width)"
            raise self._damaged(network, clip, fault)
        return features

    def _silent(self, network: str, clip: str, tensors: dict[str, NDArray[Any]]) -> NDArray[np.bool_] | None:
        """Return which segments of a clip are digital silence, if that has its form."""
        silent = tensors.get("silent")
        if silent is not None and (silent.dtype != np.bool_ or silent.ndim != 1):
            fault = f"silent has {silent.dtype} of shape {silent.shape}, expected bool of shape (T,)"
            raise self._damaged(network, clip, fault)
        return silent

    def _missing(self, network: str, clip: str) -> SeehearError:
        unreadable = self.unreadable(network)
        hint = f" ({unreadable[0]} is damaged: delete it)" if unreadable else ""
        return SeehearError(f"{self.place}: clip {clip} has no features of {network}; `seehear extract` it{hint}")

    def _damaged(self, network: str, clip: str, fault: str) -> SeehearError:
        return SeehearError(f"{self.where(network, clip)}: damaged ({fault}); {self._layout.remedy}")


def _per_file(block: int) -> str:
    return "one file per clip" if block == 1 else f"blocks of {block} clips"


def _marker(place: Place) -> _Marker:
    """Read the marker of a store. Raises SeehearError if it is damaged or of a format of another version."""
    where = located(place, "store.json")
    facts = _object(place, "store.json", NEW_FOLDER)
    if facts.get("format") not in (FILES, BLOCKS):
        raise SeehearError(
            f"{place}: a store of format {facts.get('format')}, this seehear reads formats {FILES} and {BLOCKS}; "
            "extract into a new folder, or use the version that made it"
        )
    if facts["format"] == FILES:
        return as_model({**facts, "block": 1}, _Marker, where, NEW_FOLDER)
    return as_model(facts, _Marker, where, NEW_FOLDER)


def _object(place: Place, name: str, remedy: str) -> dict[str, Any]:
    """Read a small JSON file of a store. Raises SeehearError naming it if it is missing or damaged."""
    where = located(place, name)
    try:
        value = json_of(place.read(name, 0, MAX_JSON), where, remedy)
    except FileNotFoundError:
        raise SeehearError(f"{where}: no such file") from None
    if not isinstance(value, dict):
        raise SeehearError(f"{where}: holds {str(value)[:60]} instead of fields with names; {remedy}")
    return value


def _network(place: Place, name: str) -> NetworkInfo:
    """Read what a store records about a network. Raises SeehearError naming the file if it is damaged."""
    where, remedy = located(place, f"{name}/network.json"), f"delete {located(place, name)} and extract again"
    info = as_model(_object(place, f"{name}/network.json", remedy), NetworkInfo, where, remedy)
    if info.name != name:
        raise SeehearError(f"{where}: is of the network {info.name!r}, but lies in another folder; {remedy}")
    try:
        valid_modality_name(info.modality)
    except ClipError as error:
        raise SeehearError(f"{where}: {error}; {remedy}") from None
    return info
