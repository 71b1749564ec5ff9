"""A contrastive loss by its settings: over all pairs of modalities, and the mean over a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from seehear.losses.contrastive.agreement import agreement
from seehear.losses.contrastive.disjoint import disjoint
from seehear.losses.contrastive.pair import Pair
from seehear.losses.contrastive.settings import ContrastSettings, find


class ContrastiveLoss(nn.Module):
    """Without parameters of its own: the projection g is the model's."""

    def __init__(self, settings: ContrastSettings, modalities: Sequence[str]) -> None:
        super().__init__()
        self.settings, self.pairs = settings, settings.pairs_of(modalities)
        self.loss = find(settings.loss)

    def forward(self, embeddings: Tensor, labels: Tensor, present: Tensor | None = None) -> Tensor:
        """Mean over clips and pairs of modalities. Scalar; λ is not in it.

        embeddings: (M, B, T, d). labels: weak, (B, C). present: (B, T) bool, None where every clip has T segments.
        """
        return torch.stack([self._between(embeddings[m], embeddings[n], labels, present) for m, n in self.pairs]).mean()

    def _between(self, first: Tensor, second: Tensor, labels: Tensor, present: Tensor | None) -> Tensor:
        each = self.loss(Pair(first, second, labels, present), self.settings)  # (B,)
        if self.settings.follow == "agreement":
            each = each * agreement(first, second, present)
        if self.settings.disjoint:
            each = each + self.settings.disjoint * disjoint(first, second, labels, present)
        return each.mean()
