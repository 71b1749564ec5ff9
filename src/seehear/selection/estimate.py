"""Run an estimator on every collocation of a task."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation, Option
from seehear.selection.estimators.interface import ClosedForm, Estimator, Separate, Trained
from seehear.selection.estimators.traversal import ESTIMATORS as TRAVERSALS
from seehear.selection.evidence import few_threads
from seehear.selection.task import Array, Estimates, Task, around, bootstrapped
from seehear.selection.trainings import Outcome


def estimate(task: Task, estimator: Estimator, split: str) -> Estimates:
    """Score every collocation. A failure for one collocation does not stop the others.

    Args:
        task: The grid, and clips and trainings to score it by.
        estimator: What to run.
        split: The clips that it looks at.

    Raises:
        SeehearError: It fails for all collocations.
    """
    if isinstance(estimator, ClosedForm):
        result = _closed_form(task, estimator, split)
    elif isinstance(estimator, Separate):
        result = _separate(task, estimator, split)
    elif isinstance(estimator, Trained):
        result = _trained(task, estimator, split)
    else:
        result = estimator.run(task, split)
    if result.failed.all():
        raise SeehearError(f"{estimator.name} failed for every collocation: {next(iter(result.failures.values()))}")
    return result


def _closed_form(task: Task, estimator: ClosedForm, split: str) -> Estimates:
    began = time.process_time()
    evidence = task.evidence(split)
    with few_threads(len(evidence)):
        scores, failures = _each(task, lambda collocation: estimator.score(evidence, collocation))
        seconds, flops = time.process_time() - began, evidence.flops
        draws = task.halves(evidence, [estimator.score])[0]
    return Estimates(
        name=estimator.name,
        split=split,
        unit=estimator.name,
        scores=scores,
        draws=around(scores, draws),
        failures=failures,
        seconds=seconds,
        flops=flops,
    )


def _each(task: Task, score: Callable[[Collocation], float]) -> tuple[Array, dict[str, str]]:
    """Return the scores of all collocations, (n,), and why some have none."""
    scores, failures = np.full(len(task.grid), np.nan), {}
    for n, collocation in enumerate(task.grid):
        try:
            scores[n] = score(collocation)
            if not np.isfinite(scores[n]):
                raise SeehearError("its score is not finite")
        except (SeehearError, ArithmeticError, np.linalg.LinAlgError) as error:
            scores[n] = np.nan
            failures[str(collocation)] = str(error)
    return scores, failures


def _separate(task: Task, estimator: Separate, split: str) -> Estimates:
    began = time.process_time()
    looks: dict[tuple[str, Option], Any] = {}
    values: dict[Collocation, Array] = {}

    def score(collocation: Collocation) -> float:
        seen = [looks[choice] for choice in collocation.options]
        for each in seen:
            if isinstance(each, Exception):
                raise each
        values[collocation] = estimator.score(task, split, seen)
        return float(values[collocation].mean())

    with few_threads(0):
        for modality, options in task.grid.options.items():
            for option in options:
                try:
                    looks[modality, option] = estimator.look(task, split, Collocation(((modality, option),)))
                except (SeehearError, ArithmeticError, np.linalg.LinAlgError) as error:
                    looks[modality, option] = error
        scores, failures = _each(task, score)
    known = [values[c][None] if str(c) not in failures else np.full(1, np.nan) for c in task.grid]  # (1, N) each
    clips = all(value.shape[1] > 1 for value in known if value.ndim == 2)
    return Estimates(
        name=estimator.name,
        split=split,
        unit=estimator.unit or estimator.name,
        scores=scores,
        draws=bootstrapped(known) if clips else None,
        failures=failures,
        seconds=time.process_time() - began,
        flops=0.0,
    )


def _trained(task: Task, estimator: Trained, split: str) -> Estimates:
    setting = task.setting(split)
    plans = [list(estimator.plan(setting, collocation)) for collocation in task.grid]
    outcomes = iter(task.bench.run([training for plan in plans for training in plan], estimator.name))
    values: list[Array] = []
    failures: dict[str, str] = {}
    seconds = flops = 0.0
    for collocation, plan in zip(task.grid, plans, strict=True):
        done = [next(outcomes) for _ in plan]
        kept = [outcome for outcome in done if isinstance(outcome, Outcome)]
        seconds += sum(outcome.seconds for outcome in kept)
        flops += sum(outcome.flops for outcome in kept)
        try:
            values.append(_read(estimator, kept, [each for each in done if isinstance(each, Exception)]))
        except SeehearError as error:
            failures[str(collocation)] = str(error)
            values.append(np.full(1, np.nan))
    return Estimates(
        name=estimator.name,
        split=split,
        unit=estimator.unit,
        scores=np.array([value.mean() for value in values]),
        draws=bootstrapped(values),
        failures=failures,
        seconds=seconds,
        flops=flops,
        trainings=sum(len(plan) for plan in plans),
        of_traversals=estimator in TRAVERSALS,
        values=values,
    )


def _read(estimator: Trained, outcomes: Sequence[Outcome], errors: Sequence[Exception]) -> Array:
    """Return what the estimator reads from the outcomes. Raises SeehearError if a training failed."""
    for error in errors:
        raise error if isinstance(error, SeehearError) else SeehearError(f"{type(error).__name__}: {error}")
    return estimator.read(outcomes)
