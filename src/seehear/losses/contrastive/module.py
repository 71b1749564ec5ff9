"""A contrastive loss as a recipe sets it: the mean over pairs of modalities and over clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from seehear.errors import SeehearError
from seehear.losses.contrastive.base import check_shapes
from seehear.losses.contrastive.disjoint import Disjoint
from seehear.losses.contrastive.reduction import segment_mask
from seehear.losses.contrastive.registry import loss_class
from seehear.losses.contrastive.settings import ContrastSettings
from seehear.losses.contrastive.windows import over_windows
from seehear.settings import apply_changes, validated


class ContrastiveLoss(nn.Module):
    """The contrastive loss that a recipe's `contrast` settings describe, over any number of modalities.

    It has no parameters: the projection g belongs to the model. With `loss="none"` it is always 0.

    Examples:
        >>> loss = ContrastiveLoss(loss="mtsc", exponent=5)
        >>> loss(torch.stack([audio, visual]), mask=mask).backward()
    """

    def __init__(
        self,
        settings: ContrastSettings | Mapping[str, Any] | None = None,
        modalities: Sequence[str] = ("audio", "visual"),
        window: int = 0,
        **changes: Any,
    ) -> None:
        """Make the loss.

        Args:
            settings: Settings, or a mapping of them by name; the defaults if None.
            modalities: Names of the modalities, in the order of the embeddings.
            window: Compare segments within windows of so many segments, see `windows.over_windows`; 0 for whole clips.
            **changes: Settings on top, by name.

        Raises:
            SeehearError: If a setting is unknown or out of range, or does not fit these modalities.
        """
        super().__init__()
        values = settings.model_dump() if isinstance(settings, ContrastSettings) else settings or {}
        values = apply_changes(values, changes, ContrastSettings)
        self.settings = validated(ContrastSettings, values, "contrastive loss")
        self.settings.check(modalities)
        self.modalities, self.window = tuple(modalities), window
        self.pairs = self.settings.pairs_of(modalities)
        none = self.settings.loss == "none"
        self.loss = None if none else loss_class(self.settings.loss).from_settings(self.settings)
        self.disjoint = Disjoint() if self.settings.disjoint else None

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor | None = None,
        mask: Tensor | None = None,
        available: Tensor | None = None,
    ) -> Tensor:
        """Return the mean loss over clips and pairs of modalities, a scalar. The weight λ is not applied.

        Args:
            embeddings: (M, B, T, d), in the order of the modalities.
            labels: Weak labels in [0, 1], (B, C). Needed if `disjoint` is above 0.
            mask: (B, T) bool, True where a segment lies within its clip; None if every clip has T segments.
            available: (B, M) bool, which modalities a clip has; None if every clip has all. A clip that lacks one of
                two modalities takes no part in their loss, which is 0 if no clip has both.

        Raises:
            SeehearError: If the shapes do not fit together, or labels are needed and missing.
        """
        if embeddings.ndim != 4 or len(embeddings) != len(self.modalities):
            raise SeehearError(
                f"embeddings must have shape (M, B, T, d), with M the modalities {', '.join(self.modalities)}; "
                f"these have {tuple(embeddings.shape)}"
            )
        check_shapes(embeddings[0], embeddings[0], mask, labels)
        if self.loss is None:
            return embeddings.new_zeros((), requires_grad=True)  # a leaf, so that .backward() may be called
        mask = segment_mask(embeddings[0], mask)
        if available is None:
            return torch.stack([self._pair(embeddings[m], embeddings[n], labels, mask) for m, n in self.pairs]).mean()
        each = []
        for m, n in self.pairs:
            both = available[:, m] & available[:, n]  # (B,)
            own = None if labels is None else labels[both]
            with_both = self._pair(embeddings[m, both], embeddings[n, both], own, mask[both]) if both.any() else None
            each.append(0 * embeddings[m].sum() if with_both is None else with_both)
        return torch.stack(each).mean()

    def _pair(self, first: Tensor, second: Tensor, labels: Tensor | None, mask: Tensor) -> Tensor:
        """Return the mean over clips for two modalities, (B, T, d) each."""
        return over_windows(partial(self._per_clip, labels), self.window, mask, first, second).mean()

    def _per_clip(self, labels: Tensor | None, first: Tensor, second: Tensor, mask: Tensor) -> Tensor:
        """Return the loss of each clip for two modalities, (B,)."""
        assert self.loss is not None
        each = self.loss.per_clip(first, second, mask, labels)  # (B,)
        if self.disjoint is not None:
            each = each + self.settings.disjoint * self.disjoint.per_clip(first, second, mask, labels)
        return each

    def __repr__(self) -> str:
        """Return the settings that differ from the defaults, and the modalities."""
        window = f", window={self.window}" if self.window else ""
        return f"ContrastiveLoss({self.settings!r}, modalities={self.modalities!r}{window})"
