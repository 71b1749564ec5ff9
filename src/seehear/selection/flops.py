"""Floating-point operations of trainings, counted over matrix products."""

from __future__ import annotations

import numpy as np

from seehear.training.bags import Split
from seehear.training.parts import parts_of
from seehear.training.runs import BaseRun


def step_flops(run: BaseRun, train: Split) -> tuple[float, float]:
    """Count the operations on one clip of average length.

    Returns:
        Operations of a training step, forward and backward, and of a forward pass alone.
    """
    from torch.utils.flop_counter import FlopCounterMode

    model = run.new_model()
    model.to(train.labels.device)
    some = np.arange(min(run.facts.recipe.batch, len(train.bags)))
    once = back = 0.0
    for part in parts_of(some, train.bags.lengths, run.facts.recipe):
        batch = train.bags.batch(part)
        with FlopCounterMode(display=False) as forward:
            output = model(*batch)
        with FlopCounterMode(display=False) as backward:
            output.clip.sum().backward()  # the way back is the same from any output
        once += float(forward.get_total_flops()) / len(some)
        back += float(backward.get_total_flops()) / len(some)
    return once + back, once


def training_flops(run: BaseRun, train: Split, watched: int, judged: int, epochs: int) -> float:
    """Count the operations of a whole training.

    Args:
        run: Of the model's shape.
        train: The training clips.
        watched: Clips that are validated on after each epoch.
        judged: Clips that the trained model is scored on.
        epochs: How many.
    """
    step, once = step_flops(run, train)
    return epochs * (step * len(train.bags) + once * watched) + once * judged
