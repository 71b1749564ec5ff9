"""SimCLR's loss with negatives weighed by their lag (Wu et al., Eq. 5): what is near in time may well be alike."""

from __future__ import annotations

from torch import Tensor

from seehear.losses.contrastive.lag import lag_weights
from seehear.losses.contrastive.pair import Pair
from seehear.losses.contrastive.reduction import mask
from seehear.losses.contrastive.settings import ContrastSettings
from seehear.losses.contrastive.simclr import against_others
from seehear.losses.contrastive.similarity import cosine


def time_weighted(
    first: Tensor,
    second: Tensor,
    present: Tensor | None = None,
    temperature: float = 0.1,
    lag: str = "clamped",
    exponent: float = 5.0,
) -> Tensor:
    """Mean over i of −log(exp(s_ii / τ) / Σ_{k≠i} exp(T_ik s_ik / τ)), of each clip, (B,).

    As `simclr`, with T the weights of `lag_weights`. As printed, the near negatives are the ones that count in full.
    """
    similarity = cosine(first, second)  # (B, T, T)
    weighed = lag_weights(first.shape[-2], lag, exponent, first.device) * similarity
    return against_others(similarity, weighed, mask(first, present), temperature)


def of(pair: Pair, settings: ContrastSettings) -> Tensor:
    """Of each clip, (B,)."""
    return time_weighted(pair.first, pair.second, pair.present, settings.temperature, settings.lag, settings.exponent)
