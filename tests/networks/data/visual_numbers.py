"""What other implementations of visual networks make of the weights and pictures of frozen.py, to visual.npz.

They are transformers 5.23 (resnet152), torchvision 0.28 (vgg19-bn, r2plus1d-18), timm 1.0.31 (senet154) and
pretrainedmodels 0.7.4, of which models/polynet.py alone must be importable, as `polynet`. With all that importable, run
in the folder above: PYTHONPATH=. python data/visual_numbers.py
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import frozen
import numpy as np
import torch
from torch import Tensor, nn

from seehear.networks import get

Rules = Sequence[tuple[str, str | Callable[[re.Match[str]], str]]]


def pictures(size: int) -> Tensor:
    """(1, 3, size, size), normalised as ImageNet's."""
    x = (frozen.frames(1, size, size, 3) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return torch.tensor(x.transpose(0, 3, 1, 2), dtype=torch.float32)


def fill(module: nn.Module, wanted: str, rules: Rules) -> nn.Module:
    """The module with weights by the names that seehear's have: what each rule's pattern matches is replaced in turn.

    wanted: name of seehear's network, of whose weights none may be left out.
    """
    filled = set()
    for name, tensor in module.state_dict().items():
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        tensor.copy_(frozen.weight(name, tuple(tensor.shape)))
        filled.add(name)
    assert filled >= get(wanted).build().state_dict().keys()
    return module.eval()


def up(template: str) -> Callable[[re.Match[str]], str]:
    """The template with the numbers that were matched, each one higher: seehear's names count from 1."""
    return lambda match: template.format(*(int(group) + 1 for group in match.groups()))


def resnet152() -> Tensor:
    """The network of He et al., with the stride in the first convolution of a block."""
    from transformers import ResNetConfig, ResNetModel

    network = ResNetModel(ResNetConfig(depths=(3, 8, 36, 3), downsample_in_bottleneck=True))
    rules: Rules = [
        (r"^embedder\.embedder\.", "features.init_block.conv."),
        (r"^encoder\.stages\.(\d)\.layers\.(\d+)\.", up("features.stage{}.unit{}.")),
        (r"\.layer\.(\d)\.", up(".body.conv{}.")),
        (r"\.shortcut\.", ".identity_conv."),
        (r"\.convolution\.", ".conv."),
        (r"\.normalization\.", ".bn."),
    ]
    return fill(network, "resnet152", rules)(pictures(224)).pooler_output.flatten(1)


def vgg19_bn() -> Tensor:
    """torchvision's convolutions have a bias, here 0."""
    from torchvision.models import vgg19_bn

    network = vgg19_bn(init_weights=False)
    stage, unit = 1, 0
    rules: list[tuple[str, str]] = []
    for place, layer in enumerate(network.features):
        if isinstance(layer, nn.MaxPool2d):
            stage, unit = stage + 1, 0
        elif isinstance(layer, nn.Conv2d):
            unit += 1
            for offset, part in enumerate(("conv", "bn")):
                rules.append((rf"^features\.{place + offset}\.", f"features.stage{stage}.unit{unit}.{part}."))
    rules += [(r"^classifier\.0\.", "output.fc1.fc."), (r"^classifier\.3\.", "output.fc2.fc.")]
    fill(network, "vgg19-bn", rules)
    for layer in network.features:
        if isinstance(layer, nn.Conv2d):
            layer.bias.zero_()
    return network.classifier[:5](network.avgpool(network.features(pictures(224))).flatten(1))


def senet154() -> Tensor:
    """timm's network but for its first pooling, which has ceil_mode in place of padding, as in Caffe."""
    from timm.models.senet import legacy_senet154

    network = legacy_senet154(num_classes=0)
    rules: Rules = [
        (r"^layer0\.(conv|bn)(\d)\.", r"features.init_block.conv\2.\1."),
        (r"^layer(\d)\.(\d+)\.", lambda match: f"features.stage{match[1]}.unit{int(match[2]) + 1}."),
        (r"(unit\d+)\.(conv|bn)(\d)\.", r"\1.body.conv\3.\2."),
        (r"\.se_module\.fc", ".se.conv"),
        (r"\.downsample\.0\.", ".identity_conv.conv."),
        (r"\.downsample\.1\.", ".identity_conv.bn."),
    ]
    network.pool0 = nn.MaxPool2d(3, stride=2, padding=1)
    return fill(network, "senet154", rules)(pictures(224))


def polynet() -> Tensor:
    from polynet import PolyNet

    network = PolyNet()
    first, second, third = (f"branches.branch{number}." for number in (1, 2, 3))
    rules: Rules = [
        (r"^stem\.conv1\.(\d)\.", up("features.init_block.conv{}.")),
        (r"^stem\.conv1_branch\.", f"features.init_block.block1.{second}conv."),
        (r"^stem\.conv2_short\.(\d)\.", up(f"features.init_block.block2.{first}conv_list.conv{{}}.")),
        (r"^stem\.conv2_long\.(\d)\.", up(f"features.init_block.block2.{second}conv_list.conv{{}}.")),
        (r"^stem\.conv2_branch\.", f"features.init_block.block3.{second}conv."),
        # One layer in each of these branches:
        (r"^(stage_[bc]\.\d+\.blocks\.\d)\.path1\.", rf"\1.{second}conv."),
        (r"^(stage_a.*)\.path2\.", rf"\1.{third}conv."),
        (r"^reduction_a\.path1\.", f"reduction_a.{second}conv_list.conv1."),
        (r"^(stage_[bc]\.\d+)\.path1\.", rf"\1.pre_block.{second}"),
        # Several in a row, which a poly block names by their kernels:
        (r"\.path0_1x1\.", f".pre_block.{first}conv_list.conv1."),
        (r"\.path0_1x[37]\.", f".pre_block.{first}conv_list.conv2."),
        (r"\.path0_[37]x1\.", f".pre_block.{first}conv_list.conv3."),
        (r"\.path(\d)\.(\d)\.", up(".branches.branch{}.conv_list.conv{}.")),
        (r"\.bn_blocks\.", ".bns."),
        (r"\.conv2d_blocks\.", ".res_blocks."),
        (r"\.blocks\.", ".res_blocks."),
        (r"\.conv2d\.", ".conv."),
        (r"^reduction_a\.", "features.stage2.unit1."),
        (r"^reduction_b\.", "features.stage3.unit1."),
        (r"^stage_a\.(\d)\.", up("features.stage1.unit{}.twoway.")),
        # Two blocks make a unit, and the first unit is the reduction.
        (r"^stage_([bc])\.(\d+)\.", lambda match: _unit("abc".index(match[1]) + 1, int(match[2]))),
    ]
    fill(network, "polynet", rules)
    return network.avg_pool(network.features(pictures(331))).flatten(1)


def _unit(stage: int, block: int) -> str:
    return f"features.stage{stage}.unit{block // 2 + 2}.{'twoway' if block % 2 else 'poly'}."


def r2plus1d_18() -> Tensor:
    """On pictures half as wide as usual, prepared as torchvision does."""
    from torchvision.models.video import R2Plus1D_18_Weights, r2plus1d_18

    network = fill(r2plus1d_18(), "r2plus1d-18", [])
    network.fc = nn.Identity()
    prepare = R2Plus1D_18_Weights.DEFAULT.transforms(crop_size=(56, 56), resize_size=(56, 56))
    return network(prepare(torch.tensor(frozen.frames(2, 8, 56, 56, 3)).movedim(-1, -3)))


if __name__ == "__main__":
    with torch.no_grad():
        made = {
            "resnet152": resnet152(),
            "vgg19-bn": vgg19_bn(),
            "senet154": senet154(),
            "polynet": polynet(),
            "r2plus1d-18": r2plus1d_18(),
        }
    np.savez_compressed(
        Path(__file__).with_name("visual.npz"), **{name: features.numpy() for name, features in made.items()}
    )
