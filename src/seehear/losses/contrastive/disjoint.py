"""Negatives that weak labels guarantee: segments of clips that have no label in common. Not in the paper."""

from __future__ import annotations

from torch import Tensor

from seehear.errors import SeehearError
from seehear.losses.contrastive.base import EmbeddingLoss
from seehear.losses.contrastive.reduction import mean_where, segment_mask
from seehear.losses.contrastive.similarity import direction


def disjoint(first: Tensor, second: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean squared cosine between the segments of disjoint clips, (B,) in [0, 1].

    Two clips are disjoint if both have labels and share none. Each segment of a clip, in the first modality, is paired
    with each segment of every disjoint clip of the batch, in the second modality. A clip without disjoint clips in the
    batch has loss 0.

    Args:
        first: Embeddings of the first modality, (B, T, d).
        second: Embeddings of the second modality, (B, T, d).
        labels: Weak labels in [0, 1], (B, C); a label counts above 0.5.
        mask: (B, T) bool, True where a segment lies within its clip; None if every clip has T segments.
    """
    inside = segment_mask(first, mask)  # (B, T)
    counted = disjoint_clips(labels)[:, None, :, None] & inside[:, :, None, None] & inside  # (B, T, B, T)
    return mean_where(cosine_across_clips(first, second) ** 2, counted)


def disjoint_clips(labels: Tensor) -> Tensor:
    """Return which clips both have labels and share none, (B, B) bool, from labels (B, C)."""
    active = (labels > 0.5).to(labels.dtype)  # (B, C)
    labelled = active.any(dim=1)  # (B,)
    return (active @ active.T == 0) & labelled[:, None] & labelled


def cosine_across_clips(first: Tensor, second: Tensor) -> Tensor:
    """Return the cosines of all segments of all clips, (B, T, B, T), from (B, T, d) each."""
    similarity = direction(first).flatten(0, 1) @ direction(second).flatten(0, 1).T  # (B · T, B · T)
    return similarity.view(*first.shape[:2], *second.shape[:2])


class Disjoint(EmbeddingLoss):
    """Push the similarity of clips without a common label to 0; see the function `disjoint`. It needs labels."""

    def per_clip(self, first: Tensor, second: Tensor, mask: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the loss of each clip, (B,).

        Raises:
            SeehearError: If there are no labels.
        """
        if labels is None:
            raise SeehearError("the loss between disjoint clips needs the clips' weak labels: pass labels=, (B, C)")
        return disjoint(first, second, labels, mask)
