"""How each kind of experiment is run. Adding a kind is one file with a `run`, and one line here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module
from typing import TYPE_CHECKING

from seehear.errors import SeehearError

if TYPE_CHECKING:
    from seehear.experiments.experiment import Experiment
    from seehear.experiments.findings import Findings
    from seehear.verbs.reproducing.setup import Setup

# kind of experiment -> the file beside this one whose `run` it is
KINDS = {
    "trainings": "trainings",
    "alignment": "alignment",
    "selection": "selection",
    "fine-tuning": "fine_tuning",
    "discrimination": "discrimination",
}


def check(experiment: Experiment, known: Collection[str]) -> None:
    """Raises SeehearError for a score of the experiment whose metric its kind does not know."""
    for score in experiment.scores.values():
        if score.metric not in known:
            raise SeehearError(
                f"no metric {score.metric!r} in experiments of kind {experiment.kind}: choose from {', '.join(known)}"
            )


def runner(kind: str) -> Callable[[Experiment, Setup], Findings]:
    """What runs experiments of this kind."""
    found: Callable[[Experiment, Setup], Findings] = import_module(f"{__package__}.{KINDS[kind]}").run
    return found
