"""Short real trainings: a few steps at a high rate, on some of the training clips.

How far a model gets in its first hundred-odd steps says much of how far it gets at all (docs/lab.md), at a tenth of
the time or less; and how quickly its loss falls meanwhile says some of it without a look at other clips.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seehear.selection.collocation import Collocation
from seehear.selection.estimators import traversal
from seehear.selection.estimators.interface import Trained
from seehear.selection.task import Setting
from seehear.selection.trainings import Outcome, Part, Training
from seehear.training.recipe import Recipe

STEPS = 150
RATE = 1e-3  # at least: after 150 steps at a recipe's own rate a model may still predict nothing at all
SHARE = 0.2  # of the training clips, for the estimators of this file


def short(recipe: Recipe, clips: int, steps: int = STEPS) -> Recipe:
    """The recipe, stopped after so many steps over so many clips."""
    changed = {
        "epochs": max(1, round(steps * recipe.batch / clips)),
        "learning_rate": max(recipe.learning_rate, RATE),
        "decay_every": 0,
        "patience": 0,
        "choose": "last",
    }
    return recipe.model_copy(update=changed)


def trainings(
    setting: Setting, collocation: Collocation, seeds: Sequence[int], share: float = 1.0, steps: int = STEPS
) -> list[Training]:
    """One short training a seed, on a share of the training clips, or on as many as the steps can see, if fewer."""
    count = len(setting.samples[setting.train])
    clips = setting.part(min(share, steps * setting.recipe.batch / count))
    recipe = short(setting.recipe, len(clips), steps)
    train, scored = Part(setting.train, clips), Part(setting.scored)
    return [Training("short", collocation, recipe, seed, train, None, scored) for seed in seeds]


def plan(setting: Setting, collocation: Collocation) -> list[Training]:
    """A fifth of the training clips."""
    return trainings(setting, collocation, setting.seeds, SHARE)


def read_losses(outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    """Minus the sum over epochs of the training loss, (S,)."""
    return np.array([-sum(entry["loss"] for entry in outcome.history) for outcome in outcomes])


ESTIMATORS = (
    Trained("short-run", "a fifth of the training clips, few steps", "", "weak", plan, traversal.read),
    Trained("loss-sum", "sum of the losses of a short run", "Ru et al. 2021", "weak", plan, read_losses, "minus loss"),
)
