"""Alignment of trained systems' embeddings (Tables 1 and 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seehear.alignment import Search, align
from seehear.alignment.metrics import METRICS
from seehear.paper import trainings
from seehear.paper.measurement import Findings, Measurement

if TYPE_CHECKING:
    from seehear.alignment import AlignedSystem
    from seehear.paper.experiment import Experiment, Score
    from seehear.paper.setup import Setup


def run(experiment: Experiment, setup: Setup) -> Findings:
    """Measure the embeddings of each system's test clips, before the attention.

    Metrics: those of alignment, and those of trainings, such as `segment type_at_av`.
    """
    experiment.check_metrics([*METRICS, *trainings.metrics(tuple(setup.baseline))])
    trained = trainings.train(experiment, setup)
    searches = dict.fromkeys(_search(score) for score in experiment.scores.values() if score.metric in METRICS)
    alignment = align(
        {name: system.parsers for name, system in trained.items()},
        setup.test,
        searches=list(searches),
        features=False,
        device=setup.device,
        progress=setup.progress,
    )
    systems: dict[str, dict[str, Measurement]] = {}
    for name, system in trained.items():
        evaluation = setup.evaluate(system.parsers)
        systems[name] = {
            column: _measurement(alignment[name], score)
            if score.metric in METRICS
            else Measurement.of(trainings.values(evaluation, score.metric), setup.seeds)
            for column, score in experiment.scores.items()
        }
    notes = [*setup.notes, *trainings.describe(trained)]
    return Findings(systems, alignment.signature, notes=notes, missing=alignment.missing)


def _search(score: Score) -> Search:
    return Search(score.queries, score.gallery, score.exclude)


def _measurement(system: AlignedSystem, score: Score) -> Measurement:
    search = _search(score)
    chance = system.per_clip(search, f"chance_{score.metric}")[0].mean()
    return Measurement.of(system.per_clip(search, score.metric), system.seeds, float(chance))
