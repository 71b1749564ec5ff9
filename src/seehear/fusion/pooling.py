"""Attentive multimodal multiple-instance pooling (Tian et al. 2020, Sec. 4.3): from segments to labels of the clip."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Output(NamedTuple):
    """Probabilities in [0, 1].

    Attributes:
        segment: Per segment and modality, (B, T, M, C); 0 past the end of a clip and in a modality that it lacks.
        clip: Per clip, (B, C).
        modality_clip: Per clip and modality, (B, M, C); 0 in a modality that the clip lacks.
    """

    segment: Tensor
    clip: Tensor
    modality_clip: Tensor


class AttentivePooling(nn.Module):
    """Average the segments' probabilities, weighted over time in each modality and over modalities in each segment."""

    def __init__(self, width: int, classes: int) -> None:
        """Set the width d of the embeddings and the number of classes C."""
        super().__init__()
        self.classes = classes
        # C rows each: a segment's logit, its weight over time, its weight over modalities.
        self.into = nn.Linear(width, 3 * classes)

    def forward(self, x: Tensor, mask: Tensor | None, available: Tensor | None = None) -> Output:
        """Return the probabilities.

        Args:
            x: Embeddings, (M, B, T, d).
            mask: (B, T) bool, True where a segment lies within its clip; None if every clip has T segments.
            available: (B, M) bool, which modalities a clip has, at least one; None if every clip has all.
        """
        into = self.into(x)
        into = into.float() if into.dtype == torch.bfloat16 else into  # what follows are sums of probabilities
        logit, over_time, over_modalities = into.chunk(3, dim=-1)  # each (M, B, T, C)
        if mask is not None:
            over_time = over_time.masked_fill(~mask[..., None], -torch.inf)
        probability = logit.sigmoid()
        if mask is not None:
            probability = probability * mask[..., None]
        if available is not None:
            has = available.T[..., None, None]  # (M, B, 1, 1)
            probability = probability * has
            over_modalities = over_modalities.masked_fill(~has, -torch.inf)
        weighted = over_time.softmax(dim=2) * probability  # (M, B, T, C)
        modality_clip = weighted.sum(dim=2)  # (M, B, C)
        # Each weight sums to 1 along its own axis only, so the products may sum to more than 1.
        clip = (weighted * over_modalities.softmax(dim=0)).sum(dim=(0, 2)).clamp(max=1.0)  # (B, C)
        return Output(probability.permute(1, 2, 0, 3), clip, modality_clip.transpose(0, 1))
