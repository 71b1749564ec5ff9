"""Systems that are trained and scored (Table 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seehear.errors import SeehearError
from seehear.paper.measurement import Findings, Measurement
from seehear.parsing.parser import Parser
from seehear.scoring.scores import EVENT_AT_AV, LEVELS, TYPE_AT_AV, kinds
from seehear.training.recipe import Recipe, load_recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seehear.evaluation import Evaluation
    from seehear.paper.experiment import Experiment, System
    from seehear.paper.setup import Setup

AVERAGE = "average"  # metric: the mean of all scores


@dataclass(frozen=True)
class TrainedSystem:
    """A system that was trained.

    Attributes:
        parsers: One per seed.
        tuned: The tuned setting and its value, in words; empty if nothing was tuned.
    """

    parsers: Sequence[Parser]
    tuned: str = ""


def run(experiment: Experiment, setup: Setup) -> Findings:
    """Score each system on the test clips.

    Metrics: `segment audio`, `event type_at_av`, …, and `average`.
    """
    experiment.check_metrics(metrics(tuple(setup.baseline)))
    trained = train(experiment, setup)
    evaluations = {name: setup.evaluate(system.parsers) for name, system in trained.items()}
    systems = {
        name: {
            column: Measurement.of(values(evaluation, score.metric), setup.seeds)
            for column, score in experiment.scores.items()
        }
        for name, evaluation in evaluations.items()
    }
    first = next(iter(evaluations.values()))
    missing = [f"{len(first.missing)} test clips without features are scored as if nothing was predicted"]
    return Findings(
        systems,
        str(first.signature),
        notes=[*setup.notes, *(missing if first.missing else []), *describe(trained), *first.notes],
        missing=first.missing,
    )


def metrics(modalities: Sequence[str]) -> list[str]:
    """Return the metrics of trained systems."""
    names = (*kinds(modalities), *((TYPE_AT_AV, EVENT_AT_AV) if len(modalities) > 1 else ()))
    return [*(f"{level} {name}" for level in LEVELS for name in names), AVERAGE]


def values(evaluation: Evaluation, metric: str) -> NDArray[np.float64]:
    """Return a score per seed and clip, (S, N), per cent."""
    if metric == AVERAGE:
        return evaluation.average_per_clip()
    level, _, name = metric.partition(" ")
    return evaluation.per_clip(level, name)


def describe(trained: Mapping[str, TrainedSystem]) -> list[str]:
    """Return what each system was trained on, and what was tuned, one line per system."""
    lines = []
    for name, system in trained.items():
        networks = " × ".join("+".join(names) for names in system.parsers[0].run.facts.collocation.values())
        lines.append(f"{name}: {networks}" + (f"; {system.tuned}" if system.tuned else ""))
    return lines


def train(experiment: Experiment, setup: Setup) -> dict[str, TrainedSystem]:
    """Train every system of the experiment with every seed. Finished trainings are not repeated.

    Raises:
        SeehearError: If a training fails.
    """
    from seehear.selection.collocation import Collocation
    from seehear.selection.task import TEST, TRAIN, VAL
    from seehear.selection.trainings import Part, Training
    from seehear.training.runs import Run

    bench = setup.bench
    plans: dict[tuple[str, float | None], list[Training]] = {}
    for name, system in experiment.systems.items():
        networks = setup.selection.best if system.networks == "selected" else setup.baseline
        for value in _values(system):
            recipe = _recipe(setup.recipe, system, value)
            recipe.contrast.check(tuple(setup.baseline))
            plans[name, value] = [
                # The name of traversal's trainings, some of which are the same.
                Training("traversal", Collocation.of(networks), recipe, seed, Part(TRAIN), Part(VAL), Part(TEST))
                for seed in setup.seeds
            ]
    every = [training for trainings in plans.values() for training in trainings]
    for training, outcome in zip(every, bench.run(every, "training"), strict=True):
        if isinstance(outcome, Exception):
            raise SeehearError(f"{bench.folder(training)}: the training failed: {outcome}") from outcome
    trained = {}
    for name, system in experiment.systems.items():
        parsers = {
            value: [Parser.of_run(Run(bench.folder(training)), setup.device) for training in plans[name, value]]
            for value in _values(system)
        }
        best = max(parsers, key=lambda value: validation_average(parsers[value]))
        tuned = ""
        if system.tune is not None:
            tried = ", ".join(map(str, system.tune.values))
            tuned = f"{system.tune.setting}={best:g}, the best of {tried} on validation clips"
        trained[name] = TrainedSystem(parsers[best], tuned)
    return trained


def validation_average(parsers: Sequence[Parser]) -> float:
    """Return the mean average score on validation clips at the chosen epochs."""
    scores = [parser.run.chosen["val"]["average"] for parser in parsers]
    return sum(scores) / len(scores)


def _values(system: System) -> list[float] | list[None]:
    """Return the values to try of the tuned setting; None if nothing is tuned."""
    return list(system.tune.values) if system.tune else [None]


def _recipe(base: Recipe, system: System, value: float | None) -> Recipe:
    changes = dict(system.settings)
    if system.tune is not None:
        changes[system.tune.setting] = value
    return load_recipe(base, changes)
