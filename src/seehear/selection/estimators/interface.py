"""An estimator: what says how well the networks of a collocation suit labelled clips, and each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seehear.selection.collocation import Collocation
from seehear.selection.evidence import Evidence
from seehear.selection.task import PERCENT, Estimates, Setting, Task
from seehear.selection.trainings import Outcome, Training

Labels = Literal["none", "weak", "dense"]


@dataclass(frozen=True)
class ClosedForm:
    """Scores one collocation from features and labels, without training a model.

    score: higher is better; raises SeehearError where it can't tell. summary: what it does, in some words.
    source: the paper. labels: which labels it looks at.
    """

    name: str
    summary: str
    source: str
    labels: Labels
    score: Callable[[Evidence, Collocation], float]


@dataclass(frozen=True)
class Trained:
    """Scores one collocation by what comes of trainings.

    plan: the trainings; several estimators may plan the same ones, they are done once. read: scores, per seed and
    clip (S, N) or per seed (S,), higher is better; raises SeehearError where it can't tell. unit: of the scores.
    """

    name: str
    summary: str
    source: str
    labels: Labels
    plan: Callable[[Setting, Collocation], Sequence[Training]]
    read: Callable[[Sequence[Outcome]], NDArray[np.float64]]
    unit: str = PERCENT


@dataclass(frozen=True)
class Adaptive:
    """Scores the whole grid at once: what it tries next depends on what it has seen.

    run: from the task and the sample to score on to scores of every collocation, NaN where it has none.
    forecast: trainings that cost as much as those that it may do. closed: closed forms that it asks besides, of all
    training clips and of halves of them.
    """

    name: str
    summary: str
    source: str
    labels: Labels
    run: Callable[[Task, str], Estimates]
    forecast: Callable[[Task, str], Sequence[Training]]
    closed: tuple[ClosedForm, ...] = ()


Estimator = ClosedForm | Trained | Adaptive
