"""Runs: what decides the result of a training, its progress, and the trained model."""

from seehear.training.runs.base import BaseRun, new_model
from seehear.training.runs.differences import differences, differences_but_seed
from seehear.training.runs.facts import RunFacts
from seehear.training.runs.folder import HISTORIES, THRESHOLDS, Run, find_runs
from seehear.training.runs.history import checked_history
from seehear.training.runs.memory import MemoryRun
from seehear.training.runs.seeds import holds_run
from seehear.training.runs.tensors import load_tensors, save_tensors

__all__ = [
    "HISTORIES",
    "THRESHOLDS",
    "BaseRun",
    "MemoryRun",
    "Run",
    "RunFacts",
    "checked_history",
    "differences",
    "differences_but_seed",
    "find_runs",
    "holds_run",
    "load_tensors",
    "new_model",
    "save_tensors",
]
