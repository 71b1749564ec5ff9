"""The loss of weakly supervised parsing (Tian et al. 2020, Sec. 4.3): it needs labels of clips only."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seehear.errors import SeehearError
from seehear.fusion.pooling import Output

EPS = 1e-7  # keeps the logarithm finite


def weak_loss(
    output: Output,
    labels: Tensor,
    confidence: float | Sequence[float] | Tensor = 1.0,
    available: Tensor | None = None,
) -> Tensor:
    """Return BCE(clip, y) + the sum over modalities m of BCE(clip of m, smoothed y), a scalar (Tian et al., Sec. 4.3).

    Each BCE is a mean over clips and classes. A label of the clip need not hold in every modality, so a modality's
    labels are smoothed toward 0.5: confidence · y + (1 − confidence) · 0.5.

    Args:
        output: Probabilities of clips (B, C) and of clips per modality (B, M, C). Those of segments are not used.
        labels: Weak labels y in [0, 1], (B, C).
        confidence: In [0, 1], one for all modalities or one per modality, (M,). 1 leaves y as it is.
        available: (B, M) bool, which modalities a clip has; None if every clip has all. A modality's mean is over the
            clips that have it, 0 if none has.
    """
    loss = F.binary_cross_entropy(output.clip.clamp(EPS, 1 - EPS), labels)
    trust = torch.as_tensor(confidence, device=labels.device, dtype=labels.dtype).reshape(-1, 1)  # (M, 1) or (1, 1)
    smoothed = trust * labels[:, None] + (1 - trust) * 0.5  # (B, M, C)
    smoothed = smoothed.expand_as(output.modality_clip)
    per_modality = F.binary_cross_entropy(output.modality_clip.clamp(EPS, 1 - EPS), smoothed, reduction="none")
    if available is None:
        return loss + per_modality.mean(dim=(0, 2)).sum()
    return loss + mean_of_available(per_modality, available).sum()


def mean_of_available(values: Tensor, available: Tensor) -> Tensor:
    """Return each modality's mean of values (B, M, C) over classes and the clips that have it, (M,); 0 if none has.

    Args:
        values: (B, M, C).
        available: (B, M) bool.
    """
    return (values.mean(dim=2) * available).sum(dim=0) / available.sum(dim=0).clamp(min=1)


class WeakLoss(nn.Module):
    """The loss of weakly supervised parsing; see the function `weak_loss`.

    Examples:
        >>> loss = WeakLoss(confidence=[1.0, 0.9])  # audio, visual
        >>> loss(model(features), labels).backward()
    """

    def __init__(self, confidence: float | Sequence[float] = 1.0) -> None:
        """Set how far a clip's labels are trusted to hold in a modality.

        Args:
            confidence: In [0, 1], one for all modalities or one per modality.

        Raises:
            SeehearError: If a confidence is outside [0, 1].
        """
        super().__init__()
        self.confidence = tuple(torch.as_tensor(confidence, dtype=torch.float64).flatten().tolist())
        if not self.confidence or not all(0 <= value <= 1 for value in self.confidence):
            raise SeehearError(f"confidence is in [0, 1], one for all modalities or one each; got {confidence}")

    def forward(
        self, output: Output | tuple[Tensor, Tensor, Tensor], labels: Tensor, available: Tensor | None = None
    ) -> Tensor:
        """Return the loss, a scalar.

        Args:
            output: What `ParsingModel` returns, or a tuple of three tensors: probabilities of segments (B, T, M, C),
                of clips (B, C), and of clips per modality (B, M, C).
            labels: Weak labels in [0, 1], (B, C).
            available: (B, M) bool, which modalities a clip has; None if every clip has all.

        Raises:
            SeehearError: If there is not one confidence per modality.
        """
        output = Output(*output)
        modalities = output.modality_clip.shape[1]
        if len(self.confidence) not in (1, modalities):
            raise SeehearError(f"there are {modalities} modalities and {len(self.confidence)} confidences")
        return weak_loss(output, labels, self.confidence, available)

    def extra_repr(self) -> str:
        """Return the confidence, for `repr`."""
        return f"confidence={self.confidence}"
