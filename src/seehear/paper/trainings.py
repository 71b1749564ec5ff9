"""Systems that are trained and scored (Table 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seehear.experiments.findings import Findings, Measured
from seehear.scoring.scores import LEVELS, kinds
from seehear.verbs.reproducing import check
from seehear.verbs.reproducing.setup import Trained, train

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seehear.experiments.experiment import Experiment
    from seehear.verbs.reproducing.setup import Setup
    from seehear.verbs.scored import Scored

AVERAGE = "average"  # of all scores


def run(experiment: Experiment, setup: Setup) -> Findings:
    """Each system's scores on the test clips. A metric is `segment audio`, `event type_at_av`, …, or `average`."""
    check(experiment, metrics(setup))
    trained = train(experiment, setup)
    scored = {name: setup.scored(system.runs) for name, system in trained.items()}
    systems = {
        name: {
            score: Measured.of(values(found, wanted.metric), setup.seeds) for score, wanted in experiment.scores.items()
        }
        for name, found in scored.items()
    }
    first = next(iter(scored.values()))
    return Findings(
        systems,
        str(first.scores[0].signature),
        notes=[*setup.notes, *scored_as(first), *told(trained), *first.notes],
        missing=first.missing,
    )


def metrics(setup: Setup) -> list[str]:
    """What trained systems are scored by."""
    names = (*kinds(setup.modalities), "type_at_av", "event_at_av")
    return [*(f"{level} {name}" for level in LEVELS for name in names), AVERAGE]


def values(found: Scored, metric: str) -> NDArray[np.float64]:
    """A score by its metric's name, (S, N), per cent."""
    if metric == AVERAGE:
        return found.average_per_clip()
    level, _, name = metric.partition(" ")
    return found.per_clip(level, name)


def scored_as(found: Scored) -> list[str]:
    """What becomes of test clips without features."""
    return [f"{len(found.missing)} test clips without features are scored as if nothing was found"] * bool(
        found.missing
    )


def told(trained: dict[str, Trained]) -> list[str]:
    """What each system was trained on, and what was tuned."""
    lines = []
    for name, system in trained.items():
        networks = " × ".join("+".join(names) for names in system.runs[0].facts.collocation.values())
        lines.append(f"{name}: {networks}" + (f"; {system.chosen}" if system.chosen else ""))
    return lines
