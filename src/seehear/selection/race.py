"""Trainings one batch after another, each where what is believed so far has most to gain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seehear.selection.allocation import chance_to_settle, knowledge_gradient, next_trainings
from seehear.selection.belief import Belief, Observation
from seehear.selection.prior import Kind, Prior, clip_deviation
from seehear.selection.ranking import Standing, standing
from seehear.selection.task import DRAWS, Outlook

Array = NDArray[np.float64]
Chosen = Sequence[tuple[int, Kind]]  # collocations by number, and what each is to be trained as

AT_ONCE = 4  # trainings chosen together, whatever the number of cores, so that the answer does not depend on it
LEAST_GAIN = 0.001  # points: below it, a training is not worth its time
SURE = 0.99  # P(best) at which to stop
SHARES = (0.05, 0.2, 1.0)  # of a traversal: further training of which an outlook is given


@dataclass
class Race:
    """Trainings of the collocations of a grid, as far as a budget goes.

    Attributes:
        shape: Options per modality.
        closed: Closed form, with its split -> scores (n,), NaN if they failed.
        prior: Of grids like this one.
        cost: Of a training of each kind that may be done, as a share of a traversal.
        seeds: Of a traversal.
        clips: How many are scored.
        left: Numbers of the collocations that have not failed.
        values: Collocation and kind -> the score of each clip, per training.
        spent: Cost so far.
    """

    shape: tuple[int, ...]
    closed: Mapping[str, Array]
    prior: Prior
    cost: Mapping[Kind, float]
    seeds: int
    clips: int
    left: list[int] = field(init=False)
    values: dict[tuple[int, Kind], list[Array]] = field(default_factory=dict)
    spent: float = 0.0

    def __post_init__(self) -> None:
        """Leave out collocations without closed forms."""
        self.left = np.flatnonzero(np.isfinite(np.stack(list(self.closed.values()))).all(axis=0)).tolist()

    def run(self, budget: float, train: Callable[[Chosen], Sequence[Array | None]]) -> None:
        """Train until the budget is spent, one collocation is left, or nothing is to gain.

        Args:
            budget: What all trainings may cost together.
            train: Does some trainings, and returns the scores of their clips (N,), per cent; None if one failed.
        """
        while len(self.left) > 1:
            belief = self.belief()
            chosen = next_trainings(belief, self.cost, budget - self.spent, AT_ONCE, self.worth_training(belief))
            if not chosen:
                return
            for (cell, kind), value in zip(chosen, train(chosen), strict=True):
                self.spent += self.cost[kind]
                if value is not None:
                    self.values.setdefault((cell, kind), []).append(value)
                elif cell in self.left:
                    self.left.remove(cell)

    def belief(self) -> Belief:
        """Return the belief after all trainings so far."""
        seen = [
            Observation(cell, kind, float(np.mean(values)), len(values)) for (cell, kind), values in self.values.items()
        ]
        return Belief.of(self.shape, self.closed, self.prior, seen, self._clip_variance(), self.clips)

    def _clip_variance(self) -> float | None:
        """Return the variance of a clip's score in its differences between collocations, if several were trained."""
        for kind in Kind:
            means = [np.mean(values, axis=0) for (_, of), values in self.values.items() if of is kind]
            if len(means) > 1 and self.clips > 1:
                return clip_deviation(np.stack(means)) ** 2
        return None

    def draws(self, belief: Belief) -> Array:
        """Return draws of traversals, (DRAWS, n); NaN for collocations that failed."""
        draws = belief.traversals(self.seeds, DRAWS, np.random.default_rng(0))
        draws[:, np.isnan(self.scores(belief))] = np.nan
        return draws

    def scores(self, belief: Belief) -> Array:
        """Return the expected scores, (n,), up to a common level; NaN for collocations that failed."""
        return np.where(np.isin(np.arange(len(belief)), self.left), belief.scores, np.nan)

    def standing(self, belief: Belief) -> Standing:
        """Return ranks and P(best) in traversals."""
        return standing(self.scores(belief), self.draws(belief))

    def in_question(self, found: Standing) -> list[int]:
        """Return the numbers of the tied set: a training of any other would hardly change the choice."""
        return [cell for cell in self.left if found.tied[cell]]

    def worth_training(self, belief: Belief) -> list[int]:
        """Return those in question; none if one is all but certain, or no training promises to gain anything."""
        found = self.standing(belief)
        if found.p_best.max() >= SURE:
            return []
        known, cells = belief.with_known_levels(), self.in_question(found)
        gains = [knowledge_gradient(known, kind, cells).max() for kind in self.cost]
        return cells if max(gains) >= LEAST_GAIN else []

    def level(self, belief: Belief) -> float:
        """Return the common level of scores, which a belief leaves open: that of full trainings if there are any."""
        for kind in Kind:
            off = [np.mean(values) - belief.scores[cell] for (cell, of), values in self.values.items() if of is kind]
            if off:
                return float(np.mean(off))
        return 0.0

    def outlook(self, belief: Belief, seconds: float) -> tuple[Outlook, ...]:
        """Return how likely more training would settle the choice; empty if it is settled, or nothing was trained.

        Args:
            belief: After all trainings.
            seconds: What these took.
        """
        cells = self.in_question(self.standing(belief))
        if not self.spent or len(cells) < 2:
            return ()
        chances = [chance_to_settle(belief, self.cost, share, cells, self.seeds) for share in SHARES]
        # More training never makes it less likely: what looks so is chance.
        likely = np.maximum.accumulate(chances).tolist()
        whole = seconds / self.spent
        return tuple(Outlook(share * whole, each) for share, each in zip(SHARES, likely, strict=True))

    @property
    def cheapest(self) -> float:
        """The cost of the cheapest training."""
        return min(self.cost.values())
