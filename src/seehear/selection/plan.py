"""What a selection will cost, forecast before it runs: Eq. 1 of Wu et al., from times measured on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from seehear.errors import SeehearError
from seehear.results import Result
from seehear.selection.collocation import Collocation
from seehear.selection.estimators import TRAVERSAL, EstimatorOn
from seehear.selection.estimators.interface import Adaptive, ClosedForm, Estimator, Separate, Trained
from seehear.selection.evidence import Array, Evidence, few_threads
from seehear.selection.flops import step_flops
from seehear.selection.task import HALVES, MAX_CLIPS, TRAIN, Task
from seehear.selection.trainings import Bench, Part, Training
from seehear.training.fit import one_thread
from seehear.training.validation import validate

WORKER = 450 << 20  # bytes of a process that has imported torch and trained a small model; 430 MB were measured
PARENT = 650 << 20  # bytes of the process that gathers the outcomes; 610 MB were measured
TIMED_STEPS = 12
HALF_COST = 0.25  # of the time that a closed form takes on all clips


@dataclass(frozen=True)
class Forecast:
    """The forecast cost of an estimator.

    Attributes:
        name: Of the estimator, with its split.
        also: Other estimators that are read from the same trainings.
        trainings: How many.
        seconds: At least and at most, of one core.
        flops: Of matrix products, at most.
        ratio: Of seconds to traversal's, both at most.
        adaptive: Whether the estimator decides how much to train, so that it may cost less.
    """

    name: str
    also: tuple[str, ...]
    trainings: int
    seconds: tuple[float, float]
    flops: float
    ratio: float
    adaptive: bool = False


@dataclass(frozen=True, repr=False)
class Plan(Result):
    """The forecast cost of a selection.

    Attributes:
        collocations: In the grid.
        seeds: Of full trainings.
        workers: Processes that train at once.
        t0: Seconds of one training (at least and at most), of the collocation of median width.
        t1: Seconds of scoring its model.
        traversal: Of all collocations.
        estimators: Of each that will run.
        memory: Bytes at most.
    """

    collocations: int
    seeds: int
    workers: int
    t0: tuple[float, float]
    t1: float
    traversal: Forecast
    estimators: tuple[Forecast, ...]
    memory: int

    def __repr__(self) -> str:
        low, high = self.traversal.seconds
        return f"Plan({self.collocations} collocations × {self.seeds} seeds; traversal {duration_range(low, high)})"

    def text(self) -> str:
        """Return the forecast in lines."""
        low, high = self.traversal.seconds
        lines = [
            f"{self.collocations} collocations × {self.seeds} seeds: traversal takes "
            f"{self.collocations * self.seeds} × (T0 + T1) = {duration_range(low, high)} of one core; "
            f"T0, a training, {duration_range(*self.t0)}; T1, scoring its model, {duration(self.t1)}"
        ]
        for row in self.estimators:
            of_traversal = f"{row.ratio:.2g} of traversal"
            trainings = f"{row.trainings} trainings, " if row.trainings and not row.adaptive else ""
            also = f" (and {len(row.also)} read from the same trainings)" if row.also else ""
            cost = f"{'at most ' if row.adaptive else ''}{duration_range(*row.seconds)}, {row.flops:.1g} FLOP"
            lines.append(f"  {row.name}{also}: {trainings}{cost}, {of_traversal}")
        cores = "1 core" if self.workers == 1 else f"{self.workers} cores at once"
        lines.append(f"on {cores}, in {self.memory / (1 << 30):.1f} GB at most")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the forecast as a value that `json.dumps` takes."""
        return asdict(self)


def duration(seconds: float) -> str:
    """Return seconds as people read them: 12 ms, 3.4 s, 5 min, 2.1 h."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def duration_range(low: float, high: float) -> str:
    """Return a range of seconds as people read it, one number if both ends are nearly the same."""
    return duration(low) if high < 1.05 * low else f"{duration(low)} to {duration(high)}"


def forecast(task: Task, estimators: Sequence[EstimatorOn]) -> Plan:
    """Time the narrowest and the widest collocation for a moment, and forecast what each estimator will cost.

    Args:
        task: The grid, and clips to time trainings on.
        estimators: With the split that each looks at. Closed forms are timed on one collocation.
    """
    clock = _Clock(task)
    traversal = clock.of_trainings(_trainings(task, TRAVERSAL, task.scored))
    rows: list[Forecast] = []
    same: dict[tuple[str, str], int] = {}  # what trains the same -> its row
    for estimator, split in estimators:
        trainings = _trainings(task, estimator, split)
        if trainings and isinstance(estimator, Trained):
            known = same.setdefault((trainings[0].purpose, split), len(rows))
            if known < len(rows):
                rows[known] = replace(rows[known], also=(*rows[known].also, estimator.name))
                continue
        low, high, flops = clock.of_estimator(estimator, split, trainings).tolist()
        ratio, adaptive = high / float(traversal[1]), isinstance(estimator, Adaptive)
        rows.append(Forecast(f"{estimator.name}@{split}", (), len(trainings), (low, high), flops, ratio, adaptive))
    middling = clock.by_width[len(clock.by_width) // 2]
    low, high, _ = clock.of_training(_trainings(task, TRAVERSAL, task.scored, [middling])[0]).tolist()
    t1 = clock.between(middling, "score")
    low_all, high_all, flops_all = traversal.tolist()
    count = len(task.grid) * len(task.seeds)
    return Plan(
        len(task.grid),
        len(task.seeds),
        task.bench.engine.processes,
        (low - t1, high - t1),
        t1,
        Forecast(TRAVERSAL.name, (), count, (low_all, high_all), flops_all, 1.0),
        tuple(rows),
        clock.memory(),
    )


def _trainings(
    task: Task, estimator: Estimator, split: str, collocations: Sequence[Collocation] | None = None
) -> list[Training]:
    """Return the trainings that an estimator may do, of all collocations unless some are given."""
    if isinstance(estimator, ClosedForm | Separate):
        return []
    if isinstance(estimator, Adaptive):
        return list(estimator.forecast(task, split))
    setting = task.setting(split)
    return [training for collocation in collocations or task.grid for training in estimator.plan(setting, collocation)]


class _Clock:
    """Forecasts seconds and operations of trainings, from those of the narrowest and the widest collocation."""

    def __init__(self, task: Task) -> None:
        self.task, self.bench = task, task.bench
        self.by_width = sorted(task.grid.collocations, key=self.width)
        narrow, wide = self._measured(self.by_width), self._measured(self.by_width[::-1])
        self._ends, self._timed = (narrow[0], wide[0]), (narrow[1], wide[1])

    def _measured(self, collocations: Sequence[Collocation]) -> tuple[Collocation, Measured]:
        """Return the first that can be trained: one that diverges must not keep the others from being compared."""
        setting = self.task.setting(self.task.scored)
        for collocation in collocations[:-1]:
            with suppress(SeehearError):
                return collocation, measure(self.bench, TRAVERSAL.plan(setting, collocation)[0])
        return collocations[-1], measure(self.bench, TRAVERSAL.plan(setting, collocations[-1])[0])

    def width(self, collocation: Collocation) -> int:
        return sum(self.bench.networks[name].width for name in collocation.networks)

    def between(self, collocation: Collocation, name: str) -> float:
        """Return a measured number, interpolated by the collocation's width, and at least the smaller one measured."""
        low, high = (getattr(each, name) for each in self._timed)
        narrow, wide = (self.width(end) for end in self._ends)
        share = (self.width(collocation) - narrow) / (wide - narrow) if wide > narrow else 0.0
        return float(max(low + share * (high - low), min(low, high)))

    def of_training(self, training: Training) -> Array:
        """Seconds at least and at most, and operations at most, (3,)."""
        train, judged = self.bench.count(training.train), self.bench.count(training.judged)
        watched = self.bench.count(training.watch) if training.watch else 0
        scored = len(self.bench.datasets[self.task.scored])

        def cost(per_clip: str, scoring: str, epochs: int) -> float:
            of_score = self.between(training.collocation, scoring) / scored  # per clip
            epoch = self.between(training.collocation, per_clip) * train + of_score * watched
            return epochs * epoch + of_score * judged

        recipe = training.recipe
        seconds = [cost("clip", "score", epochs) for epochs in (recipe.least_epochs, recipe.epochs)]
        return np.array([*seconds, cost("flops_clip", "flops_score", recipe.epochs)])

    def of_trainings(self, trainings: Sequence[Training]) -> Array:
        """Return the same of several, (3,)."""
        return np.sum([self.of_training(training) for training in trainings], axis=0) if trainings else np.zeros(3)

    def of_closed_form(self, score: Callable[[Evidence, Collocation], float], split: str) -> Array:
        """Return the same of a closed form on all collocations, (3,)."""
        began = time.process_time()
        evidence = self.task.evidence(split)
        formed = np.array([time.process_time() - began, evidence.flops])
        began = time.process_time()
        with few_threads(len(evidence)), suppress(SeehearError):
            score(evidence, self.by_width[-1])
        once = np.array([time.process_time() - began, evidence.flops - formed[1]])
        seconds, flops = formed + len(self.task.grid) * once
        return np.array([seconds, seconds, flops])

    def of_separate(self, estimator: Separate, split: str) -> Array:
        """Return the same of an estimator that looks at modalities one by one, (3,); its operations are not counted."""
        seconds, looks = 0.0, []
        with suppress(SeehearError):
            for choice in self.by_width[-1].options:
                began = time.process_time()
                looks.append(estimator.look(self.task, split, Collocation((choice,))))
                seconds += len(self.task.grid.options[choice[0]]) * (time.process_time() - began)
            began = time.process_time()
            estimator.score(self.task, split, looks)
            seconds += len(self.task.grid) * (time.process_time() - began)
        return np.array([seconds, seconds, 0.0])

    def of_estimator(self, estimator: Estimator, split: str, trainings: Sequence[Training]) -> Array:
        """Return the same of an estimator, (3,)."""
        if isinstance(estimator, ClosedForm):
            return self.of_closed_form(estimator.score, split)
        if isinstance(estimator, Separate):
            return self.of_separate(estimator, split)
        cost = self.of_trainings(trainings)
        closed = estimator.closed if isinstance(estimator, Adaptive) else ()
        for each in closed:
            cost = cost + (1 + HALVES * HALF_COST) * self.of_closed_form(each.score, TRAIN)
        return cost

    def memory(self) -> int:
        """Bytes at most, see `memory`."""
        clips = sum(self.bench.count(Part(name)) for name in {TRAIN, self.task.scored})
        features = min(4 * clips * self.bench.window * self.width(self.by_width[-1]), self.bench.in_memory)
        looked_at = min(MAX_CLIPS, len(self.bench.datasets[TRAIN]))
        parameters, networks = self._timed[1].parameters, len(self.task.grid.networks)
        return memory(features, parameters, self.bench.engine.processes_per_machine, looked_at, networks)


@dataclass(frozen=True)
class Measured:
    """Times measured on one collocation.

    Attributes:
        clip: Seconds of training on one clip once.
        score: T1, seconds of predicting and scoring the judged clips.
        flops_clip, flops_score: Operations of the same.
        parameters: Of the model.
    """

    clip: float
    score: float
    flops_clip: float
    flops_score: float
    parameters: int


def measure(bench: Bench, training: Training) -> Measured:
    """Train for a moment on a few clips and score once, in one thread as workers do."""
    split, recipe = training.train.split, training.recipe
    few = tuple(range(min(len(bench.datasets[split]), TIMED_STEPS * recipe.batch)))
    short = recipe.model_copy(update={"epochs": 2, "patience": 0, "choose": "last"})  # the first epoch warms up
    probe = replace(training, purpose="timing", recipe=short, train=Part(split, few), watch=None)
    with one_thread():
        run = replace(bench, out=None, _outcomes={}, _runs={}).train(probe)
        model = run.model(bench.device)
        judged = bench.split(training.collocation, training.judged)
        validate(model, judged, recipe, bench.window, bench.classes)  # warms up
        began = time.perf_counter()
        validate(model, judged, recipe, bench.window, bench.classes)
        score = time.perf_counter() - began
        of_clip, once = step_flops(run, bench.split(training.collocation, probe.train))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    clip = run.history()[-1]["seconds"] / len(few)
    return Measured(clip, score, of_clip, once * len(judged.bags), parameters)


def memory(features: int, parameters: int, workers: int, clips: int, networks: int) -> int:
    """Return bytes at most: workers · (features + 16 · parameters + WORKER) + PARENT + Gram matrices.

    Args:
        features: Bytes of the widest collocation's training and validation features.
        parameters: Of a model. Each has its gradient and Adam's two moments.
        workers: Processes.
        clips: Clips that closed forms look at: 8 · (3 · networks + 4) · clips² bytes of matrices.
        networks: Candidates.
    """
    return workers * (features + 16 * parameters + WORKER) + PARENT + 8 * (3 * networks + 4) * clips**2
