"""Clips to compare the losses with their oracle on."""

from typing import NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor

LAGS = ("clamped", "shifted")
WITHIN = ("first", "second", "both")


class Batch(NamedTuple):
    first: Tensor  # (B, T, d)
    second: Tensor  # (B, T, d)
    present: Tensor  # (B, T)

    def each(self, value, **options):
        """A loss of the oracle for each clip."""
        return [value(*clip, **options) for clip in zip(*(x.tolist() for x in self), strict=True)]


@st.composite
def batches(draw):
    """Of few different values, so that zero, equal and opposite vectors are frequent; or of many. Gaps in the masks."""
    clips, length, width = draw(st.integers(1, 4)), draw(st.integers(1, 6)), draw(st.integers(1, 5))
    few = st.integers(-2, 2).map(float)
    values = draw(arrays.arrays(np.float64, (2, clips, length, width), elements=few))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    if draw(st.booleans()):
        values = values + (values.any(axis=-1, keepdims=True) * rng.normal(size=values.shape))
    present = rng.random((clips, length)) < draw(st.sampled_from([0.3, 0.7, 1.0]))
    present[np.arange(clips), rng.integers(length, size=clips)] = True
    return Batch(*torch.from_numpy(values), torch.from_numpy(present))


def generic(clips=2, length=4, width=3, modalities=2, seed=0):
    """Embeddings of no special kind, (M, B, T, d)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(modalities, clips, length, width, generator=generator, dtype=torch.float64)


def uneven():
    """Two clips, the second with a gap and shorter."""
    present = torch.tensor([[True, True, True, True], [True, False, True, False]])
    return Batch(*generic(), present)


def gradients(loss, batch):
    """Of both modalities."""
    leaves = [x.clone().requires_grad_() for x in (batch.first, batch.second)]
    return torch.autograd.grad(loss(*leaves, batch.present).sum(), leaves, materialize_grads=True)


def numeric_gradient(value, x, step=1e-6):
    """Of a scalar function of a tensor, by central differences."""
    gradient = torch.zeros_like(x)
    for place in np.ndindex(*x.shape):
        change = torch.zeros_like(x)
        change[place] = step
        gradient[place] = (value(x + change) - value(x - change)) / (2 * step)
    return gradient
