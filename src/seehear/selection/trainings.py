"""Trainings by the hundred: in parallel processes, each kept when it is done, none done twice.

A training is a run folder like any other, OUT/trainings/<collocation>/<purpose>-<hash>/seed-N, and beside the model
lies what it scored, clip by clip, on each set of labels that it was judged by. The hash is that of everything that
decides the result, so that a network that is added later brings its own trainings and leaves the others alone.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.files import DiskFullError, read_json
from seehear.packed import Packed, pack
from seehear.progress import Progress
from seehear.selection.collocation import Collocation
from seehear.store import NetworkInfo, Store
from seehear.training.bags import IN_MEMORY, Bags, Split
from seehear.training.recipe import Recipe
from seehear.training.run import Run, RunFacts

Array = NDArray[np.float64]
A = TypeVar("A")
B = TypeVar("B")

AVERAGE = "average"  # the mean of all scores of both levels
LABEL_F1 = "label_f1"  # of the clip's set of classes: all there is to score without dense labels

LOOK_EVERY = 2.0  # seconds between looks at how far trainings are


@dataclass(frozen=True)
class Sample:
    """Labelled clips that have features of every network in question.

    labels: (N, C). truth: modality -> (N, T, C) bool, where dense labels are known. revision: of the label tables.
    """

    clips: tuple[str, ...]
    labels: NDArray[np.float32]
    truth: Mapping[str, NDArray[np.bool_]] | None
    revision: str

    def __len__(self) -> int:
        return len(self.clips)


@dataclass(frozen=True)
class Part:
    """Some clips of a sample, by number; all where None."""

    sample: str
    clips: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Training:
    """purpose: for people, the folder's name begins with it. watch: the clips that choose the epoch and give the curve.

    judged: the clips that the trained model is scored on, clip by clip.
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
    """What came of a training.

    clips: numbers of the judged clips in their sample, (N,). per_clip: "average" and "type_at_av" where the truth is
    known, "label_f1" always; (N,) each, per cent. history: an entry an epoch. seconds: of one process. flops: of all
    steps and validations.
    """

    path: Path
    clips: NDArray[np.int64]
    per_clip: Mapping[str, Array]
    history: Sequence[Mapping[str, Any]]
    seconds: float
    flops: float

    @property
    def score(self) -> Array:
        """Per clip, (N,): the average score where the truth is known, else label F1."""
        return self.per_clip.get(AVERAGE, self.per_clip[LABEL_F1])

    def curve(self, name: str) -> Array:
        """A validation score after each epoch, (epochs,)."""
        return np.array([entry["val"][name] for entry in self.history])


@dataclass
class Bench:
    """Where trainings are done. networks: of the store, by name. workers: processes, one thread each."""

    out: Path
    store: Store
    networks: Mapping[str, NetworkInfo]
    samples: dict[str, Sample]
    classes: tuple[str, ...]
    window: int
    workers: int = 1
    device: str = "cpu"
    in_memory: int = IN_MEMORY  # bytes of features that each process may hold
    _packs: dict[tuple[str, str], Packed] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Without the memory maps: another process opens its own."""
        return {**self.__dict__, "_packs": {}}

    def packed(self, network: str, sample: str) -> Packed:
        """A network's features of a sample's clips."""
        if (network, sample) not in self._packs:
            self._packs[network, sample] = pack(self.store, network, self.samples[sample].clips)
        return self._packs[network, sample]

    def count(self, part: Part) -> int:
        """Clips of a part."""
        return len(self.samples[part.sample]) if part.clips is None else len(part.clips)

    def split(self, collocation: Collocation, part: Part) -> Split:
        """Features and labels of some clips, as training takes them."""
        import torch

        sample = self.samples[part.sample]
        chosen = np.arange(len(sample)) if part.clips is None else np.array(part.clips, dtype=np.int64)

        def features(network: str) -> Packed:
            whole = self.packed(network, part.sample)
            return whole if part.clips is None else whole.subset(chosen)

        packs = {modality: [features(name) for name in option] for modality, option in collocation.options}
        bags = Bags(packs, self.device, self.in_memory)
        longest = int(bags.lengths.max())
        truth = None
        if sample.truth is not None:
            truth = {name: _as_long(sample.truth[name][chosen], longest) for name, _ in collocation.options}
        return Split(bags, torch.from_numpy(sample.labels[chosen]).to(self.device), truth, sample.revision)

    def facts(self, training: Training) -> RunFacts:
        """Everything that decides the training's result."""
        inputs: dict[str, str] = {}
        for role, part in (("train", training.train), ("watch", training.watch)):
            if part is not None:
                sample = self.samples[part.sample]
                contents = [self.packed(name, part.sample).contents for name in training.collocation.networks]
                clips = hashlib.sha256(json.dumps(part.clips).encode()).hexdigest()[:8] if part.clips else "all"
                inputs |= {role: sample.revision, f"{role}_clips": clips, f"{role}_features": "+".join(contents)}
        if self.device != "cpu":
            inputs["trained"] = "stacked"  # which draws other dropout than one by one
        networks = {
            modality: [self.networks[name] for name in option] for modality, option in training.collocation.options
        }
        return RunFacts(training.recipe, training.seed, networks, self.classes, self.store.segment, self.window, inputs)

    def folder(self, training: Training) -> Path:
        # Settings that are as they come are left out, so that one that is new to seehear changes no folder.
        settings = training.recipe.model_dump(mode="json", exclude_defaults=True)
        facts = {**self.facts(training).as_json(), "seed": None, "recipe": settings}
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
        place = "--".join("+".join(option) for _, option in training.collocation.options)
        return self.out / "trainings" / place / f"{training.purpose}-{key}" / f"seed-{training.seed}"

    def run(self, trainings: Sequence[Training], what: str) -> list[Outcome | Exception]:
        """Do what isn't done yet; what came of each, in their order, the error where one failed."""
        keys = [self._scored(training) for training in trainings]
        results: dict[Path, Outcome | Exception] = {}
        todo: dict[Path, Training] = {}
        for key, training in zip(keys, trainings, strict=True):
            done = self._kept(training)
            if done is None:
                todo[key] = training
            else:
                results[key] = done
        if todo:
            with _Epochs(f"{what}, epochs of {len(todo)}", self, todo) as progress:
                for key, outcome in self._each(todo):
                    results[key] = outcome
                    progress.ended(key)
        return [results[key] for key in keys]

    def _each(self, trainings: Mapping[Path, Training]) -> Iterable[tuple[Path, Outcome | Exception]]:
        workers = min(self.workers, len(trainings))
        if workers == 1 or self.device != "cpu":
            if self.device != "cpu":
                self._stack(list(trainings.values()))
            for key, training in trainings.items():
                yield key, _attempt(self.do, training)
            return
        with ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(self,)
        ) as pool:
            try:
                jobs = {pool.submit(_do, training): key for key, training in trainings.items()}
                for job in as_completed(jobs):
                    yield jobs[job], _attempt(lambda job: job.result(), job)
            except BrokenProcessPool:
                raise SeehearError(
                    f"{self.out}: a process that trained ended early: for want of memory, then run the same again with "
                    "fewer --workers, what was finished is kept; or it could not begin, as in a script that does not "
                    'call this under `if __name__ == "__main__":`'
                ) from None
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _stack(self, trainings: Sequence[Training]) -> None:
        """Train those that differ in the seed alone at once: on a GPU small trainings mostly wait to be started."""
        from seehear.training.stacked import fit_many

        groups: dict[Path, list[Training]] = {}
        for training in trainings:
            groups.setdefault(self.folder(training).parent, []).append(training)
        for group in groups.values():
            if len(group) > 1:
                one = group[0]
                runs = [Run.start(self.folder(training), self.facts(training)) for training in group]
                train = self.split(one.collocation, one.train)
                watch = self.split(one.collocation, one.watch) if one.watch else None
                with suppress(RuntimeError):  # as one that diverges; trained one by one it stops no other
                    fit_many(runs, train, watch, self.device)

    def do(self, training: Training) -> Outcome:
        """Train, from wherever an earlier attempt got to, and judge."""
        from seehear.selection.flops import training_flops
        from seehear.training.fit import fit
        from seehear.training.validation import validate

        folder = self.folder(training)
        run = Run.start(folder, self.facts(training))
        train = self.split(training.collocation, training.train)
        watch = self.split(training.collocation, training.watch) if training.watch else None
        history = fit(run, train, watch, self.device)
        judged = self.split(training.collocation, training.judged)
        found = validate(run.model(self.device), judged, training.recipe, self.window, self.classes)
        per_clip = {LABEL_F1: 100 * found.label_f1}
        if found.scores is not None:
            per_clip["type_at_av"] = 100 * found.scores.per_clip["segment", "type_at_av"]
            per_clip[AVERAGE] = 100 * np.mean(list(found.scores.per_clip.values()), axis=0)
        flops = training_flops(run, train, watch, judged, len(history))
        _keep(self._scored(training), per_clip, {"flops": flops, "signature": self.signature(training.judged)})
        outcome = self._kept(training)
        assert outcome is not None
        return outcome

    def signature(self, part: Part) -> str:
        """Of the scores of this sample's clips."""
        from seehear.scoring.decoding import HALF, Decoding
        from seehear.scoring.signature import Signature

        sample, count = self.samples[part.sample], self.count(part)
        if sample.truth is None:
            return str(Signature(f"clip{HALF:g}", sample.revision, count, levels="clip"))
        return str(Signature(str(Decoding()), sample.revision, count))

    def metric(self, sample: str) -> str:
        """What a score on this sample is, in words."""
        if self.samples[sample].truth is None:
            return "F1 of the clip's set of classes, per cent (there are no dense labels)"
        return "the average of all segment- and event-level scores, per cent"

    def _scored(self, training: Training) -> Path:
        sample = self.samples[training.judged.sample]
        text = json.dumps([sample.revision, sample.clips, training.judged.clips, self._contents(training)])
        return self.folder(training) / f"judged-{hashlib.sha256(text.encode()).hexdigest()[:8]}.safetensors"

    def _contents(self, training: Training) -> list[str]:
        return [self.packed(name, training.judged.sample).contents for name in training.collocation.networks]

    def _kept(self, training: Training) -> Outcome | None:
        from safetensors import SafetensorError, safe_open

        file = self._scored(training)
        if not file.exists():
            return None
        try:
            with safe_open(file, framework="np") as content:
                per_clip = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
                flops = json.loads(content.metadata()["facts"])["flops"]
        except (SafetensorError, KeyError, ValueError):
            return None  # damaged: it is made again
        history = Run(self.folder(training)).history()
        part = training.judged
        clips = np.arange(len(self.samples[part.sample])) if part.clips is None else np.array(part.clips)
        return Outcome(file.parent, clips, per_clip, history, sum(entry["seconds"] for entry in history), flops)


class _Epochs:
    """How far trainings are, in epochs, as their run folders tell while other processes fill them."""

    def __init__(self, what: str, bench: Bench, trainings: Mapping[Path, Training]) -> None:
        self._names = {key: str(training.collocation) for key, training in trainings.items()}
        self._total = {key: training.recipe.epochs for key, training in trainings.items()}
        self._files = {key: bench.folder(training) / "history.json" for key, training in trainings.items()}
        behind = {key: self._behind(key) for key in trainings}
        self._left = {key: total - behind[key] for key, total in self._total.items()}
        self._progress = Progress(what, sum(self._total.values()), done=sum(behind.values()))
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Epochs:
        self._progress.__enter__()
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._watcher.join()
        self._progress.__exit__(kind, error, trace)

    def ended(self, key: Path) -> None:
        """Of this training no more is to come, however many epochs it took."""
        with self._lock:
            self._progress.advance(self._names[key], self._left.pop(key))

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            for key in list(self._left):
                behind = self._behind(key)
                with self._lock:
                    more = behind - (self._total[key] - self._left[key]) if key in self._left else 0
                    if more > 0:
                        self._left[key] -= more
                        self._progress.advance(self._names[key], more)

    def _behind(self, key: Path) -> int:
        file = self._files[key]
        return len(read_json(file)) if file.exists() else 0


def _as_long(truth: NDArray[np.bool_], segments: int) -> NDArray[np.bool_]:
    """Cut or filled with nothing to so many segments, (N, segments, C)."""
    there = truth[:, :segments]
    return np.pad(there, ((0, 0), (0, segments - there.shape[1]), (0, 0)))


def _keep(path: Path, per_clip: Mapping[str, Array], facts: Mapping[str, Any]) -> None:
    from safetensors.numpy import save

    from seehear.files import atomic_bytes

    atomic_bytes(path, save(dict(per_clip), metadata={"facts": json.dumps(facts)}))


def _attempt(do: Callable[[A], B], what: A) -> B | Exception:
    """The error is a result like any other, unless those that follow would only meet it again."""
    try:
        return do(what)
    except (DiskFullError, BrokenProcessPool):
        raise
    except Exception as error:
        return error


_bench: Bench  # of a worker process


def _begin(bench: Bench) -> None:
    global _bench
    import torch

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, without a traceback
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _bench = bench


def _end_with_parent() -> None:
    """A worker whose parent was killed would otherwise wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(training: Training) -> Outcome:
    return _bench.do(training)


def default_workers() -> int:
    """One a core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
