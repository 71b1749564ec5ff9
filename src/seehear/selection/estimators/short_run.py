"""Short trainings: a few steps at a high learning rate, on some of the training clips.

The score after a hundred-odd steps predicts the score after a full training well (docs/lab.md), in a tenth of the time
or less.
"""

from __future__ import annotations

from collections.abc import Sequence

from seehear.selection.collocation import Collocation
from seehear.selection.estimators import traversal
from seehear.selection.estimators.interface import Trained
from seehear.selection.task import Setting
from seehear.selection.trainings import Part, Training
from seehear.training.recipe import Recipe

STEPS = 150
MIN_RATE = 1e-3  # after so few steps at a lower learning rate a model may still predict no event
SHARE = 0.2  # of the training clips


def short(recipe: Recipe, clips: int, steps: int = STEPS) -> Recipe:
    """Return the recipe of a short training: a high learning rate, no decay, and the last epoch is kept.

    Args:
        recipe: Of full trainings.
        clips: Number of clips to train on.
        steps: Of the optimiser; rounded to whole epochs, at least one.
    """
    changed = {
        "epochs": max(1, round(steps * recipe.batch / clips)),
        "learning_rate": max(recipe.learning_rate, MIN_RATE),
        "decay_every": 0,
        "patience": 0,
        "choose": "last",
    }
    return recipe.model_copy(update=changed)


def trainings(
    setting: Setting, collocation: Collocation, seeds: Sequence[int], share: float = 1.0, steps: int = STEPS
) -> list[Training]:
    """Plan one short training per seed.

    Args:
        setting: What trainings are made of.
        collocation: What to train.
        seeds: One training each.
        share: Of the training clips. Fewer are taken if the steps can't visit so many.
        steps: Per training.
    """
    clips = setting.part(min(share, steps * setting.recipe.batch / setting.count(setting.train)))
    recipe = short(setting.recipe, len(clips), steps)
    train, scored = Part(setting.train, clips), Part(setting.scored)
    return [Training("short", collocation, recipe, seed, train, None, scored) for seed in seeds]


def plan(setting: Setting, collocation: Collocation) -> list[Training]:
    """Plan short trainings on a fifth of the training clips."""
    return trainings(setting, collocation, setting.seeds, SHARE)


ESTIMATORS = (Trained("short-run", "a fifth of the training clips, few steps", "", "weak", plan, traversal.read),)
