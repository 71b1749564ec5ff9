"""ResNet-152, VGG-19 with batch norm, SENet-154 and PolyNet, trained on ImageNet-1k, as pytorchcv publishes them.

Source: O. Sémery, pytorchcv 0.0.74, https://github.com/osmr/imgclsmob. The architectures come from the package.
Names, hashes and addresses of weights are copied from its models/common/model_metainfos.csv and model_store.py.
Features are the input of the last linear map: the mean over the last feature map; for VGG the second hidden layer
after its ReLU. The dropout before that map does nothing outside training.

Frames are normalised with the mean and standard deviation of ImageNet. pytorchcv's documentation demands something else
only for networks with a star at their name, which is none of these. pytorchcv scales an image to 8/7 of the size and
crops the centre. seehear squeezes the whole frame into the square instead, so that the edges are seen too.
"""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seehear.networks.spec import ImageInput, Network, NetworkSpec
from seehear.networks.weights import Url, WeightFile

if TYPE_CHECKING:
    from torch import nn

RELEASES = "https://github.com/osmr/imgclsmob/releases/download"
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the images of ImageNet, in [0, 1]


@dataclass(frozen=True)
class Published:
    """A network of pytorchcv: the module and function that build it, and its row in model_metainfos.csv."""

    module: str
    name: str
    error: str  # top-5, hundredths of a percent: part of the file's name
    sha1: str  # of the unpacked file
    tag: str  # of the release
    size: int  # pixels
    width: int
    hidden: tuple[str, ...] = ()  # layers of the classifier before its last linear map, which count as features

    @property
    def weights(self) -> WeightFile:
        """The weights, a file in a zip archive of its own."""
        file = f"{self.name}-{self.error}-{self.sha1[:8]}.pth"
        return WeightFile(file, "", (Url(f"{RELEASES}/{self.tag}/{file}.zip", file),), sha1=self.sha1)

    def build(self) -> nn.Module:
        """Build the module from frames (n, size, size, 3) uint8 to features (n, width), with the names of the file."""
        from torch import nn

        from seehear.networks.torch_network import NormaliseFrames

        whole = getattr(importlib.import_module(f"pytorchcv.models.{self.module}"), self.name)()
        hidden = OrderedDict((layer, getattr(whole.output, layer)) for layer in self.hidden)
        parts = {"normalise": NormaliseFrames(MEAN, DEVIATION), "features": whole.features, "flat": nn.Flatten()}
        return nn.Sequential(OrderedDict(parts, output=nn.Sequential(hidden)))


# The original network, in which the first 1×1 convolution of each stage halves width and height. In resnet152b of
# pytorchcv, and in torchvision, the 3×3 convolution does.
RESNET152 = Published("resnet", "resnet152", "0468", "d46977ddb5660bb523e9f2de50e5d16cef8e3027", "v0.0.518", 224, 2048)
VGG19_BN = Published(
    "vgg", "bn_vgg19", "0712", "3f286cbd2a57abb4c516425c5e095c2cfc8d54e3", "v0.0.360", 224, 4096, ("fc1", "fc2")
)
SENET154 = Published("senet", "senet154", "0455", "95dbccbe56dc93c4544e6d1c6673f09425a4cee2", "v0.0.522", 224, 2048)
POLYNET = Published("polynet", "polynet", "0452", "6a1b295dad3f261b48e845f1b283e4eef3ab5a0b", "v0.0.96", 331, 2048)


def _spec(name: str, published: Published, paper: str) -> NetworkSpec:
    weights = published.weights

    def load(paths: Mapping[str, Path], device: str) -> Network:
        from seehear.networks.torch_network import TorchNetwork, load_state

        module = published.build()
        own = module.state_dict().keys()
        # Skips the last linear map and anything else in the file, as pytorchcv does.
        state = load_state(module, paths[weights.name], name, rename=lambda key: key if key in own else None)
        return TorchNetwork(state, device)

    return NetworkSpec(
        name=name,
        input=ImageInput(size=published.size),
        width=published.width,
        domain="objects (ImageNet-1k)",
        origin="O. Sémery, pytorchcv; https://github.com/osmr/imgclsmob",
        paper=paper,
        licence="MIT",
        load=load,
        weights=(weights,),
        extra="paper",
        build=published.build,
    )


RESNET152_SPEC = _spec("resnet152", RESNET152, "He et al., Deep residual learning, CVPR 2016 (arXiv:1512.03385)")
VGG19_BN_SPEC = _spec(
    "vgg19-bn",
    VGG19_BN,
    "Simonyan, Zisserman, Very deep convolutional networks, ICLR 2015 (arXiv:1409.1556); "
    "Ioffe, Szegedy, Batch normalization, ICML 2015 (arXiv:1502.03167)",
)
SENET154_SPEC = _spec("senet154", SENET154, "Hu et al., Squeeze-and-excitation networks, CVPR 2018 (arXiv:1709.01507)")
POLYNET_SPEC = _spec("polynet", POLYNET, "Zhang et al., PolyNet, CVPR 2017 (arXiv:1611.05725)")
