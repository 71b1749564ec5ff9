"""One selection: the grid, the labelled clips, what trainings are made of, and an estimator's scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation, Grid
from seehear.selection.evidence import Evidence, pooled
from seehear.selection.ranking import draws_of
from seehear.selection.trainings import Bench
from seehear.training.recipe import Recipe

Array = NDArray[np.float64]

MAX_CLIPS = 2000  # that closed forms look at: their time grows with the cube of it
HALVES = 32  # random halves of the clips that show how certain a closed form is
DRAWS = 1000  # bootstrap samples of the scores of trainings
PERCENT = "score, %"  # the unit of models' scores
TRAIN, VAL, TEST = "train", "val", "test"  # the splits of a selection; test is there when it is judged


@dataclass(frozen=True)
class Setting:
    """What trainings are made of.

    Attributes:
        recipe: Every setting of model and training.
        seeds: Of full trainings.
        counts: split -> number of clips.
        train: The split to train on.
        watch: The split that chooses the epoch.
        scored: The split on which an estimator scores collocations.
    """

    recipe: Recipe
    seeds: tuple[int, ...]
    counts: Mapping[str, int]
    train: str
    watch: str
    scored: str

    def count(self, split: str) -> int:
        """Return the number of clips of a split."""
        return self.counts[split]

    def part(self, share: float) -> tuple[int, ...]:
        """Return a random share of the training clips, by number: the same for every collocation and seed."""
        count = self.count(self.train)
        chosen = np.random.default_rng(0).permutation(count)[: max(1, round(share * count))]
        return tuple(sorted(chosen.tolist()))


@dataclass(frozen=True)
class Outlook:
    """What more training would bring.

    Attributes:
        seconds: Of one core.
        probability: That one collocation then has a P(best) of at least .95.
    """

    seconds: float
    probability: float


@dataclass(frozen=True)
class Trials:
    """What a selection by pilot trainings tried, by names of collocations.

    Attributes:
        pilots: Pilot trainings of each collocation that had any.
        full: Full trainings likewise.
        spent: Share of traversal's cost.
        cheapest: Share of traversal's cost of the cheapest training.
        worthwhile: Whether one more training is expected to gain enough to be worth its time.
        outlook: What more training would bring, of some times; empty if the choice is settled.
    """

    pilots: Mapping[str, int]
    full: Mapping[str, int]
    spent: float
    cheapest: float
    worthwhile: bool = True
    outlook: tuple[Outlook, ...] = ()

    @property
    def trainings(self) -> Mapping[str, int]:
        """All trainings of each collocation that had any."""
        names = {**self.pilots, **self.full}
        return {name: self.pilots.get(name, 0) + self.full.get(name, 0) for name in names}


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """An estimator's scores of the n collocations of a grid, in its order.

    Attributes:
        name: Of the estimator.
        split: Of the clips that it looked at.
        unit: Of the scores.
        scores: (n,), higher is better, NaN if it failed.
        draws: (B, n), bootstrap replicates of the scores; None if they are not known.
        failures: collocation -> why it has no score.
        seconds: Of one core.
        flops: Of matrix products.
        trainings: How many it needed.
        values: Per trained collocation (S, N) or (S,), of which the scores are means.
        measured: (n,) bool, false where a score only gives the order; None if all are measured.
        of_traversals: Whether a draw stands for a traversal, rather than for another sample of the clips.
        trials: What was tried, by selection with pilot trainings.
        interval: (2, n), ends of the 95 % intervals of estimates that were read from a file.
        seed_means: Per trained collocation the mean score of each seed, of estimates that were read from a file.
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
    of_traversals: bool = False
    trials: Trials | None = None
    interval: Array | None = None
    seed_means: Sequence[Array] | None = None

    @property
    def label(self) -> str:
        """The estimator with the clips that it looked at: ridge@train."""
        return f"{self.name}@{self.split}"

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Collocations without a score, (n,)."""
        return np.isnan(self.scores)

    def measurements(self) -> tuple[Array, Array, Array]:
        """Return scores and the ends of their 95 % intervals, (n,) each; NaN if nothing was measured."""
        shown = np.isfinite(self.scores)
        if self.measured is not None:
            shown &= self.measured
        ends = np.full((2, len(shown)), np.nan)
        if self.draws is not None and shown.any():
            ends[:, shown] = np.nanquantile(self.draws[:, shown], [0.025, 0.975], axis=0)
            if self.unit == PERCENT:  # a belief does not know that there is no score above 100
                ends = ends.clip(0, 100)
        elif self.interval is not None:
            ends = self.interval
        scores = self.scores.clip(0, 100) if self.unit == PERCENT else self.scores
        return np.where(shown, scores, np.nan), ends[0], ends[1]

    def means_of_seeds(self) -> list[Array]:
        """Return the mean score of each seed, per trained collocation; empty if nothing was trained."""
        if self.values is not None:
            return [np.atleast_2d(value).mean(axis=1) for value in self.values]
        return list(self.seed_means or [])


@dataclass
class Task:
    """The question of a selection: what to choose from, and by which clips and trainings.

    Attributes:
        grid: What to choose from.
        bench: Where trainings are done, with the data sets.
        recipe: Of full trainings.
        seeds: Of full trainings.
        budget: Share of traversal's cost that an estimator may take which decides how much to train.
        together: Up to so many networks may feed a modality together.
        leaks: Whether the clips that choose are those that will be reported on.
        missing: Labelled clips that were left out.
        notes: What a user should know of clips and networks.
    """

    grid: Grid
    bench: Bench
    recipe: Recipe
    seeds: tuple[int, ...]
    budget: float
    together: int = 1
    leaks: bool = False
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    _pooled: dict[tuple[str, str], Array] = field(default_factory=dict, repr=False)

    @property
    def scored(self) -> str:
        """The split on which a selection scores collocations."""
        return VAL if VAL in self.bench.datasets else TRAIN

    @property
    def candidates(self) -> dict[str, list[str]]:
        """Return modality -> networks to choose from."""
        return self.bench.datasets[TRAIN].collocation

    @property
    def out(self) -> Path | None:
        """The folder in which trainings are kept."""
        return self.bench.out

    def setting(self, scored: str) -> Setting:
        """Return what trainings are made of that score collocations on this split."""
        counts = {name: len(dataset) for name, dataset in self.bench.datasets.items()}
        return Setting(self.recipe, self.seeds, counts, TRAIN, VAL if VAL in counts else scored, scored)

    def budget_of(self, steps: int) -> float:
        """Return the cost of so many steps as a share of traversal's, in clips that pass through a model."""
        clips = len(self.bench.datasets[TRAIN])
        return steps * self.recipe.batch / (len(self.grid) * len(self.seeds) * self.recipe.least_epochs * clips)

    def evidence(self, split: str) -> Evidence:
        """Return new evidence of a split, so that each estimator is charged for its own matrices."""
        dataset = self.bench.datasets[split]
        chosen = np.arange(len(dataset))
        if len(chosen) > MAX_CLIPS:
            chosen = np.sort(np.random.default_rng(0).permutation(len(dataset))[:MAX_CLIPS])
        features = {}
        for network in self.grid.networks:
            if (network, split) not in self._pooled:
                self._pooled[network, split] = pooled(self.bench.packed(network, split).subset(chosen))
            features[network] = self._pooled[network, split]
        return Evidence.of(features, dataset.labels[chosen].astype(np.float64))

    def halves(self, evidence: Evidence, scores: Sequence[Callable[[Evidence, Collocation], float]]) -> Array:
        """Score random halves of the clips.

        A half drawn without replacement varies as much as a bootstrap sample does (Shao and Wu 1989), and takes an
        eighth of the time. It holds no clip twice, which would spoil out-of-fold scores. A half in which no class is
        informative is left out.

        Returns:
            (functions, HALVES, n).
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
    """Shift draws (B, n) so that their mean is the score: on half of the clips all score lower."""
    if not len(draws):
        return None
    known = np.isfinite(draws)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, draws, 0.0).sum(axis=0) / count
    return np.where(known, draws - mean + scores, scores)


def bootstrapped(values: Sequence[Array], new_seed: bool = False) -> Array:
    """Draw bootstrap means (DRAWS, n) over seeds and clips of values (S, N) or (S,) each; NaN where they are NaN."""
    known = [n for n, value in enumerate(values) if np.isfinite(value).all()]
    draws = np.full((DRAWS, len(values)), np.nan)
    if known:
        grids = [value if value.ndim == 2 else value[:, None] for value in (values[n] for n in known)]
        draws[:, known] = draws_of(grids, np.random.default_rng(0), DRAWS, new_seed=new_seed)
    return draws
