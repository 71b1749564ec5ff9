"""MTSC's targets as a distribution: a variant, not the paper's.

Where Eq. 6 wants each similarity at its target, this wants the order of a segment's similarities to be that of its
targets, as contrastive losses do: no similarity has to reach a value.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seehear.losses.contrastive.pair import Pair
from seehear.losses.contrastive.reduction import counting, mask, mean_where
from seehear.losses.contrastive.settings import ContrastSettings
from seehear.losses.contrastive.similarity import cosine
from seehear.losses.contrastive.target import target


def mtsc_soft(
    first: Tensor,
    second: Tensor,
    present: Tensor | None = None,
    *,
    temperature: float = 0.1,
    within: str = "first",
    lag: str = "clamped",
    exponent: float = 5.0,
) -> Tensor:
    """Mean over i of the cross-entropy of softmax_j(sim_ij / τ) against softmax_j(target_ij / τ), (B,)."""
    there = mask(first, present)  # (B, T)
    counts = counting(there)  # (B, T, T)
    lowest = torch.finfo(first.dtype).min

    def logits(similarity: Tensor) -> Tensor:
        return (similarity / temperature).masked_fill(~counts, lowest)

    wanted = logits(target(first, second, within, lag, exponent)).softmax(dim=-1)  # (B, T, T)
    said = logits(cosine(first, second)).log_softmax(dim=-1)
    return mean_where(-(wanted * said).sum(dim=-1), there)


def of(pair: Pair, settings: ContrastSettings) -> Tensor:
    """Of each clip, (B,)."""
    return mtsc_soft(
        pair.first,
        pair.second,
        pair.present,
        temperature=settings.temperature,
        within=settings.within,
        lag=settings.lag,
        exponent=settings.exponent,
    )
