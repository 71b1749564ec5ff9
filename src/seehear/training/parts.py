"""Steps on clips of any length: what a step computes at once is bounded, and so is its memory.

A step takes the clips that it always takes, `batch` of them. If they have too many segments, they are sorted by length
and cut into parts, whose gradients are added up: each part weighs as many clips as it has. So memory does not decide
which clips a step sees, and clips of like length are padded little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seehear.training.recipe import Recipe

OVERHEAD = 256  # segments whose computation takes about as long as one more part

Losses = tuple[Tensor, Tensor | None]  # of some clips: the loss, and in it the contrastive loss


def steps(order: NDArray[np.int64], recipe: Recipe) -> Iterator[NDArray[np.int64]]:
    """Yield the clips of each step of an epoch, by number, in this order."""
    for start in range(0, len(order), recipe.batch):
        yield order[start : start + recipe.batch]


def parts_of(clips: NDArray[np.int64], lengths: NDArray[np.int64], recipe: Recipe) -> list[NDArray[np.int64]]:
    """Return the clips of a step in the parts that are computed with at once.

    All of them in their order, if they fit. Otherwise by falling length, in those parts that cost least: each its
    segments with padding, and OVERHEAD.

    Args:
        clips: Numbers of the clips, (B,).
        lengths: Segments of every clip, (N,).
        recipe: Its `batch_segments` bounds the segments of a part, padding and recombined clips included.
    """
    if fits(len(clips), int(lengths[clips].max()), recipe):
        return [clips]
    by_length = clips[np.argsort(-lengths[clips], kind="stable")]
    best = [(0, 0)]  # of the first n clips: what they cost, and where their last part begins
    for stop in range(1, len(clips) + 1):
        costs = []
        for first in range(stop - 1, -1, -1):
            count, longest = stop - first, int(lengths[by_length[first]])
            if count > 1 and not fits(count, longest, recipe):
                break  # nor does any that begins earlier: it has more clips and longer ones
            costs.append((best[first][0] + rows_of(count, recipe) * longest + OVERHEAD, first))
        best.append(min(costs))
    parts: list[NDArray[np.int64]] = []
    stop = len(clips)
    while stop:
        parts.insert(0, by_length[best[stop][1] : stop])
        stop = best[stop][1]
    return parts


def fits(count: int, longest: int, recipe: Recipe) -> bool:
    """Return whether so many clips, padded to the longest, have no more segments than are computed with at once."""
    return rows_of(count, recipe) * longest <= recipe.batch_segments


def rows_of(count: int, recipe: Recipe) -> int:
    """Return the clips that the model gets of so many: recombined ones come on top."""
    return count + (round(recipe.recombine * count) if recipe.refine.active else 0)


def is_cut(lengths: NDArray[np.int64], recipe: Recipe) -> bool:
    """Return whether a step on clips of these lengths, (N,), may take more than one part."""
    return not fits(min(recipe.batch, len(lengths)), int(lengths.max()), recipe)


def step(
    losses: Callable[[NDArray[np.int64]], Losses], parts: list[NDArray[np.int64]], optimiser: torch.optim.Optimizer
) -> tuple[Tensor, Tensor | None]:
    """Take a step, and return the sums of the losses over its clips: the loss, and in it the contrastive loss.

    Args:
        losses: From the numbers of some clips to their mean losses.
        parts: The clips of the step, see `parts_of`.
        optimiser: Of the model's parameters.
    """
    number = sum(map(len, parts))
    optimiser.zero_grad(set_to_none=True)
    totals: list[Tensor] = []
    contrasts: list[Tensor] = []
    for clips in parts:
        loss, contrast = losses(clips)
        (loss if len(parts) == 1 else loss * (len(clips) / number)).backward()
        totals.append(loss.detach() * len(clips))
        if contrast is not None:
            contrasts.append(contrast.detach() * len(clips))
    optimiser.step()
    return _sum(totals), _sum(contrasts) if contrasts else None


def _sum(values: list[Tensor]) -> Tensor:
    return values[0] if len(values) == 1 else torch.stack(values).sum()
