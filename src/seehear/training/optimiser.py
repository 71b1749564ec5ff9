"""Adam, and its learning rate from epoch to epoch."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from seehear.training.recipe import Recipe


def new_optimiser(parameters: Iterable[Tensor], recipe: Recipe) -> torch.optim.Optimizer:
    """Return Adam, or AdamW if the recipe has weight decay."""
    kind = torch.optim.AdamW if recipe.weight_decay else torch.optim.Adam
    return kind(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)


def set_rate(optimiser: torch.optim.Optimizer, recipe: Recipe, epoch: int) -> None:
    """Set the learning rate of an epoch, counted from 0."""
    cuts = epoch // recipe.decay_every if recipe.decay_every else 0
    for group in optimiser.param_groups:
        group["lr"] = recipe.learning_rate * recipe.decay_by**cuts
