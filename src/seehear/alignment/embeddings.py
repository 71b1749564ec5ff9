"""Embeddings of a split's segments, at any point of a trained model."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seehear.alignment.questions import Point
from seehear.fusion.model import ParsingModel
from seehear.training.bags import Bags, Batch

BATCH = 64  # clips in one forward pass


@torch.no_grad()
def embeddings(model: ParsingModel, bags: Bags, point: Point = "embedding") -> dict[str, NDArray[np.float32]]:
    """modality -> (sum of T, d), the segments of all clips one after the other.

    point: `mapped`, after the linear maps t; `embedding`, after the projection g too, as the attention gets them and
    Wu et al. measure them; `fused`, after the attention.
    """
    model.eval()
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in model.modalities}
    for start in range(0, len(bags), BATCH):
        clips = np.arange(start, min(start + BATCH, len(bags)))
        batch = bags.batch(clips)
        inside = np.arange(int(bags.lengths[clips].max())) < bags.lengths[clips, None]  # (B, T)
        for name, x in zip(model.modalities, _at(model, batch, point), strict=True):
            parts[name].append(x.float().cpu().numpy()[inside])
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _at(model: ParsingModel, batch: Batch, point: Point) -> Tensor:
    """(M, B, T, d)."""
    if point == "mapped":
        return model.map(batch.features)
    embedded = model.embed(batch.features)
    return embedded if point == "embedding" else model.fuse(embedded, batch.present)
