"""Algorithm 1 of Wu et al.: the linear maps t learn from the contrastive loss alone, before the task begins.

The projection g learns with them and is then dropped. The task model starts from t and trains all of its weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seehear.fusion.model import ParsingModel
from seehear.losses.contrastive.module import ContrastiveLoss
from seehear.training.bags import Split
from seehear.training.divergence import explain
from seehear.training.optimiser import new_optimiser
from seehear.training.parts import Losses, parts_of, step, steps
from seehear.training.precision import computing
from seehear.training.runs import BaseRun
from seehear.training.seeding import seed_generators, seed_torch


def pretrain(
    run: BaseRun, model: ParsingModel, train: Split, save_every: float, on_epoch: Callable[[dict[str, Any]], None]
) -> None:
    """Pretrain the linear maps of a new model. Resumes bit-exactly; its history is kept in RUN/pretraining.json.

    Args:
        run: Where history and checkpoints are kept.
        model: A new model. Its linear maps are replaced by the pretrained ones.
        train: The training clips.
        on_epoch: Called with each epoch's entry of the history.
        save_every: Seconds of training that a killed process may lose.
    """
    recipe, seed = run.facts.recipe, run.facts.seed
    settings = recipe.contrast
    seed_generators(seed)
    own = run.new_model(settings.projection_before).to(next(model.parameters()).device)
    before = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("projection.")}
    own.load_state_dict(before, strict=False)
    parameters = [*own.project.parameters(), *own.projection.parameters()]
    optimiser = new_optimiser(parameters, recipe)
    loss_of = ContrastiveLoss(settings, own.modalities, recipe.window)

    def losses(clips: NDArray[np.int64]) -> Losses:
        features, present, available = train.bags.batch(clips)
        with computing(recipe, train.labels.device):
            embeddings = own.embed(features)  # (M, B, T, d)
        loss = loss_of(embeddings.float(), train.labels[torch.from_numpy(clips)], present, available)
        if not torch.isfinite(loss):
            raise explain(own, run.facts, features, [train.clip(n) for n in clips])
        return loss, None

    history = run.resume(own, optimiser, "pretrain")
    saved = time.monotonic()
    own.train()
    for epoch in range(len(history), settings.epochs):
        began = time.monotonic()
        seed_torch(seed, epoch, 3)  # dropout of features
        # Another order than in the task's epochs.
        order = np.random.default_rng([seed, epoch, 2]).permutation(len(train.bags))
        total = torch.zeros((), device=train.labels.device)
        for clips in steps(order, recipe):
            total += step(losses, parts_of(clips, train.bags.lengths, recipe), optimiser)[0]
        entry = {"stage": "pretrain", "epoch": epoch, "contrast": float(total) / len(order)}
        history.append({**entry, "seconds": round(time.monotonic() - began, 3)})
        if epoch + 1 == settings.epochs or time.monotonic() - saved > save_every:
            run.checkpoint(own, optimiser, history, "pretrain")
            saved = time.monotonic()
        on_epoch(history[-1])
    model.project.load_state_dict(own.project.state_dict())
