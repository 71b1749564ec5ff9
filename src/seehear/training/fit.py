"""The training loop: plain, one epoch at a time, resuming bit-exactly.

The order of clips and dropout are drawn from the seed and the epoch's number alone. So an epoch comes out the same
whether or not the process that began the run is the one that ends it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seehear.device import limit_torch
from seehear.fusion.model import ParsingModel
from seehear.training.bags import Split
from seehear.training.objective import Objective
from seehear.training.optimiser import new_optimiser, set_rate
from seehear.training.parts import parts_of, step, steps
from seehear.training.precision import SMALL_MODEL, parameter_count
from seehear.training.pretraining import pretrain
from seehear.training.recipe import Choice, Recipe
from seehear.training.runs import BaseRun, RunFacts
from seehear.training.seeding import seed_generators, seed_torch
from seehear.training.validation import validate

SAVE_EVERY = 5.0  # seconds of training that a killed process may lose
HIGHER_IS_BETTER = {"loss": False, "type_at_av": True, "average": True}


def choice(recipe: Recipe, val: Split | None) -> Choice:
    """Return the rule that picks the epoch, `auto` resolved."""
    if recipe.choose != "auto":
        return recipe.choose
    if val is None:
        return "last"
    if val.scored() is None:
        return "loss"
    return "average" if recipe.refine.active or recipe.decode != "official" else "type_at_av"


def normalisation(facts: RunFacts, train: Split) -> dict[str, tuple[Tensor, Tensor]]:
    """Return what is subtracted from each modality's features and what they are divided by, (sum of widths,) each.

    `standardise`: mean and deviation of each feature. `scale`: zero, and one number per network, the root mean square
    of its features; they keep their zeros and proportions, but all networks have the same scale.
    """
    recipe = facts.recipe
    if not recipe.standardise and not recipe.scale:
        return {}
    moments = train.bags.moments()
    if recipe.standardise:
        return moments
    scales = {}
    for name, (mean, deviation) in moments.items():
        squares = (mean**2 + deviation**2).split(facts.widths[name])
        scales[name] = torch.zeros_like(mean), torch.cat([part.mean().sqrt().expand_as(part) for part in squares])
    return scales


def fit(
    run: BaseRun,
    train: Split,
    val: Split | None = None,
    device: torch.device | str = "cpu",
    on_epoch: Callable[[dict[str, Any]], None] = lambda entry: None,
) -> list[dict[str, Any]]:
    """Train to the end of the recipe, from the run's last checkpoint.

    Args:
        run: In a folder, which makes it resumable, or in memory.
        train: Clips to train on.
        val: Clips to validate with after each epoch.
        device: Of the model; the splits must be on the same.
        on_epoch: Called with each epoch's entry of the history; those of pretraining have a `stage`.

    Returns:
        The history of all epochs.

    Raises:
        SeehearError: If the recipe needs dense labels and the training clips have none; for a contrastive loss of
            one modality; if the loss is no longer finite, naming the clip and network at fault.
    """
    if run.done:
        return run.history()
    with run.alone():  # and what another process has finished meanwhile is not done again
        return run.history() if run.done else _fit(run, train, val, device, on_epoch)


def _fit(
    run: BaseRun,
    train: Split,
    val: Split | None,
    device: torch.device | str,
    on_epoch: Callable[[dict[str, Any]], None],
) -> list[dict[str, Any]]:
    recipe, seed = run.facts.recipe, run.facts.seed
    recipe.contrast.check(run.facts.modalities)
    limit_torch()
    rule = choice(recipe, val)
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices), ExitStack() as stack:
        seed_generators(seed)
        model = run.new_model()
        if parameter_count(model.parameters()) <= SMALL_MODEL:
            stack.enter_context(one_thread())
        for name, (mean, deviation) in normalisation(run.facts, train).items():
            model.standardise(name, mean, deviation)
        model.to(device)
        objective = Objective(run.facts, train, model)
        optimiser = new_optimiser(model.parameters(), recipe)
        history = run.resume(model, optimiser)
        if recipe.contrast.before and not history:
            pretrain(run, model, train, SAVE_EVERY, on_epoch)
        saver = _Saver(run, model, optimiser)
        while len(history) < recipe.epochs and not out_of_patience(history, recipe):
            began, epoch = time.monotonic(), len(history)
            set_rate(optimiser, recipe, epoch)
            entry: dict[str, Any] = {"epoch": epoch, **_epoch(objective, optimiser, train, run.facts, epoch)}
            if val is not None:
                entry |= validate(model, val, recipe, run.facts.window, run.facts.classes).as_entry()
            entry["best"] = is_best(rule, entry, history)
            entry["seconds"] = round(time.monotonic() - began, 3)
            history.append(entry)
            last = len(history) == recipe.epochs or out_of_patience(history, recipe)
            saver.after_epoch(history, last)
            on_epoch(entry)
    run.finish(rule, history)
    return history


class _Saver:
    """Keeps the best epoch's weights in memory, and writes them and a checkpoint every SAVE_EVERY seconds."""

    def __init__(self, run: BaseRun, model: ParsingModel, optimiser: torch.optim.Optimizer) -> None:
        self._run, self._model, self._optimiser = run, model, optimiser
        self._saved = time.monotonic()
        self._best: dict[str, Tensor] | None = None  # not written yet

    def after_epoch(self, history: list[dict[str, Any]], last: bool) -> None:
        if history[-1]["best"]:
            self._best = {name: tensor.detach().clone() for name, tensor in self._model.state_dict().items()}
        if last or time.monotonic() - self._saved > SAVE_EVERY:
            if self._best is not None:
                self._run.keep_weights(self._best, best_epoch(history))
                self._best = None
            self._run.checkpoint(self._model, self._optimiser, history)
            self._saved = time.monotonic()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread inside the `with` block, so that sums have one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _epoch(
    objective: Objective, optimiser: torch.optim.Optimizer, train: Split, facts: RunFacts, epoch: int
) -> dict[str, float]:
    """Return one pass over the training clips: the mean loss, and the mean contrastive loss before it is weighted."""
    order = np.random.default_rng([facts.seed, epoch]).permutation(len(train.bags))
    objective.begin(epoch)
    seed_torch(facts.seed, epoch, 1)  # dropout
    total, total_contrast = torch.zeros(2, device=train.labels.device)
    for clips in steps(order, facts.recipe):
        loss, contrast = step(objective, parts_of(clips, train.bags.lengths, facts.recipe), optimiser)
        total += loss
        if contrast is not None:
            total_contrast += contrast
    losses = {"loss": float(total) / len(order)}
    return {**losses, "contrast": float(total_contrast) / len(order)} if objective.has_contrast else losses


def is_best(rule: Choice, entry: Mapping[str, Any], history: list[dict[str, Any]]) -> bool:
    """Return whether this epoch is chosen over all before it. Of equal epochs the first is chosen.

    Args:
        rule: What chooses the epoch, see `choice`.
        entry: Of this epoch.
        history: Entries of all epochs before it.
    """
    if rule == "last" or "val" not in entry:
        return True
    values = [earlier["val"][rule] for earlier in history]
    value = entry["val"][rule]
    return not values or (value > max(values) if HIGHER_IS_BETTER[rule] else value < min(values))


def best_epoch(history: list[dict[str, Any]]) -> int:
    """Return the number, from 0, of the best epoch so far."""
    return max(entry["epoch"] for entry in history if entry["best"])


def out_of_patience(history: list[dict[str, Any]], recipe: Recipe) -> bool:
    """Return whether the best epoch is at least `patience` epochs old. Never if patience is 0."""
    return bool(recipe.patience and history) and history[-1]["epoch"] - best_epoch(history) >= recipe.patience
