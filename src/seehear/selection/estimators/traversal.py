"""Traversal: train every collocation in full. F2 of Wu et al., Sec. 3.2: what other estimators predict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import Trained
from seehear.selection.task import Setting
from seehear.selection.trainings import Outcome, Part, Training


def plan(setting: Setting, collocation: Collocation) -> list[Training]:
    """Plan one training by the recipe per seed, the epoch chosen as in any training."""
    return [training(setting, collocation, seed) for seed in setting.seeds]


def training(setting: Setting, collocation: Collocation, seed: int) -> Training:
    """Plan a full training."""
    train, watch, scored = Part(setting.train), Part(setting.watch), Part(setting.scored)
    return Training("traversal", collocation, setting.recipe, seed, train, watch, scored)


def read(outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    """Return each seed's score of each clip, (S, N), per cent."""
    return np.stack([outcome.score for outcome in outcomes])


ESTIMATORS = (Trained("traversal", "trained in full", "Wu et al., Eq. 2", "weak", plan, read),)
