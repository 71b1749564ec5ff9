"""How certain an estimate is: what traversals it leaves possible, as grids that were trained in full have shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seehear.selection.belief import Belief
from seehear.selection.prior import Prior, kind_of, stored
from seehear.selection.task import DRAWS, Estimates, Task

Array = NDArray[np.float64]


def prior_of(task: Task, name: str) -> Prior | None:
    """Return what is known of an estimator on grids of this kind; None if nothing is.

    Args:
        task: The grid, and the recipe of full trainings.
        name: Of the estimator, with its split.
    """
    scaled = task.recipe.scale or task.recipe.standardise
    return stored()[kind_of(task.bench.metric(task.scored), scaled)].get(name)


def possible_traversals(task: Task, estimates: Estimates) -> Array | None:
    """Return draws (B, n) of traversals, given an estimate; NaN where it has none.

    A draw is the score of full trainings, as many as the task has seeds, on as many new clips as are scored. It varies
    by all that the estimate does not see, and not just by the sampling of the clips that it looked at. None if it is
    not known how far the estimator is off.
    """
    if estimates.of_traversals:
        return estimates.draws
    prior = prior_of(task, estimates.label)
    if prior is None or estimates.failed.all():
        return None
    clips = len(task.bench.datasets[task.scored])
    belief = Belief.of(task.grid.shape, {estimates.label: estimates.scores}, prior, clips=clips)
    draws = belief.traversals(len(task.seeds), DRAWS, np.random.default_rng(0))
    draws[:, estimates.failed] = np.nan
    return draws
