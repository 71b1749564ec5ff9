"""How alike embeddings are: their cosine."""

from __future__ import annotations

import torch
from torch import Tensor

TINY = 1e-24  # squared length under which a vector counts as zero: its direction would be noise


def direction(x: Tensor) -> Tensor:
    """Vectors (..., d) of length 1; a zero vector stays one, and passes no gradient."""
    squared = (x * x).sum(dim=-1, keepdim=True)  # (..., 1)
    there = squared > TINY
    return x * torch.where(there, squared, 1.0).rsqrt() * there


def cosine(one: Tensor, other: Tensor) -> Tensor:
    """Of all pairs in [-1, 1]: (..., T, d) and (..., S, d) to (..., T, S). 0 with a zero vector."""
    return direction(one) @ direction(other).transpose(-1, -2)
