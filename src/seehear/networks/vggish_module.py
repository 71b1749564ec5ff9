"""VGGish as a torch module; see `vggish`."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from seehear.networks.yamnet import BANDS, FRAMES

STAGES = ((64,), (128,), (256, 256), (512, 512))  # channels of the convolutions; the patch is halved after each stage
HIDDEN = 4096
CLIP = 2.0  # whitened features are clipped to ± this
STEPS = 255  # of the 8 bits that the released features have


class VGGish(nn.Module):
    """From log-mel patches (n, 96, 64) to features (n, width): whole numbers from 0 to 255."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.trunk = Trunk(width)
        self.whitening = Whitening(width)

    def forward(self, patches: Tensor) -> Tensor:
        """Return the whitened embeddings (n, width)."""
        features: Tensor = self.whitening(self.trunk(patches))
        return features


class Trunk(nn.Module):
    """From log-mel patches (n, 96, 64) to embeddings (n, width) ≥ 0; with the names of torchvggish's file."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for stage in STAGES:
            for channels in stage:
                layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(inplace=True)]
                before = channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        halved = 2 ** len(STAGES)
        sizes = (before * (FRAMES // halved) * (BANDS // halved), HIDDEN, HIDDEN, width)
        layers = []
        for size, after in pairwise(sizes):
            layers += [nn.Linear(size, after), nn.ReLU(inplace=True)]
        self.embeddings = nn.Sequential(*layers)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, patches: Tensor) -> Tensor:
        """Return the embeddings (n, width)."""
        x = self.features(patches[:, None])  # (n, 512, 6, 4)
        x = x.movedim(1, -1).flatten(1)  # channels last, as in TensorFlow, where the weights were trained
        embeddings: Tensor = self.embeddings(x)
        return embeddings


class Whitening(nn.Module):
    """Rotates embeddings to their principal axes, divides by the deviation, clips to ±2 and quantises to 256 steps.

    Training skips the quantisation, which has no gradient. Weights have the names of Google's file.
    """

    pca_eigen_vectors: Tensor
    pca_means: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("pca_eigen_vectors", torch.eye(width))  # (width, width), one axis per row
        self.register_buffer("pca_means", torch.zeros(width))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return the whitened embeddings (n, width) in [0, 255]; they are rounded except in training."""
        whitened = (embeddings - self.pca_means) @ self.pca_eigen_vectors.T
        scaled = (whitened.clamp(-CLIP, CLIP) + CLIP) * (STEPS / (2 * CLIP))
        return scaled if self.training else scaled.round()
