"""Dropout whose masks are cheap to draw on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LANES = 4  # 16-bit numbers in one 64-bit random word
LEVELS = 1 << 16  # values of a 16-bit number, so the resolution of the probability


class Dropout(nn.Module):
    """Set each value to 0 with probability p and scale the others by 1 / (1 − p), in training only.

    The same as torch's dropout, with p rounded to a multiple of 1/65,536. On a CPU torch draws a mask value by value,
    which took an eighth of a training step. Here one random word decides four values.
    """

    def __init__(self, p: float) -> None:
        """Set the probability p in [0, 1)."""
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Return x, of any shape, with values dropped; x itself outside training."""
        if not self.training or self.p == 0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.p)
        words = torch.empty(-(-x.numel() // LANES), dtype=torch.int64).random_(-(1 << 63), None)
        lanes = words.view(torch.int16)[: x.numel()].view(x.shape)
        keep = lanes >= round(self.p * LEVELS) - LEVELS // 2
        return x * keep.to(x.dtype).mul_(1 / (1 - self.p))
