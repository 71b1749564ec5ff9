"""The declaration of a network: its input, its output, the origin of its weights and their licence."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.names import valid_network_name
from seehear.networks.weights import WeightFile

if TYPE_CHECKING:
    from torch import nn

Batch = NDArray[np.float32] | NDArray[np.uint8]


@dataclass(frozen=True)
class AudioInput:
    """Windows of a mono waveform, with evenly spaced centres in each segment.

    Attributes:
        rate: Samples per second.
        window: Seconds of audio that one feature depends on.
        hop: The largest number of seconds between the centres of windows. The features of one segment are averaged.
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
        """Window, rate and hop in words, for tables."""
        return f"{self.window:.3g} s at {self.rate / 1000:g} kHz" + (f" every {self.hop:g} s" if self.hop < 1 else "")


@dataclass(frozen=True)
class ImageInput:
    """Square RGB frames. The features of one segment are averaged.

    Attributes:
        size: Width and height in pixels.
    """

    size: int
    modality: ClassVar[str] = "visual"

    @property
    def described(self) -> str:
        """The size in words, for tables."""
        return f"{self.size} px"


@dataclass(frozen=True)
class ClipInput(ImageInput):
    """Clips of square RGB frames, evenly spread over the frames of each segment.

    Attributes:
        size: Width and height in pixels.
        frames: Number of frames in a clip.
    """

    frames: int = 16

    @property
    def described(self) -> str:
        """Number and size of frames in words, for tables."""
        return f"{self.frames} × {self.size} px"


class Vocabulary(StrEnum):
    """A public list of classes, in which each class has an id."""

    AUDIOSET = "audioset"  # ids are machine ids, such as /m/0bt9lr; several classes can be heard at once
    IMAGENET_1K = "imagenet-1k"  # ids are those of WordNet, such as n02084071; an image shows one class

    @property
    def is_exclusive(self) -> bool:
        """Whether exactly one class holds, rather than any number of them."""
        return self is Vocabulary.IMAGENET_1K


@dataclass(frozen=True)
class Dense:
    """A layer of a classifier: an affine map.

    Attributes:
        weight: (in, out).
        bias: (out,).
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map (..., in) to (..., out)."""
        result: NDArray[np.float32] = x @ self.weight + self.bias
        return result


@dataclass(frozen=True)
class Classifier:
    """The last layers of a network that names classes.

    Without a hidden layer it is an affine map of the features. So it maps the mean of several features to the mean of
    their logits.

    Attributes:
        weight: (width, K), or (hidden units, K).
        bias: (K,).
        names: Of the K classes, for people.
        vocabulary: The public list that the classes are from; None if they are from none.
        ids: Of the K classes in the vocabulary; empty without one.
        hidden: The layer before, whose results pass a hard swish; None for an affine classifier.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    names: tuple[str, ...]
    vocabulary: Vocabulary | None = None
    ids: tuple[str, ...] = ()
    hidden: Dense | None = None

    def __post_init__(self) -> None:
        """Raise SeehearError unless there is one name per class, and one id per class of a vocabulary."""
        expected = len(self.names) if self.vocabulary is not None else 0
        if len(self.bias) != len(self.names) or len(self.ids) != expected:
            raise SeehearError(
                f"a classifier of {len(self.bias)} classes has {len(self.names)} names and {len(self.ids)} ids "
                f"({self.vocabulary or 'no vocabulary'})"
            )

    @property
    def is_affine(self) -> bool:
        """Whether logits are an affine map of the features."""
        return self.hidden is None

    @property
    def width(self) -> int:
        """Numbers in a feature."""
        return len(self.weight if self.hidden is None else self.hidden.weight)

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (..., K) of features (..., width)."""
        last = features if self.hidden is None else hard_swish(self.hidden(features))
        return Dense(self.weight, self.bias)(last)

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities (..., K) of features (..., width).

        They are independent of each other (sigmoid) if several classes can hold at once, as in AudioSet; they sum to 1
        (softmax) if one class holds, as in ImageNet.

        Raises:
            SeehearError: The classes are from no vocabulary, so it is unknown which of the two they are.
        """
        if self.vocabulary is None:
            raise SeehearError(
                f"the classes {', '.join(self.names[:3])}{'…' if len(self.names) > 3 else ''} are from no known "
                "vocabulary, so their probabilities are unknown; use the logits"
            )
        logits = self(features)
        if self.vocabulary.is_exclusive:
            likelihoods = np.exp(logits - logits.max(axis=-1, keepdims=True))
            return np.asarray(likelihoods / likelihoods.sum(axis=-1, keepdims=True), np.float32)
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits), np.float32)  # the sigmoid, which can't overflow like this


def hard_swish(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute x * clip(x / 6 + 1 / 2, 0, 1)."""
    return x * np.clip(x / np.float32(6) + np.float32(0.5), 0, 1)


class Network(ABC):
    """A network in memory, ready to run."""

    class_names: tuple[str, ...] = ()  # of `logits`, if the network has a classifier

    @abstractmethod
    def features(self, batch: Batch) -> NDArray[np.float32]:
        """Compute one feature per item.

        Args:
            batch: Windows (n, samples) float32 in [-1, 1]; or frames (n, size, size, 3) uint8 RGB; or clips of frames
                (n, frames, size, size, 3) uint8 RGB.

        Returns:
            (n, width) float32.
        """

    def logits(self, batch: Batch) -> NDArray[np.float32]:
        """Compute the class scores (n, len(class_names)) of the network's own classifier, if it has one."""
        raise NotImplementedError(f"{type(self).__name__} has no classifier")

    def classifier(self) -> Classifier | None:
        """Return the map from features to `logits`, or None if the network has no classifier."""
        return None

    def module(self) -> nn.Module:
        """Return a torch module from a batch to features (n, width), for fine-tuning."""
        raise NotImplementedError(f"{type(self).__name__} can't be fine-tuned")


@dataclass(frozen=True)
class NetworkSpec:
    """A network in the registry. `fingerprint` covers everything that decides its features.

    Attributes:
        name: Of the network, in the registry and in stores.
        input: What it takes: audio, frames, or clips of frames.
        width: Numbers in a feature.
        domain: What it was trained on.
        origin: Its authors, and where it is published.
        paper: The paper that describes it.
        licence: Of code and weights.
        load: From weight files by name, and a device, to the network in memory.
        weights: Its weight files.
        revision: Changes whenever a change of the code changes the features.
        extra: The optional dependency that it needs: pip install seehear[extra].
        sample_class: The class that its classifier must predict for the sample clip; empty without a classifier.
        build: Makes the network as a torch module with initial weights, if it is published as one. The weight file
            holds the state dict of the module.
        reference: How to name it on a command line, if not by `name`.
    """

    name: str
    input: AudioInput | ImageInput
    width: int
    domain: str
    origin: str
    paper: str
    licence: str
    load: Callable[[Mapping[str, Path], str], Network]
    weights: tuple[WeightFile, ...] = ()
    revision: str = "1"
    extra: str | None = None
    sample_class: str = ""
    build: Callable[[], nn.Module] | None = field(default=None, compare=False)
    reference: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Raise SeehearError for a name that no network may have."""
        valid_network_name(self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how another process gets this network: by its name or reference if it has one, else as a copy."""
        from seehear import networks

        if self.reference:
            return networks.get, (self.reference,)
        if self.name in networks.REGISTRY and networks.REGISTRY[self.name] is self:
            return networks.get, (self.name,)
        return NetworkSpec, tuple(getattr(self, each.name) for each in fields(self))

    @property
    def modality(self) -> str:
        """Return the modality of its input, `audio` or `visual`."""
        return self.input.modality

    @property
    def needs_torch(self) -> bool:
        """Whether it can't be loaded without torch: it runs in torch, or its weights are a checkpoint of torch."""
        return self.build is not None or any(file.name.endswith((".pth", ".pt", ".tar")) for file in self.weights)

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change whenever the features of an unchanged clip would change."""
        facts = {
            "name": self.name,
            "input": [type(self.input).__name__, *vars(self.input).values()],
            "width": self.width,
            "weights": [weight.identity for weight in self.weights],
            "revision": self.revision,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
