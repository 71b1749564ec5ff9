"""R(2+1)D-18 in torch: convolutions over space, each followed by one over time.

Source: D. Tran et al., CVPR 2018, https://arxiv.org/abs/1711.11248, section 3.5 and table 1.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from seehear.networks.torch_network import NormaliseFrames

MEAN, DEVIATION = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)  # of the frames of Kinetics-400, in [0, 1]


def over_space(before: int, after: int, kernel: int, stride: int) -> nn.Conv3d:
    """Convolve each frame by itself."""
    padding = (0, kernel // 2, kernel // 2)
    return nn.Conv3d(before, after, (1, kernel, kernel), (1, stride, stride), padding, bias=False)


def over_time(before: int, after: int, stride: int) -> nn.Conv3d:
    """Convolve each position by itself, over three frames."""
    return nn.Conv3d(before, after, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False)


def separated(before: int, between: int, after: int, stride: int) -> nn.Sequential:
    """Replace one convolution over 3 × 3 × 3 by one over space and one over time.

    Args:
        before: Channels of the input.
        between: Channels between the two convolutions.
        after: Channels of the output.
        stride: 2 halves width, height and the number of frames.
    """
    return nn.Sequential(
        over_space(before, between, 3, stride), nn.BatchNorm3d(between), nn.ReLU(), over_time(between, after, stride)
    )


class Block(nn.Module):
    """Two convolutions, and a shortcut around them: a linear map if channels or sizes change."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        # With this many channels in between, the first convolution has as many weights as one over 3 × 3 × 3. The
        # second uses the same number, as torchvision does; the paper counts the weights of the second anew.
        between = 27 * before * after // (9 * before + 3 * after)
        self.conv1 = nn.Sequential(separated(before, between, after, stride), nn.BatchNorm3d(after), nn.ReLU())
        self.conv2 = nn.Sequential(separated(after, between, after, 1), nn.BatchNorm3d(after))
        self.downsample: nn.Module = nn.Identity()
        if (before, stride) != (after, 1):
            linear = nn.Conv3d(before, after, 1, stride, bias=False)
            self.downsample = nn.Sequential(linear, nn.BatchNorm3d(after))

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both paths, (n, channels, frames, height, width), clipped at 0."""
        return F.relu(self.conv2(self.conv1(x)) + self.downsample(x))


def stage(before: int, after: int, stride: int) -> nn.Sequential:
    """Return two blocks.

    Args:
        before: Channels of the input.
        after: Channels of the output.
        stride: Of the first block, in time, height and width.
    """
    return nn.Sequential(Block(before, after, stride), Block(after, after, 1))


class R2Plus1D(nn.Module):
    """From clips (n, frames, size, size, 3) uint8 to features (n, 512)."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise = NormaliseFrames(MEAN, DEVIATION)
        self.stem = nn.Sequential(
            over_space(3, 45, kernel=7, stride=2),
            nn.BatchNorm3d(45),
            nn.ReLU(),
            over_time(45, 64, stride=1),
            nn.BatchNorm3d(64),
            nn.ReLU(),
        )
        self.layer1 = stage(64, 64, stride=1)
        self.layer2 = stage(64, 128, stride=2)
        self.layer3 = stage(128, 256, stride=2)
        self.layer4 = stage(256, 512, stride=2)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the features (n, 512) of clips (n, frames, size, size, 3)."""
        x = self.normalise(clips).transpose(1, 2)  # (n, 3, frames, size, size)
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(x)))))
        return x.mean(dim=(2, 3, 4))  # (n, 512)
