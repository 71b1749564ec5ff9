"""Ways to select a collocation, compared with training them all (Figure 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seehear.paper.measurement import Findings, Measurement

if TYPE_CHECKING:
    from seehear.paper.experiment import Experiment
    from seehear.paper.setup import Setup
    from seehear.selection.judge import Judgement, Row

TRAVERSAL = "traversal"  # metric: the score of trained collocations
METRICS = ("tau", "p_regret", "regret", "cost", TRAVERSAL)


def run(experiment: Experiment, setup: Setup) -> Findings:
    """Train every collocation, and compare the experiment's estimators with that.

    Rows are estimators and, with the metric `traversal`, the trained collocations.

    Metrics: tau; regret, points; p_regret, the probability that it is at most the SD between seeds; cost, per cent of
    traversal's; traversal.
    """
    from seehear.selection.views import METRICS as METRIC_NAMES

    experiment.check_metrics(METRICS)
    judgement = setup.selection.judge(setup.test, estimators=experiment.estimators, leaking=True)
    files = judgement.save(setup.out)
    systems = {row.name: _estimated(row, judgement, experiment) for row in judgement.rows}
    for n, collocation in enumerate(judgement.collocations):
        values = (judgement.truth.values or [])[n]
        systems[str(collocation)] = {
            column: Measurement.of(np.atleast_2d(values), setup.seeds)
            for column, score in experiment.scores.items()
            if score.metric == TRAVERSAL
        }
    failed = [f"{name}: {why}" for name, why in judgement.failed.items()]
    notes = [*judgement.notes, *failed, f"traversal: {METRIC_NAMES[judgement.metric]}"]
    return Findings(systems, judgement.signature, notes=notes, missing=judgement.missing, figures=files[:-1])


def _estimated(row: Row, judgement: Judgement, experiment: Experiment) -> dict[str, Measurement]:
    agreement = row.agreement
    known = {
        "tau": Measurement(agreement.tau_b, p=agreement.p),
        "p_regret": Measurement(100 * agreement.p_regret, chance=100 * judgement.chance.p_regret),
        "regret": Measurement(agreement.regret),
        "cost": Measurement(100 * judgement.cost(row)),
    }
    return {column: known[score.metric] for column, score in experiment.scores.items() if score.metric in known}
