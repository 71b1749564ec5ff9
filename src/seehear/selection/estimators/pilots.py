"""The default: closed forms say what to expect, trainings look where that matters, and doubt is counted.

A small Gaussian model (`selection.belief`) predicts full trainings from closed forms and from the trainings done so
far. The next training is that with the largest expected gain for its cost (`selection.allocation`), short or full,
until the budget is spent or nothing is left to gain. Per-second ground truth of the validation clips is used if it is
known; that of the test clips never.

A draw stands for one traversal: each collocation trained with as many seeds as a traversal would be, and scored on as
many new clips as are scored here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.selection.certainty import prior_of
from seehear.selection.estimators import traversal, unimodal
from seehear.selection.estimators.interface import Adaptive
from seehear.selection.estimators.short_run import STEPS, trainings
from seehear.selection.prior import Kind
from seehear.selection.race import Chosen, Race
from seehear.selection.task import PERCENT, TRAIN, Estimates, Task, Trials
from seehear.selection.trainings import Outcome, Training

Array = NDArray[np.float64]

NAME = "pilots"
ROUNDING = 1e-9
FIRST_SEED = 1000  # unlike the seeds of full trainings, which would begin with the same weights
WORTH = 0.5  # a pilot training is done if it costs less than this share of a full one
# Of all closed forms, the networks' scores alone predict full trainings best where features are scaled (docs/lab.md).
CLOSED = unimodal.ESTIMATORS


def run(task: Task, split: str) -> Estimates:
    """Score by what is believed of full trainings, (n,), per cent."""
    from seehear.selection.estimate import estimate

    closed = [estimate(task, form, TRAIN) for form in CLOSED]
    prior = prior_of(task, NAME)
    assert prior is not None, f"priors.json has none of {NAME}"
    scores = {each.label: each.scores for each in closed}
    clips = task.setting(split).count(split)
    race = Race(task.grid.shape, scores, prior, costs(task), len(task.seeds), clips)
    work = _Work(task, split, {name: why for each in closed for name, why in each.failures.items()})
    race.run(task.budget, work.train)
    if not race.left:
        raise SeehearError(f"every training failed: {next(iter(work.failures.values()))}")
    return _estimates(task, split, race, work, closed)


def costs(task: Task) -> dict[Kind, float]:
    """Return what a training of each kind costs, as a share of a traversal.

    The cost is counted in clips that pass through a model, so that the answer does not depend on the machine.
    """
    full, pilot = 1 / (len(task.grid) * len(task.seeds)), task.budget_of(STEPS)
    return {Kind.FULL: full} | ({Kind.PILOT: pilot} if pilot < WORTH * full else {})


class _Work:
    """Does the trainings of a race.

    Attributes:
        failures: Collocation -> why it can't be scored.
        count: How many were done.
        seconds, flops: Of all of them.
    """

    def __init__(self, task: Task, split: str, failures: dict[str, str]) -> None:
        self._task, self._setting = task, task.setting(split)
        self._done: dict[tuple[int, Kind], int] = {}
        self.failures, self.count = failures, 0
        self.seconds = self.flops = 0.0

    def train(self, chosen: Chosen) -> list[Array | None]:
        """Return the scores of the clips of each training, (N,); None if it failed."""
        grid = self._task.grid.collocations
        what = f"trying {len({cell for cell, _ in chosen})} collocations"
        scores: list[Array | None] = []
        planned = [self._plan(*each) for each in chosen]
        for (cell, _), outcome in zip(chosen, self._task.bench.run(planned, what), strict=True):
            self.count += 1
            if isinstance(outcome, Outcome):
                self.seconds, self.flops = self.seconds + outcome.seconds, self.flops + outcome.flops
                scores.append(outcome.score)
            else:
                self.failures[str(grid[cell])] = str(outcome)
                scores.append(None)
        return scores

    def _plan(self, cell: int, kind: Kind) -> Training:
        done = self._done.get((cell, kind), 0)
        self._done[cell, kind] = done + 1
        collocation, seed = self._task.grid.collocations[cell], FIRST_SEED + done
        if kind is Kind.PILOT:
            return trainings(self._setting, collocation, [seed])[0]
        return traversal.training(self._setting, collocation, seed)


def _estimates(task: Task, split: str, race: Race, work: _Work, closed: Sequence[Estimates]) -> Estimates:
    belief, names = race.belief(), [str(collocation) for collocation in task.grid]
    level, cells = race.level(belief), np.arange(len(names))
    counts = {
        kind: {names[cell]: len(values) for (cell, of), values in race.values.items() if of is kind} for kind in Kind
    }
    outlook = race.outlook(belief, work.seconds)
    return Estimates(
        name=NAME,
        split=split,
        unit=PERCENT,
        scores=race.scores(belief) + level,
        draws=race.draws(belief) + level,
        failures=work.failures,
        seconds=work.seconds + sum(each.seconds for each in closed),
        flops=work.flops + sum(each.flops for each in closed),
        trainings=work.count,
        of_traversals=True,
        measured=np.isin(cells, [cell for cell, _ in race.values]),
        trials=Trials(
            counts[Kind.PILOT], counts[Kind.FULL], race.spent, race.cheapest, bool(race.worth_training(belief)), outlook
        ),
    )


def forecast(task: Task, split: str) -> list[Training]:
    """Return the most that the budget allows: full trainings, which may take longest, and pilot ones for the rest."""
    setting, grid, cost = task.setting(split), task.grid.collocations, costs(task)
    count = int(task.budget / cost[Kind.FULL] + ROUNDING)
    planned = [traversal.training(setting, grid[n % len(grid)], 0) for n in range(count)]
    if Kind.PILOT in cost:
        more = int((task.budget - count * cost[Kind.FULL]) / cost[Kind.PILOT] + ROUNDING)
        planned += [trainings(setting, grid[n % len(grid)], [0])[0] for n in range(more)]
    return planned


ESTIMATORS = (Adaptive(NAME, "closed forms, and pilot trainings where they matter", "", "weak", run, forecast, CLOSED),)
