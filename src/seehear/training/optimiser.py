"""Adam, and its learning rate from epoch to epoch."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cache

import torch
from torch import Tensor

from seehear.training.recipe import Recipe

# torch wraps these methods for its compiler, and imports it when the first is called. That takes longer than a small
# training, and nothing is compiled here.
_WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict", "step")


def new_optimiser(parameters: Iterable[Tensor], recipe: Recipe) -> torch.optim.Optimizer:
    """Return Adam, or AdamW if the recipe has weight decay."""
    kind = _plain(torch.optim.AdamW if recipe.weight_decay else torch.optim.Adam)
    return kind(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)


@cache
def _plain(kind: type[torch.optim.Adam]) -> type[torch.optim.Adam]:
    """Return an optimiser that computes the same, without the compiler."""
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in _WRAPPED}
    methods["step"] = torch.no_grad()(methods["step"])  # which the wrapper does otherwise
    return type(kind.__name__, (kind,), methods)


def set_rate(optimiser: torch.optim.Optimizer, recipe: Recipe, epoch: int) -> None:
    """Set the learning rate of an epoch, counted from 0."""
    cuts = epoch // recipe.decay_every if recipe.decay_every else 0
    for group in optimiser.param_groups:
        group["lr"] = recipe.learning_rate * recipe.decay_by**cuts
