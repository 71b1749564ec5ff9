"""EfficientAT: MobileNetV3 trained to recognise the 527 sound events of AudioSet, with a transformer as its teacher.

Source: F. Schmid, K. Koutini, G. Widmer, "Efficient large-scale audio tagging via transformer-to-CNN knowledge
distillation", ICASSP 2023, https://arxiv.org/abs/2211.04772; https://github.com/fschmid56/EfficientAT.
Architecture: A. Howard et al., "Searching for MobileNetV3", ICCV 2019, https://arxiv.org/abs/1905.02244, table 1.

Squeeze and excitation weighs the channels by their means over all that is computed at once. So windows are short: what
else sounds in a clip would change the feature of a second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.networks import audioset
from seehear.networks.graph import BatchNorm, GraphBuilder, converted
from seehear.networks.mel import mel_filters
from seehear.networks.session import OnnxNetwork
from seehear.networks.spec import AudioInput, Network, NetworkSpec, Vocabulary
from seehear.networks.weights import Url, WeightFile, read_state_dict

if TYPE_CHECKING:
    import onnx

Array = NDArray[np.float32]

RATE = 32000
FRAME, HOP, FFT = 800, 320, 1024  # samples: 25 ms every 10 ms
HALF = FRAME // 2
BANDS = 128
EMPHASIS = 0.97  # of the sample before, which is subtracted from each sample
OFFSET, SHIFT, SCALE = 1e-5, 4.5, 5.0  # the network takes (log(mel + OFFSET) + SHIFT) / SCALE
EPSILON = 1e-3
STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1)  # of the blocks
N_RELU = 6  # blocks from the first that have ReLU; the others have hard swish
WIDTH = 384
REVISION = "2"

_RELEASE = "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1"
MODEL = WeightFile(
    "mn04_as_mAP_432.pt",
    "899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
    (Url(f"{_RELEASE}/mn04_as_mAP_432.pt"),),
)

_FILTERS = mel_filters(RATE, FFT, BANDS, 0.0, 15000.0)  # (bins, bands)


def folded_frames(waves: Array) -> Array:
    """Cut waves (n, samples) into frames, folded at their middles: (n, 2, frames, 400).

    One half holds the sums of samples that are equally far from the middle, the other half their differences. Since the
    window of a frame is symmetric, its spectrum is a cosine transform of the sums and a sine transform of the
    differences, with half as many products. High frequencies are emphasised. Frames are centred at each HOP, and the
    ends of a wave are reflected.
    """
    emphasised = waves[:, 1:] - np.float32(EMPHASIS) * waves[:, :-1]
    padded = np.pad(emphasised, ((0, 0), (HALF, HALF)), mode="reflect")
    frames = sliding_window_view(padded, FRAME, axis=1)[:, ::HOP]  # (n, frames, 800)
    before, after = frames[..., HALF - 1 :: -1], frames[..., HALF:]
    return np.stack([after + before, after - before], axis=1)


def bases(bins: NDArray[np.int64]) -> Array:
    """Return cosines and sines of these bins under a symmetric Hann window: (2, 400, bins), for folded frames."""
    place = np.arange(HALF) + 0.5  # samples from the middle of a frame
    hann = 0.5 + 0.5 * np.cos(2 * np.pi * place / (FRAME - 1))
    angles = 2 * np.pi * place[:, None] * bins / FFT  # (400, bins)
    return np.asarray(hann[:, None] * np.stack([np.cos(angles), np.sin(angles)]), np.float32)


class _Builder:
    """Builds the graph from a torch state dict. Time is the third axis and frequency the fourth, in kernels too."""

    def __init__(self, state: Mapping[str, Array]) -> None:
        self.graph, self._state = GraphBuilder(), state

    def input(self) -> str:
        """Add the input, folded frames, and return log-mel spectra (batch, 1, frames, bands)."""
        bins = np.flatnonzero(_FILTERS.any(axis=1))
        x = self.graph.input("frames", (2, "frames", HALF))
        power = self.graph.power(x, bases(bins))  # (batch, frames, bins)
        gain = math.exp(SHIFT)  # log(gain * y) is log(y) + SHIFT
        return self.graph.log_mel(power, _FILTERS[bins], gain=gain, offset=gain * OFFSET, scale=1 / SCALE)

    def convolve(self, x: str, name: str, stride: int = 1, *, by_channel: bool = False) -> str:
        """Convolve and normalise."""
        kernel = self._state[f"{name}.0.weight"].swapaxes(2, 3)
        norm = BatchNorm.from_state(self._state, f"{name}.1", EPSILON)
        padding = kernel.shape[2] // 2
        groups = len(kernel) if by_channel else 1
        return self.graph.conv(x, kernel, stride=stride, padding=(padding,) * 4, groups=groups, norm=norm)

    def block(self, x: str, number: int) -> str:
        """Add an inverted bottleneck: expand, convolve each channel, weigh the channels, project; with a shortcut."""
        activate = self.graph.relu if number < N_RELU else self.graph.hard_swish
        name, stride, before, part = f"features.{number + 1}.block", STRIDES[number], x, 0
        first = self._state[f"{name}.0.0.weight"]
        channels = len(first)
        if first.shape[2] == 1:  # a first block whose channels are not expanded begins with the next convolution
            channels = first.shape[1]
            x, part = activate(self.convolve(x, f"{name}.0")), 1
        x, part = activate(self.convolve(x, f"{name}.{part}", stride, by_channel=True)), part + 1
        squeeze = f"{name}.{part}.conc_se_layers.0"
        if f"{squeeze}.fc1.weight" in self._state:
            x = self.graph.squeeze_excite(x, self.linear(f"{squeeze}.fc1"), self.linear(f"{squeeze}.fc2"))
            part += 1
        x = self.convolve(x, f"{name}.{part}")
        same = stride == 1 and channels == len(self._state[f"{name}.{part}.0.weight"])
        return self.graph.add(x, before) if same else x

    def linear(self, name: str) -> tuple[Array, Array]:
        """Return weight (out, in) and bias (out,) of a linear layer."""
        return self._state[f"{name}.weight"], self._state[f"{name}.bias"]


def build(state: Mapping[str, Array]) -> onnx.ModelProto:
    """Build the graph from folded frames to features and logits.

    Args:
        state: The arrays of the published file.

    Raises:
        SeehearError: Arrays are missing.
    """
    builder = _Builder(state)
    graph = builder.graph
    try:
        x = graph.hard_swish(builder.convolve(builder.input(), "features.0", stride=2))
        for number in range(len(STRIDES)):
            x = builder.block(x, number)
        x = graph.hard_swish(builder.convolve(x, f"features.{len(STRIDES) + 1}"))  # (batch, 384, time, bands / 32)
        features = graph.mean(x, axes=[2, 3])
        hidden = graph.hard_swish(graph.gemm(features, *builder.linear("classifier.2")))
        logits = graph.gemm(hidden, *builder.linear("classifier.5"))
    except KeyError as error:
        raise SeehearError(f"the weights of efficientat-mn04 lack {error}") from None
    return graph.model(features=features, logits=logits)


def load(paths: Mapping[str, Path], device: str) -> Network:
    """Load the network on a device, with its classes. paths: file name -> verified file."""
    path = converted(MODEL, REVISION, lambda: build(read_state_dict(paths[MODEL.name])))
    names, ids = audioset.read_classes(paths[audioset.CLASSES.name])
    return OnnxNetwork(
        path,
        device,
        front_end=folded_frames,
        class_names=names,
        class_ids=ids,
        vocabulary=Vocabulary.AUDIOSET,
        chunk=4,
    )


SPEC = NetworkSpec(
    name="efficientat-mn04",
    input=AudioInput(rate=RATE, window=3.0),
    width=WIDTH,
    domain="sound events (AudioSet)",
    origin="F. Schmid, Johannes Kepler University Linz; https://github.com/fschmid56/EfficientAT",
    paper="Schmid et al., Efficient large-scale audio tagging via transformer-to-CNN knowledge distillation, ICASSP "
    "2023 (arXiv:2211.04772)",
    licence="MIT; class names CC BY 4.0",
    load=load,
    weights=(MODEL, audioset.CLASSES),
    revision=REVISION,
    sample_class="Dog",
)
