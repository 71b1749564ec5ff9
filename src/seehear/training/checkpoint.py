"""Checkpoints: model, optimiser and history in one file, from which training resumes bit-exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seehear.fusion.model import ParsingModel
from seehear.training.run import load_tensors, save_tensors


def save(path: Path, model: ParsingModel, optimiser: torch.optim.Optimizer, history: list[dict[str, Any]]) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: The file; an older checkpoint in it is replaced.
        model: After the last epoch.
        optimiser: After the last epoch.
        history: One entry per epoch so far.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for number, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
    save_tensors(path, tensors, history)


def resume(path: Path, model: ParsingModel, optimiser: torch.optim.Optimizer) -> list[dict[str, Any]]:
    """Load a checkpoint into model and optimiser.

    Args:
        path: The file; without it nothing is loaded.
        model: Of the same shape as the saved one.
        optimiser: Of the same parameters.

    Returns:
        The history up to the checkpoint; empty if there is none.
    """
    if not path.exists():
        return []
    tensors, history = load_tensors(path)
    model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, number, name = key.split(".")
            state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return list(history)
