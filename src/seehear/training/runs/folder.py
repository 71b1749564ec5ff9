"""The run folder: the settings and data of a training, its history, and the trained model.

RUN/run.json                everything that decides the result: recipe, seed, networks, classes, inputs, versions
RUN/history.json            one entry per epoch: losses, validation scores, seconds
RUN/model.safetensors       the chosen epoch's weights
RUN/done                    which epoch was chosen, and the hashes of what is read later: the training is finished
RUN/checkpoint.safetensors  the last epoch's weights and the optimiser's state, to resume from
RUN/teachers.safetensors    the teachers that labelled the training clips per modality, if there were any
RUN/thresholds.json         thresholds that were chosen after the training, by false alarms per hour; delete it to
                            return to those of the training
RUN/scores-<labels>.json    the scores that `seehear evaluate` computed
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.files import (
    atomic_json,
    check_folder,
    claim,
    flush_folder,
    is_there,
    sweep,
)
from seehear.locks import locked
from seehear.packaged.archive import is_package
from seehear.progress import say
from seehear.stored import (
    entries,
    exists,
    facts_of,
    read_object,
    read_tensors,
)
from seehear.texts import read_json
from seehear.training.runs.base import WEIGHTS, BaseRun, Stage
from seehear.training.runs.differences import facts_that_differ
from seehear.training.runs.facts import REMEDY, RunFacts
from seehear.training.runs.history import checked_history
from seehear.training.runs.marker import DONE, check_file, write_marker
from seehear.training.runs.seeds import seed_folders
from seehear.training.runs.tensors import load_tensors, save_tensors
from seehear.version import __version__

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from seehear.fusion.model import ParsingModel
    from seehear.refinement.fitted import Teachers
    from seehear.scoring.false_alarms import FalseAlarms

FORMAT = 1
TEACHERS = "teachers.safetensors"
THRESHOLDS, RUN = "thresholds.json", "run.json"
CHECKPOINTS: dict[Stage, str] = {"task": "checkpoint.safetensors", "pretrain": "pretraining.safetensors"}
HISTORIES: dict[Stage, str] = {"task": "history.json", "pretrain": "pretraining.json"}
NEEDED = (WEIGHTS, RUN, HISTORIES["task"], TEACHERS)  # by a finished run


class Run(BaseRun):
    """A run folder."""

    def __init__(self, path: str | Path) -> None:
        """Open a run folder. Raises SeehearError if there is none, or it is of another format."""
        self.path = Path(path)
        marker = self.path / RUN
        if several := seed_folders(self.path):
            raise SeehearError(
                f"{self.path}: holds runs of several seeds: name one, such as {several[0]}, or take them "
                "as one with --ensemble (in Python ensemble=True)"
            )
        if not exists(marker):
            if within := [each for each in entries(self.path) if exists(each / RUN) or seed_folders(each)]:
                raise SeehearError(f"{self.path}: a folder of runs: name one of them, such as {within[0]}")
            if is_package(self.path):
                raise SeehearError(f"{self.path}: is a package, which `parse` takes; name the run that it was made of")
            raise SeehearError(f"{self.path}: no run in this folder; `seehear train --out` makes one")
        content = read_object(marker, REMEDY)
        if content.get("format") != FORMAT:
            raise SeehearError(
                f"{self.path}: a run of format {content.get('format')}, but this version reads format {FORMAT}: "
                "train again, or use the version that made it"
            )
        self.facts = RunFacts.from_json(content, marker)
        self._check(RUN)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, seed {self.facts.seed}, {'done' if self.done else 'not finished'})"

    @property
    def name(self) -> str:
        """Return the path of the folder."""
        return str(self.path)

    @staticmethod
    def start(path: Path, facts: RunFacts) -> Run:
        """Return the folder of this run, new or as far as it came. Raises SeehearError if another run lies there."""
        import numpy
        import torch

        check_folder(path)
        sweep(path)
        versions = {
            "seehear": __version__,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": numpy.__version__,
        }
        claim(path / RUN, {"format": FORMAT, **facts.as_json(), "versions": versions})
        run = Run(path)
        differ = facts_that_differ(run.facts.as_json(), json.loads(json.dumps(facts.as_json())))
        if differ:
            raise SeehearError(f"{path}: holds another run: {'; '.join(differ)}; give another --out, or delete it")
        if run.done:
            run._remove_checkpoints()  # of a process that was killed before it did
        return run

    @property
    def done(self) -> bool:
        """Return whether the folder holds the weights and the marker that `finish` writes."""
        return (self.path / WEIGHTS).exists() and (self.path / DONE).exists()

    @property
    def identity(self) -> str:
        """Hash of the run's facts and of its trained model."""
        files = [self.path / name for name in (RUN, WEIGHTS)]
        try:
            content = b"".join(file.read_bytes() for file in files if exists(file))
        except OSError as error:
            raise SeehearError(f"{error.filename}: can't be read: {error.strerror}") from None
        return hashlib.sha256(content).hexdigest()

    def history(self) -> list[dict[str, Any]]:
        """Return the content of RUN/history.json; an empty list before the first epoch."""
        file = self.path / HISTORIES["task"]
        history = checked_history(read_json(file, REMEDY), file) if exists(file) else []
        self._check(file.name)
        return history

    def weights(self) -> dict[str, Tensor]:
        """Read RUN/model.safetensors. Raises SeehearError if training has not finished, or the file was changed."""
        if not self.done:
            raise SeehearError(f"{self.path}: training has not finished; resume it by the same `seehear train` command")
        self._check(WEIGHTS)
        tensors, _ = load_tensors(self.path / WEIGHTS)
        return tensors

    def _check(self, name: str) -> None:
        """Raise SeehearError unless a file of a finished run is what the training wrote, as far as RUN/done tells."""
        if self.done:
            check_file(self.path, name)

    def keep_teachers(self, teachers: Teachers) -> None:
        """Write RUN/teachers.safetensors in one step."""
        import torch

        self._check_exists()
        arrays, facts = teachers.as_tensors()
        save_tensors(self.path / TEACHERS, {name: torch.from_numpy(array) for name, array in arrays.items()}, facts)

    def teachers(self) -> Teachers | None:
        """Read RUN/teachers.safetensors. Raises SeehearError if the file is damaged."""
        from seehear.refinement.fitted import Teachers

        file = self.path / TEACHERS
        if not exists(file):
            self._check(TEACHERS)
            return None
        tensors, metadata = read_tensors(file, "np", REMEDY)
        teachers = Teachers.from_tensors(tensors, facts_of(metadata, "facts", file, REMEDY), file)
        self._check(TEACHERS)
        return teachers

    def keep_thresholds(self, thresholds: FalseAlarms) -> None:
        """Write RUN/thresholds.json in one step."""
        self._check_exists()
        thresholds.save(self.path / THRESHOLDS)

    def kept_thresholds(self) -> Decoding | None:
        """Read RUN/thresholds.json, if there is one. Raises SeehearError if the file is damaged."""
        file = self.path / THRESHOLDS
        if not exists(file):
            return None
        try:
            return Decoding.from_json(read_json(file))
        except SeehearError as error:
            remedy = "delete it to return to the training's thresholds"
            raise SeehearError(f"{error if str(file) in str(error) else f'{file}: {error}'}; {remedy}") from None

    def keep_weights(self, state: Mapping[str, Tensor], epoch: int) -> None:
        """Write RUN/model.safetensors in one step."""
        self._check_exists()
        (self.path / DONE).unlink(missing_ok=True)  # of a finished training, whose hash is not that of these weights
        save_tensors(self.path / WEIGHTS, state, {"epoch": epoch})

    def resume(self, model: ParsingModel, optimiser: Optimizer, stage: Stage = "task") -> list[dict[str, Any]]:
        """Read the checkpoint into model and optimiser, and return its history."""
        from seehear.training import checkpoint

        history = checkpoint.resume(self.path / CHECKPOINTS[stage], model, optimiser)
        if history:  # a process may have been killed between the checkpoint and its history
            atomic_json(self.path / HISTORIES[stage], history)
        return history

    def checkpoint(
        self, model: ParsingModel, optimiser: Optimizer, history: list[dict[str, Any]], stage: Stage = "task"
    ) -> None:
        """Write the checkpoint of a stage, then its history."""
        from seehear.training import checkpoint

        self._check_exists()
        checkpoint.save(self.path / CHECKPOINTS[stage], model, optimiser, history)
        atomic_json(self.path / HISTORIES[stage], history)

    def finish(self, rule: str, history: list[dict[str, Any]]) -> None:
        """Write the history and the marker, and delete the checkpoints."""
        # Written again, since a process may have been killed between the last checkpoint and its history.
        self._check_exists()
        atomic_json(self.path / HISTORIES["task"], history)
        # Last, so that a process that is killed before leaves a training that resumes, not files without hashes.
        write_marker(self.path, f"epoch {self.chosen['epoch']}, chosen by {rule}", NEEDED)
        flush_folder(self.path)
        self._remove_checkpoints()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process trains in this folder."""
        with locked(self.path, lambda: say(f"{self.path}: another process trains this run: waiting for it")):
            if self.done:  # by another process, perhaps killed before it deleted them
                self._remove_checkpoints()
            yield

    def _remove_checkpoints(self) -> None:
        """Delete what is needed only to resume, and is three times the model's size."""
        for name in CHECKPOINTS.values():
            with suppress(OSError):  # on a disk that can only be read, even if there is none
                (self.path / name).unlink(missing_ok=True)

    def _check_exists(self) -> None:
        """Raise a SeehearError if the folder has vanished for long: a new one of its name would be no run."""
        if not is_there(self.path / RUN):
            raise SeehearError(f"{self.path}: the run was deleted or unmounted meanwhile; nothing more is written")


def find_runs(paths: Sequence[str | Path]) -> list[Run]:
    """Return the runs in these folders, or in their subfolders seed-0, seed-1, … if they hold several.

    Raises:
        SeehearError: For a folder without a run.
    """
    runs = []
    for path in map(Path, paths):
        runs += [Run(folder) for folder in seed_folders(path)] or [Run(path)]
    return runs
