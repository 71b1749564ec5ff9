"""Small selections: every subset of a sample's networks is a grid of its own, of which the best is known."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.selection.allocation import next_trainings
from seehear.selection.belief import Belief
from seehear.selection.learning import TraversedGrid
from seehear.selection.prior import Kind, Prior, clip_deviation
from seehear.selection.race import Race
from seehear.selection.ranking import seed_deviation, standing
from study.tables import Table

Array = NDArray[np.float64]

SEEDS = 5  # of the traversal that a budget is a share of
SINGLE = "unimodal@train"  # the best single networks


@dataclass(frozen=True)
class Answer:
    """What a selector said of a grid, and what is true.

    Attributes:
        sample: Number of the sample.
        p_best: (n,).
        tied: (n,) bool.
        regret: Points lost by its choice.
        best: Number of the best.
        trainings: How many it needed.
        seconds: What it took, as a share of a traversal.
    """

    sample: int
    p_best: Array
    tied: NDArray[np.bool_]
    regret: float
    best: int
    trainings: int
    seconds: float


def grids(table: Table) -> Iterator[Table]:
    """Yield the grid of every subset of the networks with at least two per modality."""
    cells = np.arange(len(table.truth)).reshape(table.shape)
    per_modality = [
        [chosen for size in range(2, count + 1) for chosen in itertools.combinations(range(count), size)]
        for count in table.shape
    ]
    for chosen in itertools.product(*per_modality):
        part = cells[np.ix_(*chosen)]
        yield table.of(part.ravel(), part.shape)


def traversed(table: Table, metric: str = "") -> TraversedGrid:
    """Return a grid as `learn` takes it. metric: "" or ", label F1"."""
    full = table[f"traversal{metric}"]  # (n, S, N)
    pilots = table.values.get(f"pilot{metric}")
    closed = {name: values for name, values in table.values.items() if "@" in name and "seconds" not in name}
    return TraversedGrid(
        table.shape,
        closed,
        full.mean(axis=(1, 2)),
        full.shape[1],
        full.shape[2],
        None if pilots is None else pilots.mean(axis=(1, 2)),
        1 if pilots is None else pilots.shape[1],
        1 if pilots is None else pilots.shape[2],
        seed_deviation(full) if full.shape[1] > 1 else np.nan,
        np.nan if pilots is None else seed_deviation(pilots),
        clip_deviation(full.mean(axis=1)),
    )


def answer(sample: int, grid: Table, prior: Prior, closed: Sequence[str], budget: float) -> Answer:
    """Select on a grid, its trainings being looked up. Each collocation can be trained in full once."""
    clips, seeds = grid["traversal"].shape[2], grid["traversal"].shape[1]
    n = len(grid.truth)
    race = Race(grid.shape, {name: grid[name] for name in closed}, prior, {Kind.FULL: 1 / (n * SEEDS)}, seeds, clips)
    tried: set[int] = set()
    belief = race.belief()
    while True:
        left = [cell for cell in race.in_question(race.standing(belief)) if cell not in tried]
        chosen = next_trainings(belief, race.cost, budget - race.spent, 1, left)
        if not chosen:
            break
        ((cell, kind),) = chosen
        race.values[cell, kind] = [grid["full"][cell, 0]]
        race.spent += race.cost[kind]
        tried.add(cell)
        belief = race.belief()
    closed_seconds = sum(float(grid[f"{name} seconds"].sum()) for name in closed)
    trained = sum(float(grid["full seconds"][cell, 0]) for cell, _ in race.values)
    traversal = SEEDS * float(grid["traversal seconds"].mean(axis=1).sum())
    share = (closed_seconds + trained) / traversal
    return judged(sample, grid, belief, race.draws(belief), len(race.values), share)


def judged(sample: int, grid: Table, belief: Belief, draws: Array, trainings: int, seconds: float) -> Answer:
    """Return what was believed beside what is true."""
    found, truth = standing(belief.scores, draws), grid.truth
    chosen, best = int(belief.scores.argmax()), int(truth.argmax())
    return Answer(sample, found.p_best, found.tied, float(truth.max() - truth[chosen]), best, trainings, seconds)


def regret_of(grid: Table, name: str) -> float:
    """Return the points that the choice of an estimator loses."""
    return float(grid.truth.max() - grid.truth[int(np.nanargmax(grid[name]))])


def regret_of_chance(grid: Table) -> float:
    """Return the points that a random choice loses on average."""
    return float(grid.truth.max() - grid.truth.mean())
