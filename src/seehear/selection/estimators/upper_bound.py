"""The upper bound: train on the evaluation clips themselves, and score there. F1 of Wu et al., Sec. 3.2.

The paper does not say which labels are trained on, when to stop, or which score is taken. So every reading is an
estimator: weak or dense labels; the score after the last epoch, the best of all epochs, or their mean (the area under
the curve); of the clip's classes or of its segments. All readings of the same labels share their trainings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import Trained
from seehear.selection.task import Setting
from seehear.selection.trainings import Metric, Outcome, Part, Training
from seehear.training.recipe import Supervision

SOURCE = "Wu et al., Eq. 3"
LEVELS = {"clip": Metric.LABEL_F1, "segment": "type_at_av"}
READINGS: dict[str, Callable[[NDArray[np.float64]], float]] = {
    "final": lambda curve: float(curve[-1]),
    "best": lambda curve: float(curve.max()),
    "area": lambda curve: float(curve.mean()),
}


def plan(supervision: Supervision, setting: Setting, collocation: Collocation) -> list[Training]:
    """Plan one training per seed, for all epochs of the recipe: no other clips could choose an epoch.

    Args:
        supervision: `weak` or `dense` labels.
        setting: What trainings are made of; its `scored` split is trained on.
        collocation: What to train.
    """
    fixed = {"choose": "last", "patience": 0, "supervision": supervision}
    recipe, part = setting.recipe.model_copy(update=fixed), Part(setting.scored)
    purpose = f"upper-bound-{setting.scored}-{supervision}"
    return [Training(purpose, collocation, recipe, seed, part, part, part) for seed in setting.seeds]


def read(level: str, reading: str, outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    """Return scores in per cent: (S, N) of the last epoch, if each clip's score is kept; else (S,).

    Args:
        level: What is scored, the clip's classes or its segments.
        reading: `final`, or another function of the curve of epochs.
        outcomes: One per seed.

    Raises:
        SeehearError: If segments are to be scored and the ground truth is unknown.
    """
    name = LEVELS[level]
    if name not in outcomes[0].per_clip:
        raise SeehearError("the score of segments needs per-second ground truth of every modality")
    if reading == "final":
        return np.stack([outcome.per_clip[name] for outcome in outcomes])
    return np.array([READINGS[reading](outcome.curve(name)) for outcome in outcomes])


def _estimator(supervision: Supervision, level: str, reading: str) -> Trained:
    name = f"upper-bound-{supervision}-{level}-{reading}"
    summary = f"trained on the scored clips with {supervision} labels; {reading} {level} score"
    return Trained(name, summary, SOURCE, supervision, partial(plan, supervision), partial(read, level, reading))


SUPERVISIONS: tuple[Supervision, ...] = ("weak", "dense")
ESTIMATORS = tuple(_estimator(*choice) for choice in product(SUPERVISIONS, LEVELS, READINGS))
