"""A network in memory, called with arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear import networks
from seehear.errors import SeehearError
from seehear.features.segments import Run, Settings, in_batches, segment_means, spread, window_margin
from seehear.media.frames import squeeze
from seehear.media.span import Span, count_segments
from seehear.networks.spec import AudioInput, Classifier, ClipInput, ImageInput, Network, NetworkSpec

MAX_CHANNELS = 16  # of a waveform: the shorter axis of its array


def load_network(name: str | NetworkSpec, device: str = "auto") -> LoadedNetwork:
    """Load a network; weights that are not in the cache are fetched.

    Args:
        name: From `list_networks`, FILE.py:NAME for a network of your own, or a NetworkSpec.
        device: auto, cpu or cuda.

    Returns:
        A function from a waveform or frames to features.

    Raises:
        SeehearError: There is no such network, an optional dependency is missing, or no source gives the weights.
    """
    spec = name if isinstance(name, NetworkSpec) else networks.get(name)
    return LoadedNetwork(spec, networks.load(spec, device))


class LoadedNetwork:
    """A network in memory.

    Audio networks are called with a waveform and its rate, visual networks with frames:

        load_network("yamnet")(waveform, 44100)  # (T, 1024), one row per second
        load_network("efficientnet-lite0")(frames)  # (n, 1280), one row per frame

    Attributes:
        spec: Everything that is declared of the network: input, origin, paper, weights.
        network: The network itself, called with batches that have the exact form of its input.
    """

    def __init__(self, spec: NetworkSpec, network: Network) -> None:
        self.spec, self.network = spec, network

    @property
    def name(self) -> str:
        """Return the network's name."""
        return self.spec.name

    @property
    def modality(self) -> str:
        """Return the modality of its input, `audio` or `visual`."""
        return self.spec.modality

    @property
    def width(self) -> int:
        """Numbers in a feature."""
        return self.spec.width

    @property
    def licence(self) -> str:
        """Return the licence of the network's weights."""
        return self.spec.licence

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of the network's own classifier; none if it has no classifier."""
        return self.network.class_names

    def classifier(self) -> Classifier:
        """Return the map from features to class scores, for features that were computed before.

        It says which public vocabulary its classes are from, and has an id for each. Call it for logits, or its
        `probabilities`:

            load_network("yamnet").classifier().probabilities(features)  # (T, 521)

        Raises:
            SeehearError: The network has no classifier.
        """
        classifier = self.network.classifier()
        if classifier is None:
            raise SeehearError(f"{self.name} has no classifier; it only gives features")
        return classifier

    def __repr__(self) -> str:
        declared = self.spec.input.described
        return f"LoadedNetwork({self.name!r}: {self.modality}, {declared} -> {self.width} numbers, {self.licence})"

    def __call__(self, data: NDArray[Any], rate: float | None = None, *, segment: float = 1.0) -> NDArray[np.float32]:
        """Compute features, as `extract` does.

        Args:
            data: Of an audio network, a waveform (samples,), (channels, samples) or (samples, channels) in [-1, 1];
                channels are averaged. Of a visual network, frames (n, height, width, 3) uint8 RGB of any size, which
                are squeezed into the square that the network takes. A network that takes clips of frames sees
                them as one clip, or takes (n, frames, height, width, 3).
            rate: Samples per second of a waveform.
            segment: Seconds of a waveform that get one feature.

        Returns:
            (T, width) float32, one row per segment of a waveform; or (n, width), one row per frame or clip of frames.

        Raises:
            SeehearError: The array has another form.
        """
        return self._apply(self.network.features, self.width, data, rate, segment)

    def classify(self, data: NDArray[Any], rate: float | None = None, *, segment: float = 1.0) -> NDArray[np.float32]:
        """Compute the scores of the network's own classifier, averaged per segment.

        Up to rounding, `classifier()` gives the same for the features if it is affine, or if a segment has one window.
        Otherwise the mean of the scores isn't the score of the mean.

        Args:
            data: As when the network is called.
            rate: Likewise.
            segment: Likewise.

        Returns:
            (T, len(class_names)) or (n, len(class_names)) float32.

        Raises:
            SeehearError: The network has no classifier, or the array has another form.
        """
        if not self.class_names:
            raise SeehearError(f"{self.name} has no classifier; it only gives features")
        return self._apply(self.network.logits, len(self.class_names), data, rate, segment)

    def _apply(
        self, run: Run, width: int, data: NDArray[Any], rate: float | None, segment: float
    ) -> NDArray[np.float32]:
        if not segment > 0:
            raise SeehearError(f"a segment must last more than 0 seconds, not {segment:g}")
        declared = self.spec.input
        if isinstance(declared, ImageInput):
            if rate is not None:
                raise SeehearError(f"{self.name} takes frames, which have no rate")
            return in_batches(run, self._frames(np.asarray(data), declared), self.name, width)
        if rate is None or not rate > 0:
            raise SeehearError(f"{self.name} takes a waveform and its rate, in samples per second")
        waveform = self._mono(np.asarray(data))
        settings = Settings(segment=segment)
        means = [
            segment_means(span, declared, settings, run, self.name, width)
            for span in _spans(waveform, rate, declared, settings)
        ]
        return np.concatenate(means)[: count_segments(len(waveform) / rate, segment)]

    def _mono(self, waveform: NDArray[Any]) -> NDArray[np.float32]:
        """Average the channels of a waveform: (samples,)."""
        if waveform.dtype.kind != "f":
            raise SeehearError(
                f"{self.name} takes a waveform of floats in [-1, 1], not {waveform.dtype}; "
                "divide 16-bit samples by 32768"
            )
        if waveform.ndim == 2 and min(waveform.shape) <= MAX_CHANNELS:
            waveform = waveform.mean(axis=int(np.argmin(waveform.shape)))
        if waveform.ndim != 1 or not len(waveform):
            raise SeehearError(f"{self.name} takes a waveform (samples,) or (channels, samples), not {waveform.shape}")
        if not np.isfinite(waveform).all():
            raise SeehearError("the waveform holds numbers that are not finite")
        return waveform.astype(np.float32)

    def _frames(self, frames: NDArray[Any], declared: ImageInput) -> NDArray[np.uint8]:
        """Frames or clips of frames in the form that the network takes."""
        size, count = declared.size, declared.frames if isinstance(declared, ClipInput) else 0
        axes = (4, 5) if count else (4,)
        if frames.ndim not in axes or frames.shape[-1] != 3 or frames.dtype != np.uint8 or 0 in frames.shape[1:]:
            raise SeehearError(
                f"{self.name} takes frames (n, height, width, 3) uint8, not {frames.shape} {frames.dtype}"
            )
        if not count:
            return squeeze(frames, size)
        if frames.ndim == 4:
            frames = frames[None]  # one clip
        if not frames.shape[1]:
            raise SeehearError(f"{self.name} takes clips of at least one frame")
        chosen = frames[:, spread(frames.shape[1], count)]  # (n, count, height, width, 3)
        return squeeze(chosen.reshape(-1, *chosen.shape[2:]), size).reshape(len(chosen), count, size, size, 3)


def _spans(waveform: NDArray[np.float32], rate: float, declared: AudioInput, settings: Settings) -> list[Span]:
    """Return a waveform in spans, as `Media.spans` gives them."""
    margin, duration = window_margin(declared.window), len(waveform) / rate
    before = round(margin * rate)
    padded = np.pad(waveform, (before, before + 1))
    spans = []
    for n in range(max(1, int(np.ceil(duration / settings.span - 1e-9)))):
        start, stop = n * settings.span, min((n + 1) * settings.span, duration)
        samples = padded[round((start - margin) * rate) + before : round((stop + margin) * rate) + before]
        spans.append(Span(start, stop, {}, np.zeros(0), samples, round(rate), margin))
    return spans
