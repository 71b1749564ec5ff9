"""What a contrastive loss is given: the embeddings of two modalities of some clips."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Pair(NamedTuple):
    """first, second: embeddings, (B, T, d). present: (B, T) bool, None where every clip has T segments."""

    first: Tensor
    second: Tensor
    present: Tensor | None = None
