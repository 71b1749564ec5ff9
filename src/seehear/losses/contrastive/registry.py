"""The contrastive losses by the name that `contrast.loss` gives them. No torch here: recipes are read without it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seehear.losses.contrastive.base import EmbeddingLoss

# Name -> file in this folder and class in it. A new loss is one file and one line here.
LOSSES = {
    "simclr": "simclr.SimCLR",
    "time-weighted": "time_weighted.TimeWeighted",
    "mtsc": "mtsc.MTSC",
}


def loss_class(name: str) -> type[EmbeddingLoss]:
    """Return the class of a loss in `LOSSES`."""
    file, _, class_name = LOSSES[name].partition(".")
    loss: type[EmbeddingLoss] = getattr(import_module(f"{__package__}.{file}"), class_name)
    return loss
