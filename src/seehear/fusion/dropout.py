"""Dropout, with masks that cost little to draw on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LANES = 4  # 16-bit numbers in one 64-bit random word
LEVELS = 1 << 16  # so many different probabilities can be told apart


class Dropout(nn.Module):
    """Sets each value to 0 with probability p and scales the others by 1 / (1 - p), in training only.

    The same as torch's, p rounded to a 65,536th. On a CPU torch draws a mask value by value, which took an eighth
    of a training step; here one random word decides four values.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.p)
        words = torch.empty(-(-x.numel() // LANES), dtype=torch.int64).random_(-(1 << 63), None)
        lanes = words.view(torch.int16)[: x.numel()].view(x.shape)
        keep = lanes >= round(self.p * LEVELS) - LEVELS // 2
        return x * keep.to(x.dtype).mul_(1 / (1 - self.p))
