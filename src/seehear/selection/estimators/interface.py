"""The four kinds of estimators. Each scores how well the networks of a collocation suit labelled clips together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

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

    Attributes:
        name: Of the estimator.
        summary: What it does, in a few words.
        source: The paper.
        labels: Which labels it looks at.
        score: Higher is better. Raises SeehearError if it has no score.
    """

    name: str
    summary: str
    source: str
    labels: Labels
    score: Callable[[Evidence, Collocation], float]


@dataclass(frozen=True)
class Separate:
    """Looks at each modality's networks once, by themselves, and combines what it saw.

    So M networks in each of N modalities take M · N looks, and not M^N.

    Attributes:
        name: Of the estimator.
        summary: What it does, in a few words.
        source: The paper.
        labels: Which labels it looks at.
        look: Of a task, a split and the networks of one modality (a collocation of that modality alone), what `score`
            needs. Raises SeehearError if nothing can be learnt from them.
        score: From the looks at a collocation's modalities, in their order, to a score per clip (N,), or one (1,);
            higher is better. Raises SeehearError if it has none.
        unit: Of the scores; by default the estimator's own.
        split: The clips that it looks at unless others are named.
    """

    name: str
    summary: str
    source: str
    labels: Labels
    look: Callable[[Task, str, Collocation], Any]
    score: Callable[[Task, str, Sequence[Any]], NDArray[np.float64]]
    unit: str = ""
    split: Literal["train", "val"] = "train"


@dataclass(frozen=True)
class Trained:
    """Scores one collocation by the outcomes of trainings.

    Attributes:
        name: Of the estimator.
        summary: What it does, in a few words.
        source: The paper.
        labels: Which labels it looks at.
        plan: The trainings. Several estimators may plan the same ones; they are done once.
        read: Scores per seed and clip (S, N), or per seed (S,); higher is better. Raises SeehearError if it has
            none.
        unit: Of the scores.
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
    """Scores the whole grid at once: what it tries next depends on earlier outcomes.

    Attributes:
        name: Of the estimator.
        summary: What it does, in a few words.
        source: The paper.
        labels: Which labels it looks at.
        run: From the task and the split to score on to the scores of every collocation, NaN if there is none.
        forecast: Trainings that cost as much as those that it may do.
        closed: Closed forms that it uses too, on all training clips and on halves of them.
    """

    name: str
    summary: str
    source: str
    labels: Labels
    run: Callable[[Task, str], Estimates]
    forecast: Callable[[Task, str], Sequence[Training]]
    closed: tuple[ClosedForm, ...] = ()


Estimator = ClosedForm | Separate | Trained | Adaptive
