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

from seehear.errors import SeehearError
from seehear.fusion.model import ParsingModel
from seehear.losses.contrastive.module import ContrastiveLoss
from seehear.losses.dense import dense_loss
from seehear.losses.weak import weak_loss
from seehear.training.bags import Split
from seehear.training.divergence import explain
from seehear.training.optimiser import new_optimiser, set_rate
from seehear.training.pretraining import pretrain
from seehear.training.recipe import Choice, Recipe
from seehear.training.run import BaseRun, RunFacts
from seehear.training.seeding import seed_torch
from seehear.training.validation import validate

SAVE_EVERY = 5.0  # seconds of training that a killed process may lose
SMALL_MODEL = 2_000_000  # parameters up to which more threads than one gain nothing, and lose much on a busy machine
HIGHER_IS_BETTER = {"loss": False, "type_at_av": True, "average": True}


def choice(recipe: Recipe, val: Split | None) -> Choice:
    """Return the rule that picks the epoch, `auto` resolved."""
    if recipe.choose != "auto":
        return recipe.choose
    if val is None:
        return "last"
    return "type_at_av" if val.truth is not None else "loss"


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


def check_supervision(recipe: Recipe, train: Split) -> None:
    """Raise SeehearError if the recipe needs dense labels and the training clips have none."""
    if recipe.supervision == "dense" and train.truth is None:
        raise SeehearError("supervision=dense needs dense labels of the training clips, in every modality")


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
    recipe, seed = run.facts.recipe, run.facts.seed
    check_supervision(recipe, train)
    recipe.contrast.check(run.facts.modalities)
    rule = choice(recipe, val)
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices), ExitStack() as stack:
        torch.manual_seed(seed)
        model = run.new_model()
        if sum(parameter.numel() for parameter in model.parameters()) <= SMALL_MODEL:
            stack.enter_context(one_thread())
        for name, (mean, deviation) in normalisation(run.facts, train).items():
            model.standardise(name, mean, deviation)
        model.to(device)
        optimiser = new_optimiser(model.parameters(), recipe)
        history = run.resume(model, optimiser)
        if recipe.contrast.before and not history:
            pretrain(run, model, train, SAVE_EVERY, on_epoch)
        contrast = ContrastiveLoss(recipe.contrast, model.modalities) if recipe.contrast.joint else None
        saver = _Saver(run, model, optimiser)
        while len(history) < recipe.epochs and not out_of_patience(history, recipe):
            began, epoch = time.monotonic(), len(history)
            set_rate(optimiser, recipe, epoch)
            entry: dict[str, Any] = {"epoch": epoch, **_epoch(model, optimiser, train, run.facts, epoch, contrast)}
            if val is not None:
                entry["val"] = validate(model, val, recipe, run.facts.window, run.facts.classes).summary()
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
    model: ParsingModel,
    optimiser: torch.optim.Optimizer,
    train: Split,
    facts: RunFacts,
    epoch: int,
    contrast: ContrastiveLoss | None,
) -> dict[str, float]:
    """Return one pass over the training clips: the mean loss, and the mean contrastive loss before it is weighted."""
    recipe, seed = facts.recipe, facts.seed
    order = np.random.default_rng([seed, epoch]).permutation(len(train.bags))
    seed_torch(seed, epoch, 1)  # dropout
    confidence = recipe.confidences(model.modalities)
    truth = train.dense() if recipe.supervision == "dense" else None
    weight = recipe.contrast.weight_in(epoch)
    total, total_contrast = torch.zeros(2, device=train.labels.device)
    model.train()
    for start in range(0, len(order), recipe.batch):
        clips = order[start : start + recipe.batch]
        index = torch.from_numpy(clips)
        features, present, available = train.bags.batch(clips)
        embeddings = model.embed(features)  # (M, B, T, d)
        output = model.parse(embeddings, present, available)
        if not output.clip.isfinite().all():
            raise explain(model, facts, features, [train.clip(n) for n in clips])
        if truth is None:
            loss = weak_loss(output, train.labels[index], confidence, available)
        else:
            loss = dense_loss(output, truth[index, : output.segment.shape[1]], available)
        if contrast is not None:
            alignment = contrast(embeddings, train.labels[index], present, available)
            loss = loss + weight * alignment
            total_contrast += alignment.detach() * len(clips)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        total += loss.detach() * len(clips)
    losses = {"loss": float(total) / len(order)}
    return losses if contrast is None else {**losses, "contrast": float(total_contrast) / len(order)}


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
