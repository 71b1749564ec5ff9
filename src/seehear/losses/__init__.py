"""What training minimises: losses as torch modules for any training loop, each with a function of the same mathematics.

`MTSC`, `SimCLR`, `TimeWeighted` and `Disjoint` compare the embeddings of two modalities. `ContrastiveLoss` is one of
them as a recipe sets it, over any number of modalities. `AVSS` compares them by the pseudo-labels of their segments.
`WeakLoss`, `RefinedLoss` and `DenseLoss` are the losses of the parsing task. The functions return one loss per clip,
the modules the mean; `weak_loss`, `refined_loss` and `dense_loss` are means already.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seehear.losses.contrastive.avss import AVSS, avss
    from seehear.losses.contrastive.base import EmbeddingLoss
    from seehear.losses.contrastive.disjoint import Disjoint, disjoint
    from seehear.losses.contrastive.module import ContrastiveLoss
    from seehear.losses.contrastive.mtsc import MTSC, mtsc
    from seehear.losses.contrastive.settings import ContrastSettings
    from seehear.losses.contrastive.simclr import SimCLR, simclr
    from seehear.losses.contrastive.time_weighted import TimeWeighted, time_weighted
    from seehear.losses.dense import DenseLoss, dense_loss
    from seehear.losses.refined import RefinedLoss, refined_loss
    from seehear.losses.weak import WeakLoss, weak_loss

# Imported on first use: recipes are read without torch.
_HOMES = {
    "AVSS": "contrastive.avss",
    "ContrastSettings": "contrastive.settings",
    "ContrastiveLoss": "contrastive.module",
    "DenseLoss": "dense",
    "Disjoint": "contrastive.disjoint",
    "EmbeddingLoss": "contrastive.base",
    "MTSC": "contrastive.mtsc",
    "RefinedLoss": "refined",
    "SimCLR": "contrastive.simclr",
    "TimeWeighted": "contrastive.time_weighted",
    "WeakLoss": "weak",
    "avss": "contrastive.avss",
    "dense_loss": "dense",
    "disjoint": "contrastive.disjoint",
    "mtsc": "contrastive.mtsc",
    "refined_loss": "refined",
    "simclr": "contrastive.simclr",
    "time_weighted": "contrastive.time_weighted",
    "weak_loss": "weak",
}
__all__ = [
    "AVSS",
    "MTSC",
    "ContrastSettings",
    "ContrastiveLoss",
    "DenseLoss",
    "Disjoint",
    "EmbeddingLoss",
    "RefinedLoss",
    "SimCLR",
    "TimeWeighted",
    "WeakLoss",
    "avss",
    "dense_loss",
    "disjoint",
    "mtsc",
    "refined_loss",
    "simclr",
    "time_weighted",
    "weak_loss",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
