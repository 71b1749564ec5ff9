"""A clip's own segments against those of clips with other labels: a variant, not the paper's.

After MIL-NCE (Miech et al. 2020): which segment of a clip goes with which nobody says, so any pair of the clip may be
the positive one. Weak labels tell which clips are negatives: those without a label in common.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seehear.losses.contrastive.disjoint import across, strangers
from seehear.losses.contrastive.pair import Pair
from seehear.losses.contrastive.reduction import mask
from seehear.losses.contrastive.settings import ContrastSettings


def mil_nce(
    first: Tensor, second: Tensor, labels: Tensor, present: Tensor | None = None, temperature: float = 0.1
) -> Tensor:
    """−log(Σ_own exp(s / τ) / Σ_own+strange exp(s / τ)), of each clip, (B,).

    s: cosine of a segment of the clip in one modality and one in the other, (B, T, d) each; own: both of the clip;
    strange: the other of a clip of the batch without a label in common, whichever modality is the clip's. labels:
    (B, C) in [0, 1]. 0 for a clip without strangers. Means in place of sums, so that neither a clip's length nor the
    number of strangers counts.
    """
    there = mask(first, present)  # (B, T)
    logits = across(first, second) / temperature  # (B, T, B, T)
    logits = logits.masked_fill(~(there[:, :, None, None] & there), torch.finfo(logits.dtype).min)
    number = there.sum(dim=1).log()  # (B,)
    # Log of the mean over the segments' pairs of two clips, (B, B).
    between = logits.permute(0, 2, 1, 3).flatten(2).logsumexp(dim=-1) - number[:, None] - number
    strange = strangers(labels)
    both = torch.cat([between, between.T], dim=1)  # (B, 2B): the clip in the first modality, then in the second
    counts = torch.cat([strange, strange], dim=1)
    other = (
        both.masked_fill(~counts, torch.finfo(both.dtype).min).logsumexp(dim=1) - counts.sum(dim=1).clamp(min=1).log()
    )
    loss = torch.logaddexp(between.diagonal(), other) - between.diagonal()
    return torch.where(counts.any(dim=1), loss, 0.0)


def of(pair: Pair, settings: ContrastSettings) -> Tensor:
    """Of each clip, (B,)."""
    return mil_nce(pair.first, pair.second, pair.labels, pair.present, settings.temperature)
