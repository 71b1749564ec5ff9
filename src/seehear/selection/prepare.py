"""From data sets to a task: candidates, validation clips, the recipe, and where trainings are done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from seehear import arguments
from seehear.data import Dataset, check_dataset
from seehear.device import core_count
from seehear.engines.choose import LOCAL, engine_of
from seehear.engines.interface import Engine
from seehear.engines.local import LocalEngine
from seehear.errors import SeehearError
from seehear.features.notes import frame_rates, loudness, unknown_classes
from seehear.files import check_folder
from seehear.memory import memory_limit
from seehear.selection.collocation import Grid
from seehear.selection.task import TEST, TRAIN, VAL, Task
from seehear.selection.trainings import Bench
from seehear.training.recipe import DEFAULT_RECIPE, Recipe, load_recipe

Networks = Mapping[str, str | Sequence[str]] | str | Sequence[str]
Protocol = Literal["honest", "paper"]

FEW_SCORED = 20  # clips, under which scores say little
HELD_OUT = 5  # one clip in so many validates where no validation clips are given


def prepare(
    train: Dataset,
    val: Dataset | None = None,
    test: Dataset | None = None,
    *,
    networks: Networks | None = None,
    together: int = 1,
    recipe: str | Path | Recipe = DEFAULT_RECIPE,
    settings: Mapping[str, Any] | Sequence[str] = (),
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    budget: float = 0.0,
    out: str | Path | None = None,
    engine: str | Engine = LOCAL,
    workers: int | None = None,
    gpus: float = 0.0,
    device: str = "auto",
    protocol: Protocol = "honest",
    progress: bool = True,
) -> Task:
    """Bring together everything that estimators need.

    Args:
        train: Clips to train on.
        val: Clips to validate with; by default a fifth of the training clips.
        test: Clips that a selection is judged by.
        networks: modality -> networks to choose from; by default those of the training data.
        together: Up to so many networks may feed a modality together.
        recipe: Of full trainings.
        settings: On top of the recipe.
        seeds: Of full trainings.
        budget: Share of traversal's cost that short trainings may take.
        out: Folder in which trainings are kept; None for trainings in memory.
        engine: Where trainings are done: local, ray, ray://HOST:PORT, or an Engine.
        workers: Processes that train at once, one thread each; on this machine by default one in memory, one per core
            with a folder.
        gpus: GPUs of each process of a cluster, which may be a fraction.
        device: auto, cpu or cuda.
        protocol: `paper` trains and scores on the training clips themselves.
        progress: Whether to show progress.

    Raises:
        SeehearError: Arguments or data sets do not fit together.
    """
    from seehear.device import resolve as resolve_device
    from seehear.windows import window_length

    check_dataset(train, "train")
    if val is not None:
        check_dataset(val, "val")
    leaks = protocol == "paper"
    folder = Path(out) if out is not None else None
    together, budget = arguments.whole(together, "together"), arguments.real(budget, "budget")
    seeds = [arguments.whole(seed, "seed") for seed in seeds]
    _check(together, budget, seeds, folder)
    if leaks and val is not None:
        raise SeehearError("the protocol `paper` looks at the training clips alone: leave the validation clips out")
    resolved = load_recipe(recipe, settings)
    if resolved.refine.rounds > 1:  # each round is a whole training
        resolved = load_recipe(resolved, {"refine.rounds": 1})
    chosen = _candidates(train, networks)
    whole = _with(train, chosen)
    if not whole.classes:
        raise SeehearError("the training labels name no class: they say nothing about networks")
    datasets = {TRAIN: _complete(whole, TRAIN)}
    notes = [*_missing_note(whole, TRAIN), *datasets[TRAIN].notes]
    missing = [*whole.incomplete]
    if val is not None:
        of_val = _with(val, chosen)
        datasets[VAL] = _complete(of_val.with_classes(whole.classes), VAL)
        missing += of_val.incomplete
        notes += [*_missing_note(of_val, VAL), *datasets[VAL].notes, *_unknown_classes(of_val, whole.classes, VAL)]
        if shared := _shared(datasets[VAL], datasets[TRAIN]):
            notes.append(f"{len(shared)} validation clips are trained on as well, for example {min(shared)}")
    lengths = datasets[TRAIN].lengths
    if val is None and not leaks:
        datasets |= _held_out(datasets[TRAIN])
        notes.append(f"no validation clips: {len(datasets[VAL])} of the training clips are held out to validate")
    scored = datasets.get(VAL, datasets[TRAIN])
    if len(scored) < FEW_SCORED:
        notes.append(f"trainings are scored on {len(scored)} clips: too few to tell much about networks")
    notes += frame_rates(whole.networks)
    if not (resolved.scale or resolved.standardise):
        notes += loudness(whole)
    where = engine_of(engine, workers or None, gpus, default=1 if folder is None else core_count())
    of_clips = resolve_device(device) if isinstance(where, LocalEngine) else where.device(device)
    if of_clips != "cpu" and isinstance(where, LocalEngine):
        where = LocalEngine()  # one process trains those that differ in the seed alone at once
    share = memory_limit() // where.processes_per_machine
    bench = Bench(datasets, window_length(lengths, resolved.window), folder, where, of_clips, share, progress)
    grid = Grid.over(chosen, together)
    unique = tuple(dict.fromkeys(notes))
    task = Task(grid, bench, resolved, tuple(seeds), budget, together, leaks, tuple(missing), unique)
    return task if test is None else with_test(task, test)


def with_test(task: Task, test: Dataset, seeds: Sequence[int] | None = None) -> Task:
    """Add the clips that a selection is judged by.

    Args:
        task: Of the selection.
        test: Clips that had no part in it.
        seeds: Of full trainings, other than the selection's.

    Raises:
        SeehearError: Some of the clips had a part in the selection, or lack the networks.
    """
    whole = _with(test, task.candidates)
    dataset = _complete(whole.with_classes(task.bench.classes), TEST)
    used = [task.bench.datasets[split] for split in (TRAIN, VAL) if split in task.bench.datasets]
    if shared := {clip for other in used for clip in _shared(dataset, other)}:
        raise SeehearError(
            f"{test.revision}: {len(shared)} of its clips were used in the selection, for example {min(shared)}: "
            "judge by other clips"
        )
    notes = [*_missing_note(whole, TEST), *dataset.notes, *_unknown_classes(whole, task.bench.classes, TEST)]
    if seeds:
        check(seeds, None)
    return replace(
        task,
        bench=replace(task.bench, datasets={**task.bench.datasets, TEST: dataset}),
        seeds=tuple(seeds) if seeds else task.seeds,
        missing=(*task.missing, *whole.incomplete),
        notes=tuple(dict.fromkeys([*task.notes, *notes])),
    )


def _check(together: int, budget: object, seeds: Sequence[int], out: Path | None) -> None:
    if together < 1:
        raise SeehearError(f"together must be at least 1, not {together}")
    if not isinstance(budget, int | float) or not budget >= 0:
        raise SeehearError(f"budget is a share of traversal's cost, at least 0, not {budget!r}")
    check(seeds, out)


def check(seeds: Sequence[int], out: Path | None) -> None:
    """Check seeds and folder.

    Raises:
        SeehearError: If there is no seed, a seed is given twice, or a number is negative. If the folder is a file.
    """
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise SeehearError("seeds must be one or more different numbers, at least 0")
    check_folder(out)


def _candidates(train: Dataset, networks: Networks | None) -> dict[str, list[str]]:
    chosen = train.collocation if networks is None else arguments.candidates(networks)
    for modality, names in chosen.items():
        if len(set(names)) < len(names):
            raise SeehearError(f"{modality} names a network twice: {', '.join(names)}")
    return chosen


def _with(dataset: Dataset, networks: Mapping[str, Sequence[str]]) -> Dataset:
    """Return the data set with all candidate networks."""
    same = dataset.collocation == {modality: list(names) for modality, names in networks.items()}
    return dataset if same and tuple(networks) == dataset.modalities else dataset.with_networks(networks)


def _complete(dataset: Dataset, split: str) -> Dataset:
    """Return the clips with features of every candidate: all collocations are compared on the same clips."""
    complete = dataset.complete()
    if not len(complete):
        names = ", ".join(info.name for info in dataset.infos)
        why = f"no clip has features of every candidate network ({names}): extract them first"
        raise SeehearError(f"{split}: {'; '.join([why, *complete.notes])}")
    return complete


def _missing_note(dataset: Dataset, split: str) -> list[str]:
    """Return how many clips have features of every network, and how many lack those of which network."""
    if not dataset.incomplete:
        return []
    counts = {info.name: len(set(dataset.clips) - dataset.source.clips(info.name)) for info in dataset.infos}
    why = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    usable, missing = len(dataset) - len(dataset.incomplete), f" (missing: {why})" if why else ""
    return [
        f"{split}: {usable} of {len(dataset)} clips have usable features of every network{missing}; only they are used"
    ]


def _unknown_classes(dataset: Dataset, classes: Sequence[str], split: str) -> list[str]:
    occurring = [name for c, name in enumerate(dataset.classes) if dataset.labels[:, c].any()]
    fate = "no collocation can find them"
    return unknown_classes(occurring, classes, f"the {split} labels ({dataset.revision})", fate)


def _shared(one: Dataset, other: Dataset) -> set[str]:
    """Return the clips in both data sets. Arrays without names of clips share none: their names are mere numbers."""
    if any(each.store is None and all(clip.isdigit() for clip in each.clips) for each in (one, other)):
        return set()
    return {*one.clips} & {*other.clips}


def _held_out(train: Dataset) -> dict[str, Dataset]:
    """Return a fifth of the clips to validate with, the others to train on."""
    order = np.random.default_rng(3).permutation(len(train))
    cut = max(1, len(train) // HELD_OUT)
    if cut >= len(train):
        raise SeehearError("one clip is too few: some must be trained on, and others held out")

    def part(chosen: list[int]) -> Dataset:
        return train.subset(np.array(chosen)).repacked()

    return {VAL: part(sorted(order[:cut].tolist())), TRAIN: part(sorted(order[cut:].tolist()))}
