"""The loss of full supervision: the weak loss, and every segment against its own label.

Such labels are rarely available for training. The loss shows what a model could learn from them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seehear.fusion.pooling import Output
from seehear.losses.weak import EPS


def dense_loss(output: Output, truth: Tensor) -> Tensor:
    """Return BCE(segment, truth) + BCE(clip, any) + the sum over modalities m of BCE(clip of m, any in m), a scalar.

    Each BCE is a mean over clips and classes; that of segments also over segments and modalities. Segments past the
    end of a clip have probability 0 and truth 0. They add nothing to the sum, but count in the mean.

    Args:
        output: Probabilities of segments (B, T, M, C), of clips (B, C), and of clips per modality (B, M, C).
        truth: Ground truth, 0 or 1, (B, T, M, C).
    """
    by_modality = truth.amax(dim=1)  # (B, M, C)
    segment = F.binary_cross_entropy(output.segment.clamp(EPS, 1 - EPS), truth)
    clip = F.binary_cross_entropy(output.clip.clamp(EPS, 1 - EPS), by_modality.amax(dim=1))
    per_modality = F.binary_cross_entropy(output.modality_clip.clamp(EPS, 1 - EPS), by_modality, reduction="none")
    return segment + clip + torch.mean(per_modality, dim=(0, 2)).sum()


class DenseLoss(nn.Module):
    """The loss of full supervision; see the function `dense_loss`."""

    def forward(self, output: Output | tuple[Tensor, Tensor, Tensor], truth: Tensor) -> Tensor:
        """Return the loss, a scalar.

        Args:
            output: What `ParsingModel` returns, or a tuple of three tensors: probabilities of segments (B, T, M, C),
                of clips (B, C), and of clips per modality (B, M, C).
            truth: Ground truth per segment and modality, 0 or 1, (B, T, M, C).
        """
        return dense_loss(Output(*output), truth)
