"""What experiments are run on: data sets, networks, the recipe, and where finished work is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.data import Dataset
from seehear.decoding import Decoding
from seehear.engines.interface import Engine
from seehear.engines.local import LocalEngine
from seehear.errors import SeehearError
from seehear.evaluation import Evaluation, evaluate
from seehear.training.recipe import Recipe

if TYPE_CHECKING:
    from seehear.datasets.spec import DataSet
    from seehear.parsing.parser import Parser
    from seehear.selection.result import Selection
    from seehear.selection.task import Task
    from seehear.selection.trainings import Bench


@dataclass
class Setup:
    """What an experiment is run on.

    Attributes:
        train: Training clips, with the networks of baseline and candidates.
        val: Validation clips, with ground truth.
        test: Test clips, with ground truth.
        candidates: modality -> networks to choose from, or to compare.
        baseline: modality -> networks to train on if nothing is selected.
        recipe: With the user's settings.
        seeds: One training is done with each.
        out: Folder of everything that is finished.
        clips: Folder of the clips' files, or of full videos; None if there is none.
        dataset: Says which parts of full videos the clips are; None if they are files.
        engine: Does the trainings.
        device: auto, cpu or cuda.
        trust_code: Whether to run the code of networks that the store names as FILE.py:NAME.
        progress: Whether to show progress.
    """

    train: Dataset
    val: Dataset
    test: Dataset
    candidates: Mapping[str, Sequence[str]]
    baseline: Mapping[str, Sequence[str]]
    recipe: Recipe
    seeds: Sequence[int]
    out: Path
    clips: Path | None = None
    dataset: DataSet | None = None
    engine: Engine = field(default_factory=LocalEngine)
    device: str = "auto"
    trust_code: bool = False
    progress: bool = True

    @property
    def _options(self) -> dict[str, Any]:
        """How trainings are done, for the bench and for the selection alike."""
        names = ("recipe", "seeds", "out", "engine", "device", "progress")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def _task(self) -> Task:
        """Where all trainings are done: tables share those that they have in common, and a judgement does too."""
        from seehear.selection.prepare import prepare

        return prepare(self.train, self.val, **self._options)

    @cached_property
    def bench(self) -> Bench:
        """A bench that trains many parsers in parallel processes; each is kept when it is done."""
        from seehear.selection.prepare import with_test

        return with_test(self._task, self.test).bench

    @property
    def notes(self) -> list[str]:
        """What a user should know of training and validation clips, and of the networks."""
        return list(self._task.notes)

    @cached_property
    def selection(self) -> Selection:
        """The candidates ranked by training and validation clips."""
        from seehear.selection.select import select

        selection = select(self.train, self.val, networks=self.candidates, **self._options)
        selection.save(self.out)
        return selection

    def evaluate(self, parsers: Sequence[Parser]) -> Evaluation:
        """Return the scores of one system on the test clips."""
        return evaluate(parsers, self.test, decoding=Decoding(), device=self.device, progress=self.progress)


def remembered(folder: Path, name: str, facts: Any, compute: Callable[[], Any]) -> Any:
    """Return a result, computed unless a file has it.

    Args:
        folder: Of the file.
        name: Its name begins with it.
        facts: Everything that decides the result; their hash is in the file's name.
        compute: Returns the result, a list of numbers. A file that holds something else is written again.
    """
    from seehear.files import atomic_json
    from seehear.stored import Number, as_model, exists
    from seehear.texts import read_json

    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
    file = folder / f"{name}-{key}.json"
    if exists(file):
        with suppress(SeehearError):
            as_model(values := read_json(file), list[Number], file, "delete it")
            return values
    atomic_json(file, compute())
    return read_json(file)
