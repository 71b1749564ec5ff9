"""The selector that is used unless another is named: closed forms leave out what is clearly worse, trainings decide.

Stage 1 ranks every collocation by LogME and by out-of-fold ridge regression on the training clips' labels, and takes
the mean of the two ranks, on all clips and on random halves of them; what is worse than the leader in all but 5 % of
the halves is out. Stage 2 gives those left short real trainings, two seeds each, then two more for the better half,
and so on, until one is left or the budget is spent. Dense labels of the validation clips are used where they are
given; those of the test clips never.

A draw stands for one new training: clips and seeds drawn again, and a new seed's own deviation on top. Where the
budget didn't allow to try all that were left, those that were not tried are taken to be as good as any of the tried.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from seehear.errors import SeehearError
from seehear.selection.estimators import logme, ridge
from seehear.selection.estimators.interface import Adaptive
from seehear.selection.estimators.short_run import STEPS, trainings
from seehear.selection.evidence import few_threads
from seehear.selection.ranking import standing
from seehear.selection.task import PERCENT, TRAIN, Estimates, Task, around, bootstrapped
from seehear.selection.trainings import Outcome, Training

Array = NDArray[np.float64]

SEEDS_A_ROUND = 2  # the least that tells how much a seed matters
MOST_SEEDS = 8
FIRST_SEED = 1000  # far from those of full trainings, which would begin with the same weights
STAGE_1 = (logme.ESTIMATORS[0], ridge.ESTIMATORS[0])


def run(task: Task, split: str) -> Estimates:
    """Scores of short trainings, (n,), per cent; below them, in the order of stage 1, what was not tried."""
    grid = task.grid.collocations
    began = time.process_time()
    first, first_draws, failures, flops = stage_1(task, TRAIN)
    seconds = closed = time.process_time() - began
    order = [int(n) for n in np.argsort(-first, kind="stable") if np.isfinite(first[n])]
    tied = standing(first, first_draws).tied
    left = [n for n in order if tied[n]]
    setting = task.setting(split)
    affordable = _affordable(task)
    tried = left[: affordable // SEEDS_A_ROUND]
    values: dict[int, list[Array]] = {n: [] for n in tried}
    number = 0
    racing = tried if len(left) > 1 else []
    while len(racing) > 1 and number + SEEDS_A_ROUND * len(racing) <= affordable:
        done = len(values[racing[0]])
        if done >= MOST_SEEDS:
            break
        seeds = range(FIRST_SEED + done, FIRST_SEED + done + SEEDS_A_ROUND)
        planned = [training for n in racing for training in trainings(setting, grid[n], seeds)]
        outcomes = iter(task.bench.run(planned, f"trying {len(racing)} collocations"))
        for n in racing:
            for _ in seeds:
                outcome = next(outcomes)
                if isinstance(outcome, Outcome):
                    values[n].append(outcome.score)
                    seconds, flops = seconds + outcome.seconds, flops + outcome.flops
                else:
                    failures[str(grid[n])] = str(outcome)
        number += len(planned)
        racing = [n for n in racing if len(values[n]) == done + SEEDS_A_ROUND]
        scored = {n: float(np.mean(values[n])) for n in racing}
        now = bootstrapped([np.stack(values[n]) for n in racing], new_seed=True)
        if not racing:
            break
        tied = standing(np.array(list(scored.values())), now).tied
        racing = sorted((n for n, yes in zip(racing, tied, strict=True) if yes), key=lambda n: -scored[n])
        racing = racing[: max(1, -(-len(racing) // 2))]

    there = [n for n in tried if values[n]]
    scores, draws = first.copy(), first_draws
    if len(there) > 1:
        scores, draws = _together(first, first_draws, there, [np.stack(values[n]) for n in there], left)
    notes = {
        "stage 1": {str(grid[n]): float(first[n]) for n in order},
        "left by stage 1": [str(grid[n]) for n in left],
        "tried": {str(grid[n]): len(values[n]) for n in there},
        "not tried for want of budget": [str(grid[n]) for n in left if n not in there] if len(left) > 1 else [],
        "short trainings afforded": affordable,
        "budget to try them all": SEEDS_A_ROUND * len(left) * task.budget_of(STEPS),
        "seconds of stage 1": closed,
    }
    return Estimates(
        name="two-stage",
        split=split,
        unit=PERCENT,
        scores=scores,
        draws=draws,
        failures=failures,
        seconds=seconds,
        flops=flops,
        trainings=number,
        measured=np.isin(np.arange(len(grid)), there),
        notes=notes,
    )


def forecast(task: Task, split: str) -> list[Training]:
    """As many short trainings as the budget allows."""
    setting, grid = task.setting(split), task.grid.collocations
    return [trainings(setting, grid[n % len(grid)], [0])[0] for n in range(_affordable(task))]


def _affordable(task: Task) -> int:
    """Short trainings that pass as many clips through a model as the budget's share of traversal.

    Counted in clips and not in seconds, so that the answer does not hang on the machine.
    """
    return int(task.budget / task.budget_of(STEPS))


def stage_1(task: Task, split: str) -> tuple[Array, Array, dict[str, str], float]:
    """Minus the mean rank by the two closed forms, (n,), on halves of the clips (B, n), failures, and flops."""
    evidence = task.evidence(split)
    found = np.empty((len(STAGE_1), len(task.grid)))
    failures: dict[str, str] = {}
    with few_threads(len(evidence)):
        for n, collocation in enumerate(task.grid):  # both of one collocation: they share its spectrum
            try:
                found[:, n] = [each.score(evidence, collocation) for each in STAGE_1]
            except SeehearError as error:
                found[:, n] = np.nan
                failures[str(collocation)] = str(error)
        if np.isnan(found).all():
            raise SeehearError(f"no collocation can be judged: {next(iter(failures.values()))}")
        scores = -_mean_rank(found)
        halves = task.halves(evidence, [each.score for each in STAGE_1]).swapaxes(0, 1)  # (halves, 2, n)
        draws = np.stack([-_mean_rank(half) for half in halves] or [scores])
    moved = around(scores, draws)
    assert moved is not None
    return scores, moved, failures, evidence.flops


def _mean_rank(scores: Array) -> Array:
    """(K, n) to (n,): 1 is the best; NaN where there is no score."""
    ranks = rankdata(-scores, axis=-1, nan_policy="omit")
    mean: Array = ranks.mean(axis=0)
    return mean


def _together(
    first: Array, first_draws: Array, tried: list[int], values: list[Array], left: list[int]
) -> tuple[Array, Array]:
    """Scores (n,) and draws (B, n) of all: the tried by their trainings, beneath them the others by stage 1."""
    of_tried = bootstrapped(values, new_seed=True)  # (B, tried)
    count = len(of_tried)
    rng = np.random.default_rng(2)
    # Ranks are whole numbers apart and scores per cent: beneath the least of these nothing gets in between.
    floor = min(float(of_tried.min()), *(float(value.mean()) for value in values)) - len(first) - 1
    scores = floor + first
    draws = floor + first_draws[rng.integers(len(first_draws), size=count)]
    for n, value in zip(tried, values, strict=True):
        scores[n] = value.mean()
    draws[:, tried] = of_tried
    for n in left:
        if n not in tried:
            draws[:, n] = of_tried[np.arange(count), rng.integers(len(tried), size=count)]
    return scores, draws


ESTIMATORS = (
    Adaptive("two-stage", "closed forms, then short trainings of those left", "", "weak", run, forecast, STAGE_1),
)
