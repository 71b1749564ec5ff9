"""What a contrastive loss is given: the embeddings of two modalities of some clips."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Pair(NamedTuple):
    """first, second: embeddings, (B, T, d). labels: weak, (B, C) in [0, 1].

    present: (B, T) bool, None where every clip has T segments.
    """

    first: Tensor
    second: Tensor
    labels: Tensor
    present: Tensor | None = None
