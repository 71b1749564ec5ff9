"""MTSC, the multimodal time-series contrastive loss (Wu et al., Sec. 3.3, Eq. 6), in its readings."""

from __future__ import annotations

from torch import Tensor

from seehear.losses.contrastive.base import EmbeddingLoss
from seehear.losses.contrastive.reduction import mean_where, pair_mask, segment_mask
from seehear.losses.contrastive.residual import residual_of
from seehear.losses.contrastive.settings import Lag, Pairs, Residual, Within
from seehear.losses.contrastive.similarity import cosine
from seehear.losses.contrastive.target import target


def mtsc(
    first: Tensor,
    second: Tensor,
    mask: Tensor | None = None,
    *,
    exponent: float = 5.0,
    pairs: str = "entire",
    residual: str = "squared",
    lag: str = "clamped",
    within: str = "first",
) -> Tensor:
    """Return the MTSC loss of each clip, (B,) (Wu et al., Eq. 6).

    It is the mean over pairs of segments i, j of the residual between sim(first_i, second_j) and its target
    T_ij · sim_detach(first_i, first_j). Squared, it lies in [0, 4].

    Args:
        first: Embeddings of the first modality before the fusion layers, (B, T, d).
        second: Embeddings of the second modality, (B, T, d).
        mask: (B, T) bool, True where a segment lies within its clip; None if every clip has T segments.
        exponent: Exponent of T, at least 0.
        pairs: `entire`, all pairs, or `part`, only i = j.
        residual: `squared`, `absolute`, or `literal` (as printed, which collapses).
        lag: Reading of T, `clamped` or `shifted`; see `lag_weights`.
        within: Modality whose own similarity is the target: `first`, `second`, or `both`.

    Raises:
        SeehearError: If a reading is unknown.
    """
    targets = target(first, second, within, lag, exponent)  # (B, T, T)
    counted = pair_mask(segment_mask(first, mask), pairs)  # (B, T, T)
    return mean_where(residual_of(cosine(first, second), targets, residual), counted)


class MTSC(EmbeddingLoss):
    """The multimodal time-series contrastive loss (Wu et al., Eq. 6); see the function `mtsc`.

    Examples:
        >>> loss = MTSC(exponent=5)
        >>> loss(audio, visual, mask).backward()  # (B, T, d), (B, T, d), (B, T) bool
    """

    def __init__(
        self,
        exponent: float = 5.0,
        pairs: Pairs = "entire",
        residual: Residual = "squared",
        lag: Lag = "clamped",
        within: Within = "first",
    ) -> None:
        """Choose a reading of Eq. 6; the arguments are those of the function `mtsc`.

        Raises:
            SeehearError: If an argument is unknown or out of range.
        """
        super().__init__(exponent=exponent, pairs=pairs, residual=residual, lag=lag, within=within)

    def per_clip(self, first: Tensor, second: Tensor, mask: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the loss of each clip, (B,)."""
        return mtsc(first, second, mask, **self.settings)
