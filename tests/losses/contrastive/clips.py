"""Clips on which the losses are compared with their oracle."""

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
    mask: Tensor  # (B, T)

    def each(self, loss, **options):
        """Return a loss of the oracle for each clip."""
        return [loss(*clip, **options) for clip in zip(*(x.tolist() for x in self), strict=True)]


@st.composite
def batches(draw):
    """Draw clips with gaps in the mask, of few different values (zero, equal and opposite vectors) or of many."""
    clips, length, width = draw(st.integers(1, 4)), draw(st.integers(1, 6)), draw(st.integers(1, 5))
    few = st.integers(-2, 2).map(float)
    values = draw(arrays.arrays(np.float64, (2, clips, length, width), elements=few))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    if draw(st.booleans()):
        values = values + (values.any(axis=-1, keepdims=True) * rng.normal(size=values.shape))
    mask = rng.random((clips, length)) < draw(st.sampled_from([0.3, 0.7, 1.0]))
    mask[np.arange(clips), rng.integers(length, size=clips)] = True
    return Batch(*torch.from_numpy(values), torch.from_numpy(mask))


def generic(clips=2, length=4, width=3, modalities=2, seed=0):
    """Return embeddings of no special kind, (M, B, T, d)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(modalities, clips, length, width, generator=generator, dtype=torch.float64)


def uneven():
    """Return two clips; the second is shorter and has a gap."""
    mask = torch.tensor([[True, True, True, True], [True, False, True, False]])
    return Batch(*generic(), mask)


def gradients(loss, batch):
    """Return the gradients of both modalities."""
    leaves = [x.clone().requires_grad_() for x in (batch.first, batch.second)]
    return torch.autograd.grad(loss(*leaves, batch.mask).sum(), leaves, materialize_grads=True)


def numeric_gradient(function, x, step=1e-6):
    """Return the gradient of a scalar function of a tensor, by central differences."""
    gradient = torch.zeros_like(x)
    for place in np.ndindex(*x.shape):
        change = torch.zeros_like(x)
        change[place] = step
        gradient[place] = (function(x + change) - function(x - change)) / (2 * step)
    return gradient
