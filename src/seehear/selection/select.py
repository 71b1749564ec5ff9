"""Choose networks: the collocation that suits given clips best, and those tied with it.

selection = select(train, val, by="ridge")
parser = Parser().fit(train.with_networks(selection.best))
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seehear import arguments
from seehear.engines.choose import LOCAL
from seehear.engines.interface import Engine
from seehear.errors import SeehearError
from seehear.progress import say
from seehear.selection.certainty import possible_traversals
from seehear.selection.effects import Effects, effects
from seehear.selection.estimate import estimate
from seehear.selection.estimators import DEFAULT, PAPER, PAPER_WITHOUT_TRUTH, TRAVERSAL, EstimatorOn, find, ridge
from seehear.selection.estimators.interface import ClosedForm, Separate
from seehear.selection.plan import Plan, forecast
from seehear.selection.prepare import Networks, Protocol, prepare
from seehear.selection.ranking import standing
from seehear.selection.result import Selection, Settings
from seehear.selection.task import TRAIN, Array, Estimates, Task
from seehear.selection.trainings import Part
from seehear.training.recipe import DEFAULT_RECIPE, Recipe

if TYPE_CHECKING:
    from seehear.data import Dataset

BUDGET = 0.015  # share of traversal's cost


def select(
    train: Dataset,
    val: Dataset | None = None,
    *,
    networks: Networks | None = None,
    by: str | Sequence[str] | None = None,
    recipe: str | Path | Recipe = DEFAULT_RECIPE,
    set: Mapping[str, Any] | Sequence[str] = (),
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    budget: float = BUDGET,
    together: int = 1,
    out: str | Path | None = None,
    engine: str | Engine = LOCAL,
    workers: int | None = None,
    gpus: float = 0.0,
    device: str = "auto",
    protocol: Protocol = "honest",
    progress: bool = True,
    **settings: Any,
) -> Selection:
    """Find the networks, one per modality, that suit the clips best together.

    Closed forms look at features and labels alone and take seconds. Selection by pilots, the default, begins with them
    and spends its budget on the trainings that are expected to gain most. P(best) is the probability that a traversal
    would put a collocation first. It counts how far estimates were off on grids that were trained in full.

    Args:
        train: Labelled clips with features of the candidate networks.
        val: Clips that trainings are scored on: by their ground truth if it is known, else by their labels. By
            default a fifth of the training clips, which are then not trained on.
        networks: modality -> networks to choose from, of the same store or arrays; by default those of `train`.
        by: One or more estimators, see `estimators.find`. The first one ranks the collocations. By default
            `pilots`; with the protocol `paper` the paper's upper bound.
        recipe: What full trainings are like: a name from `list_recipes`, a TOML file, or a Recipe.
        set: Settings on top of the recipe: a mapping, or KEY=VALUE texts.
        seeds: Of trainings by traversal and the upper bound.
        budget: Share of traversal's cost that pilot trainings may take.
        together: Up to so many networks may feed a modality together.
        out: Folder in which every finished training is kept, so that the same call resumes; by default in memory.
        engine: Where trainings are done: local, ray, ray://HOST:PORT, or an Engine.
        workers: Processes that train at once, one thread each; on this machine by default one in memory, one per core
            with a folder.
        gpus: GPUs of each process of a cluster, which may be a fraction.
        device: auto, cpu or cuda.
        protocol: `paper` trains every collocation on the clips of `train` and scores it there, as Wu et al. did with
            their evaluation clips.
        progress: Show forecast, progress and time left.
        **settings: More settings on top of the recipe, such as `epochs=20`.

    Raises:
        SeehearError: Arguments or data sets do not fit together, or the first estimator fails for every collocation.
    """
    task, chosen = _task_of(
        train,
        val,
        by,
        networks=networks,
        together=together,
        recipe=recipe,
        settings={**arguments.settings(set), **settings},
        seeds=seeds,
        budget=budget,
        out=out,
        engine=engine,
        workers=workers,
        gpus=gpus,
        device=device,
        protocol=protocol,
        progress=progress,
    )
    return select_task(task, chosen)


def plan_selection(
    train: Dataset, val: Dataset | None = None, *, by: str | Sequence[str] | None = None, **options: Any
) -> Plan:
    """Forecast what `select` will cost, from a few steps of training; nothing is kept.

    Args:
        train: As for `select`.
        val: As for `select`.
        by: As for `select`.
        **options: All other arguments of `select`.

    Raises:
        SeehearError: As `select` does.
    """
    known = {key: options.pop(key) for key in [*options] if key in inspect.signature(select).parameters}
    settings = {**arguments.settings(known.pop("set", ())), **options}
    return forecast(*_task_of(train, val, by, **{"budget": BUDGET, **known, "settings": settings}))


def _task_of(
    train: Dataset, val: Dataset | None, by: str | Sequence[str] | None, **options: Any
) -> tuple[Task, list[EstimatorOn]]:
    task = prepare(train, val, **options)
    if by is None:
        paper = PAPER if task.bench.datasets[TRAIN].truth is not None else PAPER_WITHOUT_TRUTH
        by = paper if task.leaks else DEFAULT
    chosen = find(by)
    if not chosen:
        raise SeehearError("name at least one estimator to select by, such as pilots or ridge")
    return task, [(estimator, TRAIN) for estimator, _ in chosen] if task.leaks else chosen


def select_task(task: Task, estimators: Sequence[EstimatorOn]) -> Selection:
    """Select by a task that is prepared; the first estimator ranks the collocations."""
    trains = any(not isinstance(estimator, ClosedForm | Separate) for estimator, _ in estimators)
    plan = forecast(task, estimators) if trains or task.out is not None else None
    if plan is not None and task.bench.progress:
        say(plan.text())
    results, failed = _estimate_all(task, estimators)
    first = results[0]
    of_choices, effects_of = _effects(task, results)
    draws, doubt = _draws(task, first)
    return Selection(
        grid=task.grid,
        standing=standing(first.scores, draws),
        estimates=tuple(results),
        effects=of_choices,
        effects_of=effects_of,
        traversal_seconds=plan.traversal.seconds if plan is not None else None,
        metric=task.bench.metric(task.scored),
        signature=f"{task.bench.signature(Part(task.scored), task.recipe.decode)}|selection:{first.label}|"
        f"budget{task.budget:g}|trainings{first.trainings}",
        settings=Settings.of(task),
        missing=task.missing,
        notes=(*task.notes, *_choice_notes(task), *doubt),
        failed=failed,
        task=task,
    )


def _draws(task: Task, first: Estimates) -> tuple[Array, list[str]]:
    """Return draws (B, n) of what the first estimator predicts, and a note if its own error is not known."""
    draws = possible_traversals(task, first)
    if draws is not None:
        return draws, []
    note = (
        f"how far {first.label} is off on grids like this one was never measured: ranks and P(best) count the sampling "
        "of clips and seeds alone, and are too certain"
    )
    return (first.draws if first.draws is not None else first.scores[None]), [note]


def _choice_notes(task: Task) -> list[str]:
    """Return a note if there is little to choose from."""
    fixed = [modality for modality, options in task.grid.options.items() if len(options) == 1]
    if len(task.grid) == 1:
        return [f"one network per modality: there is nothing to select ({task.grid.collocations[0]})"]
    return [f"only one network for {' and '.join(fixed)}: only the others are selected"] if fixed else []


def _estimate_all(task: Task, estimators: Sequence[EstimatorOn]) -> tuple[list[Estimates], dict[str, str]]:
    """Return the estimates, and why others failed. Raises SeehearError if the first fails."""
    results: list[Estimates] = []
    failed: dict[str, str] = {}
    for estimator, split in estimators:
        try:
            results.append(estimate(task, estimator, split))
        except SeehearError as error:
            if not results:
                raise
            failed[f"{estimator.name}@{split}"] = str(error)
    return results, failed


def _effects(task: Task, results: Sequence[Estimates]) -> tuple[Effects | None, str]:
    """Return the effects by the first estimator that scores every collocation in its own unit rather than ranks."""
    if not task.grid.has_pairs:
        return None, ""
    trained = [each for each in results if each.name == TRAVERSAL.name and each.values]
    if trained and not trained[0].failed.any():
        return effects(np.stack(list(trained[0].values or [])), task.grid.shape), trained[0].name
    closed = next((each for each in results if each.name == ridge.ESTIMATORS[0].name), None)
    if closed is None:
        with suppress(SeehearError):  # what ridge cannot see, other estimators may
            closed = estimate(task, ridge.ESTIMATORS[0], TRAIN)
    if closed is None or closed.failed.any():
        return None, ""
    return effects(closed.scores[:, None], task.grid.shape, closed.draws), closed.name
