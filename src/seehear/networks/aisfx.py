"""aiSFX: a small VGG trained to classify sound effects by the catalogues of nine libraries.

Source: A. Ma, C. Schmidt, B. Xiao, "Representation learning for the automatic indexing of sound effects libraries",
ISMIR 2022, https://arxiv.org/abs/2208.09096.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.networks.graph import BatchNorm, GraphBuilder, converted
from seehear.networks.mel import magnitudes, mel_filters
from seehear.networks.session import OnnxNetwork
from seehear.networks.spec import AudioInput, Network, NetworkSpec
from seehear.networks.weights import WeightFile, Wheel, read_state_dict

if TYPE_CHECKING:
    import onnx

RATE = 44100
FRAME, HOP = 2048, 1024  # samples
FRAMES, BANDS = 100, 96
WINDOW = ((FRAMES - 1) * HOP + FRAME) / RATE  # 2.35 s
MAX_LEVEL = 9.457798957824707  # of the compressed spectra in training
REVISION = "1"

MODEL = WeightFile(
    "aisfx.pth",
    "499ea75909c932a2f94c35fa722fa4fabc5bcb7e84917209cc5f7402627b7eb5",
    (
        Wheel(
            "aisfx==0.1.2",
            "aisfx/models/checkpoint.pth",
            "bfe219950715af179e9a1653e7117cc1852baef267cd6596c42cad74afe1d194",
            23140952,
        ),
    ),
)

_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))).astype(np.float32)  # symmetric
_FILTERS = mel_filters(RATE, FRAME, BANDS, 0.0, RATE / 2)
_FILTERS = _FILTERS / _FILTERS.sum(axis=0)


def spectra(waves: NDArray[np.float32]) -> NDArray[np.float32]:
    """Powers (n, 100, 1025) of waves (n, 103424) at 44.1 kHz; the ONNX file completes the log-mel.

    Each window is scaled to a peak of 1 by itself, as each sound effect was in training. So features do not depend on
    the loudness. Digital silence stays silence.
    """
    peaks = np.abs(waves).max(axis=1, keepdims=True)
    waves = np.divide(waves, peaks, out=np.zeros_like(waves), where=peaks > 0)
    return np.square(magnitudes(waves, _HANN, HOP, FRAME))


def build(state: Mapping[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """Build scaled log-mel from powers, four blocks of two convolutions, mean over frequency, maximum over time."""
    graph = GraphBuilder()
    x = graph.input("spectra", (FRAMES, FRAME // 2 + 1))
    x = graph.log_mel(x, _FILTERS, gain=1e4, offset=1.0, scale=1 / (np.log(10) * MAX_LEVEL))
    for block in range(1, 5):
        for layer in (1, 2):
            name = f"conv_block{block}"
            norm = BatchNorm.from_state(state, f"{name}.bn{layer}", epsilon=1e-5)
            x = graph.relu(graph.conv(x, state[f"{name}.conv{layer}.weight"], padding=(1, 1, 1, 1), norm=norm))
        if block < 4:
            x = graph.max_pool(x)
    return graph.model(features=graph.max(graph.mean(x, axes=[3]), axes=[2]))


def read_state(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the embedding network of the checkpoint, which also holds its class counts as numpy integers."""
    scalar = (np._core.multiarray.scalar, "numpy.core.multiarray.scalar")  # type: ignore[attr-defined]
    return read_state_dict(path, "embedding_net.", allowed=(scalar, np.dtype, np.dtypes.Int64DType))


def load(paths: Mapping[str, Path], device: str) -> Network:
    """Load the network on a device. paths: file name -> verified file."""
    path = converted(MODEL, REVISION, lambda: build(read_state(paths[MODEL.name])))
    return OnnxNetwork(path, device, front_end=spectra, chunk=4)


SPEC = NetworkSpec(
    name="aisfx",
    input=AudioInput(rate=RATE, window=WINDOW),
    width=512,
    domain="sound effects",
    origin="A. Ma, C. Schmidt, B. Xiao; https://github.com/alisonbma/aiSFX",
    paper="Ma, Schmidt, Xiao, Representation learning for the automatic indexing of sound effects, ISMIR 2022",
    licence="CC BY 4.0",
    load=load,
    weights=(MODEL,),
    revision=REVISION,
)
