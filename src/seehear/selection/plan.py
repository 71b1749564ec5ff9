"""What a selection will take, told before it runs: Eq. 1 of Wu et al., from times measured here and now."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation
from seehear.selection.estimators import traversal
from seehear.selection.estimators.interface import Adaptive, ClosedForm, Estimator, Trained
from seehear.selection.evidence import Array, Evidence, few_threads
from seehear.selection.flops import step_flops
from seehear.selection.task import HALVES, MOST_CLIPS, TRAIN, VAL, Task
from seehear.selection.trainings import Bench, Part, Training
from seehear.training.fit import one_thread
from seehear.training.run import Run
from seehear.training.validation import validate

TRAVERSAL = traversal.ESTIMATORS[0]
WORKER = 450 << 20  # bytes of a process that has imported torch and trained a small model; 430 MB were seen
PARENT = 650 << 20  # of the one that gathers what they find; 610 MB were seen
TIMED_STEPS = 12
OF_A_HALF = 0.25  # of the time that a closed form takes on all clips


@dataclass(frozen=True)
class Forecast:
    """What an estimator will take. also: others that are read from the same trainings. trainings: how many of them.

    seconds: at least and at most, of one core. flops: of matrix products, at most. ratio: of seconds to traversal's,
    both at most. chooses: whether it may take less, as it sees fit.
    """

    name: str
    also: tuple[str, ...]
    trainings: int
    seconds: tuple[float, float]
    flops: float
    ratio: float
    chooses: bool = False


@dataclass(frozen=True)
class Plan:
    """What a selection will take. t0, t1: seconds of one training (at least and at most) and of scoring it, of the
    collocation of middling width. traversal: seconds of all, at least and at most. memory: bytes at most.
    """

    collocations: int
    seeds: int
    workers: int
    t0: tuple[float, float]
    t1: float
    traversal: Forecast
    estimators: tuple[Forecast, ...]
    memory: int

    def text(self) -> str:
        """For people, in lines."""
        least, most = self.traversal.seconds
        lines = [
            f"{self.collocations} collocations × {self.seeds} seeds: traversal takes "
            f"{self.collocations * self.seeds} × (T0 + T1) = {spell_range(least, most)} of one core; "
            f"T0, a training, {spell_range(*self.t0)}; T1, scoring its model, {spell(self.t1)}"
        ]
        for row in self.estimators:
            of_traversal = f"{row.ratio:.2g} of traversal"
            trainings = f"{row.trainings} trainings, " if row.trainings else ""
            also = f" (and {len(row.also)} read from the same trainings)" if row.also else ""
            cost = f"{'at most ' if row.chooses else ''}{spell_range(*row.seconds)}, {row.flops:.1g} FLOP"
            lines.append(f"  {row.name}{also}: {trainings}{cost}, {of_traversal}")
        cores = "1 core" if self.workers == 1 else f"{self.workers} cores at once"
        lines.append(f"on {cores}, in {self.memory / (1 << 30):.1f} GB at most")
        return "\n".join(lines)


def spell(seconds: float) -> str:
    """12 ms, 3.4 s, 5 min, 2.1 h."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def spell_range(least: float, most: float) -> str:
    return spell(least) if most < 1.05 * least else f"{spell(least)} to {spell(most)}"


def forecast(task: Task, estimators: Sequence[tuple[Estimator, str]]) -> Plan:
    """Time the narrowest and the widest collocation for a moment, and tell what each estimator will take.

    estimators: with the sample that each is asked about. Closed forms are timed on one collocation.
    """
    bench, grid = task.bench, task.grid.collocations
    scored = VAL if VAL in bench.samples else TRAIN

    def width(collocation: Collocation) -> int:
        return sum(bench.networks[name].width for name in collocation.networks)

    by_width = sorted(grid, key=width)
    setting = task.setting(scored)
    ends = [by_width[0], by_width[-1]]
    timed = [measure(bench, TRAVERSAL.plan(setting, end)[0]) for end in ends]

    def between(collocation: Collocation, name: str) -> float:
        low, high = (getattr(each, name) for each in timed)
        span = width(ends[1]) - width(ends[0])
        share = (width(collocation) - width(ends[0])) / span if span else 0.0
        return float(low + share * (high - low))

    def takes(training: Training) -> Array:
        """Seconds at least and at most, and operations at most, (3,)."""
        train, judged = bench.count(training.train), bench.count(training.judged)
        watched = bench.count(training.watch) if training.watch else 0

        def cost(a_clip: str, scoring: str, epochs: int) -> float:
            of_score = between(training.collocation, scoring) / len(bench.samples[scored])  # a clip
            epoch = between(training.collocation, a_clip) * train + of_score * watched
            return epochs * epoch + of_score * judged

        recipe = training.recipe
        seconds = [cost("clip", "score", epochs) for epochs in (recipe.least_epochs, recipe.epochs)]
        return np.array([*seconds, cost("flops_clip", "flops_score", recipe.epochs)])

    def all_of(trainings: Sequence[Training]) -> Array:
        return np.sum([takes(training) for training in trainings], axis=0) if trainings else np.zeros(3)

    def of_trained(estimator: Trained, split: str) -> list[Training]:
        return [training for collocation in grid for training in estimator.plan(task.setting(split), collocation)]

    def of_closed(score: Callable[[Evidence, Collocation], float], split: str) -> Array:
        """As `takes`, of all collocations."""
        began = time.process_time()
        evidence = task.evidence(split)
        formed = np.array([time.process_time() - began, evidence.flops])
        began = time.process_time()
        with few_threads(len(evidence)), suppress(SeehearError):
            score(evidence, by_width[-1])
        once = np.array([time.process_time() - began, evidence.flops - formed[1]])
        seconds, flops = formed + len(grid) * once
        return np.array([seconds, seconds, flops])

    traversal = of_trained(TRAVERSAL, scored)
    whole = all_of(traversal)
    rows: list[Forecast] = []
    same: dict[tuple[str, str], int] = {}  # what trains the same -> its row
    for estimator, split in estimators:
        trainings: Sequence[Training] = []
        if isinstance(estimator, ClosedForm):
            cost = of_closed(estimator.score, split)
        elif isinstance(estimator, Trained):
            trainings = of_trained(estimator, split)
            cost = all_of(trainings)
        else:
            trainings = estimator.forecast(task, split)
            closed = [of_closed(each.score, TRAIN) for each in estimator.closed]
            cost = (
                all_of(trainings) + (1 + HALVES * OF_A_HALF) * np.sum(closed, axis=0) if closed else all_of(trainings)
            )
        if trainings and isinstance(estimator, Trained):
            known = same.setdefault((trainings[0].purpose, split), len(rows))
            if known < len(rows):
                rows[known] = replace(rows[known], also=(*rows[known].also, estimator.name))
                continue
        least, most, flops = cost.tolist()
        rows.append(
            Forecast(
                name=f"{estimator.name}@{split}",
                also=(),
                trainings=len(trainings),
                seconds=(least, most),
                flops=flops,
                ratio=most / float(whole[1]),
                chooses=isinstance(estimator, Adaptive),
            )
        )
    middling = by_width[len(by_width) // 2]
    one = takes(TRAVERSAL.plan(setting, middling)[0])
    t1 = between(middling, "score")
    clips = sum(bench.count(Part(name)) for name in {TRAIN, scored})
    features = min(4 * clips * bench.window * width(by_width[-1]), bench.in_memory)
    looked_at = min(MOST_CLIPS, len(bench.samples[TRAIN]))
    most_memory = memory(features, timed[1].parameters, bench.workers, looked_at, len(task.grid.networks))
    return Plan(
        len(grid),
        len(task.seeds),
        bench.workers,
        (float(one[0]) - t1, float(one[1]) - t1),
        t1,
        Forecast(TRAVERSAL.name, (), len(traversal), (float(whole[0]), float(whole[1])), float(whole[2]), 1.0),
        tuple(rows),
        most_memory,
    )


@dataclass(frozen=True)
class Measured:
    """What was timed on one collocation. clip: seconds of training on one clip once. score: T1, seconds of predicting
    and scoring the judged clips. flops_clip, flops_score: of the same. parameters: of the model.
    """

    clip: float
    score: float
    flops_clip: float
    flops_score: float
    parameters: int


def measure(bench: Bench, training: Training) -> Measured:
    """Train for a moment on a few clips, and score once; what was timed, in one thread as workers have it."""
    sample, recipe = training.train.sample, training.recipe
    few = tuple(range(min(len(bench.samples[sample]), TIMED_STEPS * recipe.batch)))
    short = recipe.model_copy(update={"epochs": 2, "patience": 0, "choose": "last"})  # the first epoch warms up
    probe = replace(training, purpose="timing", recipe=short, train=Part(sample, few), watch=None)
    with one_thread(), tempfile.TemporaryDirectory() as folder:
        elsewhere = replace(bench, out=Path(folder))
        outcome = elsewhere.do(probe)
        run = Run(outcome.path)
        model = run.model(bench.device)
        judged = bench.split(training.collocation, training.judged)
        began = time.perf_counter()
        validate(model, judged, recipe, bench.window, bench.classes)
        score = time.perf_counter() - began
        of_clip, once = step_flops(run, bench.split(training.collocation, probe.train))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    clip = outcome.history[-1]["seconds"] / len(few)
    return Measured(clip, score, of_clip, once * len(judged.bags), parameters)


def memory(features: int, parameters: int, workers: int, clips: int, networks: int) -> int:
    """Bytes at most: workers · (features + 16 · parameters + 450 MB) + 650 MB + 8 · (3 · networks + 4) · clips².

    features: bytes of the widest collocation's training and validation features. Each parameter has its gradient
    and Adam's two moments beside it. The last term is that of Gram matrices of `clips` labelled clips.
    """
    return workers * (features + 16 * parameters + WORKER) + PARENT + 8 * (3 * networks + 4) * clips**2
