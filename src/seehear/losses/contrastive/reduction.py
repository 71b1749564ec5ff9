"""From pairs of segments to clips: which pairs count, and their mean."""

from __future__ import annotations

import torch
from torch import Tensor

from seehear.errors import unknown

PAIRS = ("part", "others", "entire")


def segment_mask(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return which segments of the clips x, (B, T, d), count, (B, T) bool: `mask`, or all of them if it is None."""
    return torch.ones(x.shape[:-1], dtype=torch.bool, device=x.device) if mask is None else mask


def pair_mask(mask: Tensor, pairs: str = "entire") -> Tensor:
    """Return which pairs of segments of a clip count, (B, T, T) bool.

    Args:
        mask: Which segments count, (B, T) bool.
        pairs: `part`, pairs of the same time; `others`, pairs of different times; `entire`, both.

    Raises:
        SeehearError: If `pairs` is unknown.
    """
    both = mask[:, :, None] & mask[:, None, :]  # (B, T, T)
    if pairs == "entire":
        return both
    same_time = torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)  # (T, T)
    if pairs == "part":
        return both & same_time
    if pairs == "others":
        return both & ~same_time
    raise unknown("set of pairs", pairs, PAIRS)


def mean_where(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of each clip's values where the mask is True, (B,); 0 for a clip where it never is.

    Args:
        values: (B, ...). Values outside the mask may be infinite or NaN.
        mask: Shaped as `values`, bool.
    """
    values, mask = values.flatten(1), mask.flatten(1)
    return values.masked_fill(~mask, 0.0).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
