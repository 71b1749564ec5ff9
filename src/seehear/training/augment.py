"""Clips that are made from others while training: recombined across modalities, or mixed in pairs."""

from __future__ import annotations

from collections.abc import Callable
from operator import and_
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seehear.training.recipe import Recipe


class Example(NamedTuple):
    """Clips with all that training knows of them.

    Attributes:
        features: modality -> (B, T, sum of widths).
        present: (B, T) bool, True within a clip; None if every clip has T segments.
        available: (B, M) bool, which modalities a clip has; None if every clip has all.
        labels: Weak labels, (B, C).
        weak: Refined weak labels, (B, M, C).
        segments: Pseudo-labels, (B, T, M, C); NaN where nothing is known.
    """

    features: dict[str, Tensor]
    present: Tensor | None
    available: Tensor | None
    labels: Tensor
    weak: Tensor
    segments: Tensor

    def take(self, clips: Tensor) -> Example:
        """Return some clips, by number."""
        features = {name: x[clips] for name, x in self.features.items()}
        present = None if self.present is None else self.present[clips]
        available = None if self.available is None else self.available[clips]
        return Example(features, present, available, self.labels[clips], self.weak[clips], self.segments[clips])


def augmented(batch: Example, recipe: Recipe, rng: np.random.Generator) -> Example:
    """Return the clips of a batch, with recombined ones after them, all mixed in pairs: as the recipe says."""
    if recipe.recombine:
        batch = joined(batch, recombined(batch, recipe.recombine, recipe.swap, rng))
    return mixed(batch, recipe.mixup, rng) if recipe.mixup else batch


def recombined(batch: Example, share: float, disjoint: float, rng: np.random.Generator) -> Example:
    """Return clips with the first modality of one clip and the other modalities of another.

    The labels per modality come with the modality, so those of the new clip are known: it has the classes that hold
    in one of its modalities. It is as long as the shorter of the two.

    Args:
        batch: B clips.
        share: New clips per clip of the batch.
        disjoint: Share of new clips whose parts have no class in common, if there is such a partner in the batch.
        rng: Draws the partners.
    """
    count, size = round(share * len(batch.labels)), len(batch.labels)
    first = rng.permutation(np.resize(np.arange(size), count))
    other = (first + rng.integers(1, size, size=count)) % size if size > 1 else first
    if disjoint:
        other = _without_common_class(batch, first, other, disjoint, rng)
    if batch.available is not None:  # a new clip has at least one modality
        has = batch.available.cpu().numpy()  # (B, M)
        other = np.where(has[first, 0] | has[other, 1:].any(axis=1), other, first)
    one, two = (batch.take(torch.from_numpy(each)) for each in (first, other))
    names = list(batch.features)
    features = {name: (one if m == 0 else two).features[name] for m, name in enumerate(names)}
    present = _of_both(and_, one.present, two.present)
    available = _of_both(_first_of_one, one.available, two.available)
    weak = _first_of_one(one.weak, two.weak)
    segments = torch.cat([one.segments[:, :, :1], two.segments[:, :, 1:]], dim=2)
    return Example(features, present, available, weak.amax(dim=1), weak, segments)


def _without_common_class(
    batch: Example, first: NDArray[np.int64], other: NDArray[np.int64], share: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    common = (batch.labels @ batch.labels.T).cpu().numpy() > 0  # (B, B)
    chosen = other.copy()
    for k in np.flatnonzero(rng.random(len(first)) < share):
        apart = np.flatnonzero(~common[first[k]])
        if len(apart):
            chosen[k] = apart[rng.integers(len(apart))]
    return chosen


def mixed(batch: Example, alpha: float, rng: np.random.Generator) -> Example:
    """Return λ · clip + (1 − λ) · another clip of the batch, features and labels alike; λ ~ Beta(α, α) per clip.

    Where one of the two is past its end or not known, so is the mixture.
    """
    size = len(batch.labels)
    partner = rng.permutation(size)
    if batch.available is not None:  # a mixture has at least one modality
        has = batch.available.cpu().numpy()  # (B, M)
        partner = np.where((has & has[partner]).any(axis=1), partner, np.arange(size))
    other = batch.take(torch.from_numpy(partner))
    drawn = torch.from_numpy(rng.beta(alpha, alpha, size=size)).to(batch.labels)
    share = torch.maximum(drawn, 1 - drawn)  # (B,): a clip stays more itself than the other

    def mix(one: Tensor, two: Tensor) -> Tensor:
        weight = share.view(-1, *[1] * (one.ndim - 1))
        return two + weight * (one - two)

    features = {name: mix(x, other.features[name]) for name, x in batch.features.items()}
    present = _of_both(and_, batch.present, other.present)
    available = _of_both(and_, batch.available, other.available)
    labels, weak = mix(batch.labels, other.labels), mix(batch.weak, other.weak)
    return Example(features, present, available, labels, weak, mix(batch.segments, other.segments))


def joined(one: Example, two: Example) -> Example:
    """Return the clips of both."""
    features = {name: torch.cat([x, two.features[name]]) for name, x in one.features.items()}
    return Example(
        features,
        _of_both(_one_after_the_other, one.present, two.present),
        _of_both(_one_after_the_other, one.available, two.available),
        _one_after_the_other(one.labels, two.labels),
        _one_after_the_other(one.weak, two.weak),
        _one_after_the_other(one.segments, two.segments),
    )


def _of_both(combine: Callable[[Tensor, Tensor], Tensor], one: Tensor | None, two: Tensor | None) -> Tensor | None:
    """Return what a function makes of two masks; None, which stands for True everywhere, stays None."""
    return None if one is None or two is None else combine(one, two)


def _first_of_one(one: Tensor, two: Tensor) -> Tensor:
    """Return the first modality of one and the others of two, (B, M, ...)."""
    return torch.cat([one[:, :1], two[:, 1:]], dim=1)


def _one_after_the_other(one: Tensor, two: Tensor) -> Tensor:
    return torch.cat([one, two])
