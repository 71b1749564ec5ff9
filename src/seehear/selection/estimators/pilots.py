"""The default: closed forms say what to expect, pilot trainings look where that matters, and doubt is counted.

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
from seehear.selection.allocation import chance_to_settle, knowledge_gradient, next_trainings
from seehear.selection.belief import Belief, Kind, Observation
from seehear.selection.certainty import prior_of
from seehear.selection.estimators import ridge, traversal
from seehear.selection.estimators.interface import Adaptive, ClosedForm, Separate
from seehear.selection.estimators.short_run import STEPS, trainings
from seehear.selection.prior import clip_deviation
from seehear.selection.ranking import standing
from seehear.selection.task import DRAWS, PERCENT, TRAIN, Estimates, Outlook, Task, Trials
from seehear.selection.trainings import Outcome, Training

Array = NDArray[np.float64]

NAME = "pilots"
FIRST_SEED = 1000  # unlike the seeds of full trainings, which would begin with the same weights
AT_ONCE = 4  # trainings chosen together, whatever the number of cores, so that the answer does not depend on it
LEAST_GAIN = 0.01  # points: below it, a training is not worth its time
WORTH = 0.5  # a pilot training is done if it costs less than this share of a full one
SURE = 0.99  # P(best) at which to stop
MINUTES = (1, 10, 60, 600)  # of further training, of which an outlook is given
CLOSED: tuple[tuple[ClosedForm | Separate, str], ...] = ((ridge.ESTIMATORS[0], TRAIN),)


def run(task: Task, split: str) -> Estimates:
    """Score by what is believed of full trainings, (n,), per cent."""
    race = _Race(task, split)
    race.run()
    return race.estimates()


class _Race:
    """Trainings one batch after another, each where the belief so far has most to gain."""

    def __init__(self, task: Task, split: str) -> None:
        from seehear.selection.estimate import estimate

        self._task, self._split, self._setting = task, split, task.setting(split)
        self._closed = [estimate(task, form, split if on != TRAIN else TRAIN) for form, on in CLOSED]
        self._failures = {name: why for each in self._closed for name, why in each.failures.items()}
        failed = np.any([each.failed for each in self._closed], axis=0)
        if failed.all():
            raise SeehearError(f"no collocation can be scored: {next(iter(self._failures.values()))}")
        self._left = np.flatnonzero(~failed).tolist()
        prior = prior_of(task, NAME)
        assert prior is not None, f"priors.json has none of {NAME}"
        self._prior = prior
        self._values: dict[tuple[int, Kind], list[Array]] = {}
        full, pilot = 1 / (len(task.grid) * len(task.seeds)), task.budget_of(STEPS)
        self._cost = {Kind.FULL: full} | ({Kind.PILOT: pilot} if pilot < WORTH * full else {})
        self._spent = self._seconds = self._flops = 0.0
        self._count = 0

    def run(self) -> None:
        """Train until the budget is spent, one collocation is left, or nothing is to gain."""
        while len(self._left) > 1:
            belief = self.belief()
            if self._is_settled(belief):
                return
            chosen = next_trainings(belief, self._cost, self._task.budget - self._spent, AT_ONCE, self._left)
            if not chosen:
                return
            self._train(chosen)

    def belief(self) -> Belief:
        """Return the belief after all trainings so far."""
        closed = {each.label: _filled(each.scores) for each in self._closed}
        clips = self._setting.count(self._split)
        means = [np.mean(values, axis=0) for (_, kind), values in self._values.items() if kind is Kind.PILOT]
        noise = clip_deviation(np.stack(means)) ** 2 if len(means) > 1 and clips > 1 else None
        seen = [
            Observation(cell, kind, float(np.mean(values)), len(values))
            for (cell, kind), values in self._values.items()
        ]
        return Belief.of(self._task.grid.shape, closed, self._prior, seen, noise, clips)

    def _is_settled(self, belief: Belief) -> bool:
        if standing(self._scores(belief), self._draws(belief)).p_best.max() >= SURE:
            return True
        belief = belief.with_known_levels()
        gains = [knowledge_gradient(belief, kind, self._left).max() for kind in self._cost]
        return max(gains) < LEAST_GAIN

    def _scores(self, belief: Belief) -> Array:
        return np.where(np.isin(np.arange(len(belief)), self._left), belief.scores, np.nan)

    def _draws(self, belief: Belief) -> Array:
        draws = belief.traversals(len(self._task.seeds), DRAWS, np.random.default_rng(0))
        draws[:, np.isnan(self._scores(belief))] = np.nan
        return draws

    def _planned(self, chosen: Sequence[tuple[int, Kind]]) -> list[Training]:
        grid, setting = self._task.grid.collocations, self._setting
        planned, more = [], dict[tuple[int, Kind], int]()
        for key in chosen:
            cell, kind = key
            seed = FIRST_SEED + len(self._values.get(key, ())) + more.get(key, 0)
            more[key] = more.get(key, 0) + 1
            planned.append(
                trainings(setting, grid[cell], [seed])[0]
                if kind is Kind.PILOT
                else traversal.training(setting, grid[cell], seed)
            )
        return planned

    def _train(self, chosen: Sequence[tuple[int, Kind]]) -> None:
        grid = self._task.grid.collocations
        what = f"trying {len({cell for cell, _ in chosen})} collocations"
        outcomes = self._task.bench.run(self._planned(chosen), what)
        for (cell, kind), outcome in zip(chosen, outcomes, strict=True):
            self._spent += self._cost[kind]
            self._count += 1
            if isinstance(outcome, Outcome):
                self._values.setdefault((cell, kind), []).append(outcome.score)
                self._seconds, self._flops = self._seconds + outcome.seconds, self._flops + outcome.flops
            elif cell in self._left:
                self._failures[str(grid[cell])] = str(outcome)
                self._left.remove(cell)
        if not self._left:
            raise SeehearError(f"every training failed: {next(iter(self._failures.values()))}")

    def estimates(self) -> Estimates:
        """Return the belief as scores and draws."""
        belief = self.belief()
        n, names = len(belief), [str(collocation) for collocation in self._task.grid]
        draws = self._draws(belief)
        level = self._level(belief)
        counts = {
            kind: {names[cell]: len(values) for (cell, of), values in self._values.items() if of is kind}
            for kind in Kind
        }
        trained = {cell for cell, _ in self._values}
        return Estimates(
            name=NAME,
            split=self._split,
            unit=PERCENT,
            scores=self._scores(belief) + level,
            draws=draws + level,
            failures=self._failures,
            seconds=self._seconds + sum(each.seconds for each in self._closed),
            flops=self._flops + sum(each.flops for each in self._closed),
            trainings=self._count,
            of_traversals=True,
            measured=np.isin(np.arange(n), sorted(trained)),
            trials=Trials(
                counts[Kind.PILOT],
                counts[Kind.FULL],
                self._spent,
                not self._is_settled(belief),
                self._outlook(belief, draws),
            ),
        )

    def _level(self, belief: Belief) -> float:
        """Return what the model leaves open: the common level of scores, by full trainings if there are any."""
        for kind in Kind:
            off = [float(np.mean(v)) - belief.scores[cell] for (cell, of), v in self._values.items() if of is kind]
            if off:
                return float(np.mean(off))
        return 0.0

    def _outlook(self, belief: Belief, draws: Array) -> tuple[Outlook, ...]:
        """Return how likely more training would settle the choice, if trainings showed how long they take."""
        tied = standing(self._scores(belief), draws).tied
        if not self._count or tied.sum() < 2:
            return ()
        second = self._seconds / self._spent  # per unit of cost
        seconds = {kind: cost * second for kind, cost in self._cost.items()}
        seeds = len(self._task.seeds)
        return tuple(
            Outlook(60.0 * minutes, chance_to_settle(belief, seconds, 60.0 * minutes, self._left, seeds))
            for minutes in MINUTES
        )


def _filled(scores: Array) -> Array:
    """Return scores with the mean in place of those that are missing: nothing is known of them."""
    return np.where(np.isnan(scores), np.nanmean(scores), scores)


def forecast(task: Task, split: str) -> list[Training]:
    """Return as many pilot trainings as the budget allows."""
    setting, grid = task.setting(split), task.grid.collocations
    count = int(task.budget / task.budget_of(STEPS))
    return [trainings(setting, grid[n % len(grid)], [0])[0] for n in range(count)]


FORECAST = tuple(form for form, on in CLOSED if isinstance(form, ClosedForm) and on == TRAIN)
ESTIMATORS = (
    Adaptive(NAME, "closed forms, and pilot trainings where they matter", "", "weak", run, forecast, FORECAST),
)
