"""Which collocation to train next: where a training is expected to raise the best expected score most, for its cost.

The knowledge gradient of correlated beliefs (Frazier, Powell and Dayanik 2009): a training of one collocation also
says something about others that share a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from seehear.selection.belief import Belief
from seehear.selection.prior import Kind

Array = NDArray[np.float64]

NODES = 256  # quantiles of Student's t that stand for all of it
SETTLED = 0.95  # P(best) of the leader: the tied set holds it alone
MAX_TRAININGS = 64  # that are thought ahead
OUTCOMES, FEW_DRAWS = 100, 400  # of them, and traversals drawn after each


def knowledge_gradient(belief: Belief, kind: Kind, cells: Sequence[int]) -> Array:
    """Return by how many points one training of each of these cells is expected to raise their best score, (len,).

    The levels of the belief are taken as known: see `Belief.with_known_levels`.
    """
    n = len(belief)
    of = np.asarray(cells)  # a collocation that failed may lead the belief, but can't be chosen
    at = kind * n + of
    variance = belief.covariance[at, at] + belief.prior.seed_variance(kind)
    moves = belief.covariance[np.ix_(of, at)] / np.sqrt(variance)  # (len, len)
    best = np.zeros(len(of))
    for node in _nodes(belief.freedom):
        best += (belief.scores[of, None] + moves * node).max(axis=0) / NODES
    gained: Array = best - belief.scores[of].max()
    return gained


@cache
def _nodes(freedom: float) -> tuple[float, ...]:
    """Return quantiles of a standard Student's t in the middle of NODES equally probable parts."""
    return tuple(student.ppf((np.arange(NODES) + 0.5) / NODES, freedom).tolist())


def next_trainings(
    belief: Belief, cost: Mapping[Kind, float], affordable: float, count: int, left: Sequence[int]
) -> list[tuple[int, Kind]]:
    """Choose trainings one after another, each as if those before it had come out as expected.

    Args:
        belief: So far.
        cost: Of a training of each kind that may be chosen.
        affordable: What all may cost together.
        count: How many at most.
        left: Numbers of the collocations that may be trained.

    Returns:
        Collocation and kind of each; empty if nothing can be afforded.
    """
    belief = belief.with_known_levels()
    chosen: list[tuple[int, Kind]] = []
    while len(chosen) < count and left:
        kinds = [kind for kind, price in cost.items() if price <= affordable]
        if not kinds:
            break
        gains = {kind: knowledge_gradient(belief, kind, left) / cost[kind] for kind in kinds}
        kind = max(kinds, key=lambda kind: float(gains[kind].max()))
        cell = left[int(gains[kind].argmax())]
        chosen.append((cell, kind))
        affordable -= cost[kind]
        belief = belief.after([cell], [kind])
    return chosen


def chance_to_settle(
    belief: Belief, cost: Mapping[Kind, float], affordable: float, cells: Sequence[int], seeds: int
) -> float:
    """Return the probability that more training leaves one collocation with P(best) of at least SETTLED.

    Outcomes of the trainings that would be done are drawn from the belief itself.

    Args:
        belief: So far.
        cost: Of a training of each kind.
        affordable: What further trainings may cost together.
        cells: The collocations to choose from.
        seeds: Of a traversal.
    """
    chosen = next_trainings(belief, cost, affordable, MAX_TRAININGS, cells)
    if not chosen:
        return 0.0
    rng = np.random.default_rng(0)
    at, kinds = [cell for cell, _ in chosen], [kind for _, kind in chosen]
    entries = np.array([kind * len(belief) + cell for cell, kind in chosen])
    noise = np.diag([belief.prior.seed_variance(kind) for kind in kinds])
    root = np.linalg.cholesky(belief.covariance[np.ix_(entries, entries)] + noise)
    settled = 0
    for _ in range(OUTCOMES):
        spread = np.sqrt(belief.freedom / rng.chisquare(belief.freedom))
        outcome = belief.mean[entries] + spread * (root @ rng.standard_normal(len(entries)))
        draws = belief.after(at, kinds, outcome).traversals(seeds, FEW_DRAWS, rng)[:, cells]
        settled += int(np.bincount(draws.argmax(axis=1)).max() >= SETTLED * FEW_DRAWS)
    return settled / OUTCOMES
