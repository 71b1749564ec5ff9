"""Where a loss stops being a number: which clip and which network made it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from seehear.errors import SeehearError
from seehear.fusion.model import ParsingModel
from seehear.training.run import RunFacts

LOUD = 1e3  # times as large as others of its batch, a clip's features are at fault and not the training


@torch.no_grad()
def explain(model: ParsingModel, facts: RunFacts, features: Mapping[str, Tensor], clips: Sequence[str]) -> SeehearError:
    """What is wrong with a batch of which the model makes no number.

    features: modality -> (B, T, sum of widths). clips: names, B.
    """
    for modality, infos in facts.networks.items():
        x = model.normalise(modality, features[modality])  # (B, T, sum of widths)
        weight = model.get_parameter(f"project.{modality}.weight")  # (d, sum of widths)
        widths = facts.widths[modality]
        for info, part, columns in zip(infos, x.split(widths, dim=-1), weight.split(widths, dim=-1), strict=True):
            embedding = part @ columns.T  # (B, T, d)
            # Squares of what is larger than this overflow, in a norm or a variance.
            bad = ~(embedding.abs() < torch.finfo(embedding.dtype).max ** 0.5).flatten(1).all(dim=1)  # (B,)
            sizes = part.abs().flatten(1).amax(dim=1)  # (B,)
            for n in (bad & (sizes > LOUD * sizes.median())).nonzero().flatten().tolist():
                return SeehearError(
                    f"clip {clips[n]}: its embedding of {info.name} is not finite, of features up to {sizes[n]:.3g}, "
                    f"while others of its batch have {sizes.median():.3g}; leave the clip out, or extract it again"
                )
    return SeehearError("training diverged: what the model says is not finite any more; try a lower learning_rate")
