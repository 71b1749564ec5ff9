"""The run folder: the settings and data of a training, its history, and the trained model.

RUN/run.json                everything that decides the result: recipe, seed, networks, classes, inputs, versions
RUN/history.json            one entry per epoch: losses, validation scores, seconds
RUN/model.safetensors       the chosen epoch's weights
RUN/done                    which epoch was chosen, and the hash of its weights: the training is finished
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
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from seehear.decoding import Decoding
from seehear.device import limit_torch
from seehear.errors import ClipError, SeehearError
from seehear.features.required import check_required
from seehear.features.store import NetworkInfo
from seehear.files import (
    atomic_bytes,
    atomic_json,
    atomic_text,
    check_folder,
    claim,
    flush_folder,
    is_there,
    sha256,
    sweep,
)
from seehear.locks import locked
from seehear.names import valid_line, valid_modality_name
from seehear.packaged.archive import is_package
from seehear.progress import say
from seehear.stored import (
    Count,
    Flag,
    Number,
    Positive,
    Segment,
    as_model,
    entries,
    exists,
    facts_of,
    read_object,
    read_tensors,
    shape_faults,
)
from seehear.texts import read_json, read_text
from seehear.training.recipe import Recipe
from seehear.version import __version__

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from seehear.fusion.model import ParsingModel
    from seehear.refinement.fitted import Teachers
    from seehear.scoring.false_alarms import FalseAlarms

FORMAT = 1
Stage = Literal["task", "pretrain"]
MADE_OF_FEATURES = ("features", "pseudo")  # endings of the inputs that other networks change
WEIGHTS, TEACHERS = "model.safetensors", "teachers.safetensors"
THRESHOLDS, DONE = "thresholds.json", "done"
CHECKPOINTS: dict[Stage, str] = {"task": "checkpoint.safetensors", "pretrain": "pretraining.safetensors"}
SEED = re.compile(r"seed-(0|[1-9][0-9]*)").fullmatch  # not a folder such as seed-0-old
REMEDY = "train again"
HASHED = f"{WEIGHTS} sha256 "  # precedes the hash in RUN/done
MAX_DONE = 1 << 16  # bytes of RUN/done
HISTORIES: dict[Stage, str] = {"task": "history.json", "pretrain": "pretraining.json"}


@dataclass(frozen=True)
class RunFacts:
    """Everything that decides a run's result.

    Attributes:
        recipe: Every setting of model and training. Its precision is that of the run, see `settle`: float32 where
            nobody has settled it, as in runs of versions without the setting.
        seed: Of the initial weights, the order of clips and dropout.
        networks: modality -> its networks, in order.
        classes: Names of the C classes, in the order of the model's output.
        segment: Seconds per segment.
        window: Segments of a training clip: the length of the windows in which longer clips are parsed. Attention has
            a window of its own, `recipe.window`.
        inputs: name -> revision of the labels and features that were read.
    """

    recipe: Recipe
    seed: Count
    networks: Mapping[str, Sequence[NetworkInfo]]
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    segment: Segment
    window: Positive
    inputs: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.recipe.precision == "auto":
            object.__setattr__(self, "recipe", self.recipe.model_copy(update={"precision": "float32"}))

    @property
    def modalities(self) -> tuple[str, ...]:
        """Return the modalities, in order."""
        return tuple(self.networks)

    @property
    def widths(self) -> dict[str, list[int]]:
        """Return modality -> widths of its networks' features."""
        return {modality: [info.width for info in infos] for modality, infos in self.networks.items()}

    @property
    def collocation(self) -> dict[str, list[str]]:
        """Return modality -> names of its networks."""
        return {modality: [info.name for info in infos] for modality, infos in self.networks.items()}

    def as_json(self) -> dict[str, Any]:
        """Return the content of RUN/run.json, without format and versions."""
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "seed": self.seed,
            "networks": {modality: [asdict(info) for info in infos] for modality, infos in self.networks.items()},
            "classes": list(self.classes),
            "segment": self.segment,
            "window": self.window,
            "inputs": dict(self.inputs),
        }

    @staticmethod
    def from_json(facts: Mapping[str, Any], where: object) -> RunFacts:
        """Return the facts that `as_json` wrote. Raises SeehearError naming `where` and the field that is wrong."""
        read = as_model(facts, RunFacts, where, f"{REMEDY}, or use the version of seehear that made it")
        try:
            for modality in read.modalities:
                valid_modality_name(modality)
            for name in read.classes:
                valid_line(name)
        except ClipError as error:
            raise SeehearError(f"{where}: {error}") from None
        return read


class Epoch(BaseModel):
    """What has to be known of an epoch in a history. Losses and other scores are kept as they are."""

    model_config = ConfigDict(extra="allow")

    epoch: Count
    seconds: Annotated[Number, Field(ge=0)]
    best: Flag = False  # of the task; pretraining has none
    val: Mapping[str, Annotated[float, Field(strict=True)]] | None = None
    never_found: Mapping[str, Sequence[str]] = {}


def checked_history(value: Any, where: object) -> list[dict[str, Any]]:
    """Return a history as it was written. Raises SeehearError naming `where` and the field that is wrong."""
    as_model(value, list[Epoch], where, REMEDY)
    if [entry["epoch"] for entry in value] != list(range(len(value))):
        raise SeehearError(f"{where}: its epochs are not numbered from 0 on; {REMEDY}")
    for entry in value:
        try:
            Decoding.from_json(entry.get("decoding", {}))
        except SeehearError as error:
            raise SeehearError(f"{where}: epoch {entry['epoch']}: {error}; {REMEDY}") from None
    return list(value)


def new_model(
    recipe: Recipe, widths: Mapping[str, Sequence[int]], classes: int, projection: str | None = None
) -> ParsingModel:
    """Return a model with initial weights.

    Args:
        recipe: Its settings.
        widths: modality -> widths of its networks' features.
        classes: Number of classes.
        projection: Another than the recipe's.
    """
    from seehear.fusion.model import ParsingModel

    return ParsingModel(
        widths,
        classes,
        width=recipe.width,
        heads=recipe.heads,
        layers=recipe.layers,
        feed_forward=recipe.feed_forward,
        dropout=recipe.dropout,
        input_dropout=recipe.input_dropout,
        projection=projection or recipe.contrast.projection_of_task(tuple(widths)),
        blend=recipe.blend,
        window=recipe.window,
    )


class BaseRun(ABC):
    """One training: what decides its result, its progress, and the trained model. In a folder, or in memory."""

    facts: RunFacts

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether training has finished."""

    @abstractmethod
    def history(self) -> list[dict[str, Any]]:
        """Return one entry per epoch: losses, validation scores, seconds, and whether it was the best so far."""

    @abstractmethod
    def weights(self) -> dict[str, Tensor]:
        """Return the state dict of the chosen epoch's model. Raises SeehearError if training has not finished."""

    @abstractmethod
    def keep_weights(self, state: Mapping[str, Tensor], epoch: int) -> None:
        """Keep the weights of the best epoch so far."""

    @abstractmethod
    def resume(self, model: ParsingModel, optimiser: Optimizer, stage: Stage = "task") -> list[dict[str, Any]]:
        """Load the last checkpoint into model and optimiser.

        Args:
            model: Gets the weights of the last epoch.
            optimiser: Gets its state.
            stage: `task`, or `pretrain` for the stage before it.

        Returns:
            The history of the epochs so far; empty without a checkpoint.
        """

    @abstractmethod
    def checkpoint(
        self, model: ParsingModel, optimiser: Optimizer, history: list[dict[str, Any]], stage: Stage = "task"
    ) -> None:
        """Keep everything that is needed to resume bit-exactly.

        Args:
            model: After the last epoch.
            optimiser: After the last epoch.
            history: One entry per epoch so far.
            stage: `task`, or `pretrain` for the stage before it.
        """

    def alone(self) -> AbstractContextManager[None]:
        """Return a context in which no other process trains this run."""
        return nullcontext()

    @abstractmethod
    def finish(self, rule: str, history: list[dict[str, Any]]) -> None:
        """Mark the training done. rule: what chose the epoch."""

    def new_model(self, projection: str | None = None) -> ParsingModel:
        """Return a model of this run's shape with its initial weights. projection: another than the recipe's."""
        return new_model(self.facts.recipe, self.facts.widths, len(self.facts.classes), projection)

    def model(self, device: str = "cpu") -> ParsingModel:
        """Return the trained model. Raises SeehearError if training has not finished."""
        import torch

        limit_torch()
        weights = self.weights()
        with torch.device("meta"):  # shapes alone: what is asked for may not fit into memory
            expected = self.new_model().state_dict()
        if fault := shape_faults(weights, expected):
            raise SeehearError(f"{self.name}: {WEIGHTS} does not fit run.json: {fault}; {REMEDY}")
        for name, tensor in weights.items():
            if not torch.isfinite(tensor).all():
                raise SeehearError(f"{self.name}: {name} in {WEIGHTS} holds numbers that are not finite; {REMEDY}")
        model = self.new_model()
        model.load_state_dict(weights)
        return model.to(device).eval()

    @property
    def chosen(self) -> dict[str, Any]:
        """The history's entry of the chosen epoch."""
        best = [entry for entry in self.history() if entry.get("best")]
        if not best:
            raise SeehearError(f"{self.name}: its history names no chosen epoch; {REMEDY}")
        return best[-1]

    @abstractmethod
    def keep_teachers(self, teachers: Teachers) -> None:
        """Keep the teachers that labelled the training clips, which evaluations compare the model with."""

    @abstractmethod
    def teachers(self) -> Teachers | None:
        """Return the teachers that labelled the training clips, if there were any."""

    @property
    def decoding(self) -> Decoding:
        """From probabilities to events: thresholds that were kept, else the chosen epoch's, else the official."""
        return self.kept_thresholds() or self.trained_decoding

    @property
    def trained_decoding(self) -> Decoding:
        """The same without thresholds that were kept after the training."""
        return Decoding.from_json(self.chosen.get("decoding", {}))

    @abstractmethod
    def keep_thresholds(self, thresholds: FalseAlarms) -> None:
        """Keep thresholds that were chosen after the training, in the place of its own."""

    @abstractmethod
    def kept_thresholds(self) -> Decoding | None:
        """Return the decoding with the thresholds that were kept, if there are any."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What to call the run in messages."""

    def check_networks(self, networks: Mapping[str, NetworkInfo], segment: float, where: str) -> None:
        """Check that features were made as those that the run was trained on.

        Args:
            networks: Name -> network, of the features.
            segment: Seconds per segment, of the features.
            where: The place of the features, for the message.

        Raises:
            SeehearError: Naming the network whose features were made with other settings or weights.
        """
        required = [info for infos in self.facts.networks.values() for info in infos]
        check_required(required, self.facts.segment, networks, segment, where, self.name)


class MemoryRun(BaseRun):
    """A training that writes nothing."""

    name = "this parser"

    def __init__(self, facts: RunFacts) -> None:
        self.facts = facts
        self._done = False
        self._history: list[dict[str, Any]] = []
        self._weights: dict[str, Tensor] = {}
        self._teachers: Teachers | None = None
        self._thresholds: FalseAlarms | None = None

    def keep_thresholds(self, thresholds: FalseAlarms) -> None:
        """Keep them in memory."""
        self._thresholds = thresholds

    def kept_thresholds(self) -> Decoding | None:
        """Return the decoding with those that were kept."""
        return self._thresholds.decoding if self._thresholds is not None else None

    def keep_teachers(self, teachers: Teachers) -> None:
        """Keep them in memory."""
        self._teachers = teachers

    def teachers(self) -> Teachers | None:
        """Return those that were kept."""
        return self._teachers

    @property
    def done(self) -> bool:
        """Return whether `finish` was called."""
        return self._done

    def history(self) -> list[dict[str, Any]]:
        """Return a copy of the history."""
        return list(self._history)

    def weights(self) -> dict[str, Tensor]:
        """Return the chosen epoch's state dict. Raises SeehearError if training has not finished."""
        if not self._done:
            raise SeehearError("training has not finished: call fit first")
        return self._weights

    def keep_weights(self, state: Mapping[str, Tensor], epoch: int) -> None:
        """Keep a copy of the weights, on the CPU."""
        self._weights = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    def resume(self, model: ParsingModel, optimiser: Optimizer, stage: Stage = "task") -> list[dict[str, Any]]:
        """Return an empty history: nothing is kept between processes."""
        return []

    def checkpoint(
        self, model: ParsingModel, optimiser: Optimizer, history: list[dict[str, Any]], stage: Stage = "task"
    ) -> None:
        """Do nothing."""
        return None

    def finish(self, rule: str, history: list[dict[str, Any]]) -> None:
        """Keep the history and mark the training done."""
        self._history, self._done = list(history), True

    def save(self, path: Path) -> Run:
        """Write the finished training as a run folder. Raises SeehearError if another run lies there."""
        run = Run.start(path, self.facts)
        run.keep_weights(self.weights(), self.chosen["epoch"])
        if self._teachers is not None:
            run.keep_teachers(self._teachers)
        run.finish("the training in memory", self.history())
        if self._thresholds is not None:
            run.keep_thresholds(self._thresholds)
        return run


class Run(BaseRun):
    """A run folder."""

    def __init__(self, path: str | Path) -> None:
        """Open a run folder. Raises SeehearError if there is none, or it is of another format."""
        self.path = Path(path)
        marker = self.path / "run.json"
        if several := seed_folders(self.path):
            raise SeehearError(
                f"{self.path}: holds runs of several seeds: name one, such as {several[0]}, or take them "
                "as one with --ensemble (in Python ensemble=True)"
            )
        if not exists(marker):
            if within := [each for each in entries(self.path) if exists(each / "run.json") or seed_folders(each)]:
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
        claim(path / "run.json", {"format": FORMAT, **facts.as_json(), "versions": versions})
        run = Run(path)
        differ = differences(run.facts.as_json(), json.loads(json.dumps(facts.as_json())))
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
        files = [self.path / name for name in ("run.json", WEIGHTS)]
        try:
            content = b"".join(file.read_bytes() for file in files if exists(file))
        except OSError as error:
            raise SeehearError(f"{error.filename}: can't be read: {error.strerror}") from None
        return hashlib.sha256(content).hexdigest()

    def history(self) -> list[dict[str, Any]]:
        """Return the content of RUN/history.json; an empty list before the first epoch."""
        file = self.path / HISTORIES["task"]
        return checked_history(read_json(file), file) if exists(file) else []

    def weights(self) -> dict[str, Tensor]:
        """Read RUN/model.safetensors. Raises SeehearError if training has not finished, or the file was changed."""
        if not self.done:
            raise SeehearError(f"{self.path}: training has not finished; resume it by the same `seehear train` command")
        self._check_weights()
        tensors, _ = load_tensors(self.path / WEIGHTS)
        return tensors

    def _check_weights(self) -> None:
        """Raise SeehearError unless the weights have the hash in RUN/done. Runs of earlier versions have none there."""
        file, marker = self.path / WEIGHTS, self.path / DONE
        _, stated, recorded = read_text(marker, MAX_DONE, remedy=REMEDY).partition(HASHED)
        if not stated:
            return
        try:
            found = sha256(file)
        except OSError as error:
            raise SeehearError(f"{file}: can't be read: {error.strerror}") from None
        if found != recorded.strip():
            raise SeehearError(
                f"{file}: is not what the training wrote: its hash is not the one in {marker}; copy the run folder "
                "again, or delete it and train again"
            )

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
            return None
        tensors, metadata = read_tensors(file, "np", REMEDY)
        return Teachers.from_tensors(tensors, facts_of(metadata, "facts", file, REMEDY), file)

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
        # Last, so that a process that is killed before leaves a training that resumes, not weights without their hash.
        digest = sha256(self.path / WEIGHTS)
        atomic_text(self.path / DONE, f"epoch {self.chosen['epoch']}, chosen by {rule}\n{HASHED}{digest}\n")
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
        if not is_there(self.path / "run.json"):
            raise SeehearError(f"{self.path}: the run was deleted or unmounted meanwhile; nothing more is written")


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """Return the differences between two JSON values, each such as `recipe.epochs 40 → 2`.

    Args:
        old: A JSON value.
        new: Another one.
        where: The dotted name of the values, empty for whole documents.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        keys = dict.fromkeys([*old, *new])
        parts = [differences(old.get(key), new.get(key), f"{where}.{key}" if where else key) for key in keys]
        return [part for each in parts for part in each]
    return [] if old == new else [f"{where} {_as_text(old)} → {_as_text(new)}"]


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def differences_but_seed(one: BaseRun, other: BaseRun) -> list[str]:
    """Return the differences of two runs, except their seeds; see `differences`."""
    old, new = ({**run.facts.as_json(), "seed": None} for run in (one, other))
    if one.facts.collocation != other.facts.collocation:
        # Other networks have other features: their names are enough.
        for facts, run in ((old, one), (new, other)):
            facts["networks"] = {modality: "+".join(names) for modality, names in run.facts.collocation.items()}
            facts["inputs"] = {name: of for name, of in facts["inputs"].items() if not name.endswith(MADE_OF_FEATURES)}
    refines = [run.facts.recipe.refine for run in (one, other)]
    # Labels follow from the settings, which are enough; those of a further round depend on the seed too.
    if refines[0] != refines[1] or refines[0].rounds > 1:
        for facts in (old, new):
            facts["inputs"] = {name: of for name, of in facts["inputs"].items() if not name.endswith("pseudo")}
    return differences(old, new)


def find_runs(paths: Sequence[str | Path]) -> list[Run]:
    """Return the runs in these folders, or in their subfolders seed-0, seed-1, … if they hold several.

    Raises:
        SeehearError: For a folder without a run.
    """
    runs = []
    for path in map(Path, paths):
        runs += [Run(folder) for folder in seed_folders(path)] or [Run(path)]
    return runs


def holds_run(path: str | Path) -> bool:
    """Return whether a path is the folder of a run, or of several seeds."""
    folder = Path(path)
    return exists(folder / "run.json") or bool(seed_folders(folder))


def seed_folders(folder: Path) -> list[Path]:
    """Return the folders seed-0, seed-1, … of runs in a folder, by seed. Others, such as seed-0-old, are no seeds."""
    seeds = {int(path.name.removeprefix("seed-")): path for path in entries(folder) if SEED(path.name)}
    return [seeds[seed] for seed in sorted(seeds) if exists(seeds[seed] / "run.json")]


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: object) -> None:
    """Write tensors and a JSON value into one file."""
    from safetensors.torch import save

    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    atomic_bytes(path, save(contiguous, metadata={"facts": json.dumps(facts)}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], Any]:
    """Return the tensors and the JSON value of a file. Raises SeehearError if the file is missing or damaged."""
    try:
        tensors, metadata = read_tensors(path, "pt", REMEDY)
    except FileNotFoundError:
        raise SeehearError(f"{path}: no such file; {REMEDY}") from None
    return tensors, facts_of(metadata, "facts", path, REMEDY)
