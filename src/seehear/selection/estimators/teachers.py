"""Linear teachers alone: how well each modality's own teacher parses clips that it was not fitted to.

The teacher of a modality learns from weak labels what they have in common there (`seehear.refinement`). It is fitted
once per set of networks. A collocation is scored by the parse of its modalities' teachers side by side, without fusion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.decoding import Probabilities
from seehear.refinement.fitted import Teachers
from seehear.refinement.refine import refine
from seehear.refinement.result import Refinement
from seehear.refinement.settings import DEFAULT_TEACHER, GIVEN, NONE
from seehear.scoring.f1 import label_f1
from seehear.scoring.scores import score as score_events
from seehear.scoring.signature import Signature
from seehear.scoring.tuning import tune
from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import Separate
from seehear.selection.task import PERCENT, TRAIN, Task
from seehear.selection.trainings import Part

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """A modality's teacher on N clips. probabilities: (N, T, C). passes: (N, C), whether a segment is active."""

    modality: str
    probabilities: NDArray[np.float32]
    passes: NDArray[np.bool_]


def teacher_of(task: Task, alone: Collocation) -> Teachers:
    """Return the teacher of one modality's networks, fitted to the training clips."""
    teachers = refined(task, TRAIN, alone).teachers
    assert teachers is not None
    return teachers


def refined(task: Task, split: str, alone: Collocation) -> Refinement:
    """Return what a modality's teacher makes of a split's weak labels, by the recipe's teacher or the default one."""
    clips = task.bench.dataset(alone, Part(split))
    settings, own = task.recipe.refine, task.recipe.refine.teacher not in (NONE, GIVEN)
    return refine(
        clips,
        settings.teacher if own else DEFAULT_TEACHER,
        false_alarms=settings.false_alarms,
        folds=max(2, min(settings.folds, len(clips))),
        explain=False,
    )


def look(task: Task, split: str, alone: Collocation) -> Look:
    """Fit a modality's teacher to the training clips, and predict the clips of the split."""
    teachers = teacher_of(task, alone)
    dataset = task.bench.dataset(alone, Part(split))
    (modality,) = alone
    passes: NDArray[np.bool_] = np.any(teachers.predict(dataset)[modality], axis=1)  # (N, C)
    return Look(modality, teachers.probabilities(dataset).segment[:, :, 0], passes)


def score(task: Task, split: str, looks: Sequence[Look]) -> Array:
    """Return the score of each clip, (N,) per cent: the average score if the ground truth is known, else label F1."""
    dataset = task.bench.datasets[split]
    if dataset.truth is None:
        found = np.any([each.passes for each in looks], axis=0)
        return 100 * label_f1(found, dataset.labels > 0)
    modalities = tuple(each.modality for each in looks)
    segment = np.stack([each.probabilities for each in looks], axis=2)  # (N, T, M, C)
    probabilities = Probabilities.of_segments(segment)
    truth = {name: dataset.truth[name][:, : segment.shape[1]] for name in modalities}  # up to the end of features
    decoding = tune(probabilities, truth, modalities).decoding
    active = decoding(probabilities, task.bench.classes, modalities)
    scores = score_events(active, truth, task.bench.classes, Signature("tuned", dataset.revision, len(dataset)))
    return 100 * np.mean(list(scores.per_clip.values()), axis=0)


ESTIMATORS = (
    Separate("teachers", "linear teachers of each modality, without fusion", "", "weak", look, score, PERCENT, "val"),
)
