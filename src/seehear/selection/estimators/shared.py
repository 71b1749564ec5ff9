"""One model for all collocations: every network has its linear map, and all else is shared (after HyMA, 2025).

The model takes all networks of a modality together. In each step it sees those of one random collocation, and zeros in
place of the others. It is trained once, in the time of a few pilot trainings, and then scored as each collocation. All
networks are brought to one size first, since the largest would dominate what is shared.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seehear.fusion.model import ParsingModel
from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import Adaptive
from seehear.selection.estimators.short_run import STEPS, short
from seehear.selection.task import PERCENT, TRAIN, Estimates, Task, bootstrapped
from seehear.selection.trainings import Part, Training, score_of, scores_of_clips
from seehear.training.fit import normalisation, one_thread
from seehear.training.objective import Objective
from seehear.training.optimiser import new_optimiser
from seehear.training.parts import parts_of, step
from seehear.training.runs import MemoryRun
from seehear.training.seeding import seed_generators
from seehear.training.validation import validate

PILOTS_PER_OPTION = 1  # pilot trainings' worth of steps, for each option of the modality that has most
SEED = 0


def run(task: Task, split: str) -> Estimates:
    """Train the shared model once, and score it as each collocation, (n,), per cent."""
    began = time.process_time()
    training = _training(task, split)
    judged = task.bench.split(training.collocation, training.judged)
    with one_thread(), torch.random.fork_rng():
        model, networks, flops = _trained(task, training)
        values = []
        for collocation in task.grid:
            networks.show(collocation)
            scored = validate(model, judged, training.recipe, task.bench.window, task.bench.classes)
            values.append(score_of(scores_of_clips(scored))[None])  # (1, N)
    return Estimates(
        name="shared",
        split=split,
        unit=PERCENT,
        scores=np.array([value.mean() for value in values]),
        draws=bootstrapped(values),
        failures={},
        seconds=time.process_time() - began,
        flops=flops,
        trainings=1,
        values=values,
    )


def _training(task: Task, split: str) -> Training:
    recipe = short(task.recipe, len(task.bench.datasets[TRAIN]), _steps(task)).model_copy(update={"scale": True})
    return Training("shared", Collocation.of(task.candidates), recipe, SEED, Part(TRAIN), None, Part(split))


class _Networks:
    """Shows a model the features of some of its networks, and zeros in place of those of the others."""

    def __init__(self, model: ParsingModel, widths: Mapping[str, Mapping[str, int]]) -> None:
        self._buffers: dict[str, Tensor] = {name: model.get_buffer(f"scale_{name}") for name in widths}
        self._all = {name: buffer.clone() for name, buffer in self._buffers.items()}
        self._widths = widths

    def show(self, collocation: Mapping[str, list[str]]) -> None:
        """Show the networks of a collocation."""
        for modality, widths in self._widths.items():
            shown = torch.cat([torch.full((width,), float(n in collocation[modality])) for n, width in widths.items()])
            self._buffers[modality].copy_(self._all[modality] * shown.to(self._buffers[modality]))


def _trained(task: Task, training: Training) -> tuple[ParsingModel, _Networks, float]:
    """Return the trained model, what it sees, and the operations of all steps."""
    from torch.utils.flop_counter import FlopCounterMode

    facts = task.bench.facts(training)
    train, _ = task.bench.labelled(training)
    seed_generators(training.seed)
    model = MemoryRun(facts).new_model()
    for name, (mean, deviation) in normalisation(facts, train).items():
        model.standardise(name, mean, deviation)
    model.to(task.bench.device)
    widths = {name: {each.name: each.width for each in infos} for name, infos in facts.networks.items()}
    networks, objective = _Networks(model, widths), Objective(facts, train, model)
    optimiser = new_optimiser(model.parameters(), training.recipe)
    rng = np.random.default_rng(training.seed)
    objective.begin(0)
    counter = FlopCounterMode(display=False)
    for number, clips in enumerate(_batches(len(train.bags), training.recipe.batch, _steps(task), rng)):
        networks.show(task.grid.collocations[int(rng.integers(len(task.grid)))])
        with nullcontext() if number else counter:
            step(objective, parts_of(clips, train.bags.lengths, training.recipe), optimiser)
    return model, networks, float(counter.get_total_flops() * _steps(task))


def _steps(task: Task) -> int:
    return PILOTS_PER_OPTION * max(task.grid.shape) * STEPS


def _batches(count: int, batch: int, steps: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Return the clips of each step, drawn without replacement until all were seen."""
    epochs = -(-steps * batch // count)
    order = np.concatenate([rng.permutation(count) for _ in range(epochs)])
    return [order[start : start + batch] for start in range(0, steps * batch, batch)]


def forecast(task: Task, split: str) -> list[Training]:
    """Return a training as long as that of the shared model."""
    return [_training(task, split)]


ESTIMATORS = (Adaptive("shared", "one model for all, scored as each collocation", "after HyMA", "weak", run, forecast),)
