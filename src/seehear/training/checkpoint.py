"""Checkpoints: model, optimiser and history in one file, from which training resumes bit-exactly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seehear.errors import SeehearError
from seehear.fusion.model import ParsingModel
from seehear.stored import exists, shape_faults
from seehear.training.runs import checked_history, load_tensors, save_tensors

REMEDY = "delete it to train from the beginning"


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

    Raises:
        SeehearError: If the file is damaged, or of another model.
    """
    if not exists(path):
        return []
    tensors, facts = load_tensors(path)
    history = checked_history(facts, path)
    weights = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
    if fault := shape_faults(weights, model.state_dict()):
        raise SeehearError(f"{path}: is of another model: {fault}; {REMEDY}")
    others = {name: value for name, value in tensors.items() if not name.startswith("model.")}
    state = _state_of(others, optimiser, path)
    model.load_state_dict(weights)
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return history


def _state_of(
    tensors: Mapping[str, Tensor], optimiser: torch.optim.Optimizer, path: Path
) -> dict[int, dict[str, Tensor]]:
    """Return what Adam keeps per parameter. Raises SeehearError if it is incomplete or of other parameters."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    expected: dict[str, Tensor] = {}
    for number, parameter in enumerate(parameters):
        own = {name: f"optimiser.{number}.{name}" for name in ("step", "exp_avg", "exp_avg_sq")}
        if any(key in tensors for key in own.values()):  # a parameter that was never needed has none
            expected |= {own["step"]: torch.zeros(()), own["exp_avg"]: parameter, own["exp_avg_sq"]: parameter}
            state[number] = {name: tensors[key] for name, key in own.items() if key in tensors}
    if fault := shape_faults(tensors, expected):
        raise SeehearError(f"{path}: damaged or of another model: {fault}; {REMEDY}")
    return state
