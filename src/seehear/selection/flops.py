"""Floating-point operations of trainings, as their matrix products have them."""

from __future__ import annotations

import numpy as np

from seehear.training.bags import Split
from seehear.training.run import Run


def step_flops(run: Run, train: Split) -> tuple[float, float]:
    """Of one clip of average length: a training step's share, forward and backward, and a forward pass alone."""
    from torch.utils.flop_counter import FlopCounterMode

    model = run.new_model()
    model.to(train.labels.device)
    some = np.arange(min(run.facts.recipe.batch, len(train.bags)))
    batch = train.bags.batch(some)
    with FlopCounterMode(display=False) as forward:
        output = model(*batch)
    with FlopCounterMode(display=False) as backward:
        output.clip.sum().backward()  # the way back is the same from any output
    once = float(forward.get_total_flops()) / len(some)
    return once + float(backward.get_total_flops()) / len(some), once


def training_flops(run: Run, train: Split, watch: Split | None, judged: Split, epochs: int) -> float:
    """Of a whole training: matrix products of all steps, of the validation after each epoch, and of the judging."""
    step, once = step_flops(run, train)
    return epochs * (step * len(train.bags) + (once * len(watch.bags) if watch else 0.0)) + once * len(judged.bags)
