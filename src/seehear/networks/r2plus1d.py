"""R(2+1)D-18: a residual network over space and time, trained to recognise 400 human actions (Kinetics-400).

Source: D. Tran et al., "A closer look at spatiotemporal convolutions for action recognition", CVPR 2018,
https://arxiv.org/abs/1711.11248, in the version and with the weights of torchvision. Its files models/video/resnet.py
and transforms/_presets.py (0.28) name the address, the mean and the deviation. The digits in the name of the weight
file are the first of its sha256, which torch.hub checks. Features are the mean over the output of the last block.

A clip has eight frames, which is one second at 8 frames per second, the default rate of seehear and of the features
shared for LLP. The network was trained on sixteen frames of about one second. Using each of eight frames twice would
show it motion that stops at every other frame. Its authors scale frames to 171 × 128 and crop the centre of 112 × 112;
seehear squeezes the whole frame into the square.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from seehear.networks.spec import ClipInput, Network, NetworkSpec
from seehear.networks.weights import Url, WeightFile

if TYPE_CHECKING:
    from torch import nn

NAME = "r2plus1d-18"
SIZE, FRAMES = 112, 8

MODEL = WeightFile(
    "r2plus1d_18-91a641e6.pth",
    "91a641e6c2ab531d1aca5f4321b4d802ec5c3babc15df855cdb6e39c6a1107c8",  # as others state it who have checked the file
    (Url("https://download.pytorch.org/models/r2plus1d_18-91a641e6.pth"),),
)


def build() -> nn.Module:
    """Build the module from clips (n, frames, size, size, 3) uint8 to features (n, 512), with the names of the file."""
    from seehear.networks.r2plus1d_module import R2Plus1D

    return R2Plus1D()


def load(paths: Mapping[str, Path], device: str) -> Network:
    """Load the network on a device. paths: file name -> verified file."""
    from seehear.networks.torch_network import TorchNetwork, load_state

    def trunk(key: str) -> str | None:
        return None if key.startswith("fc.") else key  # the classifier

    return TorchNetwork(load_state(build(), paths[MODEL.name], NAME, rename=trunk), device)


SPEC = NetworkSpec(
    name=NAME,
    input=ClipInput(size=SIZE, frames=FRAMES),
    width=512,
    domain="human actions (Kinetics-400)",
    origin="torchvision; https://docs.pytorch.org/vision/stable/models/video_resnet.html",
    paper="Tran et al., A closer look at spatiotemporal convolutions, CVPR 2018 (arXiv:1711.11248)",
    licence="BSD-3-Clause",
    load=load,
    weights=(MODEL,),
    build=build,
)
