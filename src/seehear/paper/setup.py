"""What experiments are run on: the data, the networks, the recipe, and where trainings are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.errors import SeehearError
from seehear.scoring.decoding import Decoding
from seehear.selection.collocation import Collocation
from seehear.store import Store
from seehear.verbs import selecting
from seehear.verbs.selecting import TEST

if TYPE_CHECKING:
    from seehear.experiments.experiment import Experiment, System
    from seehear.selection.trainings import Bench
    from seehear.training.recipe import Recipe
    from seehear.training.run import Run
    from seehear.verbs.scored import Scored


@dataclass
class Setup:
    """weak: split -> table, for train, val and test. dense: modality -> table. candidates: modality -> networks to
    choose from, or to compare. baseline: modality -> networks that are trained on where nothing is selected. clips: the
    folder of the clips' files, where there is one. out: where everything is kept that was finished. trust_code: whether
    to run the code of networks that the store names as FILE.py:NAME.
    """

    store: Store
    weak: Mapping[str, Path]
    dense: Mapping[str, Path]
    candidates: Mapping[str, Sequence[str]]
    baseline: Mapping[str, Sequence[str]]
    recipe: str
    set: Sequence[str]
    seeds: Sequence[int]
    clips: Path | None
    out: Path
    workers: int
    device: str
    trust_code: bool = False

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.baseline)

    @cached_property
    def _prepared(self) -> selecting.Prepared:
        """One bench for all trainings, so that tables share those that they have in common."""
        together = {
            modality: list(dict.fromkeys([*self.baseline.get(modality, ()), *self.candidates.get(modality, ())]))
            for modality in dict.fromkeys([*self.baseline, *self.candidates])
        }
        dense = {modality: str(path) for modality, path in self.dense.items()}
        settings = selecting.Settings(
            store=str(self.store.path),
            networks=together,
            together=1,
            train=selecting.Tables(str(self.weak["train"])),
            val=selecting.Tables(str(self.weak["val"]), dense),
            classes=None,
            recipe=self.resolved().model_dump(mode="json"),
            seeds=list(self.seeds),
            budget=0.0,
            leaks=False,
        )
        test = selecting.Tables(str(self.weak["test"]), dense)
        return selecting.prepare(settings, self.out, self.workers, self.device, test)

    @property
    def bench(self) -> Bench:
        return self._prepared.task.bench

    @property
    def notes(self) -> list[str]:
        """What is to be known of the clips that were trained on and validated with, and of the networks."""
        return [note for note in self._prepared.notes if not note.startswith(f"{self.weak['test']}: ")]

    def resolved(self, overrides: Sequence[str] = ()) -> Recipe:
        """The recipe with the user's settings, and these on top."""
        from seehear.training.recipe import resolve

        return resolve(self.recipe, [*self.set, *overrides])

    @cached_property
    def selected(self) -> dict[str, list[str]]:
        """The collocation that `select` chooses by training and validation clips."""
        from seehear.verbs.select import Selected, select

        found = select(
            store=self.store.path,
            labels=self.weak["train"],
            out=self.out,
            networks=[f"{modality}={','.join(names)}" for modality, names in self.candidates.items()],
            val=self.weak["val"],
            dense=[f"{modality}={path}" for modality, path in self.dense.items()],
            recipe=self.recipe,
            set=self.set,
            seeds=self.seeds,
            workers=self.workers,
            device=self.device,
        )
        assert isinstance(found, Selected)
        return found.best.as_json()

    def scored(self, runs: Sequence[Run]) -> Scored:
        """Scores of the test clips, of one system's runs."""
        from seehear.verbs.evaluate import score_runs

        return score_runs(runs, self.store.path, self.weak["test"], self.dense, Decoding(), self.device)


@dataclass(frozen=True)
class Trained:
    """A system that was trained. runs: one a seed. chosen: what was tuned, in words; empty where nothing was."""

    runs: Sequence[Run]
    chosen: str = ""


def train(experiment: Experiment, setup: Setup) -> dict[str, Trained]:
    """Every system of the experiment, trained with every seed; what an earlier command finished is taken as it is."""
    from seehear.selection.trainings import Part, Training
    from seehear.training.run import Run

    bench = setup.bench
    plans: dict[tuple[str, str], list[Training]] = {}
    for name, system in experiment.systems.items():
        for value in _values(system):
            recipe = setup.resolved([*system.set, *([value] if value else [])])
            recipe.contrast.check(setup.modalities)
            collocation = Collocation.of(setup.selected if system.networks == "selected" else setup.baseline)
            plans[name, value] = [
                # Named as those of traversal, of which some are the same.
                Training("traversal", collocation, recipe, seed, Part("train"), Part("val"), Part(TEST))
                for seed in setup.seeds
            ]
    every = [training for trainings in plans.values() for training in trainings]
    for training, outcome in zip(every, bench.run(every, "training"), strict=True):
        if isinstance(outcome, Exception):
            raise SeehearError(f"{bench.folder(training)}: the training failed: {outcome}") from outcome
    trained = {}
    for name, system in experiment.systems.items():
        runs = {value: [Run(bench.folder(training)) for training in plans[name, value]] for value in _values(system)}
        best = max(runs, key=lambda value: validated(runs[value]))
        tried = f" of {', '.join(map(str, system.tune.values))} on validation clips" if system.tune else ""
        trained[name] = Trained(runs[best], f"{best}, the best{tried}" if tried else "")
    return trained


def validated(runs: Sequence[Run]) -> float:
    """Mean average score on validation clips, of the chosen epochs."""
    best = [[entry for entry in run.history() if entry["best"]][-1]["val"]["average"] for run in runs]
    return sum(best) / len(best)


def _values(system: System) -> list[str]:
    """Settings to try, KEY=VALUE; an empty one where nothing is tuned."""
    return [f"{system.tune.setting}={value:g}" for value in system.tune.values] if system.tune else [""]


def remembered(folder: Path, name: str, facts: Any, compute: Callable[[], Any]) -> Any:
    """What `compute` gives, a JSON value, kept in a file of this name and of the facts that decide it."""
    from seehear.files import atomic_json, read_json

    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
    file = folder / f"{name}-{key}.json"
    if not file.exists():
        atomic_json(file, compute())
    return read_json(file)
