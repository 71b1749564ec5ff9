"""The loss of full supervision: as the weak one, and every segment against its own label.

Nobody has such labels for training; it is for asking what a model could learn if it had them.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from seehear.fusion.pooling import Output
from seehear.losses.weak import EPS


def dense_loss(output: Output, truth: Tensor) -> Tensor:
    """BCE(segment, truth) + BCE(clip, any) + the sum over modalities m of BCE(clip of m, any in m). Scalar.

    truth: (B, T, M, C), 0 or 1. Each BCE is the mean over clips and classes; that of segments also over the
    segments and modalities. Segments past a clip's end have probability and truth 0 and cost nothing, but count.
    """
    by_modality = truth.amax(dim=1)  # (B, M, C)
    segment = F.binary_cross_entropy(output.segment.clamp(EPS, 1 - EPS), truth)
    clip = F.binary_cross_entropy(output.clip.clamp(EPS, 1 - EPS), by_modality.amax(dim=1))
    of_modality = F.binary_cross_entropy(output.modality_clip.clamp(EPS, 1 - EPS), by_modality, reduction="none")
    return segment + clip + torch.mean(of_modality, dim=(0, 2)).sum()
