"""The training loop: plain, resumable to the bit, one epoch at a time.

Order of clips and dropout are drawn from the seed and the epoch's number alone, so an epoch comes out the same
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
from seehear.files import atomic_json, atomic_text
from seehear.fusion.model import ParsingModel
from seehear.losses.contrastive.module import ContrastiveLoss
from seehear.losses.dense import dense_loss
from seehear.losses.weak import weak_loss
from seehear.training import checkpoint
from seehear.training.bags import Split
from seehear.training.divergence import explain
from seehear.training.optimiser import new_optimiser, set_rate
from seehear.training.pretraining import pretrain
from seehear.training.recipe import Choice, Recipe
from seehear.training.run import Run, RunFacts, save_tensors
from seehear.training.seeding import seed_torch
from seehear.training.validation import validate

SAVE_EVERY = 5.0  # seconds of training that a killed process may lose
SMALL_MODEL = 2_000_000  # parameters up to which more threads than one gain nothing, and lose much on a busy machine
HIGHER_IS_BETTER = {"loss": False, "type_at_av": True, "average": True}


def choice(recipe: Recipe, val: Split | None) -> Choice:
    """The rule that picks the epoch, `auto` resolved."""
    if recipe.choose != "auto":
        return recipe.choose
    if val is None:
        return "last"
    return "type_at_av" if val.truth is not None else "loss"


def normalisation(run: Run, train: Split) -> dict[str, tuple[Tensor, Tensor]]:
    """What the recipe wants taken from each modality's features, and what they are to be divided by, (widths,) each.

    `standardise`: mean and deviation of each. `scale`: nothing, and one number a network, the root mean square of its
    features; they keep their zeros and their proportions, but no network is louder than another.
    """
    recipe = run.facts.recipe
    if not recipe.standardise and not recipe.scale:
        return {}
    moments = train.bags.moments()
    if recipe.standardise:
        return moments
    found = {}
    for name, (mean, deviation) in moments.items():
        squares = (mean**2 + deviation**2).split(run.facts.widths[name])
        found[name] = torch.zeros_like(mean), torch.cat([part.mean().sqrt().expand_as(part) for part in squares])
    return found


def check_supervision(recipe: Recipe, train: Split) -> None:
    """Raises SeehearError if the recipe asks for dense labels and the training clips have none."""
    if recipe.supervision == "dense" and train.truth is None:
        raise SeehearError("supervision=dense needs dense labels of the training clips, in every modality")


def fit(
    run: Run,
    train: Split,
    val: Split | None,
    device: torch.device | str = "cpu",
    on_epoch: Callable[[dict[str, Any]], None] = lambda entry: None,
) -> list[dict[str, Any]]:
    """Train to the end of the recipe, from wherever the run folder got to; the history of all epochs.

    on_epoch: is shown each epoch's entry of the history, and before them those of pretraining, which have `stage`.
    Raises SeehearError if the recipe asks for dense labels and the training clips have none, for a contrastive loss of
    one modality, or if the loss is no longer finite, naming the clip and network where one is at fault.
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
        for name, (mean, deviation) in normalisation(run, train).items():
            model.standardise(name, mean, deviation)
        model.to(device)
        optimiser = new_optimiser(model.parameters(), recipe)
        last_state = run.path / "checkpoint.safetensors"
        history = checkpoint.resume(last_state, model, optimiser)
        if recipe.contrast.before and not history:
            pretrain(run, model, train, SAVE_EVERY, on_epoch)
        contrast = ContrastiveLoss(recipe.contrast, model.modalities) if recipe.contrast.joint else None
        saved = time.monotonic()
        best_state = None
        for epoch in range(len(history), recipe.epochs):
            if out_of_patience(history, recipe):
                break
            began = time.monotonic()
            set_rate(optimiser, recipe, epoch)
            entry: dict[str, Any] = {"epoch": epoch, **_epoch(model, optimiser, train, run.facts, epoch, contrast)}
            if val is not None:
                entry["val"] = validate(model, val, recipe, run.facts.window, run.facts.classes).summary()
            entry["best"] = is_best(rule, entry, history)
            entry["seconds"] = round(time.monotonic() - began, 3)
            history.append(entry)
            if entry["best"]:
                best_state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
            last = epoch + 1 == recipe.epochs or out_of_patience(history, recipe)
            if last or time.monotonic() - saved > SAVE_EVERY:
                if best_state is not None:
                    save_tensors(run.path / "model.safetensors", best_state, {"epoch": best_epoch(history)})
                    best_state = None
                checkpoint.save(last_state, model, optimiser, history)
                atomic_json(run.path / "history.json", history)
                saved = time.monotonic()
            on_epoch(entry)
    finish(run, rule, history)
    return history


def finish(run: Run, rule: Choice, history: list[dict[str, Any]]) -> None:
    """Mark a run done whose other files are written."""
    atomic_text(run.path / "done", f"epoch {best_epoch(history)}, chosen by {rule}\n")
    # Only needed to go on, and thrice the model's size.
    for name in ("checkpoint.safetensors", "pretraining.safetensors"):
        (run.path / name).unlink(missing_ok=True)


@contextmanager
def one_thread() -> Iterator[None]:
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
    """One pass over the training clips; the mean loss, and of it the contrastive one, before it is weighted."""
    recipe, seed = facts.recipe, facts.seed
    order = np.random.default_rng([seed, epoch]).permutation(len(train.bags))
    seed_torch(seed, epoch, 1)  # dropout
    confidence = recipe.confidences(model.modalities)
    truth = train.dense() if recipe.supervision == "dense" else None
    weight = recipe.contrast.weight_in(epoch)
    total, of_contrast = torch.zeros(2, device=train.labels.device)
    model.train()
    for start in range(0, len(order), recipe.batch):
        clips = order[start : start + recipe.batch]
        index = torch.from_numpy(clips)
        features, present = train.bags.batch(clips)
        embeddings = model.embed(features)  # (M, B, T, d)
        output = model.parse(embeddings, present)
        if not output.clip.isfinite().all():
            raise explain(model, facts, features, [train.clip(n) for n in clips])
        if truth is None:
            loss = weak_loss(output, train.labels[index], confidence)
        else:
            loss = dense_loss(output, truth[index, : output.segment.shape[1]])
        if contrast is not None:
            apart = contrast(embeddings, train.labels[index], present)
            loss = loss + weight * apart
            of_contrast += apart.detach() * len(clips)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        total += loss.detach() * len(clips)
    found = {"loss": float(total) / len(order)}
    return found if contrast is None else {**found, "contrast": float(of_contrast) / len(order)}


def is_best(rule: Choice, entry: Mapping[str, Any], history: list[dict[str, Any]]) -> bool:
    """Whether this epoch is chosen over all before it; of equal ones the first."""
    if rule == "last" or "val" not in entry:
        return True
    values = [earlier["val"][rule] for earlier in history]
    value = entry["val"][rule]
    return not values or (value > max(values) if HIGHER_IS_BETTER[rule] else value < min(values))


def best_epoch(history: list[dict[str, Any]]) -> int:
    return max(entry["epoch"] for entry in history if entry["best"])


def out_of_patience(history: list[dict[str, Any]], recipe: Recipe) -> bool:
    return bool(recipe.patience and history) and history[-1]["epoch"] - best_epoch(history) >= recipe.patience
