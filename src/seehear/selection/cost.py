"""What a selection costs: Eq. 1 of Wu et al., floating-point operations, and memory, told before anything runs.

Traversal of M networks in each of N modalities takes M^N · (T0 + T1), T0 the time of a training and T1 that of scoring
its model; with S seeds, S times that.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seehear.selection.trainings import Bench, Training
    from seehear.training.bags import Split
    from seehear.training.run import Run

PROCESS = 400 << 20  # bytes of a process that has imported torch and trained a small model
TIMED_STEPS = 12


@dataclass(frozen=True)
class Measured:
    """What was timed on one collocation. clip: seconds of training on one clip once. score: T1, seconds of predicting
    and scoring the judged clips. flops_clip, flops_score: of the same. parameters: of the model.
    """

    clip: float
    score: float
    flops_clip: float
    flops_score: float
    parameters: int


def step_flops(run: Run, train: Split) -> tuple[float, float]:
    """Of one clip of average length: a training step's share, forward and backward, and a forward pass alone."""
    import numpy as np
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


def training_flops(run: Run, train: Split, watch: Split | None, epochs: int) -> float:
    """Of a whole training: matrix products of all steps and of the validation after each epoch."""
    step, once = step_flops(run, train)
    return epochs * (step * len(train.bags) + (once * len(watch.bags) if watch else 0.0))


def measure(bench: Bench, training: Training) -> Measured:
    """Train for a moment on a few clips, and score once; what was timed, in one thread as workers have it."""
    import torch

    from seehear.selection.trainings import Part
    from seehear.training.run import Run
    from seehear.training.validation import validate

    sample, recipe = training.train.sample, training.recipe
    few = tuple(range(min(len(bench.samples[sample]), TIMED_STEPS * recipe.batch)))
    short = recipe.model_copy(update={"epochs": 2, "patience": 0, "choose": "last"})  # the first epoch warms up
    probe = replace(training, purpose="timing", recipe=short, train=Part(sample, few), watch=None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            elsewhere = replace(bench, out=Path(folder))
            outcome = elsewhere.do(probe)
            run = Run(outcome.path)
            model = run.model(bench.device)
            judged = bench.split(training.collocation, training.judged)
            began = time.perf_counter()
            validate(model, judged, recipe, bench.window, bench.classes)
            score = time.perf_counter() - began
            of_clip, once = step_flops(run, bench.split(training.collocation, probe.train))
    finally:
        torch.set_num_threads(threads)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    clip = outcome.history[-1]["seconds"] / len(few)
    return Measured(clip, score, of_clip, once * len(judged.bags), parameters)


def epochs_at_least(epochs: int, patience: int) -> int:
    """Fewer epochs a training can't take: patience has to run out first."""
    return min(epochs, patience + 1) if patience else epochs


def memory(features: int, parameters: int, workers: int, clips: int, networks: int) -> int:
    """Bytes at most: workers · (features + 16 · parameters + 400 MB) + 8 · (3 · networks + 4) · clips².

    features: bytes of the widest collocation's training and validation features. Each parameter has its gradient
    and Adam's two moments beside it. The last term is that of Gram matrices of `clips` labelled clips.
    """
    return workers * (features + 16 * parameters + PROCESS) + 8 * (3 * networks + 4) * clips**2
