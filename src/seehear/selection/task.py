"""One selection: the grid, the labelled clips, what trainings are made of, and what an estimator has to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation, Grid
from seehear.selection.evidence import Evidence, pooled
from seehear.selection.ranking import draws_of
from seehear.selection.trainings import Bench, Sample
from seehear.training.recipe import Recipe

Array = NDArray[np.float64]

MOST_CLIPS = 2000  # that closed forms look at: their time grows with the cube of it
HALVES = 32  # random halves of the clips that tell how sure a closed form is
DRAWS = 1000  # bootstrap samples of what trainings scored
PERCENT = "score, %"  # the unit of what models score
TRAIN, VAL = "train", "val"  # the samples of every selection
# Said above all else of a selection that looked at them.
LEAKING = (
    "THIS CHOICE USED EVALUATION LABELS: the clips that chose are those that the paper reports on. "
    "Scores of the chosen collocation on these clips are not those of new ones"
)


@dataclass(frozen=True)
class Setting:
    """What trainings are made of. train: the sample to train on. watch: the one that chooses the epoch.

    scored: the sample on which an estimator is to say how good a collocation is.
    """

    recipe: Recipe
    seeds: tuple[int, ...]
    samples: Mapping[str, Sample]
    train: str
    watch: str
    scored: str

    def part(self, share: float) -> tuple[int, ...]:
        """A random share of the training clips, by number: the same for every collocation and seed."""
        count = len(self.samples[self.train])
        chosen = np.random.default_rng(0).permutation(count)[: max(1, round(share * count))]
        return tuple(sorted(chosen.tolist()))


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """What an estimator says of the n collocations of a grid, in its order.

    split: name of the sample it was asked about. scores: (n,), in `unit`, higher is better, NaN where it failed.
    draws: (B, n), what the scores might as well have been, or None where that isn't known. failures: collocation ->
    why. seconds: of one core. flops: of matrix products. trainings: how many it needed. values: per trained
    collocation (S, N) or (S,), what the scores are the means of. measured: (n,) bool, false where a score only says
    the order; None where all are scores. notes: what else it found out.
    """

    name: str
    split: str
    unit: str
    scores: Array
    draws: Array | None
    failures: Mapping[str, str]
    seconds: float
    flops: float
    trainings: int = 0
    values: Sequence[Array] | None = None
    measured: NDArray[np.bool_] | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Task:
    """grid: what to choose from. bench: where trainings are done, with the samples. budget: share of traversal's cost
    that an estimator which can choose may take.
    """

    grid: Grid
    bench: Bench
    recipe: Recipe
    seeds: tuple[int, ...]
    budget: float
    _pooled: dict[tuple[str, str], Array] = field(default_factory=dict, repr=False)

    def setting(self, scored: str) -> Setting:
        """For trainings that are to say how good collocations are on this sample."""
        samples = self.bench.samples
        return Setting(self.recipe, self.seeds, samples, TRAIN, VAL if VAL in samples else scored, scored)

    def budget_of(self, steps: int) -> float:
        """A training of so many steps as a share of traversal, in clips that pass through a model."""
        clips = len(self.bench.samples[TRAIN])
        return steps * self.recipe.batch / (len(self.grid) * len(self.seeds) * self.recipe.least_epochs * clips)

    def evidence(self, split: str) -> Evidence:
        """A fresh one, so that each estimator pays for its own matrices."""
        sample = self.bench.samples[split]
        chosen = np.arange(len(sample))
        if len(chosen) > MOST_CLIPS:
            chosen = np.sort(np.random.default_rng(0).permutation(len(sample))[:MOST_CLIPS])
        features = {}
        for network in self.grid.networks:
            if (network, split) not in self._pooled:
                self._pooled[network, split] = pooled(self.bench.packed(network, split).subset(chosen))
            features[network] = self._pooled[network, split]
        return Evidence.of(features, sample.labels[chosen].astype(np.float64))

    def halves(self, evidence: Evidence, scores: Sequence[Callable[[Evidence, Collocation], float]]) -> Array:
        """Scores on random halves of the clips, (functions, HALVES, n).

        A half drawn without replacement varies as much as a bootstrap sample does (Shao and Wu 1989), holds no clip
        twice, which out-of-fold scores must not see, and takes an eighth of the time. A half in which no class
        tells clips apart is passed over.
        """
        rng = np.random.default_rng(1)
        rows: list[list[Array]] = []
        for _ in range(HALVES):
            chosen = np.sort(rng.permutation(len(evidence))[: len(evidence) // 2])
            try:
                half = evidence.subset(chosen)
            except SeehearError:
                continue
            of_half = np.full((len(scores), len(self.grid)), np.nan)
            for n, collocation in enumerate(self.grid):  # one collocation at a time: its spectrum serves all scores
                for k, score in enumerate(scores):
                    try:
                        of_half[k, n] = score(half, collocation)
                    except (SeehearError, ArithmeticError, np.linalg.LinAlgError):
                        continue
            evidence.flops += half.flops
            rows.append(list(of_half))
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(scores), len(self.grid)).swapaxes(0, 1)


def around(scores: Array, draws: Array) -> Array | None:
    """Draws (B, n) moved so that their mean is the score: on half of the clips all score lower."""
    if not len(draws):
        return None
    there = np.isfinite(draws)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, draws, 0.0).sum(axis=0) / count
    return np.where(there, draws - mean + scores, scores)


def bootstrapped(values: Sequence[Array], new_seed: bool = False) -> Array:
    """Bootstrap means (DRAWS, n) over seeds and clips of values (S, N) or (S,) each; NaN where they are NaN."""
    there = [n for n, value in enumerate(values) if np.isfinite(value).all()]
    draws = np.full((DRAWS, len(values)), np.nan)
    if there:
        grids = [value if value.ndim == 2 else value[:, None] for value in (values[n] for n in there)]
        draws[:, there] = draws_of(grids, np.random.default_rng(0), DRAWS, new_seed=new_seed)
    return draws
