"""Cosine similarity of embeddings."""

from __future__ import annotations

import torch
from torch import Tensor

TINY = 1e-24  # a vector of smaller squared length counts as zero: its direction would be rounding noise


def direction(x: Tensor) -> Tensor:
    """Return vectors (..., d) scaled to length 1. A zero vector stays zero and passes no gradient."""
    squared = (x * x).sum(dim=-1, keepdim=True)  # (..., 1)
    nonzero = squared > TINY
    return x * torch.where(nonzero, squared, 1.0).rsqrt() * nonzero


def cosine(first: Tensor, second: Tensor) -> Tensor:
    """Return the cosine of all pairs, (..., T, S) in [-1, 1]; 0 if one of the vectors is zero.

    Args:
        first: (..., T, d).
        second: (..., S, d).
    """
    return direction(first) @ direction(second).transpose(-1, -2)
