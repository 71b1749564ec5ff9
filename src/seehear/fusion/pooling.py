"""Attentive multimodal multiple-instance pooling (Tian et al. 2020, Sec. 4.3): from segments to the clip's label."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Output(NamedTuple):
    """Probabilities in [0, 1].

    segment: (B, T, M, C), 0 past a clip's end. clip: (B, C). modality_clip: (B, M, C).
    """

    segment: Tensor
    clip: Tensor
    modality_clip: Tensor


class AttentivePooling(nn.Module):
    """Probabilities of segments, weighed over time within a modality and over modalities within a segment."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        # Rows, C each: the segment's logit, its weight over time, its weight over modalities.
        self.into = nn.Linear(width, 3 * classes)

    def forward(self, x: Tensor, present: Tensor | None) -> Output:
        """x: (M, B, T, d). present: (B, T) bool, None where every clip has T segments."""
        logit, over_time, over_modalities = self.into(x).chunk(3, dim=-1)  # each (M, B, T, C)
        if present is not None:
            over_time = over_time.masked_fill(~present[..., None], -torch.inf)
        probability = logit.sigmoid()
        if present is not None:
            probability = probability * present[..., None]
        weighed = over_time.softmax(dim=2) * probability  # (M, B, T, C)
        modality_clip = weighed.sum(dim=2)  # (M, B, C)
        # Each of the two weights sums to 1 along its own axis only, so their product may sum to more than 1.
        clip = (weighed * over_modalities.softmax(dim=0)).sum(dim=(0, 2)).clamp(max=1.0)  # (B, C)
        return Output(probability.permute(1, 2, 0, 3), clip, modality_clip.transpose(0, 1))
