"""Alignment of trained systems' embeddings (Tables 1 and 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seehear.alignment.embeddings import embeddings
from seehear.alignment.metrics import METRICS, by_clip
from seehear.alignment.questions import Question
from seehear.experiments.findings import Findings, Measured
from seehear.labels import classes_of
from seehear.training.bags import Bags
from seehear.verbs.reproducing import check, trainings
from seehear.verbs.reproducing.setup import train
from seehear.verbs.tables import read_split, together
from seehear.version import __version__

if TYPE_CHECKING:
    from seehear.alignment.retrieval import Found
    from seehear.experiments.experiment import Experiment, Score
    from seehear.verbs.reproducing.setup import Setup


def run(experiment: Experiment, setup: Setup) -> Findings:
    """A metric is one of alignment's, or one of training's, as `segment type_at_av`."""
    check(experiment, [*METRICS, *trainings.metrics(setup)])
    trained = train(experiment, setup)
    networks = together([system.runs[0].facts.networks for system in trained.values()])
    split = read_split(setup.store, networks, setup.weak["test"], setup.dense)
    names = classes_of([split.weak, *split.dense.values()])
    lengths = next(iter(split.packs.values()))[0].lengths()
    clip = np.repeat(np.arange(len(lengths)), lengths)  # (n,)
    inside = np.arange(int(lengths.max())) < lengths[:, None]  # (N, T)
    truth = split.truth(names, int(lengths.max()), split.clips)
    assert truth is not None
    labels = {modality: truth[modality][inside] for modality in setup.modalities}  # (n, C) each

    systems: dict[str, dict[str, Measured]] = {}
    for name, system in trained.items():
        found: dict[Question, list[Found]] = {}
        bags = Bags(split.packs_of(system.runs[0].facts.networks), setup.device)
        for one in system.runs:
            embedded = embeddings(one.model(setup.device), bags)
            for question in {_question(score) for score in experiment.scores.values() if score.metric in METRICS}:
                found.setdefault(question, []).append(question.answer(embedded, labels, clip))
        scored = setup.scored(system.runs)
        systems[name] = {
            column: _measured(found[_question(score)], score.metric, clip, setup)
            if score.metric in METRICS
            else Measured.of(trainings.values(scored, score.metric), setup.seeds)
            for column, score in experiment.scores.items()
        }
    of_all = f"/{len(split.weak.clips)}" if split.missing else ""
    signature = (
        f"alignment|cosine|point:embedding|labels:{split.revision}|clips:{len(split.clips)}{of_all}|segments:{len(clip)}"
        f"|seehear{__version__}"
    )
    return Findings(systems, signature, notes=[*setup.notes, *trainings.told(trained)], missing=list(split.missing))


def _question(score: Score) -> Question:
    return Question(score.queries, score.gallery, score.exclude)


def _measured(found: list[Found], metric: str, clip: np.ndarray, setup: Setup) -> Measured:
    n_clips = int(clip.max()) + 1
    values = np.stack([by_clip(getattr(one, metric), clip, n_clips) for one in found])  # (S, N)
    chance = by_clip(getattr(found[0], f"chance_{metric}"), clip, n_clips)
    return Measured.of(values, setup.seeds, float(chance.mean()))
