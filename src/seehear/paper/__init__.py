"""The reproduction of Wu et al.: their tables and figure, their numbers and ours, and a verdict on each claim.

    reproduce("table5", dataset="llp", annotations="LLP", store="STORE", out="OUT")

An experiment is a TOML file: what is run, what the paper reports and claims. This package uses what any notebook can
use: data sets, parsers, evaluations, alignments and selections.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seehear.paper.claims import Answer, Verdict
    from seehear.paper.experiment import Experiment, list_experiments, load_experiment
    from seehear.paper.reproduction import Reproduction, reproduce
    from seehear.paper.table import Table

_MODULES = {
    "Answer": "claims",
    "Experiment": "experiment",
    "Reproduction": "reproduction",
    "Table": "table",
    "Verdict": "claims",
    "list_experiments": "experiment",
    "load_experiment": "experiment",
    "reproduce": "reproduction",
}
__all__ = [
    "Answer",
    "Experiment",
    "Reproduction",
    "Table",
    "Verdict",
    "list_experiments",
    "load_experiment",
    "reproduce",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
