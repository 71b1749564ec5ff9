"""Products of segments with those around them, for attention within a window of W segments.

Time is cut into n blocks of W segments. The queries of a block meet the keys of three blocks: its own and those beside
it. Blocks are taken one after another, where they lie. Putting three side by side for all blocks at once took more
memory, and more time, than attention to all segments of clips of some minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F


def near_products(query: Tensor, key: Tensor, size: int) -> Tensor:
    """Return the product of each segment with those of its block and the blocks beside it, (..., n · W, 3 W).

    Beyond the ends of the clip it is 0.

    Args:
        query: (..., n · W, D).
        key: (..., n · W, D).
        size: W.
    """
    return _Products.apply(query, key, size)  # type: ignore[no-untyped-call]


def near_sums(weights: Tensor, value: Tensor, size: int) -> Tensor:
    """Return the sums of the values around each segment by their weights, (..., n · W, D).

    Args:
        weights: (..., n · W, 3 W), in the order of `near_products`.
        value: (..., n · W, D).
        size: W.
    """
    return _Sums.apply(weights, value, size)  # type: ignore[no-untyped-call]


def near_pairs(inside: Tensor, size: int) -> Tensor:
    """Return which of these pairs are less than W segments apart and within the clip, (B, n · W, 3 W) bool.

    Args:
        inside: (B, n · W) bool, True where a segment lies within its clip.
        size: W.
    """
    blocks = F.pad(inside, (size, size)).unfold(-1, 3 * size, size)  # (B, n, 3 W)
    time = torch.arange(3 * size, device=inside.device)
    near = (time - time[size : 2 * size, None]).abs() < size  # (W, 3 W)
    return (blocks[:, :, None] & near).flatten(1, 2)


def _products(query: Tensor, key: Tensor, size: int) -> Tensor:
    parts = []
    for n, block in enumerate(query.split(size, dim=-2)):
        around, before, after = _around(key, n, size)
        parts.append(F.pad(block @ around.transpose(-1, -2), (before, after)))
    return torch.cat(parts, dim=-2)


def _sums(weights: Tensor, value: Tensor, size: int) -> Tensor:
    parts = []
    for n, block in enumerate(weights.split(size, dim=-2)):
        around, before, after = _around(value, n, size)
        parts.append(block[..., before : 3 * size - after] @ around)
    return torch.cat(parts, dim=-2)


def _sums_back(weights: Tensor, gradient: Tensor, size: int) -> Tensor:
    """Return the gradient of the values: each gets it from the rows of three blocks, (..., n · W, D)."""
    rows, columns = gradient.split(size, dim=-2), [part.split(size, dim=-1) for part in weights.split(size, dim=-2)]
    parts = []
    for n in range(len(rows)):
        each = [columns[m][n - m + 1].transpose(-1, -2) @ rows[m] for m in _beside(n, rows)]
        parts.append(sum(each[1:], start=each[0]))
    return torch.cat(parts, dim=-2)


def _beside(n: int, blocks: Sequence[Tensor]) -> range:
    """Return the numbers of block n and of those beside it."""
    return range(max(0, n - 1), min(len(blocks), n + 2))


def _around(x: Tensor, n: int, size: int) -> tuple[Tensor, int, int]:
    """Return block n and those beside it, (..., up to 3 W, D), and how many segments are missing before and behind."""
    first, stop = (n - 1) * size, (n + 2) * size
    return x[..., max(0, first) : stop, :], max(0, -first), max(0, stop - x.shape[-2])


class _Near(Function):
    """A product of two tensors within a window."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int], output: Tensor) -> None:
        """Keep what the way back takes."""
        ctx.save_for_backward(*inputs[:2])
        ctx.size = inputs[2]


class _Products(_Near):
    """See `near_products`."""

    @staticmethod
    def forward(query: Tensor, key: Tensor, size: int) -> Tensor:
        """Return the products."""
        return _products(query, key, size)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients of query and key."""
        query, key = ctx.saved_tensors
        return _sums(gradient, key, ctx.size), _sums_back(gradient, query, ctx.size), None


class _Sums(_Near):
    """See `near_sums`."""

    @staticmethod
    def forward(weights: Tensor, value: Tensor, size: int) -> Tensor:
        """Return the sums."""
        return _sums(weights, value, size)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients of weights and values."""
        weights, value = ctx.saved_tensors
        return _products(gradient, value, ctx.size), _sums_back(weights, gradient, ctx.size), None
