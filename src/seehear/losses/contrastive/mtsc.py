"""MTSC, the multimodal time-series contrastive loss (Wu et al., Eq. 6), in its readings."""

from __future__ import annotations

from torch import Tensor

from seehear.losses.contrastive.pair import Pair
from seehear.losses.contrastive.reduction import counting, mask, mean_where
from seehear.losses.contrastive.residual import RESIDUALS
from seehear.losses.contrastive.settings import ContrastSettings
from seehear.losses.contrastive.similarity import cosine
from seehear.losses.contrastive.target import target


def mtsc(
    first: Tensor,
    second: Tensor,
    present: Tensor | None = None,
    *,
    pairs: str = "entire",
    residual: str = "squared",
    within: str = "first",
    lag: str = "clamped",
    exponent: float = 5.0,
) -> Tensor:
    """Mean over pairs i, j of the residual of sim(first_i, second_j) and T_ij · sim_detach(first_i, first_j), (B,).

    first, second: embeddings before the fusion layer, (B, T, d). present: (B, T) bool, None where every clip has T
    segments. pairs: `entire`, or `part`, i = j only (the mean is over these). residual: `squared`, `absolute`,
    `literal`. within: modality whose own similarity is the target. lag, exponent: of T, see `lag_weights`.
    """
    wanted = target(first, second, within, lag, exponent)  # (B, T, T)
    counts = counting(mask(first, present), pairs)  # (B, T, T)
    return mean_where(RESIDUALS[residual](cosine(first, second), wanted), counts)


def of(pair: Pair, settings: ContrastSettings) -> Tensor:
    """Of each clip, (B,)."""
    return mtsc(
        pair.first,
        pair.second,
        pair.present,
        pairs=settings.pairs,
        residual=settings.residual,
        within=settings.within,
        lag=settings.lag,
        exponent=settings.exponent,
    )
