"""The trainings of a sample, and a table of all that its estimators and trainings say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.files import atomic_bytes
from seehear.selection.estimate import estimate
from seehear.selection.estimators import UPPER_BOUNDS, find, short_run, traversal, upper_bound
from seehear.selection.estimators.pilots import FIRST_SEED
from seehear.selection.task import TEST, VAL, Task
from seehear.selection.trainings import Metric, Outcome, Training

Array = NDArray[np.float64]

PILOTS = 3  # pilot trainings of each collocation
ESTIMATORS = (
    "ridge@train,ridge@val,logme@train,logme@val,unimodal@train,teachers@val,explained@train,explained@val,"
    "static@train,chance@train,shared@val"
)


def planned(task: Task, kind: str) -> list[Training]:
    """Return the trainings of all collocations: of a traversal, or those that a selector or an upper bound would do."""
    test, val = task.setting(TEST), task.setting(VAL)
    plans: list[Training] = []
    for collocation in task.grid:
        if kind == "traversal":
            plans += traversal.plan(test, collocation)
        elif kind == "full":  # unlike traversal's, they are scored on validation clips, as a selector's are
            plans.append(traversal.training(val, collocation, FIRST_SEED))
        elif kind == "pilot":
            plans += short_run.trainings(val, collocation, range(FIRST_SEED, FIRST_SEED + PILOTS))
        else:  # the supervision of an upper bound
            plans += upper_bound.plan("weak" if kind == "weak" else "dense", replace(val, seeds=(0,)), collocation)
    return plans


@dataclass(frozen=True)
class Table:
    """What is known of the n collocations of a sample.

    Attributes:
        shape: Options per modality.
        values: Name -> an array whose first axis is n: scores of estimators (n,), of trainings (n, S, N).
    """

    shape: tuple[int, ...]
    values: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.values[name]

    def of(self, cells: NDArray[np.int64], shape: tuple[int, ...]) -> Table:
        """Return what is known of some collocations, a grid of another shape."""
        return Table(shape, {name: value[cells] for name, value in self.values.items()})

    @property
    def truth(self) -> Array:
        """The mean score of full trainings on test clips, (n,)."""
        truth: Array = self["traversal"].mean(axis=(1, 2))
        return truth

    def save(self, file: Path) -> None:
        """Write it."""
        from safetensors.numpy import save

        arrays = {name: np.ascontiguousarray(value) for name, value in self.values.items()}
        atomic_bytes(file, save({**arrays, "shape": np.array(self.shape)}))

    @staticmethod
    def read(file: Path) -> Table:
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        arrays = load_file(file)
        shape = tuple(arrays.pop("shape").tolist())
        return Table(shape, arrays)


def table_of(task: Task, kinds: Sequence[str], estimators: str = ESTIMATORS) -> Table:
    """Return what is known of a task's collocations; trainings that are missing are done."""
    values: dict[str, Array] = {}
    for kind in kinds:
        outcomes = task.bench.run(planned(task, kind), kind)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        _read(values, kind, [each for each in outcomes if isinstance(each, Outcome)], len(task.grid))
    for estimator, split in find(estimators):
        try:
            result = estimate(task, estimator, split)
        except SeehearError:
            continue
        values[result.label] = result.scores
        values[f"{result.label} seconds"] = np.full(len(task.grid), result.seconds / len(task.grid))
    return Table(task.grid.shape, values)


def _read(values: dict[str, Array], kind: str, outcomes: Sequence[Outcome], n: int) -> None:
    def by_cell(of_each: Sequence[object]) -> Array:
        stacked = np.array(of_each, dtype=np.float64)
        return stacked.reshape(n, -1, *stacked.shape[1:])

    values[f"{kind} seconds"] = by_cell([each.seconds for each in outcomes])
    values[f"{kind} epochs"] = by_cell([len(each.history) for each in outcomes])
    if kind in ("weak", "dense"):
        for estimator in UPPER_BOUNDS:
            if estimator.labels == kind:
                values[f"{estimator.name}@{VAL}"] = np.array([estimator.read([each]).mean() for each in outcomes])
        return
    values[kind] = by_cell([each.score for each in outcomes])
    values[f"{kind}, label F1"] = by_cell([each.per_clip[Metric.LABEL_F1] for each in outcomes])
    if kind == "traversal":
        best = [max(entry["epoch"] for entry in each.history if entry["best"]) for each in outcomes]
        values["traversal best epoch"] = by_cell(best)
