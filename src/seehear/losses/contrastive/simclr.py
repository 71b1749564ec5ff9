"""SimCLR's loss between two modalities of a clip (Wu et al., Eq. 4): segments of the same time against all others."""

from __future__ import annotations

import torch
from torch import Tensor

from seehear.losses.contrastive.base import EmbeddingLoss
from seehear.losses.contrastive.reduction import mean_where, pair_mask, segment_mask
from seehear.losses.contrastive.similarity import cosine


def simclr(first: Tensor, second: Tensor, mask: Tensor | None = None, temperature: float = 0.1) -> Tensor:
    """Return SimCLR's loss of each clip, (B,) (Wu et al., Eq. 4).

    It is the mean over segments i of −log(exp(s_ii / τ) / Σ_{k≠i} exp(s_ik / τ)). Here s_ik is the cosine of segment i
    of the first modality and k of the second. As printed, the positive pair is not in the denominator, so the loss
    may be negative. A clip of one segment has no negatives, and loss 0.

    Args:
        first: Embeddings of the first modality, (B, T, d).
        second: Embeddings of the second modality, (B, T, d).
        mask: (B, T) bool, True where a segment lies within its clip; None if every clip has T segments.
        temperature: τ, above 0. The paper does not give it.
    """
    similarity = cosine(first, second)  # (B, T, T)
    return against_others(similarity, similarity, segment_mask(first, mask), temperature)


def against_others(positive: Tensor, negative: Tensor, mask: Tensor, temperature: float) -> Tensor:
    """Return the same for any similarities, (B,): the diagonal of one against the rest of the other.

    Args:
        positive: Similarities whose diagonal is the positive pairs, (B, T, T).
        negative: Similarities whose other values are the negative pairs, (B, T, T).
        mask: Which segments count, (B, T) bool.
        temperature: τ, above 0.
    """
    others = pair_mask(mask, "others")  # (B, T, T)
    alone = ~others.any(dim=-1)  # (B, T)
    # The lowest number instead of −inf keeps a row without negatives finite; such a row does not count.
    logits = (negative / temperature).masked_fill(~others, torch.finfo(negative.dtype).min)
    loss = logits.logsumexp(dim=-1) - positive.diagonal(dim1=-2, dim2=-1) / temperature  # (B, T)
    return mean_where(loss, mask & ~alone)


class SimCLR(EmbeddingLoss):
    """SimCLR's loss between two modalities (Wu et al., Eq. 4); see the function `simclr`."""

    def __init__(self, temperature: float = 0.1) -> None:
        """Set the temperature τ, above 0.

        Raises:
            SeehearError: If the temperature is not above 0.
        """
        super().__init__(temperature=temperature)

    def per_clip(self, first: Tensor, second: Tensor, mask: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the loss of each clip, (B,)."""
        return simclr(first, second, mask, **self.settings)
