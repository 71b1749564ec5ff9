"""Ways to select a collocation, beside training them all (Figure 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seehear.experiments.findings import Findings, Measured
from seehear.verbs.reproducing import check

if TYPE_CHECKING:
    from seehear.experiments.experiment import Experiment
    from seehear.verbs.judge import Judged, Row
    from seehear.verbs.reproducing.setup import Setup

TRAVERSAL = "traversal"  # the score that trained collocations have
METRICS = ("tau", "p_regret", "regret", "cost", TRAVERSAL)


def run(experiment: Experiment, setup: Setup) -> Findings:
    """Rows are estimators and, with the score `traversal`, the trained collocations themselves.

    Metrics: tau; regret, points; p_regret, that it is no more than the SD between seeds; cost, per cent of traversal's.
    """
    check(experiment, METRICS)
    judged = judge(experiment, setup)
    systems = {row.name: _estimated(row, judged, experiment) for row in judged.rows}
    for n, collocation in enumerate(judged.collocations):
        values = (judged.truth.values or [])[n]
        systems[str(collocation)] = {
            column: Measured.of(np.atleast_2d(values), setup.seeds)
            for column, score in experiment.scores.items()
            if score.metric == TRAVERSAL
        }
    failed = [f"{name}: {why}" for name, why in judged.failed.items()]
    notes = [*judged.notes, *failed, f"traversal: {judged.metric}"]
    return Findings(systems, judged.signature, notes=notes, missing=judged.missing, pictures=judged.pictures)


def judge(experiment: Experiment, setup: Setup) -> Judged:
    """Every candidate trained in full, beside the experiment's estimators."""
    from seehear.verbs import judge as verb

    _ = setup.selected  # judge goes by the selection in the folder
    return verb.judge(
        setup.out,
        labels=setup.weak["test"],
        dense=[f"{modality}={path}" for modality, path in setup.dense.items()],
        estimators=experiment.estimators,
        leaking=True,
        workers=setup.workers,
        device=setup.device,
    )


def _estimated(row: Row, judged: Judged, experiment: Experiment) -> dict[str, Measured]:
    found = row.agreement
    known = {
        "tau": Measured(found.tau_b, p=found.p),
        "p_regret": Measured(100 * found.p_regret, chance=100 * judged.chance.p_regret),
        "regret": Measured(found.regret),
        "cost": Measured(100 * judged.cost(row)),
    }
    return {column: known[score.metric] for column, score in experiment.scores.items() if score.metric in known}
