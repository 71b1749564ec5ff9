"""Where a data set's features come from: a store, arrays in memory, or a part of another data set."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from seehear.features.packed import NotFinite, Packed, availability, finite, pack
from seehear.features.store import NetworkInfo, Store


class FeatureSource(ABC):
    """Where a data set's features come from."""

    store: Store | None = None

    @property
    def root(self) -> FeatureSource:
        """Where the features come from in the first place."""
        return self

    @abstractmethod
    def networks(self) -> dict[str, NetworkInfo]:
        """Return every network that has features here, by name."""

    @abstractmethod
    def clips(self, *networks: str) -> frozenset[str]:
        """Return the clips that have features of all these networks."""

    @abstractmethod
    def pack(self, network: str, clips: tuple[str, ...], absent: Mapping[str, int] | None = None) -> Packed:
        """Return the features of these clips, in this order.

        Args:
            network: Whose features.
            clips: Names of the clips.
            absent: Those of the clips that get rows of zeros in place of features -> how many.

        Raises:
            NotFinite: If a value is NaN or infinite.
        """

    @abstractmethod
    def length(self, network: str, clip: str) -> int:
        """Return the number of segments of a clip that has features of the network."""

    @abstractmethod
    def finite(self, network: str, clips: tuple[str, ...]) -> list[bool]:
        """Return for each clip whether all of its features are finite."""


class StoredFeatures(FeatureSource):
    """Features in a store, read through memory maps."""

    def __init__(self, store: Store) -> None:
        self.store: Store = store

    def networks(self) -> dict[str, NetworkInfo]:
        """Return every network of the store, by name."""
        return self.store.networks()

    def clips(self, *networks: str) -> frozenset[str]:
        """Return the clips that the store has features of, for all these networks."""
        return self.store.clips(*networks)

    def pack(self, network: str, clips: tuple[str, ...], absent: Mapping[str, int] | None = None) -> Packed:
        """Return the packed features of these clips, which the store keeps as one file."""
        return pack(self.store, network, clips, absent)

    def length(self, network: str, clip: str) -> int:
        """Return the number of segments of a clip that has features of the network."""
        return len(self.store.read(network, clip))

    def finite(self, network: str, clips: tuple[str, ...]) -> list[bool]:
        """Return for each clip whether all of its features are finite."""
        return finite(self.store, network, clips)


class ArrayFeatures(FeatureSource):
    """Features in memory. arrays: network -> clip -> (T, D) float32."""

    def __init__(
        self, infos: Mapping[str, NetworkInfo], arrays: Mapping[str, Mapping[str, NDArray[np.float32]]]
    ) -> None:
        self._infos, self._arrays = dict(infos), arrays

    def networks(self) -> dict[str, NetworkInfo]:
        """Return every network that has arrays, by name."""
        return self._infos

    def clips(self, *networks: str) -> frozenset[str]:
        """Return the clips that have an array for each of these networks."""
        first, *others = (frozenset(self._arrays[name]) for name in networks)
        return first.intersection(*others)

    def pack(self, network: str, clips: tuple[str, ...], absent: Mapping[str, int] | None = None) -> Packed:
        """Return the arrays of these clips, one after the other. Raises NotFinite if a value is NaN or infinite."""
        absent, width = absent or {}, self._infos[network].width
        arrays = [
            np.zeros((absent[clip], width), dtype=np.float32) if clip in absent else self._arrays[network][clip]
            for clip in clips
        ]
        rows = np.concatenate(arrays)  # (sum of T, D)
        for clip, array in zip(clips, arrays, strict=True):
            if not np.isfinite(array).all():
                raise NotFinite(f"clip {clip} has features of {network} that are not finite")
        offsets = np.concatenate([[0], np.cumsum([len(array) for array in arrays])]).astype(np.int64)
        digest = hashlib.sha256(repr((network, clips, offsets.tolist())).encode())
        digest.update(rows.data)
        if absent:
            digest.update(repr(sorted(absent)).encode())
        return Packed(rows, offsets, digest.hexdigest()[:16], available=availability(clips, absent))

    def length(self, network: str, clip: str) -> int:
        """Return the number of segments of a clip that has features of the network."""
        return len(self._arrays[network][clip])

    def finite(self, network: str, clips: tuple[str, ...]) -> list[bool]:
        """Return for each clip whether all of its features are finite."""
        return [bool(np.isfinite(self._arrays[network][clip]).all()) for clip in clips]


class PartOf(FeatureSource):
    """The features of some clips of another data set: packs are cut, not made again."""

    def __init__(self, source: FeatureSource, clips: tuple[str, ...], packed: Callable[[str], Packed]) -> None:
        """Take features from a larger set.

        Args:
            source: Of the larger set.
            clips: Its clips with features, in order.
            packed: From a network to its features of these clips.
        """
        self._source, self._clips, self._packed = source, clips, packed
        self.store = source.store

    def networks(self) -> dict[str, NetworkInfo]:
        """Return every network of the larger set, by name."""
        return self._source.networks()

    def clips(self, *networks: str) -> frozenset[str]:
        """Return the clips that the larger set has features of, for all these networks."""
        return self._source.clips(*networks)

    def pack(self, network: str, clips: tuple[str, ...], absent: Mapping[str, int] | None = None) -> Packed:
        """Return the features of these clips, cut from those of the larger set if it has them packed."""
        number = {clip: n for n, clip in enumerate(self._clips)}
        with suppress(NotFinite):  # of a clip that the larger set has and this one may not have
            if all(clip in number for clip in clips):
                packed = self._packed(network)
                if clips != self._clips:
                    packed = packed.subset(np.array([number[clip] for clip in clips], dtype=np.int64))
                if packed.lacks(clips) == set(absent or ()):
                    return packed
        return self._source.pack(network, clips, absent)

    def length(self, network: str, clip: str) -> int:
        """Return the number of segments of a clip that has features of the network."""
        return self._source.length(network, clip)

    def finite(self, network: str, clips: tuple[str, ...]) -> list[bool]:
        """Return for each clip whether all of its features are finite."""
        return self._source.finite(network, clips)
