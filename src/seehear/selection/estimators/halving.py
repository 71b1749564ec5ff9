"""Successive halving (Jamieson and Talwalkar 2016): short trainings, twice as long for the better half, and so on.

Each rung trains anew, so that every training stands by itself. All rungs together cost at most twice the last one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.selection.estimators.interface import Adaptive
from seehear.selection.estimators.short_run import trainings
from seehear.selection.task import PERCENT, Estimates, Task, bootstrapped
from seehear.selection.trainings import Outcome, Training

FIRST_STEPS = 75
RUNG_BONUS = 100.0  # per cent: collocations that reached a rung score above those that did not


def run(task: Task, split: str) -> Estimates:
    """Score every collocation on the last rung that it reached, plus 100 per rung.

    Args:
        task: The grid, and clips and trainings to score it by.
        split: The clips to score on.

    Raises:
        SeehearError: If every training fails.
    """
    setting, grid = task.setting(split), task.grid.collocations
    values: list[NDArray[np.float64]] = [np.full(1, np.nan)] * len(grid)
    scores = np.full(len(grid), np.nan)
    failures: dict[str, str] = {}
    left, steps, rung = list(range(len(grid))), FIRST_STEPS, 0
    seconds = flops = 0.0
    number = 0
    while True:
        planned = [trainings(setting, grid[n], setting.seeds[:1], steps=steps)[0] for n in left]
        for n, outcome in zip(left, task.bench.run(planned, f"halving, {len(left)} left"), strict=True):
            number += 1
            if not isinstance(outcome, Outcome):
                failures[str(grid[n])] = str(outcome)
                scores[n] = np.nan
                continue
            values[n] = outcome.score[None] + RUNG_BONUS * rung
            scores[n] = values[n].mean()
            seconds, flops = seconds + outcome.seconds, flops + outcome.flops
        left = sorted((n for n in left if np.isfinite(scores[n])), key=lambda n: -scores[n])
        if not left and not np.isfinite(scores).any():
            raise SeehearError(f"halving: every training failed, {next(iter(failures.values()))}")
        if len(left) <= 1:
            break
        left, steps, rung = left[: -(-len(left) // 2)], 2 * steps, rung + 1
        if len(left) == 1:
            break
    return Estimates(
        name="halving",
        split=split,
        unit=f"{PERCENT}, and 100 per rung",
        scores=scores,
        draws=bootstrapped(values),
        failures=failures,
        seconds=seconds,
        flops=flops,
        trainings=number,
        values=values,
    )


def forecast(task: Task, split: str) -> list[Training]:
    """Return trainings as expensive as a rung for all, one twice as long for half of them, and so on."""
    setting, grid = task.setting(split), task.grid.collocations
    left, steps, planned = len(grid), FIRST_STEPS, []
    while True:
        planned += [trainings(setting, c, setting.seeds[:1], steps=steps)[0] for c in grid[:left]]
        left, steps = -(-left // 2), 2 * steps
        if left == 1:
            return planned


ESTIMATORS = (
    Adaptive("halving", "successive halving of short runs", "Jamieson and Talwalkar 2016", "weak", run, forecast),
)
