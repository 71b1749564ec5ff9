"""Losses between the segments of a clip, window by window: so their cost grows with T and not with T²."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def over_windows(per_clip: Callable[..., Tensor], window: int, mask: Tensor, *parts: Tensor) -> Tensor:
    """Return the loss of each clip, (B,): the mean over its windows, each weighted by its segments within the clip.

    Windows lie side by side, from the beginning of the clip on. Clips of up to `window` segments have one.

    Args:
        per_clip: From parts and mask of one window to the loss of each clip, (B,).
        window: Segments of a window; 0 for the whole clip.
        mask: (B, T) bool, True where a segment lies within its clip.
        *parts: What the loss compares, (B, T, ...) each.
    """
    if not window or mask.shape[1] <= window:
        return per_clip(*parts, mask)
    windows = zip(*(part.split(window, dim=1) for part in (*parts, mask)), strict=True)
    each, inside = [], []
    for *of_window, within in windows:
        each.append(per_clip(*of_window, within))  # (B,)
        inside.append(within.sum(dim=1))  # (B,)
    weights = torch.stack(inside)  # (n, B)
    return (torch.stack(each) * weights).sum(dim=0) / weights.sum(dim=0).clamp(min=1)
