"""The target of the similarity between modalities (S of Wu et al., Eq. 6).

It is the similarity within a modality, weighted by the lag.
"""

from __future__ import annotations

from torch import Tensor

from seehear.errors import unknown
from seehear.losses.contrastive.lag import lag_weights
from seehear.losses.contrastive.similarity import cosine

WITHIN = ("first", "second", "both")


def own_similarity(first: Tensor, second: Tensor, within: str = "first") -> Tensor:
    """Return the similarity of a clip's segments within a modality, (B, T, T) in [-1, 1]. It passes no gradient.

    Args:
        first: Embeddings of the first modality, (B, T, d).
        second: Embeddings of the second modality, (B, T, d).
        within: `first` as printed, `second`, or `both`, the mean of the two.

    Raises:
        SeehearError: If `within` is unknown.
    """
    if within not in WITHIN:
        raise unknown("modality for the target", within, WITHIN)
    if within == "both":
        return (own_similarity(first, second, "first") + own_similarity(first, second, "second")) / 2
    own = (first if within == "first" else second).detach()
    return cosine(own, own)


def target(first: Tensor, second: Tensor, within: str = "first", lag: str = "clamped", exponent: float = 5.0) -> Tensor:
    """Return T_ij · sim_detach(i, j), (B, T, T) in [-1, 1] (Wu et al., Eq. 6).

    Args:
        first: Embeddings of the first modality, (B, T, d).
        second: Embeddings of the second modality, (B, T, d).
        within: Modality of the similarity, see `own_similarity`.
        lag: Reading of T, see `lag_weights`.
        exponent: Exponent of T, at least 0.
    """
    return lag_weights(first.shape[-2], lag, exponent, first.device) * own_similarity(first, second, within)
