"""Embeddings of a data set's segments, at any point of a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from seehear.fusion.model import ParsingModel
    from seehear.training.bags import Bags, Batch

Point = Literal["mapped", "embedding", "fused"]  # where in a model embeddings are taken
Embeddings = dict[str, NDArray[np.float32]]  # modality -> (sum of T, d), the segments of all clips in order

BATCH_SIZE = 64  # clips in one forward pass


def embeddings(model: ParsingModel, bags: Bags, point: Point = "embedding") -> Embeddings:
    """Return the embeddings of all segments, modality -> (sum of T, d), clip after clip.

    Args:
        model: A trained model.
        bags: Features of the clips.
        point: `mapped`: after the linear maps t. `embedding`: after the projection g too, which is the attention's
            input and what Wu et al. measure. `fused`: after the attention.
    """
    import torch

    model.eval()
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in model.modalities}
    for start in range(0, len(bags), BATCH_SIZE):
        clips = np.arange(start, min(start + BATCH_SIZE, len(bags)))
        batch = bags.batch(clips)
        inside = np.arange(int(bags.lengths[clips].max())) < bags.lengths[clips, None]  # (B, T)
        with torch.no_grad():
            embedded = _at(model, batch, point)  # (M, B, T, d)
        for name, x in zip(model.modalities, embedded, strict=True):
            parts[name].append(x.float().cpu().numpy()[inside])
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _at(model: ParsingModel, batch: Batch, point: Point) -> Tensor:
    """Return the embeddings at a point of the model, (M, B, T, d)."""
    if point == "mapped":
        return model.map(batch.features)
    embedded = model.embed(batch.features)
    return embedded if point == "embedding" else model.fuse(embedded, batch.present, batch.available)
