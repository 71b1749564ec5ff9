"""One selection: the grid, the labelled clips, and what an estimator says of every collocation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation, Grid
from seehear.selection.estimators.interface import ClosedForm, Estimator, Setting, Trained
from seehear.selection.evidence import Evidence, few_threads, pooled
from seehear.selection.ranking import draws_of
from seehear.selection.trainings import Bench, Outcome
from seehear.training.recipe import Recipe

Array = NDArray[np.float64]

MOST_CLIPS = 2000  # that closed forms look at: their time grows with the cube of it
HALVES = 32  # random halves of the clips that tell how sure a closed form is
DRAWS = 1000  # bootstrap samples of what trainings scored
TRAIN, VAL = "train", "val"  # the samples of every selection


@dataclass(frozen=True)
class Estimates:
    """What an estimator says of the n collocations of a grid, in its order.

    scores: (n,), higher is better, NaN where it failed. draws: (B, n), what the scores might as well have been, or
    None where that isn't known. values: per trained collocation (S, N) or (S,), what the scores are the means of.
    failures: collocation -> why. seconds: of one core. flops: of matrix products. split: name of the sample it was
    asked about. trainings: how many it needed. measured: (n,) bool, false where a score only says the order; None
    where all are scores. notes: what else it found out.
    """

    name: str
    split: str
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

    def estimate(self, estimator: Estimator, split: str) -> Estimates:
        """What the estimator says of every collocation. One that fails for a collocation goes on with the others.

        Raises SeehearError where it fails for all of them.
        """
        if isinstance(estimator, ClosedForm):
            found = self._closed_form(estimator, split)
        elif isinstance(estimator, Trained):
            found = self._trained(estimator, split)
        else:
            found = estimator.run(self, split)
        if np.isnan(found.scores).all():
            raise SeehearError(f"{estimator.name} failed for every collocation: {next(iter(found.failures.values()))}")
        return found

    def _closed_form(self, estimator: ClosedForm, split: str) -> Estimates:
        began = time.process_time()
        evidence = self.evidence(split)
        with few_threads(len(evidence)):
            scores, failures = self.each(lambda collocation: estimator.score(evidence, collocation))
            seconds, flops = time.process_time() - began, evidence.flops
            draws = self.halves(evidence, [estimator.score])[0]
        return Estimates(estimator.name, split, scores, around(scores, draws), failures, seconds, flops)

    def each(self, score: Callable[[Collocation], float]) -> tuple[Array, dict[str, str]]:
        """Scores of all collocations, (n,), and why some have none."""
        scores, failures = np.full(len(self.grid), np.nan), {}
        for n, collocation in enumerate(self.grid):
            try:
                scores[n] = score(collocation)
                if not np.isfinite(scores[n]):
                    raise SeehearError("its score is not finite")
            except (SeehearError, ArithmeticError, np.linalg.LinAlgError) as error:
                scores[n] = np.nan
                failures[str(collocation)] = str(error)
        return scores, failures

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

    def _trained(self, estimator: Trained, split: str) -> Estimates:
        setting = self.setting(split)
        plans, failures = [], {}
        for collocation in self.grid:
            try:
                plans.append(list(estimator.plan(setting, collocation)))
            except SeehearError as error:
                plans.append([])
                failures[str(collocation)] = str(error)
        outcomes = iter(self.bench.run([training for plan in plans for training in plan], estimator.name))
        values: list[Array] = []
        seconds = flops = 0.0
        for collocation, plan in zip(self.grid, plans, strict=True):
            done = [next(outcomes) for _ in plan]
            kept = [outcome for outcome in done if isinstance(outcome, Outcome)]
            seconds += sum(outcome.seconds for outcome in kept)
            flops += sum(outcome.flops for outcome in kept)
            errors = [outcome for outcome in done if isinstance(outcome, Exception)]
            try:
                if errors:
                    raise SeehearError(_said(errors[0]))
                values.append(estimator.read(kept) if kept else np.full(1, np.nan))
            except SeehearError as error:
                failures[str(collocation)] = str(error)
                values.append(np.full(1, np.nan))
        scores = np.array([value.mean() for value in values])
        draws = bootstrapped(values)
        number = sum(len(plan) for plan in plans)
        return Estimates(estimator.name, split, scores, draws, failures, seconds, flops, number, values)


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


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, SeehearError) else f"{type(error).__name__}: {error}"
