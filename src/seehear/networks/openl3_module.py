"""The networks of OpenL3 as torch modules; see `openl3`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from seehear.networks.torch_network import NormaliseFrames

CHANNELS = (64, 64, 128, 128, 256, 256, 512)  # of the convolutions before the last
EMBEDDING = 512
POOLED = (2, 4, 6)  # convolutions after which width and height are halved
EPSILON = 1e-3  # Keras's, of batch norm
MIN_MAGNITUDE = 1e-10
RANGE = 80.0  # decibels


class Trunk(nn.Module):
    """Eight convolutions, each after a batch norm, and the maximum of the result over tiles.

    Layers have the names of torchopenl3's files. norm_last: convolutions whose batch norm comes after the ReLU.
    """

    def __init__(self, channels: int, embedding: str, tile: tuple[int, int], norm_last: tuple[int, ...] = ()) -> None:
        super().__init__()
        self._tile, self._norm_last = tile, norm_last
        norms: list[nn.BatchNorm2d] = []
        convolutions: list[nn.Conv2d] = []
        for index, after in enumerate((*CHANNELS, EMBEDDING), start=1):
            norms.append(nn.BatchNorm2d(channels, eps=EPSILON, momentum=0.01))
            self.add_module(f"batch_normalization_{index}", norms[-1])
            convolutions.append(nn.Conv2d(channels, after, 3, padding=1))
            self.add_module(f"conv2d_{index}" if index <= len(CHANNELS) else embedding, convolutions[-1])
            nn.init.kaiming_normal_(convolutions[-1].weight, nonlinearity="relu")
            nn.init.zeros_(convolutions[-1].bias)  # type: ignore[arg-type]
            channels = after
        self._layers = tuple(zip(norms, convolutions, strict=True))  # a tuple, because they are registered already

    def embed(self, x: Tensor) -> Tensor:
        """Compute features (n, width) of (n, channels, height, width): the 512 of one tile after those of another."""
        for index, (norm, convolution) in enumerate(self._layers):
            if index in self._norm_last:
                x = norm(F.relu(x))
            elif index:
                x = F.relu(norm(x))
            else:
                x = norm(x)
            if index in POOLED:
                x = F.max_pool2d(x, 2)
            x = convolution(x)
        return F.max_pool2d(x, self._tile).movedim(1, -1).flatten(1)


class Audio(Trunk):
    """From waves (n, 48000) in [-1, 1] to features (n, 512), or (n, 6144) of smaller tiles."""

    def __init__(self, tile: tuple[int, int], filters: NDArray[np.float32], hop: int, padding: int) -> None:
        super().__init__(1, "audio_embedding_layer", tile)
        self.speclayer = Spectra(filters, hop, padding)

    def forward(self, waves: Tensor) -> Tensor:
        """Return the features of waves (n, 48000)."""
        return self.embed(self.speclayer(waves)[:, None])


class Spectra(nn.Module):
    """From waves (n, 48000) to mel spectra (n, 256, 199): decibels below the maximum of each wave, down to -80.

    The filters `mel_basis` come with the weights.
    """

    mel_basis: Tensor
    window: Tensor

    def __init__(self, filters: NDArray[np.float32], hop: int, padding: int) -> None:
        """filters: (bands, bins). hop: samples between frames. padding: samples of silence at both ends."""
        super().__init__()
        self._fft, self._hop, self._padding = 2 * (filters.shape[1] - 1), hop, padding
        self.register_buffer("mel_basis", torch.from_numpy(filters))
        self.register_buffer("window", torch.hann_window(self._fft), persistent=False)  # periodic

    def forward(self, waves: Tensor) -> Tensor:
        """Return the mel spectra (n, 256, 199) of waves (n, 48000), in decibels from -80 to 0."""
        x = F.pad(waves, (self._padding, self._padding))
        spectra = torch.stft(x, self._fft, self._hop, window=self.window, center=False, return_complex=True)
        powers = torch.view_as_real(spectra).square().sum(-1)  # (n, bins, frames)
        magnitudes = (self.mel_basis @ powers).sqrt()  # (n, bands, frames)
        # Ten times the logarithm of magnitudes, not of powers: the network was trained on half the decibels.
        decibels = 10 * magnitudes.clamp_min(MIN_MAGNITUDE).log10()
        return (decibels - decibels.amax((1, 2), keepdim=True)).clamp_min(-RANGE)


class Image(Trunk):
    """From frames (n, 224, 224, 3) uint8 to features (n, 512)."""

    def __init__(self, tile: tuple[int, int]) -> None:
        super().__init__(3, "vision_embedding_layer", tile, norm_last=(2,))
        self.normalise = NormaliseFrames((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # to [-1, 1]

    def forward(self, frames: Tensor) -> Tensor:
        """Return the features (n, 512) of frames (n, 224, 224, 3)."""
        return self.embed(self.normalise(frames))
