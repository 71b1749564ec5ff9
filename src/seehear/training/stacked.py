"""Several runs that differ in nothing but the seed, trained at once on one device.

The parameters of K models are stacked along a leading axis, so one batched product does the work of K products. This
helps devices on which a small training mostly waits for kernel launches. The models stay independent: the sum of their
losses has each model's own gradient. Adam works element by element, so one Adam over the stack equals K of them. On a
CPU it helps narrow models only: from a width of about 128, training one by one is as fast or faster.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from seehear.decoding import Probabilities
from seehear.device import limit_torch
from seehear.fusion.dropout import Dropout
from seehear.fusion.model import ParsingModel
from seehear.fusion.pooling import Output
from seehear.losses.dense import dense_loss
from seehear.losses.weak import weak_loss
from seehear.training.bags import Split
from seehear.training.fit import (
    best_epoch,
    choice,
    fit,
    is_best,
    normalisation,
    one_thread,
    out_of_patience,
)
from seehear.training.inference import over_windows
from seehear.training.objective import check_supervision
from seehear.training.optimiser import new_optimiser, set_rate
from seehear.training.parts import is_cut
from seehear.training.precision import SMALL_MODEL, computing, parameter_count
from seehear.training.recipe import Recipe
from seehear.training.runs import BaseRun
from seehear.training.seeding import seed_generators, seed_torch
from seehear.training.validation import validate_probabilities


def stackable(runs: Sequence[BaseRun]) -> list[list[BaseRun]]:
    """Group runs that `fit_many` can train at once: those that differ in nothing but the seed, in their order.

    A run that needs more than weak labels or ground truth is a group of its own.
    """
    groups: dict[str, list[BaseRun]] = {}
    for run in runs:
        alone = not run.facts.recipe.plain
        facts = json.dumps({**run.facts.as_json(), "seed": run.facts.seed if alone else None}, sort_keys=True)
        groups.setdefault(facts, []).append(run)
    return list(groups.values())


def fit_many(
    runs: Sequence[BaseRun],
    train: Split,
    val: Split | None,
    device: torch.device | str = "cpu",
    on_epoch: Callable[[BaseRun, dict[str, Any]], None] = lambda run, entry: None,
) -> list[list[dict[str, Any]]]:
    """Train the runs that are not done, all at once.

    Each run has its own initial weights, order of clips, choice of epoch, patience and folder. Without dropout the
    result is that of `fit`, up to rounding. Dropout is drawn for all runs together, so the draws differ from those of
    `fit`, and from those of another group of runs.

    Folders are written when the last run has ended. A stack that was killed starts again from the start and ends the
    same; checkpoints that `fit` left are not used.

    Args:
        runs: Runs that differ in nothing but the seed.
        train: Clips to train on.
        val: Clips to validate with after each epoch.
        device: Of the models; the splits must be on the same.
        on_epoch: Called with each run's entries of the history; `seconds` is the run's share of the epoch's.

    Returns:
        The history of each run, as `fit` returns it.

    Raises:
        ValueError: If runs differ in more than the seed.
        SeehearError: If the recipe needs dense labels and the training clips have none.
    """
    if len(stackable(runs)) > 1:
        raise ValueError("runs that differ in more than the seed can't be trained at once: group them by stackable()")
    if not runs:
        return []
    recipe = runs[0].facts.recipe
    # Models whose clips differ would be cut into different parts: one by one, each keeps within its memory.
    if (len(runs) == 1 and not recipe.plain) or is_cut(train.bags.lengths, recipe):
        return [fit(run, train, val, device, partial(on_epoch, run)) for run in runs]
    limit_torch()
    with ExitStack() as stack:
        # In one order, so that no two processes wait for each other.
        for run in sorted((run for run in runs if not run.done), key=lambda run: run.name):
            stack.enter_context(run.alone())
        if todo := [run for run in runs if not run.done]:
            _train(todo, train, val, torch.device(device), on_epoch)
    return [run.history() for run in runs]


class Stack:
    """K models of one shape as one. parameters, buffers: name -> (K, ...)."""

    def __init__(self, models: Sequence[ParsingModel]) -> None:
        """models: at least one. They are copied."""
        self.modalities, self.classes = models[0].modalities, models[0].pooling.classes
        self.parameters, self.buffers = stack_module_state([*models])
        self._form = copy.deepcopy(models[0]).to("meta")  # the computation, without parameters
        for parent in [*self._form.modules()]:
            for name, child in parent.named_children():
                if isinstance(child, Dropout):
                    # vmap gives each model its own mask only if torch itself draws it.
                    setattr(parent, name, nn.Dropout(child.p))

    def forward(
        self, features: Mapping[str, Tensor], present: Tensor | None, available: Tensor | None = None
    ) -> Output:
        """In training mode, each model on its own clips.

        Args:
            features: modality -> (K, B, T, sum of widths).
            present: (K, B, T) bool, None if all clips have T segments.
            available: (K, B, M) bool, which modalities a clip has, None if all have all.

        Returns:
            The output, whose tensors have a leading axis K.
        """
        self._form.train()
        axes = [None if each is None else 0 for each in (present, available)]
        each = torch.vmap(self._call, in_dims=(0, 0, 0, *axes), randomness="different")
        return each(self.parameters, self.buffers, features, present, available)

    def side_by_side(
        self, features: Mapping[str, Tensor], present: Tensor | None, available: Tensor | None = None
    ) -> Output:
        """In evaluation mode, all models on the same clips. The output is that of one model of K · C classes."""
        self._form.eval()
        each = torch.vmap(self._call, in_dims=(0, 0, None, None, None), out_dims=-2)
        output = each(self.parameters, self.buffers, features, present, available)
        return Output(*(part.flatten(-2) for part in output))

    def state(self) -> dict[str, Tensor]:
        """Return the models' state dicts, stacked."""
        return {name: tensor.detach() for name, tensor in {**self.parameters, **self.buffers}.items()}

    def _call(
        self,
        parameters: dict[str, Tensor],
        buffers: dict[str, Tensor],
        features: Mapping[str, Tensor],
        present: Tensor | None,
        available: Tensor | None,
    ) -> Output:
        return functional_call(self._form, (parameters, buffers), (features, present, available))


class _Batch(NamedTuple):
    """A batch per model.

    Attributes:
        features: modality -> (K, B, T, sum of widths).
        present: (K, B, T) bool, None if all clips have T segments.
        available: (K, B, M) bool, which modalities a clip has, None if all have all.
        targets: (K, B, C), or with dense supervision (K, B, T, M, C).
        longest: Segments of each model's longest clip, (K,).
    """

    features: dict[str, Tensor]
    present: Tensor | None
    available: Tensor | None
    targets: Tensor
    longest: NDArray[np.int64]


class _Step:
    """A step of all optimisers. Called with a batch: the models' losses on it, before the step, (K,)."""

    def __init__(self, stack: Stack, recipe: Recipe, device: torch.device) -> None:
        self._stack, self._recipe = stack, recipe
        self._optimiser = new_optimiser(stack.parameters.values(), recipe)
        self._confidence = torch.tensor(recipe.confidences(stack.modalities), device=device)

    def begin(self, epoch: int) -> None:
        """Set this epoch's learning rate."""
        set_rate(self._optimiser, self._recipe, epoch)

    def __call__(self, batch: _Batch) -> Tensor:
        losses = self._losses(batch)
        self._optimiser.zero_grad(set_to_none=True)
        losses.sum().backward()
        self._optimiser.step()
        return losses.detach()

    def _losses(self, batch: _Batch) -> Tensor:
        with computing(self._recipe, batch.targets.device):
            output = self._stack.forward(batch.features, batch.present, batch.available)
        if self._recipe.supervision == "weak":
            each = torch.vmap(weak_loss, in_dims=(0, 0, None, None if batch.available is None else 0))
            return each(output, batch.targets, self._confidence, batch.available)
        # The dense loss is a mean over segments, also those past a clip's end: as many as the model's own batch has.
        return torch.stack(
            [
                dense_loss(
                    Output(segment[:, :longest], clip, modality_clip),
                    truth[:, :longest],
                    None if batch.available is None else batch.available[k],
                )
                for k, (segment, clip, modality_clip, truth, longest) in enumerate(
                    zip(*output, batch.targets, batch.longest, strict=True)
                )
            ]
        )


def _train(
    runs: Sequence[BaseRun],
    train: Split,
    val: Split | None,
    device: torch.device,
    on_epoch: Callable[[BaseRun, dict[str, Any]], None],
) -> None:
    recipe = runs[0].facts.recipe
    seeds = [run.facts.seed for run in runs]
    check_supervision(runs[0].facts, train)
    rule = choice(recipe, val)
    histories: list[list[dict[str, Any]]] = [[] for _ in runs]
    with ExitStack() as context:
        context.enter_context(torch.random.fork_rng([device] if device.type == "cuda" else []))
        stack = Stack(_models(runs, train, device))
        if parameter_count(stack.parameters.values()) <= SMALL_MODEL:
            context.enter_context(one_thread())
        step = _Step(stack, recipe, device)
        chosen = {name: tensor.clone() for name, tensor in stack.state().items()}
        for epoch in range(recipe.epochs):
            going = [k for k, history in enumerate(histories) if not out_of_patience(history, recipe)]
            if not going:
                break
            began = time.monotonic()
            step.begin(epoch)
            losses = _epoch(step, train, recipe, seeds, epoch)
            entries: dict[int, dict[str, Any]] = {k: {"epoch": epoch, "loss": losses[k]} for k in going}
            if val is not None:
                for k, summary in _validate(stack, val, runs, going).items():
                    entries[k]["val"] = summary
            share = round((time.monotonic() - began) / len(going), 3)
            for k, entry in entries.items():
                entry["best"] = is_best(rule, entry, histories[k])
                entry["seconds"] = share
                histories[k].append(entry)
            best = [k for k, entry in entries.items() if entry["best"]]
            for name, tensor in stack.state().items():
                chosen[name][best] = tensor[best]
            for k, entry in entries.items():
                on_epoch(runs[k], entry)
    for k, (run, history) in enumerate(zip(runs, histories, strict=True)):
        own = {name: tensor[k] for name, tensor in chosen.items()}
        run.keep_weights(own, best_epoch(history))
    # Only now, so that a stack that was killed is whole when it starts again, and draws the same dropout.
    for run, history in zip(runs, histories, strict=True):
        run.finish(rule, history)


def _models(runs: Sequence[BaseRun], train: Split, device: torch.device) -> list[ParsingModel]:
    """Return the runs' models with their initial weights."""
    moments = normalisation(runs[0].facts, train)
    models = []
    for run in runs:
        seed_generators(run.facts.seed)
        model = run.new_model()
        for name, (mean, deviation) in moments.items():
            model.standardise(name, mean, deviation)
        models.append(model.to(device))
    return models


def _epoch(step: _Step, train: Split, recipe: Recipe, seeds: Sequence[int], epoch: int) -> list[float]:
    """Return one pass over the training clips, each model in its own order; the models' mean losses."""
    orders = np.stack([np.random.default_rng([seed, epoch]).permutation(len(train.bags)) for seed in seeds])  # (K, N)
    seed_torch(*seeds, epoch, 1)  # dropout
    truth = train.dense() if recipe.supervision == "dense" else None
    total = torch.zeros(len(seeds), device=train.labels.device)
    for start in range(0, orders.shape[1], recipe.batch):
        clips = orders[:, start : start + recipe.batch]  # (K, B)
        features, *masks = train.bags.batch(clips.reshape(-1))
        present, available = (None if mask is None else mask.unflatten(0, clips.shape) for mask in masks)
        lengths = train.bags.lengths[clips]  # (K, B)
        index = torch.from_numpy(clips)
        batch = _Batch(
            {name: x.unflatten(0, clips.shape) for name, x in features.items()},
            present,
            available,
            train.labels[index] if truth is None else truth[index, : lengths.max()],
            lengths.max(axis=1),
        )
        total += step(batch) * clips.shape[1]
    return [value / orders.shape[1] for value in total.tolist()]


def _validate(stack: Stack, val: Split, runs: Sequence[BaseRun], which: Sequence[int]) -> dict[int, dict[str, float]]:
    """Return number of a model -> its validation summary, for the models in `which`."""
    facts = runs[0].facts
    n_modalities, n_classes = len(stack.modalities), stack.classes
    every = over_windows(stack.side_by_side, val.bags, facts.window, n_modalities, len(runs) * n_classes)
    summaries = {}
    for k in which:
        own = slice(k * n_classes, (k + 1) * n_classes)
        probabilities = Probabilities(every.segment[..., own], every.clip[..., own], every.modality_clip[..., own])
        summaries[k] = validate_probabilities(
            probabilities, val, facts.recipe, stack.modalities, facts.classes
        ).summary()
    return summaries
