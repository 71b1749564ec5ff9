"""Negatives that weak labels vouch for: segments of clips that have no label in common. Not in the paper."""

from __future__ import annotations

from torch import Tensor

from seehear.losses.contrastive.reduction import mask, mean_where
from seehear.losses.contrastive.similarity import direction


def disjoint(first: Tensor, second: Tensor, labels: Tensor, present: Tensor | None = None) -> Tensor:
    """Mean squared cosine of a clip's segments in the first modality and those of strangers in the second, (B,).

    first, second: (B, T, d). labels: (B, C) in [0, 1]; strangers are clips of the batch that share none above 0.5, both
    having some. 0 for a clip without any.
    """
    there = mask(first, present)  # (B, T)
    counts = strangers(labels)[:, None, :, None] & there[:, :, None, None] & there  # (B, T, B, T)
    return mean_where(across(first, second) ** 2, counts)


def strangers(labels: Tensor) -> Tensor:
    """Which clips have no label in common, (B, B) bool, from (B, C). A clip without labels is no one's stranger."""
    known = (labels > 0.5).to(labels.dtype)  # (B, C)
    some = known.any(dim=1)  # (B,)
    return (known @ known.T == 0) & some[:, None] & some


def across(first: Tensor, second: Tensor) -> Tensor:
    """Cosines of all segments of all clips, (B, T, d) each to (B, T, B, T)."""
    similarity = direction(first).flatten(0, 1) @ direction(second).flatten(0, 1).T  # (B · T, B · T)
    return similarity.view(*first.shape[:2], *second.shape[:2])
