"""The loss of full supervision: the weak loss, and every segment against its own label.

Such labels are rarely available for training. The loss shows what a model could learn from them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seehear.fusion.pooling import Output
from seehear.losses.weak import EPS, mean_of_available


def dense_loss(output: Output, truth: Tensor, available: Tensor | None = None) -> Tensor:
    """Return BCE(segment, truth) + BCE(clip, any) + the sum over modalities m of BCE(clip of m, any in m), a scalar.

    Each BCE is a mean over clips and classes; that of segments also over segments and modalities. Segments past the
    end of a clip have probability 0 and truth 0. They add nothing to the sum, but count in the mean.

    Args:
        output: Probabilities of segments (B, T, M, C), of clips (B, C), and of clips per modality (B, M, C).
        truth: Ground truth, 0 or 1, (B, T, M, C).
        available: (B, M) bool, which modalities a clip has; None if every clip has all. Segments and modalities that a
            clip lacks are left out of the means. The label of the clip stays as it is.
    """
    by_modality = truth.amax(dim=1)  # (B, M, C)
    segment = F.binary_cross_entropy(
        output.segment.clamp(EPS, 1 - EPS), truth, reduction="mean" if available is None else "none"
    )
    clip = F.binary_cross_entropy(output.clip.clamp(EPS, 1 - EPS), by_modality.amax(dim=1))
    per_modality = F.binary_cross_entropy(output.modality_clip.clamp(EPS, 1 - EPS), by_modality, reduction="none")
    if available is None:
        return segment + clip + torch.mean(per_modality, dim=(0, 2)).sum()
    of_segments = (segment.mean(dim=(1, 3)) * available).sum() / available.sum()
    return of_segments + clip + mean_of_available(per_modality, available).sum()


class DenseLoss(nn.Module):
    """The loss of full supervision; see the function `dense_loss`."""

    def forward(
        self, output: Output | tuple[Tensor, Tensor, Tensor], truth: Tensor, available: Tensor | None = None
    ) -> Tensor:
        """Return the loss, a scalar.

        Args:
            output: What `ParsingModel` returns, or a tuple of three tensors: probabilities of segments (B, T, M, C),
                of clips (B, C), and of clips per modality (B, M, C).
            truth: Ground truth per segment and modality, 0 or 1, (B, T, M, C).
            available: (B, M) bool, which modalities a clip has; None if every clip has all.
        """
        return dense_loss(Output(*output), truth, available)
