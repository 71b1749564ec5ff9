"""The upper bound: train on the evaluation clips themselves, and score there. F1 of Wu et al., Sec. 3.2.

The paper leaves open which labels are trained on, when to stop, and which score is read, so every reading is a row:
weak or dense labels; the score after the last epoch, the best of all epochs, or their mean (the area under the
curve); of the clip's classes or of its segments. The trainings are the same for all readings of the same labels.
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
from seehear.selection.trainings import LABEL_F1, Outcome, Part, Training
from seehear.training.recipe import Supervision

SOURCE = "Wu et al., Eq. 3"
LEVELS = {"clip": LABEL_F1, "segment": "type_at_av"}
READINGS: dict[str, Callable[[NDArray[np.float64]], float]] = {
    "final": lambda curve: float(curve[-1]),
    "best": lambda curve: float(curve.max()),
    "area": lambda curve: float(curve.mean()),
}


def plan(supervision: Supervision, setting: Setting, collocation: Collocation) -> list[Training]:
    """As many epochs as the recipe has, without stopping early: there is nothing to choose by."""
    fixed = {"choose": "last", "patience": 0, "supervision": supervision}
    recipe, part = setting.recipe.model_copy(update=fixed), Part(setting.scored)
    purpose = f"upper-bound-{setting.scored}-{supervision}"
    return [Training(purpose, collocation, recipe, seed, part, part, part) for seed in setting.seeds]


def read(level: str, reading: str, outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    """(S, N) of the last epoch, where each clip's score is kept; else (S,). Per cent."""
    name = LEVELS[level]
    if name not in outcomes[0].per_clip:
        raise SeehearError("the score of segments needs dense labels in every modality")
    if reading == "final":
        return np.stack([outcome.per_clip[name] for outcome in outcomes])
    return np.array([READINGS[reading](outcome.curve(name)) for outcome in outcomes])


def _estimator(supervision: Supervision, level: str, reading: str) -> Trained:
    name = f"upper-bound-{supervision}-{level}-{reading}"
    summary = f"trained on the scored clips with {supervision} labels; {reading} {level} score"
    return Trained(name, summary, SOURCE, supervision, partial(plan, supervision), partial(read, level, reading))


SUPERVISIONS: tuple[Supervision, ...] = ("weak", "dense")
ESTIMATORS = tuple(_estimator(*choice) for choice in product(SUPERVISIONS, LEVELS, READINGS))
