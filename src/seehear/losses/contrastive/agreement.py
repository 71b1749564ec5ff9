"""How far the modalities of a clip agree on what its segments are like. Not in the paper."""

from __future__ import annotations

import torch
from torch import Tensor

from seehear.losses.contrastive.reduction import counting, mask
from seehear.losses.contrastive.similarity import cosine


def agreement(first: Tensor, second: Tensor, present: Tensor | None = None) -> Tensor:
    """Correlation, over pairs of different segments, of the two modalities' own similarities; negative ones are 0. (B,)

    0 where either does not vary. Passes no gradient.
    """
    there = mask(first, present)
    counts = counting(there, "others")  # (B, T, T)
    number = counts.sum(dim=(1, 2)).clamp(min=1)[:, None, None]

    def centred(x: Tensor) -> Tensor:
        similarity = cosine(x.detach(), x.detach()) * counts  # (B, T, T)
        return (similarity - similarity.sum(dim=(1, 2), keepdim=True) / number) * counts

    one, other = centred(first), centred(second)
    of_one, of_other = (x.square().sum(dim=(1, 2)) / number[:, 0, 0] for x in (one, other))  # variances, (B,)
    product = (one * other).sum(dim=(1, 2)) / number[:, 0, 0]
    # Of similarities whose deviation is below 1e-5, what is left is rounding: each has to vary, not only their product.
    vary = torch.minimum(of_one, of_other) > 1e-10
    return torch.where(vary, product / (of_one * of_other).sqrt().clamp(min=1e-10), 0.0).clamp(0, 1)
