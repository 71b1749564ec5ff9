"""How the features of clips become files: what every layout of the feature store does."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.storage.place import LocalPlace, Place

REMEDY = "delete it and extract again"
# What reading a damaged or missing file raises
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error, SeehearError)
TENSORS = ("features", "silent")  # of a clip, in the order of their checksums


@dataclass(frozen=True)
class Entry:
    """The features of one clip and one network, to be written.

    Attributes:
        clip: The name of the clip.
        features: (T, width) float32.
        silent: (T,) bool, which segments are digital silence; None if it is not known.
        facts: The fields of their origin, without those that are None.
        notes: On the clip, each as JSON.
    """

    clip: str
    features: NDArray[np.float32]
    silent: NDArray[np.bool_] | None
    facts: dict[str, Any]
    notes: list[dict[str, Any]]


class Layout(ABC):
    """How the features in a store become files.

    Names of files are relative to the place of the store. The store checks names of clips and networks, and what
    tensors and facts hold; a layout checks that they are what was written.
    """

    remedy: str = REMEDY  # what to do about damaged features of a clip, for messages

    @abstractmethod
    def file(self, network: str, clip: str) -> str:
        """Return the name of the file that has or gets a clip's features, for messages."""

    @abstractmethod
    def clips(self, network: str) -> frozenset[str]:
        """Return the clips that have features of a network."""

    @abstractmethod
    def has(self, network: str, clip: str) -> bool:
        """Return whether there are features of a clip, damaged or not."""

    @abstractmethod
    def write(self, network: str, entry: Entry) -> None:
        """Write the features of a clip, at once or with others at the next `flush`. Raises SeehearError."""

    @abstractmethod
    def flush(self) -> None:
        """Write what is still to be written. Raises SeehearError if it can't be; then it is forgotten."""

    @abstractmethod
    def tensors(self, network: str, clip: str, *names: str) -> dict[str, NDArray[Any]]:
        """Read tensors of a clip, by name; one that the clip lacks is left out.

        Raises:
            FileNotFoundError: If the clip has no features.
            SeehearError: If they are damaged, or can't be read.
        """

    @abstractmethod
    def facts(self, network: str, clip: str, *, whole: bool = False) -> dict[str, Any]:
        """Return the fields of the origin of a clip's features and `notes`. whole: check the features too.

        Raises:
            UNREADABLE: One of these, if there are none, or they are damaged.
        """

    @abstractmethod
    def shape(self, network: str, clip: str) -> tuple[int, ...]:
        """Return the shape of a clip's features by what stands beside them, without reading them. Raises as `facts`."""

    @abstractmethod
    def stored(self, network: str, clip: str) -> tuple[dict[str, NDArray[Any]], Any]:
        """Return all tensors of a clip, and its facts, with one read. Raises as `tensors`."""

    @abstractmethod
    def states(self, network: str, clips: Sequence[str]) -> Iterator[str]:
        """Yield for each clip a text that changes when its features do. Raises FileNotFoundError if it has none."""

    def prepare(self, network: str) -> None:
        """Find out which files there are, if that is remembered. Raises SeehearError if it can't be found out."""
        return

    def unreadable(self, network: str) -> list[str]:
        """Return the names of damaged files of which it can't be said whose features they held."""
        return []


def located(place: Place, name: str) -> str:
    """Return where a file is, for messages."""
    return str(place.path / name) if isinstance(place, LocalPlace) else f"{place}/{name}"


def vanished(place: object) -> SeehearError:
    """Return the error for a store without its marker, which it had when it was opened."""
    return SeehearError(f"{place}: the store was deleted or unmounted meanwhile; nothing more is written")
