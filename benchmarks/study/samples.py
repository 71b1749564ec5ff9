"""Samples of one benchmark: some of its clips, and in every other sample some of its classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import seehear as sh
from seehear.selection.collocation import Grid
from seehear.selection.prepare import prepare
from seehear.selection.task import Task

CLASSES = 9  # of the samples that do not have all
TRAIN, VAL, TEST = 160, 80, 120  # clips at most
VAL_SHARE = 0.4  # of the clips with ground truth, if there are fewer
# A tenth of the steps of the recipes, and the same scores within the noise of seeds (docs/lab.md).
QUICK = {"batch": 32, "learning_rate": 1e-3, "patience": 8, "epochs": 30}
VARIANTS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "small": ("small", {**QUICK, "scale": False}),
    "small-scaled": ("small", {**QUICK, "scale": True}),
    "refined": ("refined", {**QUICK, "scale": False}),
    "refined-scaled": ("refined", {**QUICK, "scale": True}),
    "real": ("refined", {"scale": True}),  # as the recipe is
}


@dataclass(frozen=True)
class Benchmark:
    """Clips with features of all networks.

    Attributes:
        train: Clips with weak labels.
        labelled: Clips with ground truth.
        networks: modality -> candidates.
    """

    train: sh.Dataset
    labelled: sh.Dataset
    networks: Mapping[str, Sequence[str]]

    def sample(self, number: int) -> tuple[sh.Dataset, sh.Dataset, sh.Dataset]:
        """Return clips to train on, to validate with, and to test on; odd samples have some of the classes."""
        rng = np.random.default_rng([15, number])
        train, labelled = self.train, self.labelled
        if number % 2:
            chosen = np.sort(rng.permutation(len(train.classes))[:CLASSES])
            names = [train.classes[c] for c in chosen]
            train, labelled = (_with_label(each.with_classes(names)) for each in (train, labelled))
        clips, others = rng.permutation(len(train))[:TRAIN], rng.permutation(len(labelled))
        count = min(VAL, round(VAL_SHARE * len(labelled)))
        val, test = others[:count], others[count : count + TEST]
        return train.subset(np.sort(clips)), labelled.subset(np.sort(val)), labelled.subset(np.sort(test))

    def task(self, number: int, variant: str, out: Path, workers: int = 1, progress: bool = True) -> Task:
        """Return the selection on a sample, with its trainings in a folder."""
        recipe, settings = VARIANTS[variant]
        train, val, test = self.sample(number)
        seeds = (0,) if variant == "real" else (0, 1)
        place = out / variant / f"{number:02d}"
        return prepare(
            train,
            val,
            test,
            networks=self.networks,
            recipe=recipe,
            settings=settings,
            seeds=seeds,
            out=place,
            workers=workers,
            device="cpu",
            progress=progress,
        )


def within(task: Task, networks: Mapping[str, Sequence[str]]) -> Task:
    """Return the same task with some of its networks."""
    return replace(task, grid=Grid.over(networks))


def _with_label(dataset: sh.Dataset) -> sh.Dataset:
    return dataset.subset(np.flatnonzero(dataset.labels.any(axis=1)))
