"""Trainings by the hundred: in parallel processes, each kept when it is done, none done twice.

With a folder, a training is a run folder like any other, OUT/trainings/<collocation>/<purpose>-<hash>/seed-N. It also
holds the model's scores, clip by clip, on each set of labels that it was scored on. The hash covers everything that
decides the result. So a network that is added later brings its own trainings and leaves the others alone. Without a
folder, outcomes are kept in memory, and models are not kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.data import Dataset
from seehear.engines.interface import Engine, LostError
from seehear.engines.local import LocalEngine
from seehear.errors import SeehearError
from seehear.events import Activity
from seehear.features.packed import Packed
from seehear.features.store import NetworkInfo
from seehear.memory import IN_MEMORY
from seehear.selection.collocation import Collocation
from seehear.stored import Number, as_model, facts_of, read_tensors
from seehear.training.bags import Split
from seehear.training.epochs import EpochProgress, Watched
from seehear.training.recipe import Decode, Recipe
from seehear.training.runs import HISTORIES, BaseRun, MemoryRun, Run, RunFacts

if TYPE_CHECKING:
    from seehear.training.validation import Validation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Scored:
    """What a file of scores holds beside them."""

    flops: Number


class Metric(StrEnum):
    """What a clip is scored by: the mean of all scores of both levels, or F1 of its set of classes."""

    AVERAGE = "average"
    LABEL_F1 = "label_f1"


@dataclass(frozen=True)
class Part:
    """Some clips of a data set.

    Attributes:
        split: train, val or test.
        clips: Numbers of the clips among those with features; None for all.
    """

    split: str
    clips: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Training:
    """A training to do.

    Attributes:
        purpose: For people; the folder's name begins with it.
        collocation: The networks to train on.
        recipe: Every setting of model and training.
        seed: Fixes the training.
        train: The clips to train on.
        watch: The clips that choose the epoch and give the curve.
        judged: The clips that the trained model is scored on, clip by clip.
    """

    purpose: str
    collocation: Collocation
    recipe: Recipe
    seed: int
    train: Part
    watch: Part | None
    judged: Part


@dataclass(frozen=True)
class Outcome:
    """The outcome of a training.

    Attributes:
        clips: Numbers of the scored clips in their split, (N,).
        per_clip: "average" and "type_at_av" if the ground truth is known, "label_f1" always; (N,) each, per cent.
        history: One entry per epoch.
        seconds: Of one process.
        flops: Of all steps and validations.
        path: The run folder; None for a training in memory.
    """

    clips: NDArray[np.int64]
    per_clip: Mapping[str, Array]
    history: Sequence[Mapping[str, Any]]
    seconds: float
    flops: float
    path: Path | None = None

    @property
    def score(self) -> Array:
        """The score of each clip, (N,): the average score if the ground truth is known, else label F1."""
        return score_of(self.per_clip)

    def curve(self, name: str) -> Array:
        """Return a validation score after each epoch, (epochs,)."""
        return np.array([entry["val"][name] for entry in self.history])


def score_of(per_clip: Mapping[str, Array]) -> Array:
    """Return the score of each clip, (N,): the average score if the ground truth is known, else label F1."""
    return per_clip.get(Metric.AVERAGE, per_clip[Metric.LABEL_F1])


def scores_of_clips(validation: Validation) -> dict[str, Array]:
    """Return what `Outcome.per_clip` holds."""
    per_clip: dict[str, Array] = {Metric.LABEL_F1: 100 * validation.label_f1}
    if validation.scores is not None and not validation.estimated:
        per_clip["type_at_av"] = 100 * validation.scores.per_clip["segment", validation.scores.summary]
        per_clip[Metric.AVERAGE] = 100 * np.mean(list(validation.scores.per_clip.values()), axis=0)
    return per_clip


@dataclass
class Bench:
    """Where trainings are done.

    Attributes:
        datasets: split -> its clips that have features of every candidate network.
        window: Segments of a training clip.
        out: The folder in which trainings are kept; None for trainings in memory.
        engine: Does the trainings.
        device: cpu or cuda.
        in_memory: Bytes of features that each process may hold.
        progress: Whether to show progress.
    """

    datasets: dict[str, Dataset]
    window: int
    out: Path | None = None
    engine: Engine = field(default_factory=LocalEngine)
    device: str = "cpu"
    in_memory: int = IN_MEMORY
    progress: bool = True
    _outcomes: dict[Path, Outcome] = field(default_factory=dict, repr=False)
    _runs: dict[Path, BaseRun] = field(default_factory=dict, repr=False)  # trained, and not scored yet

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "engine": LocalEngine(), "_outcomes": {}, "_runs": {}}

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the training clips."""
        return self.datasets["train"].classes

    @property
    def networks(self) -> dict[str, NetworkInfo]:
        """Every candidate network, by name."""
        return {info.name: info for info in self.datasets["train"].infos}

    def packed(self, network: str, split: str) -> Packed:
        """Return a network's features of a split's clips."""
        return self.datasets[split].packed(network)

    def count(self, part: Part) -> int:
        """Return the number of clips of a part."""
        return len(self.datasets[part.split]) if part.clips is None else len(part.clips)

    def dataset(self, collocation: Collocation, part: Part) -> Dataset:
        """Return the clips of a part with the networks of a collocation."""
        whole = self.datasets[part.split]
        known = {info.name: info for info in whole.infos}
        networks = {modality: tuple(known[name] for name in option) for modality, option in collocation.options}
        truth = whole.truth
        if truth is not None:
            chosen = {modality: truth[modality] for modality in networks}
            truth = Activity(chosen, classes=truth.classes, source=truth.source)
        restricted = replace(whole, networks=networks, truth=truth)  # every clip has features of every network
        return restricted if part.clips is None else restricted.subset(np.array(part.clips, dtype=np.int64))

    def split(self, collocation: Collocation, part: Part) -> Split:
        """Return features and labels of some clips, as training takes them."""
        return Split.of(self.dataset(collocation, part), self.classes, self.device, self.in_memory)

    def facts(self, training: Training) -> RunFacts:
        """Return everything that decides the training's result."""
        inputs: dict[str, str] = {}
        for role, part in (("train", training.train), ("watch", training.watch)):
            if part is not None:
                contents = [self.packed(name, part.split).contents for name in training.collocation.networks]
                clips = hashlib.sha256(json.dumps(part.clips).encode()).hexdigest()[:8] if part.clips else "all"
                revision = self.datasets[part.split].revision
                inputs |= {role: revision, f"{role}_clips": clips, f"{role}_features": "+".join(contents)}
        if self.device != "cpu":
            inputs["trained"] = "stacked"  # which draws other dropout than one by one
        known = self.networks
        networks = {modality: [known[name] for name in option] for modality, option in training.collocation.options}
        segment = self.datasets["train"].segment
        return RunFacts(training.recipe, training.seed, networks, self.classes, segment, self.window, inputs)

    def key(self, training: Training) -> Path:
        """Return the training's folder, relative to the folder of all: it names everything that decides the result."""
        # Settings with their default value are left out, so that a setting that is new to seehear changes no folder.
        settings = training.recipe.model_dump(mode="json", exclude_defaults=True)
        facts = {**self.facts(training).as_json(), "seed": None, "recipe": settings}
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
        place = "--".join("+".join(option) for _, option in training.collocation.options)
        return Path("trainings") / place / f"{training.purpose}-{digest}" / f"seed-{training.seed}"

    def folder(self, training: Training) -> Path:
        """Return the training's run folder. Raises ValueError for trainings in memory."""
        if self.out is None:
            raise ValueError("trainings in memory have no folder")
        return self.out / self.key(training)

    def run(self, trainings: Sequence[Training], what: str) -> list[Outcome | Exception]:
        """Do the trainings that are not done yet.

        Args:
            trainings: Any number.
            what: For the progress bar.

        Returns:
            The outcome of each, in their order, or the error if one failed.
        """
        keys = [self._score_key(training) for training in trainings]
        results: dict[Path, Outcome | Exception] = {}
        todo: dict[Path, Training] = {}
        for key, training in zip(keys, trainings, strict=True):
            done = self._kept(training)
            if done is None:
                todo[key] = training
            else:
                results[key] = done
        if todo:
            watched = {key: self._watched(training) for key, training in todo.items()}
            with EpochProgress(f"{what}, epochs of {len(todo)}", watched, self.progress) as progress:
                for key, outcome in self._each(todo, progress.on_epoch):
                    results[key] = outcome
                    progress.ended(key)
        return [results[key] for key in keys]

    def _watched(self, training: Training) -> Watched:
        history = None if self.out is None else self.folder(training) / HISTORIES["task"]
        return Watched(str(training.collocation), training.recipe.epochs, history, training.recipe.may_stop)

    def _each(
        self, trainings: Mapping[Path, Training], on_epoch: Callable[[Path], None]
    ) -> Iterable[tuple[Path, Outcome | Exception]]:
        from seehear.selection.workers import Trainings, attempt

        if self.engine.elsewhere(len(trainings)):
            keys = {id(training): key for key, training in trainings.items()}
            for training, outcome in self.engine.each(Trainings(self), list(trainings.values())):
                if isinstance(outcome, LostError):
                    kept = f"{self.out}: finished trainings are kept; " if self.out else ""
                    raise LostError(f"{kept}{outcome}: run the same again with fewer workers")
                if self.out is None and isinstance(outcome, Outcome):
                    self._outcomes[self._score_key(training)] = outcome
                yield keys[id(training)], outcome
            return
        if self.device != "cpu":
            self._train_stacks(list(trainings.values()))
        for key, training in trainings.items():

            def do(training: Training, key: Path = key) -> Outcome:
                return self.do(training, lambda: on_epoch(key))

            yield key, attempt(do, training)

    def _train_stacks(self, trainings: Sequence[Training]) -> None:
        """Train those that differ in the seed alone at once: on a GPU, small trainings mostly wait for launches."""
        from seehear.training.stacked import fit_many

        groups: dict[Path, list[Training]] = {}
        for training in trainings:
            groups.setdefault(self.key(training).parent, []).append(training)
        for group in groups.values():
            one = group[0]
            if len(group) > 1 and one.recipe.plain:
                runs = [self._start(training) for training in group]
                train = self.split(one.collocation, one.train)
                watch = self.split(one.collocation, one.watch) if one.watch else None
                with suppress(RuntimeError):  # such as one that diverges; trained one by one it stops no other
                    fit_many(runs, train, watch, self.device)
                if self.out is None:
                    self._runs |= {self.key(training): run for training, run in zip(group, runs, strict=True)}

    def _start(self, training: Training) -> BaseRun:
        """Return the run of this training: new, or as far as an earlier process came."""
        if self.out is None:
            return self._runs.pop(self.key(training), None) or MemoryRun(self.facts(training))
        return Run.start(self.folder(training), self.facts(training))

    def train(self, training: Training, on_epoch: Callable[[], None] = lambda: None) -> BaseRun:
        """Train, or resume from an earlier attempt."""
        from seehear.training.fit import fit

        run = self._start(training)
        train, watch = self.labelled(training)
        fit(run, train, watch, self.device, lambda entry: on_epoch())
        return run

    def labelled(self, training: Training) -> tuple[Split, Split | None]:
        """Return the clips to train on and to watch, with labels per modality if the recipe has a teacher."""
        from seehear.training.setup import with_labels_per_modality

        train = self.dataset(training.collocation, training.train)
        watch = self.dataset(training.collocation, training.watch) if training.watch else None
        train, watch, _, _ = with_labels_per_modality(train, watch, training.recipe)
        of_watch = None if watch is None else Split.of(watch, self.classes, self.device, self.in_memory)
        return Split.of(train, self.classes, self.device, self.in_memory), of_watch

    def do(self, training: Training, on_epoch: Callable[[], None] = lambda: None) -> Outcome:
        """Train, or resume from an earlier attempt, and score.

        Args:
            training: What to do.
            on_epoch: Called after each epoch.

        Returns:
            The outcome, which is kept as well.
        """
        from seehear.selection.flops import training_flops

        run = self.train(training, on_epoch)
        history = run.history()
        judged = self.split(training.collocation, training.judged)
        validation = self._validate(run, training, judged)
        per_clip = scores_of_clips(validation)
        watched = self.count(training.watch) if training.watch else 0
        train = self.split(training.collocation, training.train)
        flops = training_flops(run, train, watched, len(judged.bags), len(history))
        outcome = self._outcome(training, per_clip, history, flops)
        self._keep(training, outcome)
        return outcome

    def _validate(self, run: BaseRun, training: Training, judged: Split) -> Validation:
        """Score a model with the thresholds that its training chose; without clips to watch, those best on `judged`."""
        from seehear.training.validation import validate

        decoding = run.decoding if training.watch is not None else None
        return validate(run.model(self.device), judged, training.recipe, self.window, self.classes, decoding)

    def signature(self, part: Part, decode: Decode) -> str:
        """Return the signature of the scores of this part's clips, whose events a recipe decodes like this."""
        from seehear.decoding import HALF, Decoding
        from seehear.scoring.signature import Signature

        dataset, count = self.datasets[part.split], self.count(part)
        if dataset.truth is None:
            return str(Signature(f"clip{HALF:g}", dataset.revision, count, levels="clip"))
        return str(Signature(str(Decoding()) if decode == "official" else decode, dataset.revision, count))

    def metric(self, split: str) -> Metric:
        """Return what clips of this split are scored by."""
        return Metric.LABEL_F1 if self.datasets[split].truth is None else Metric.AVERAGE

    def _score_key(self, training: Training) -> Path:
        dataset = self.datasets[training.judged.split]
        contents = [self.packed(name, training.judged.split).contents for name in training.collocation.networks]
        text = json.dumps([dataset.revision, dataset.clips, training.judged.clips, contents])
        return self.key(training) / f"judged-{hashlib.sha256(text.encode()).hexdigest()[:8]}.safetensors"

    def _outcome(
        self, training: Training, per_clip: Mapping[str, Array], history: Sequence[Mapping[str, Any]], flops: float
    ) -> Outcome:
        part = training.judged
        clips = np.arange(self.count(part)) if part.clips is None else np.array(part.clips)
        seconds = sum(entry["seconds"] for entry in history)
        return Outcome(clips, per_clip, history, seconds, flops, self.folder(training) if self.out else None)

    def _keep(self, training: Training, outcome: Outcome) -> None:
        from safetensors.numpy import save

        from seehear.files import atomic_bytes

        if self.out is None:
            self._outcomes[self._score_key(training)] = outcome
            return
        facts = {"flops": outcome.flops, "signature": self.signature(training.judged, training.recipe.decode)}
        data = save(dict(outcome.per_clip), metadata={"facts": json.dumps(facts)})
        atomic_bytes(self.out / self._score_key(training), data)

    def _kept(self, training: Training) -> Outcome | None:
        from seehear.files import sweep

        key = self._score_key(training)
        if self.out is None:
            return self._outcomes.get(key)
        file = self.out / key
        if not file.exists():
            return None
        sweep(file.parent)
        try:
            per_clip, metadata = read_tensors(file, "np", "delete it")
            flops = as_model(facts_of(metadata, "facts", file, "delete it"), _Scored, file, "delete it").flops
        except (FileNotFoundError, SeehearError):
            return None  # missing or damaged: it is made again
        of_clips = (self.count(training.judged) if training.judged.clips is None else len(training.judged.clips),)
        if not per_clip or any(each.shape != of_clips or each.dtype != np.float64 for each in per_clip.values()):
            return None
        return self._outcome(training, per_clip, Run(file.parent).history(), flops)
