"""Asking an estimator about every collocation of a task."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import ClosedForm, Estimator, Trained
from seehear.selection.evidence import few_threads
from seehear.selection.task import Array, Estimates, Task, around, bootstrapped
from seehear.selection.trainings import Outcome


def estimate(task: Task, estimator: Estimator, split: str) -> Estimates:
    """What the estimator says of every collocation. One that fails for a collocation goes on with the others.

    Raises SeehearError where it fails for all of them.
    """
    if isinstance(estimator, ClosedForm):
        found = _closed_form(task, estimator, split)
    elif isinstance(estimator, Trained):
        found = _trained(task, estimator, split)
    else:
        found = estimator.run(task, split)
    if np.isnan(found.scores).all():
        raise SeehearError(f"{estimator.name} failed for every collocation: {next(iter(found.failures.values()))}")
    return found


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
    """Scores of all collocations, (n,), and why some have none."""
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


def _trained(task: Task, estimator: Trained, split: str) -> Estimates:
    setting = task.setting(split)
    plans, failures = [], {}
    for collocation in task.grid:
        try:
            plans.append(list(estimator.plan(setting, collocation)))
        except SeehearError as error:
            plans.append([])
            failures[str(collocation)] = str(error)
    outcomes = iter(task.bench.run([training for plan in plans for training in plan], estimator.name))
    values: list[Array] = []
    seconds = flops = 0.0
    for collocation, plan in zip(task.grid, plans, strict=True):
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
    return Estimates(
        name=estimator.name,
        split=split,
        unit=estimator.unit,
        scores=scores,
        draws=bootstrapped(values),
        failures=failures,
        seconds=seconds,
        flops=flops,
        trainings=sum(len(plan) for plan in plans),
        values=values,
    )


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, SeehearError) else f"{type(error).__name__}: {error}"
