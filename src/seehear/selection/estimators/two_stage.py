"""Two-stage selection, the default: closed forms leave out clearly worse collocations, short trainings decide.

Stage 1 ranks every collocation by LogME and by out-of-fold ridge regression on the training clips' labels. It takes
the mean of the two ranks, on all clips and on random halves of them. What is worse than the leader in more than 95 % of
the halves is left out. Stage 2 gives the others short trainings with two seeds each, then two more for the better half.
It goes on until one is left or the budget is spent. Per-second ground truth of the validation clips is used if it is
known; that of the test clips never.

A draw stands for one new training: clips and seeds drawn again, and a new seed's own deviation added. If the budget
does not allow to try all that stage 1 kept, the untried ones count as good as any of the tried.
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
from seehear.selection.task import PERCENT, TRAIN, Estimates, Task, Trials, around, bootstrapped
from seehear.selection.trainings import Outcome, Training

Array = NDArray[np.float64]

SEEDS_PER_ROUND = 2  # the fewest that show how much a seed matters
MAX_SEEDS = 8
FIRST_SEED = 1000  # unlike the seeds of full trainings, which would begin with the same weights
STAGE_1 = (logme.ESTIMATORS[0], ridge.ESTIMATORS[0])


def run(task: Task, split: str) -> Estimates:
    """Score by short trainings, (n,), per cent. Collocations not tried rank below, in the order of stage 1."""
    grid = task.grid.collocations
    began = time.process_time()
    first, first_draws, failures, flops = stage_1(task, TRAIN)
    seconds = time.process_time() - began
    order = [int(n) for n in np.argsort(-first, kind="stable") if np.isfinite(first[n])]
    tied = standing(first, first_draws).tied
    kept = [n for n in order if tied[n]]
    affordable = _affordable(task)
    race = _Race(task, split, kept[: affordable // SEEDS_PER_ROUND], affordable, failures)
    if len(kept) > 1:
        race.run()
    tried = [n for n in race.values if race.values[n]]
    scores, draws = first.copy(), first_draws
    if len(tried) > 1:
        scores, draws = _combined(first, first_draws, tried, [np.stack(race.values[n]) for n in tried], kept)
    trials = Trials(
        first_stage={str(grid[n]): float(first[n]) for n in order},
        kept=tuple(str(grid[n]) for n in kept),
        trainings={str(grid[n]): len(race.values[n]) for n in tried},
        untried=tuple(str(grid[n]) for n in kept if n not in tried) if len(kept) > 1 else (),
        affordable=affordable,
        full_budget=SEEDS_PER_ROUND * len(kept) * task.budget_of(STEPS),
        first_stage_seconds=seconds,
    )
    return Estimates(
        name="two-stage",
        split=split,
        unit=PERCENT,
        scores=scores,
        draws=draws,
        failures=failures,
        seconds=seconds + race.seconds,
        flops=flops + race.flops,
        trainings=race.trainings,
        measured=np.isin(np.arange(len(grid)), tried),
        trials=trials,
    )


class _Race:
    """Stage 2: rounds of short trainings, after each of which the better half of what is tied goes on.

    Attributes:
        values: Number of a collocation -> scores of its trainings, (N,) each.
        trainings: How many were done.
        seconds, flops: Of all of them.
    """

    def __init__(self, task: Task, split: str, racing: list[int], affordable: int, failures: dict[str, str]) -> None:
        self._task, self._setting, self._affordable = task, task.setting(split), affordable
        self._racing, self._failures = racing, failures
        self.values: dict[int, list[Array]] = {n: [] for n in racing}
        self.trainings = 0
        self.seconds = self.flops = 0.0

    def run(self) -> None:
        """Race until one is left, or the budget is spent."""
        while len(self._racing) > 1 and self.trainings + SEEDS_PER_ROUND * len(self._racing) <= self._affordable:
            done = len(self.values[self._racing[0]])
            if done >= MAX_SEEDS:
                return
            self._train(range(FIRST_SEED + done, FIRST_SEED + done + SEEDS_PER_ROUND))
            finished = [n for n in self._racing if len(self.values[n]) == done + SEEDS_PER_ROUND]
            self._racing = self._better_half(finished)

    def _train(self, seeds: range) -> None:
        grid = self._task.grid.collocations
        planned = [training for n in self._racing for training in trainings(self._setting, grid[n], seeds)]
        outcomes = iter(self._task.bench.run(planned, f"trying {len(self._racing)} collocations"))
        for n in self._racing:
            for _ in seeds:
                outcome = next(outcomes)
                if isinstance(outcome, Outcome):
                    self.values[n].append(outcome.score)
                    self.seconds, self.flops = self.seconds + outcome.seconds, self.flops + outcome.flops
                else:
                    self._failures[str(grid[n])] = str(outcome)
        self.trainings += len(planned)

    def _better_half(self, finished: list[int]) -> list[int]:
        """Return the numbers of those tied with the leader, the best first, at most half of all."""
        if not finished:
            return []
        means = {n: float(np.mean(self.values[n])) for n in finished}
        draws = bootstrapped([np.stack(self.values[n]) for n in finished], new_seed=True)
        tied = standing(np.array(list(means.values())), draws).tied
        leading = sorted((n for n, yes in zip(finished, tied, strict=True) if yes), key=lambda n: -means[n])
        return leading[: max(1, -(-len(leading) // 2))]


def forecast(task: Task, split: str) -> list[Training]:
    """Return as many short trainings as the budget allows."""
    setting, grid = task.setting(split), task.grid.collocations
    return [trainings(setting, grid[n % len(grid)], [0])[0] for n in range(_affordable(task))]


def _affordable(task: Task) -> int:
    """Return how many short trainings the budget allows.

    They pass as many clips through a model as the budget's share of traversal.

    The cost is counted in clips, not in seconds, so that the answer does not depend on the machine.
    """
    return int(task.budget / task.budget_of(STEPS))


def stage_1(task: Task, split: str) -> tuple[Array, Array, dict[str, str], float]:
    """Rank by the two closed forms.

    Args:
        task: The grid and the labelled clips.
        split: The clips to look at.

    Returns:
        Minus the mean rank (n,), its draws on halves of the clips (B, n), failures, and operations.

    Raises:
        SeehearError: If no collocation can be scored.
    """
    evidence = task.evidence(split)
    ranked = np.empty((len(STAGE_1), len(task.grid)))
    failures: dict[str, str] = {}
    with few_threads(len(evidence)):
        for n, collocation in enumerate(task.grid):  # both of one collocation: they share its spectrum
            try:
                ranked[:, n] = [each.score(evidence, collocation) for each in STAGE_1]
            except SeehearError as error:
                ranked[:, n] = np.nan
                failures[str(collocation)] = str(error)
        if np.isnan(ranked).all():
            raise SeehearError(f"no collocation can be scored: {next(iter(failures.values()))}")
        scores = -_mean_rank(ranked)
        halves = task.halves(evidence, [each.score for each in STAGE_1]).swapaxes(0, 1)  # (halves, 2, n)
        draws = np.stack([-_mean_rank(half) for half in halves] or [scores])
    moved = around(scores, draws)
    assert moved is not None
    return scores, moved, failures, evidence.flops


def _mean_rank(scores: Array) -> Array:
    """Return the mean rank (n,) of scores (K, n): 1 is the best; NaN where there is no score."""
    ranks = rankdata(-scores, axis=-1, nan_policy="omit")
    mean: Array = ranks.mean(axis=0)
    return mean


def _combined(
    first: Array, first_draws: Array, tried: list[int], values: list[Array], kept: list[int]
) -> tuple[Array, Array]:
    """Return scores (n,) and draws (B, n) of all: the tried by their trainings, below them the others by stage 1."""
    of_tried = bootstrapped(values, new_seed=True)  # (B, tried)
    count = len(of_tried)
    rng = np.random.default_rng(2)
    # Stage 1's scores lie at most n apart: below this floor they can't reach those of trainings.
    floor = min(float(of_tried.min()), *(float(value.mean()) for value in values)) - len(first) - 1
    scores = floor + first
    draws = floor + first_draws[rng.integers(len(first_draws), size=count)]
    for n, value in zip(tried, values, strict=True):
        scores[n] = value.mean()
    draws[:, tried] = of_tried
    for n in kept:
        if n not in tried:
            draws[:, n] = of_tried[np.arange(count), rng.integers(len(tried), size=count)]
    return scores, draws


ESTIMATORS = (
    Adaptive("two-stage", "closed forms, then short trainings of those left", "", "weak", run, forecast, STAGE_1),
)
