"""The loss of labels per modality: the weak loss with refined labels, and every segment against its pseudo-label."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from seehear.fusion.pooling import Output
from seehear.losses.weak import EPS, mean_of_available


def refined_loss(
    output: Output,
    labels: Tensor,
    weak: Tensor,
    segments: Tensor,
    mask: Tensor | None = None,
    available: Tensor | None = None,
    *,
    segment_weight: float = 1.0,
    positive_weight: Tensor | None = None,
) -> Tensor:
    """Return BCE(clip, y) + Σ_m BCE(clip of m, y_m) + w · Σ_m BCE(segments of m, pseudo-labels), a scalar.

    Each BCE is a mean over clips and classes, that of segments over the known segments within clips.

    Args:
        output: Probabilities of segments (B, T, M, C), of clips (B, C), and of clips per modality (B, M, C).
        labels: Weak labels y in [0, 1], (B, C).
        weak: Refined weak labels y_m in [0, 1], (B, M, C).
        segments: Pseudo-labels in [0, 1], (B, T, M, C); NaN where nothing is known.
        mask: (B, T) bool, True where a segment lies within its clip; None if every clip has T segments.
        available: (B, M) bool, which modalities a clip has; None if every clip has all.
        segment_weight: w, at least 0.
        positive_weight: Weight of a positive segment, (M, C); 1 by default. It balances rare classes.
    """
    loss = F.binary_cross_entropy(output.clip.clamp(EPS, 1 - EPS), labels)
    by_modality = F.binary_cross_entropy(output.modality_clip.clamp(EPS, 1 - EPS), weak, reduction="none")
    if available is None:
        loss = loss + by_modality.mean(dim=(0, 2)).sum()
    else:
        loss = loss + mean_of_available(by_modality, available).sum()
    if not segment_weight:
        return loss
    known = ~segments.isnan()  # (B, T, M, C)
    if mask is not None:
        known = known & mask[..., None, None]
    if available is not None:
        known = known & available[:, None, :, None]
    targets = segments.nan_to_num()
    each = F.binary_cross_entropy(output.segment.clamp(EPS, 1 - EPS), targets, reduction="none")
    if positive_weight is not None:
        each = each * (1 + (positive_weight - 1) * targets)
    counted = known.to(each.dtype)
    per_modality = (each * counted).sum(dim=(0, 1, 3)) / counted.sum(dim=(0, 1, 3)).clamp(min=1)  # (M,)
    return loss + segment_weight * per_modality.sum()


class RefinedLoss(nn.Module):
    """The loss of labels per modality; see the function `refined_loss`."""

    def __init__(self, segment_weight: float = 1.0) -> None:
        """Set the weight w of the segments, at least 0."""
        super().__init__()
        self.segment_weight = segment_weight

    def forward(
        self,
        output: Output | tuple[Tensor, Tensor, Tensor],
        labels: Tensor,
        weak: Tensor,
        segments: Tensor,
        mask: Tensor | None = None,
        available: Tensor | None = None,
    ) -> Tensor:
        """Return the loss, a scalar.

        Args:
            output: What `ParsingModel` returns, or a tuple of three tensors: probabilities of segments (B, T, M, C),
                of clips (B, C), and of clips per modality (B, M, C).
            labels: Weak labels in [0, 1], (B, C).
            weak: Refined weak labels in [0, 1], (B, M, C).
            segments: Pseudo-labels in [0, 1], (B, T, M, C); NaN where nothing is known.
            mask: (B, T) bool, True where a segment lies within its clip; None if every clip has T segments.
            available: (B, M) bool, which modalities a clip has; None if every clip has all.
        """
        weight = self.segment_weight
        return refined_loss(Output(*output), labels, weak, segments, mask, available, segment_weight=weight)

    def extra_repr(self) -> str:
        """Return the weight, for `repr`."""
        return f"segment_weight={self.segment_weight:g}"
