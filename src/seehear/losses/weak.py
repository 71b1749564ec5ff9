"""The loss of weakly supervised parsing (Tian et al. 2020, Sec. 4.3): all of it from clip-level labels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from seehear.fusion.pooling import Output

EPS = 1e-7  # keeps the logarithm finite


def weak_loss(output: Output, labels: Tensor, confidence: Sequence[float] | Tensor) -> Tensor:
    """BCE(clip, y) + the sum over modalities m of BCE(clip of m, y smoothed toward 0.5). Scalar.

    labels: y, (B, C) in [0, 1]. confidence: per modality in [0, 1]; 1 leaves y as it is, 0 makes it 0.5
    everywhere: a label of the clip need not hold in each modality.
    """
    loss = F.binary_cross_entropy(output.clip.clamp(EPS, 1 - EPS), labels)
    sure = torch.as_tensor(confidence, device=labels.device, dtype=labels.dtype)[:, None]  # (M, 1)
    smoothed = sure * labels[:, None] + (1 - sure) * 0.5  # (B, M, C)
    per_modality = F.binary_cross_entropy(output.modality_clip.clamp(EPS, 1 - EPS), smoothed, reduction="none")
    return loss + per_modality.mean(dim=(0, 2)).sum()
