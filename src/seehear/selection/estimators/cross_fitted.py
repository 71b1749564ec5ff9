"""The upper bound, cross-fitted: trained on one half of the clips, scored on the other, and the other way round.

As cheap as training on the evaluation clips and scoring there, but what was learnt by heart counts for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import Trained
from seehear.selection.task import Setting
from seehear.selection.trainings import Outcome, Part, Training
from seehear.training.recipe import Supervision


def plan(supervision: Supervision, setting: Setting, collocation: Collocation) -> list[Training]:
    """Two trainings a seed, one a half; the halves are drawn anew for each seed."""
    fixed = {"choose": "last", "patience": 0, "supervision": supervision}
    recipe = setting.recipe.model_copy(update=fixed)
    trainings = []
    for seed in setting.seeds:
        order = np.random.default_rng([seed, 2]).permutation(len(setting.samples[setting.scored]))
        if len(order) < 2:
            raise SeehearError("a half of the clips to train on and one to score need two clips")
        halves = [Part(setting.scored, tuple(sorted(half.tolist()))) for half in np.array_split(order, 2)]
        trainings += [
            Training(f"cross-fitted-{supervision}", collocation, recipe, seed, train, None, score)
            for train, score in (halves, halves[::-1])
        ]
    return trainings


def read(outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    """Each seed's score of each clip, (S, N), per cent."""
    rows = []
    for one, other in zip(outcomes[::2], outcomes[1::2], strict=True):
        order = np.argsort(np.concatenate([one.clips, other.clips]))
        rows.append(np.concatenate([one.score, other.score])[order])
    return np.stack(rows)


SUPERVISIONS: tuple[Supervision, ...] = ("weak", "dense")
ESTIMATORS = tuple(
    Trained(
        f"cross-fitted-{supervision}",
        f"trained on halves of the scored clips with {supervision} labels, scored on the other half",
        "Wu et al., Eq. 3, without its overfitting",
        supervision,
        partial(plan, supervision),
        read,
    )
    for supervision in SUPERVISIONS
)
