"""What a network is, declared: its input, its output, where its weights come from and under which licence."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from seehear.names import check_network
from seehear.networks.weights import WeightFile

if TYPE_CHECKING:
    from torch import nn

Batch = NDArray[np.float32] | NDArray[np.uint8]


@dataclass(frozen=True)
class AudioInput:
    """Mono sound, cut into windows whose centres lie evenly in each segment.

    rate: samples a second. window: seconds that one feature hears.
    hop: seconds between the centres of windows, at most; those of one segment are averaged.
    """

    rate: int
    window: float
    hop: float = 1.0
    modality: ClassVar[str] = "audio"

    @property
    def samples(self) -> int:
        """Samples in a window."""
        return round(self.window * self.rate)

    @property
    def described(self) -> str:
        """For people."""
        return f"{self.window:.3g} s at {self.rate / 1000:g} kHz" + (f" every {self.hop:g} s" if self.hop < 1 else "")


@dataclass(frozen=True)
class ImageInput:
    """Square RGB pictures of `size` pixels a side; those of one segment are averaged."""

    size: int
    modality: ClassVar[str] = "visual"

    @property
    def described(self) -> str:
        """For people."""
        return f"{self.size} px"


@dataclass(frozen=True)
class ClipInput(ImageInput):
    """Clips of `frames` square RGB pictures, spread evenly over the pictures of each segment."""

    frames: int = 16

    @property
    def described(self) -> str:
        """For people."""
        return f"{self.frames} × {self.size} px"


class Network(ABC):
    """A network in memory, ready to run."""

    class_names: tuple[str, ...] = ()  # of `logits`, where the network carries its classifier

    @abstractmethod
    def features(self, batch: Batch) -> NDArray[np.float32]:
        """One feature vector each.

        batch: for audio (n, samples) float32 in [-1, 1]; for pictures (n, size, size, 3) uint8, RGB; for clips of them
        (n, frames, size, size, 3).
        Returns (n, width) float32.
        """

    def logits(self, batch: Batch) -> NDArray[np.float32]:
        """Class scores (n, len(class_names)) of the network's own classifier, for those that have one."""
        raise NotImplementedError(f"{type(self).__name__} has no classifier")

    def module(self) -> nn.Module:
        """The network as torch has it, from a batch to features (n, width), to be trained further."""
        raise NotImplementedError(f"{type(self).__name__} can't be trained further")


@dataclass(frozen=True)
class NetworkSpec:
    """A network in the registry. Everything that decides its numbers is in `fingerprint`."""

    name: str
    input: AudioInput | ImageInput
    width: int
    domain: str  # what it was trained on
    origin: str  # who made it, and where it is published
    paper: str
    licence: str
    load: Callable[[Mapping[str, Path], str], Network]  # from paths of the weight files by their names, and a device
    weights: tuple[WeightFile, ...] = ()
    revision: str = "1"  # changes whenever the code around the weights changes what comes out
    extra: str | None = None  # the optional dependency it needs: pip install seehear[extra]
    looks_at: str = ""  # class the network's own classifier must give on the sample shipped with seehear
    # The same as a torch module with weights as they are made, for networks that come as one; its file of weights holds
    # the module's state dict.
    build: Callable[[], nn.Module] | None = field(default=None, compare=False)
    reference: str = field(default="", compare=False)  # how to name it on a command line, where not by `name`

    def __post_init__(self) -> None:
        """Raises SeehearError for a name that no network may have."""
        check_network(self.name)

    @property
    def modality(self) -> str:
        return self.input.modality

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change when the features of an unchanged clip would."""
        facts = {
            "name": self.name,
            "input": [type(self.input).__name__, *vars(self.input).values()],
            "width": self.width,
            "weights": [weight.identity for weight in self.weights],
            "revision": self.revision,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
