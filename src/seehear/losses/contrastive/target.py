"""What the similarity between modalities should be: what it is within a modality, less with the lag (S of Eq. 6)."""

from __future__ import annotations

from torch import Tensor

from seehear.losses.contrastive.lag import lag_weights
from seehear.losses.contrastive.similarity import cosine


def own_similarity(first: Tensor, second: Tensor, within: str = "first") -> Tensor:
    """Of a clip's segments in one modality, or the mean of both; (B, T, d) each to (B, T, T). Passes no gradient.

    within: `first` as printed, `second`, or `both`.
    """
    if within == "both":
        return (own_similarity(first, second, "first") + own_similarity(first, second, "second")) / 2
    own = (first if within == "first" else second).detach()
    return cosine(own, own)


def target(first: Tensor, second: Tensor, within: str = "first", lag: str = "clamped", exponent: float = 5.0) -> Tensor:
    """T_ij · sim_detach(i, j), (B, T, T) in [-1, 1]."""
    return lag_weights(first.shape[-2], lag, exponent, first.device) * own_similarity(first, second, within)
