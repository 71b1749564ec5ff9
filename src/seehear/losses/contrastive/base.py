"""What every loss between the embeddings of two modalities shares: its settings, its input, and the mean over clips."""

from __future__ import annotations

from abc import ABC, abstractmethod
from inspect import signature
from typing import Any, Self

import torch
from torch import Tensor, nn

from seehear.errors import SeehearError
from seehear.losses.contrastive.reduction import segment_mask
from seehear.losses.contrastive.settings import ContrastSettings
from seehear.settings import validated


class EmbeddingLoss(nn.Module, ABC):
    """A loss between the embeddings of two modalities, without parameters to learn.

    A subclass implements `per_clip`. Its constructor takes what it needs by the names that `ContrastSettings` uses,
    and passes it on to this constructor, which checks it. The subclass finds the checked values in `self.settings`.
    """

    def __init__(self, **settings: Any) -> None:
        """Check the settings.

        Args:
            **settings: Settings of `ContrastSettings`, by name.

        Raises:
            SeehearError: If a setting is unknown or out of range.
        """
        super().__init__()
        checked = validated(ContrastSettings, settings, type(self).__name__)
        self.settings: dict[str, Any] = {name: getattr(checked, name) for name in settings}

    @classmethod
    def from_settings(cls, settings: ContrastSettings) -> Self:
        """Make the loss from a recipe's settings: those that its constructor has a parameter for."""
        names = [name for name in signature(cls).parameters if name in ContrastSettings.model_fields]
        return cls(**{name: getattr(settings, name) for name in names})

    @abstractmethod
    def per_clip(self, first: Tensor, second: Tensor, mask: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the loss of each clip, (B,).

        Args:
            first: Embeddings of one modality, (B, T, d).
            second: Embeddings of the other modality, (B, T, d).
            mask: (B, T) bool, True where a segment lies within its clip.
            labels: Weak labels in [0, 1], (B, C), or None if the caller has none.
        """

    def forward(
        self, first: Tensor, second: Tensor, mask: Tensor | None = None, labels: Tensor | None = None
    ) -> Tensor:
        """Return the mean loss over the clips, a scalar.

        Args:
            first: Embeddings of one modality, (B, T, d), or (T, d) for a single clip.
            second: Embeddings of the other modality, shaped as `first`.
            mask: (B, T) bool, or (T,) for a single clip: True where a segment lies within its clip. None if every
                clip has T segments. Segments outside the mask have no influence and get no gradient.
            labels: Weak labels in [0, 1], (B, C), or (C,) for a single clip. Only some losses need them.

        Raises:
            SeehearError: If the shapes do not fit together.
        """
        check_shapes(first, second, mask, labels)
        if first.ndim == 2:
            first, second = first[None], second[None]
            mask, labels = (None if x is None else x[None] for x in (mask, labels))
        return self.per_clip(first, second, segment_mask(first, mask), labels).mean()

    def extra_repr(self) -> str:
        """Return the settings, for `repr`."""
        return ", ".join(f"{name}={value!r}" for name, value in self.settings.items())


def check_shapes(first: Tensor, second: Tensor, mask: Tensor | None = None, labels: Tensor | None = None) -> None:
    """Check the input of a loss.

    Args:
        first: Embeddings of one modality, (B, T, d) or (T, d).
        second: Embeddings of the other modality.
        mask: (B, T) or (T,) bool.
        labels: (B, C) or (C,).

    Raises:
        SeehearError: If two modalities differ in shape, or the mask or labels do not belong to them.
    """
    if not (isinstance(first, Tensor) and isinstance(second, Tensor)):
        raise SeehearError(f"embeddings must be torch tensors, not {type(first).__name__} and {type(second).__name__}")
    shape = tuple(first.shape)
    if len(shape) not in (2, 3) or shape != tuple(second.shape):
        raise SeehearError(
            "embeddings of two modalities must have the same shape, (B, T, d) or (T, d) for a single clip; "
            f"these have {shape} and {tuple(second.shape)}"
        )
    if mask is not None and (tuple(mask.shape) != shape[:-1] or mask.dtype != torch.bool):
        raise SeehearError(
            f"mask must be bool of shape {shape[:-1]}, True where a segment lies within its clip; "
            f"this one is {mask.dtype} of shape {tuple(mask.shape)}"
        )
    if labels is not None and tuple(labels.shape[:-1]) != shape[:-2]:
        raise SeehearError(
            f"labels must have one row per clip, ({', '.join(map(str, (*shape[:-2], 'C')))}); "
            f"these have shape {tuple(labels.shape)}"
        )
