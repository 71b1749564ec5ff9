"""AVSS, audio-visual semantic similarity (LEAP, Zhou et al. 2024): segments are as similar as what happens in them.

Where MTSC pulls the similarity of two segments to a target that falls with their lag in time, AVSS pulls it to the
overlap of their pseudo-labels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seehear.losses.contrastive.reduction import mean_where, pair_mask, segment_mask
from seehear.losses.contrastive.similarity import cosine


def avss(first: Tensor, second: Tensor, of_first: Tensor, of_second: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the AVSS loss of each clip, (B,).

    It is the mean over pairs of segments t, s of (cos(first_t, second_s) − overlap_ts)². The overlap is the
    intersection over union of the classes of both segments. Pairs in which neither has a class are left out, and so are
    pairs of which something is not known.

    Args:
        first: Embeddings of the first modality, (B, T, d).
        second: Embeddings of the second modality, (B, T, d).
        of_first: Pseudo-labels of the first modality in [0, 1], (B, T, C); NaN where nothing is known.
        of_second: Of the second modality, likewise.
        mask: (B, T) bool, True where a segment lies within its clip; None if every clip has T segments.
    """
    unknown = of_first.isnan().any(dim=-1)[:, :, None] | of_second.isnan().any(dim=-1)[:, None]  # (B, T, T)
    one, other = of_first.nan_to_num(), of_second.nan_to_num()
    both = one @ other.transpose(1, 2)  # (B, T, T)
    either = one.sum(dim=-1)[:, :, None] + other.sum(dim=-1)[:, None] - both
    counted = pair_mask(segment_mask(first, mask), "entire") & (either > 0) & ~unknown
    overlap = both / either.clamp(min=1e-6)
    return mean_where((cosine(first, second) - overlap) ** 2, counted)


class AVSS(nn.Module):
    """Audio-visual semantic similarity; see the function `avss`."""

    def forward(
        self, first: Tensor, second: Tensor, of_first: Tensor, of_second: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Return the mean loss over the clips, a scalar; the arguments are those of `avss`."""
        return torch.mean(avss(first, second, of_first, of_second, mask))
