"""Why a training diverged: the clip and the network at fault, if there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from seehear.errors import SeehearError
from seehear.fusion.model import ParsingModel
from seehear.training.runs import RunFacts

OUTLIER_RATIO = 1e3  # features this many times larger than others of the batch are at fault, not the training


@torch.no_grad()
def explain(model: ParsingModel, facts: RunFacts, features: Mapping[str, Tensor], clips: Sequence[str]) -> SeehearError:
    """Return the error to raise for a batch whose output is not finite.

    Args:
        model: As it is at this step.
        facts: Of the run.
        features: modality -> (B, T, sum of widths).
        clips: Names of the B clips.
    """
    for modality, infos in facts.networks.items():
        x = model.normalise(modality, features[modality])  # (B, T, sum of widths)
        weight = model.get_parameter(f"project.{modality}.weight")  # (d, sum of widths)
        widths = facts.widths[modality]
        for info, part, columns in zip(infos, x.split(widths, dim=-1), weight.split(widths, dim=-1), strict=True):
            embedding = part @ columns.T  # (B, T, d)
            # The square of a larger number overflows, in a norm or a variance.
            bad = ~(embedding.abs() < torch.finfo(embedding.dtype).max ** 0.5).flatten(1).all(dim=1)  # (B,)
            sizes = part.abs().flatten(1).amax(dim=1)  # (B,)
            for n in (bad & (sizes > OUTLIER_RATIO * sizes.median())).nonzero().flatten().tolist():
                return SeehearError(
                    f"clip {clips[n]}: its embedding of {info.name} is not finite: its features reach {sizes[n]:.3g}, "
                    f"those of other clips in the batch {sizes.median():.3g}; leave the clip out, or extract it again"
                )
    return SeehearError("training diverged: the model's output is not finite any more; try a lower learning_rate")
