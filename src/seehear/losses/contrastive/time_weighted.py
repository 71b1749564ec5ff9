"""SimCLR's loss with negatives weighted by their lag (Wu et al., Eq. 5)."""

from __future__ import annotations

from torch import Tensor

from seehear.losses.contrastive.base import EmbeddingLoss
from seehear.losses.contrastive.lag import lag_weights
from seehear.losses.contrastive.reduction import segment_mask
from seehear.losses.contrastive.settings import Lag
from seehear.losses.contrastive.simclr import against_others
from seehear.losses.contrastive.similarity import cosine


def time_weighted(
    first: Tensor,
    second: Tensor,
    mask: Tensor | None = None,
    temperature: float = 0.1,
    lag: str = "clamped",
    exponent: float = 5.0,
) -> Tensor:
    """Return the time-weighted loss of each clip, (B,) (Wu et al., Eq. 5).

    It is the mean over segments i of −log(exp(s_ii / τ) / Σ_{k≠i} exp(T_ik s_ik / τ)): `simclr` with the logits of
    the negatives multiplied by T of `lag_weights`. As printed, near negatives count in full and far ones hardly.

    Args:
        first: Embeddings of the first modality, (B, T, d).
        second: Embeddings of the second modality, (B, T, d).
        mask: (B, T) bool, True where a segment lies within its clip; None if every clip has T segments.
        temperature: τ, above 0. The paper does not give it.
        lag: Reading of T, `clamped` or `shifted`; see `lag_weights`.
        exponent: Exponent of T, at least 0.

    Raises:
        SeehearError: If the reading of T is unknown.
    """
    similarity = cosine(first, second)  # (B, T, T)
    weighted = lag_weights(first.shape[-2], lag, exponent, first.device) * similarity
    return against_others(similarity, weighted, segment_mask(first, mask), temperature)


class TimeWeighted(EmbeddingLoss):
    """SimCLR's loss with negatives weighted by their lag (Wu et al., Eq. 5); see the function `time_weighted`."""

    def __init__(self, temperature: float = 0.1, lag: Lag = "clamped", exponent: float = 5.0) -> None:
        """Choose a reading of Eq. 5; the arguments are those of the function `time_weighted`.

        Raises:
            SeehearError: If an argument is unknown or out of range.
        """
        super().__init__(temperature=temperature, lag=lag, exponent=exponent)

    def per_clip(self, first: Tensor, second: Tensor, mask: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the loss of each clip, (B,)."""
        return time_weighted(first, second, mask, **self.settings)
