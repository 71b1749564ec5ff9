"""From pairs of segments to clips: which pairs count, and their mean."""

from __future__ import annotations

import torch
from torch import Tensor


def counting(present: Tensor, pairs: str = "entire") -> Tensor:
    """Which pairs of a clip's segments count, (B, T, T) bool. present: (B, T) bool.

    pairs: `part`, a segment and itself; `others`, two segments; `entire`, both.
    """
    both = present[:, :, None] & present[:, None, :]  # (B, T, T)
    itself = torch.eye(present.shape[1], dtype=torch.bool, device=present.device)
    return {"part": both & itself, "others": both & ~itself, "entire": both}[pairs]


def mask(x: Tensor, present: Tensor | None) -> Tensor:
    """Which segments of clips x (B, T, d) are there, (B, T) bool: those of `present`, all of them where it is None."""
    return torch.ones(x.shape[:-1], dtype=torch.bool, device=x.device) if present is None else present


def mean_where(values: Tensor, counts: Tensor) -> Tensor:
    """Each clip's mean of what counts, (B,), from (B, ...) both; 0 for a clip of which nothing does."""
    values, counts = values.flatten(1), counts.flatten(1)
    return values.masked_fill(~counts, 0.0).sum(dim=1) / counts.sum(dim=1).clamp(min=1)
