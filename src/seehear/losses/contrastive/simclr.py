"""SimCLR's loss between the modalities of a clip (Wu et al., Eq. 4): the segment of one time against all others."""

from __future__ import annotations

import torch
from torch import Tensor

from seehear.losses.contrastive.pair import Pair
from seehear.losses.contrastive.reduction import counting, mask, mean_where
from seehear.losses.contrastive.settings import ContrastSettings
from seehear.losses.contrastive.similarity import cosine


def simclr(first: Tensor, second: Tensor, present: Tensor | None = None, temperature: float = 0.1) -> Tensor:
    """Mean over i of −log(exp(s_ii / τ) / Σ_{k≠i} exp(s_ik / τ)), of each clip, (B,).

    s: cosine of segment i of the first modality and k of the second, (B, T, d) each. present: (B, T) bool. The positive
    pair is not in the denominator, as printed. 0 for a clip of one segment: there is nothing to tell it from.
    """
    similarity = cosine(first, second)  # (B, T, T)
    return against_others(similarity, similarity, mask(first, present), temperature)


def against_others(positive: Tensor, negative: Tensor, present: Tensor, temperature: float) -> Tensor:
    """The same of any similarities (B, T, T): the diagonal of one against all but the diagonal of the other."""
    others = counting(present, "others")  # (B, T, T)
    alone = ~others.any(dim=-1)  # (B, T)
    # Not −inf, so that a row of nothing else stays finite; it does not count.
    logits = (negative / temperature).masked_fill(~others, torch.finfo(negative.dtype).min)
    loss = logits.logsumexp(dim=-1) - positive.diagonal(dim1=-2, dim2=-1) / temperature  # (B, T)
    return mean_where(loss, present & ~alone)


def of(pair: Pair, settings: ContrastSettings) -> Tensor:
    """Of each clip, (B,)."""
    return simclr(pair.first, pair.second, pair.present, settings.temperature)
