"""The parser: trained on weak labels, it predicts per second what is heard, what is seen, and what is both.

parser = Parser("small", epochs=20).fit(train, val)
parser.predict_proba(test)     # (N, T, M, C)
parser.parse("new.mp4")        # a ParsedClip
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear import arguments
from seehear.data import Dataset, check_dataset
from seehear.decoding import Decoding, Probabilities
from seehear.device import resolve as resolve_device
from seehear.engines.choose import LOCAL, engine_of
from seehear.engines.interface import Engine
from seehear.errors import SeehearError, needing_train
from seehear.features.packed import Packed
from seehear.files import check_folder
from seehear.modality import display_name
from seehear.packaged.archive import is_package
from seehear.parsing.base import BaseParser
from seehear.progress import Progress
from seehear.results import counted
from seehear.settings import Changes
from seehear.training.recipe import DEFAULT_RECIPE, Recipe, load_recipe

if TYPE_CHECKING:
    from seehear.fusion.model import ParsingModel
    from seehear.parsing.combined import Combined
    from seehear.parsing.ensemble import Ensemble
    from seehear.parsing.packaged import PackagedParser
    from seehear.parsing.reading import FileReader
    from seehear.parsing.untrained import Untrained
    from seehear.scoring.false_alarms import FalseAlarms
    from seehear.scoring.references import Reference
    from seehear.training.bags import Bags
    from seehear.training.runs import BaseRun
    from seehear.training.setup import Setup

TEACHERS = "linear teachers"  # the name of their prediction, which is scored beside a parser's
EARLY = 0.1  # share of the epochs: one that is chosen before is suspicious


class Parser(BaseParser):
    """A model that parses clips."""

    @needing_train
    def __init__(
        self,
        recipe: str | Path | Recipe = DEFAULT_RECIPE,
        *,
        seed: int = 0,
        device: str = "auto",
        decoding: Decoding | None = None,
        trust_code: bool = False,
        set: Changes = (),
        **settings: Any,
    ) -> None:
        """Make a parser that is still to be trained.

        Args:
            recipe: Name from `list_recipes`, a TOML file, or a Recipe.
            seed: Fixes the training.
            device: auto, cpu or cuda.
            decoding: From probabilities to events; by default as the training chose, see `Recipe.decode`.
            trust_code: Whether to run a network of your own (FILE.py:NAME) that a store or run folder names.
            set: Settings on top of the recipe: `{"contrast.loss": "mtsc"}`, or KEY=VALUE texts.
            **settings: The same as keyword arguments: `epochs=20, contrast={"loss": "mtsc"}`.

        Raises:
            SeehearError: For a recipe, setting or value that does not exist.
        """
        self.recipe = load_recipe(recipe, set, **settings)
        self.seed, self.device = arguments.whole(seed, "seed"), device
        self._decoding = decoding
        self.trust_code = trust_code
        self.notes: tuple[str, ...] = ()
        self._run: BaseRun | None = None

    @staticmethod
    def of_run(
        run: BaseRun, device: str = "auto", decoding: Decoding | None = None, trust_code: bool = False
    ) -> Parser:
        """Return the parser of a run. Its model is read when it is first needed.

        Args:
            run: In a folder or in memory.
            device: auto, cpu or cuda.
            decoding: From probabilities to events; by default as the training chose.
            trust_code: Whether to run a network of your own (FILE.py:NAME) that the run names.
        """
        recipe, seed = run.facts.recipe, run.facts.seed
        parser = Parser(recipe, seed=seed, device=device, decoding=decoding, trust_code=trust_code)
        parser._run = run
        return parser

    def __repr__(self) -> str:
        if self._run is None:
            return f"Parser(seed {self.seed}, not trained)"
        networks = " × ".join("+".join(names) for names in self.run.facts.collocation.values())
        where = f"; {self.path}" if self.path else ""
        return f"Parser({networks}, {counted(len(self.classes), 'class', 'classes')}, seed {self.seed}{where})"

    # What it is

    @staticmethod
    def ensemble(parsers: Sequence[Parser], *, decoding: Decoding | None = None) -> Ensemble:
        """Return parsers that differ in their seeds alone as one, which predicts the mean of their probabilities.

        Args:
            parsers: Two or more.
            decoding: From probabilities to events; by default that of the parsers.

        Raises:
            SeehearError: If there are fewer, or they differ in anything else.
        """
        from seehear.parsing.ensemble import Ensemble

        return Ensemble(parsers, decoding=decoding)

    @property
    def run(self) -> BaseRun:
        """The training behind the parser. Raises SeehearError before `fit`."""
        if self._run is None:
            raise SeehearError("this parser is not trained: call fit(train, val), or load a run folder")
        return self._run

    @property
    def members(self) -> tuple[Parser, ...]:
        """The parsers whose probabilities are averaged: of an ensemble several, otherwise the parser alone."""
        return (self,)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each member."""
        return tuple(member.run.facts.seed for member in self.members)

    @property
    def path(self) -> Path | None:
        """The run folder; None for a parser in memory."""
        return getattr(self._run, "path", None)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the classes that it predicts, in the order of its probabilities."""
        return self.run.facts.classes

    @property
    def collocation(self) -> Mapping[str, list[str]]:
        """Return modality -> the networks that feed it, in order."""
        return self.run.facts.collocation

    @property
    def segment(self) -> float:
        """Seconds per segment."""
        return self.run.facts.segment

    @property
    def window(self) -> int:
        """Segments of the windows in which longer clips are predicted: those of a training clip."""
        return self.run.facts.window

    @property
    def identity(self) -> str:
        """Hash of the run folder, or of all runs of an ensemble, in any order. Raises SeehearError in memory."""
        from seehear.training.runs import Run

        runs = [member.run for member in self.members]
        identities = sorted(run.identity for run in runs if isinstance(run, Run))
        if len(identities) < len(runs):
            raise SeehearError("only a parser in a run folder can fill a folder: save it first, and load it")
        return identities[0] if len(runs) == 1 else hashlib.sha256(repr(identities).encode()).hexdigest()

    @property
    def decoding(self) -> Decoding:
        """From probabilities to events: as given, else by thresholds that were kept, else as the training chose."""
        if self._decoding is not None:
            return self._decoding
        return self.run.decoding if self._run is not None else Decoding()

    @property
    def history(self) -> list[dict[str, Any]]:
        """One entry per epoch: losses, validation scores, seconds, and whether it was the best so far."""
        return self.run.history()

    @cached_property
    def model(self) -> ParsingModel:
        """The trained network, a torch module."""
        return self.run.model(resolve_device(self.device))

    # Training

    @needing_train
    def fit(
        self,
        train: Dataset,
        val: Dataset | None = None,
        *,
        out: str | Path | None = None,
        tensorboard: bool = False,
        progress: bool = True,
    ) -> Parser:
        """Train on weak labels.

        Args:
            train: Clips to train on. Its classes become those of the parser.
            val: Clips to validate with. Their ground truth, if known, chooses the epoch.
            out: A run folder: rerun the same call to resume, bit-exactly. Nothing is written
                unless it is given.
            tensorboard: Write TensorBoard events into the run folder.
            progress: Show progress and time left.

        Returns:
            The parser itself.

        Raises:
            SeehearError: If data and recipe do not fit, `out` holds another run, or training diverges.
        """
        from seehear.training.setup import set_up

        check_folder(out)
        place = Path(out) if out is not None else None
        setup = set_up(
            train, val, self.recipe, self.seed, self.device, rounds=place, progress=progress, folders=[place]
        )
        with _progress("training", self.recipe, 1, progress) as bar:
            _say_sizes(setup, bar)
            return self.fit_prepared(setup, place, tensorboard, bar)

    def fit_prepared(
        self, setup: Setup, out: Path | None = None, tensorboard: bool = False, bar: Progress | None = None
    ) -> Parser:
        """Train on what `set_up` returned; several parsers may.

        Args:
            setup: The clips, and everything that decides the result but the seed.
            out: A run folder; None to write nothing.
            tensorboard: Write TensorBoard events into the run folder.
            bar: Counts the epochs, those that early stopping leaves out as well; None to show nothing.

        Returns:
            The parser itself.

        Raises:
            SeehearError: As `fit` does.
        """
        from seehear.training.fit import fit
        from seehear.training.runs import MemoryRun, Run
        from seehear.training.setup import describe_epoch
        from seehear.training.tensorboard import event_writer

        if tensorboard and out is None:
            raise SeehearError("TensorBoard events are written into the run folder: give out too")
        facts = setup.with_seed(self.seed)
        run: BaseRun = Run.start(out, facts) if out is not None else MemoryRun(facts)
        if setup.teachers is not None and not run.done:
            run.keep_teachers(setup.teachers)
        bar = bar or Progress("", self.recipe.all_epochs, show=False)
        last = bar.done + self.recipe.all_epochs
        name = f"seed {self.seed}: " if bar.total > self.recipe.all_epochs else ""  # of several
        if done := len(run.history()):
            bar.begun(self.recipe.all_epochs - self.recipe.epochs + done)
        with ExitStack() as stack:
            write = stack.enter_context(event_writer(out)) if tensorboard and out is not None else None

            def on_epoch(entry: dict[str, Any]) -> None:
                bar.advance(f"{name}{describe_epoch(entry)}")
                if write is not None:
                    write(entry)

            fit(run, setup.train, setup.val, setup.device, on_epoch)
        bar.omit(last - bar.done)
        self._run = run
        self.__dict__.pop("model", None)
        self.notes = (*setup.notes, *_notes_on_epoch(run, setup))
        return self

    def save(self, out: str | Path) -> Path:
        """Write a parser that was trained in memory as a run folder, for `load`. Returns the folder.

        Raises:
            SeehearError: If the parser is not trained, or another run lies there.
        """
        from seehear.training.runs import MemoryRun

        if not isinstance(self.run, MemoryRun):
            raise SeehearError(f"this parser lies in {self.path} already: copy that folder")
        self.run.save(Path(out))
        return Path(out)

    def package(self, path: str | Path, *, networks: bool = True, overwrite: bool = False) -> PackagedParser:
        """Write the trained parser as one file, which parses clips where torch is not installed.

        It predicts the same to 1e-5. The file holds the fused model as ONNX, the decoding with its thresholds, and how
        to load the pretrained networks: their names, fingerprints, and by default the files that they are loaded from.
        Networks in torch and networks of your own are named only: the other machine must have them. No code and no
        pickle is in the file.

        Args:
            path: The file, whose name ends in `.seehear`.
            networks: Take the files of the networks along. Without them the package is small; the other machine then
                fetches and converts weights itself. The licences of the networks apply to the file.
            overwrite: Replace a file that exists with other content.

        Returns:
            The parser in the file.

        Raises:
            SeehearError: If the parser is not trained, was trained on imported features, or the file can't be written.
        """
        from seehear.parsing.packaged import package

        return package(self, Path(path), networks=networks, overwrite=overwrite)

    # Prediction

    def reference_predictions(self, dataset: Dataset) -> dict[str, Reference]:
        """Return predictions for `evaluate` to score beside this parser's: those of its linear teachers alone.

        Returns:
            Name -> what it predicts in words, and the prediction: an Activity of the data set's clips that names its
            classes. None if the parser had no teachers.
        """
        from seehear.scoring.references import Reference

        teachers = self.run.teachers()
        if teachers is None:
            return {}
        return {TEACHERS: Reference(teachers.meaning, teachers.predict(self._features(dataset)))}

    def keep_thresholds(self, thresholds: FalseAlarms) -> None:
        """Use thresholds from now on, and keep them with the run: in RUN/thresholds.json if it lies in a folder."""
        self.run.keep_thresholds(thresholds)
        self._decoding = None

    def _predict(self, packs: dict[str, list[Packed]]) -> Probabilities:
        from seehear.training.bags import Bags

        return self._predict_bags(Bags(packs, self._device))

    def _predict_bags(self, bags: Bags) -> Probabilities:
        from seehear.training.inference import predict

        return predict(self.model, bags, self.run.facts.window)

    @property
    def _device(self) -> str:
        return resolve_device(self.device)

    def _features(self, dataset: Dataset) -> Dataset:
        """Return the data set with the networks of this parser, which were made as in training."""
        check_dataset(dataset, "dataset")
        facts = self.run.facts
        if [*dataset.collocation.items()] != [*facts.collocation.items()]:  # in the model's order too
            dataset = dataset.with_networks(facts.collocation)
        place = str(dataset.store) if dataset.store else "the data set"
        self.run.check_networks({info.name: info for info in dataset.infos}, dataset.segment, place)
        return dataset

    # Parsing of files

    def with_untrained(self, untrained: Untrained | None = None) -> Combined:
        """Return a parser of the same classes, and of untrained ones beside them.

        Args:
            untrained: By default the classes of AudioSet and ImageNet.

        Raises:
            SeehearError: If the parser's segments do not last a second.
        """
        from seehear.parsing.combined import Combined
        from seehear.parsing.untrained import Untrained

        return Combined(self, untrained or Untrained(device=self.device))

    @cached_property
    def reader(self) -> FileReader:
        """The run's networks in memory, with the settings of its features' extraction."""
        from seehear.parsing.reading import open_reader

        facts = self.run.facts
        infos = [info for of_modality in facts.networks.values() for info in of_modality]
        return open_reader(infos, facts.segment, self.run.name, device=self.device, trust_code=self.trust_code)


@needing_train
def load(
    run: str | Path | Sequence[str | Path],
    *,
    ensemble: bool = False,
    device: str = "auto",
    decoding: Decoding | None = None,
    trust_code: bool = False,
) -> Parser | PackagedParser:
    """Return the parser in a run folder or a package, or the ensemble of several runs.

    Args:
        run: A folder that `seehear train`, `Parser.fit(out=...)` or `Parser.save` wrote. A list of folders is an
            ensemble. Or a file NAME.seehear that `seehear package` or `Parser.package` wrote.
        ensemble: Take all runs of a folder with seed-0, seed-1, … as one, whose probabilities are the means of theirs.
        device: auto, cpu or cuda.
        decoding: From probabilities to events; by default as the training chose.
        trust_code: Whether to run a network of your own (FILE.py:NAME) that the run names. Only for folders whose
            author you trust.

    Raises:
        SeehearError: If there is no run in the folder, or it holds runs of several seeds and is not taken as an
            ensemble; for an ensemble of one seed, or of runs that differ in more than their seeds; if a package is
            damaged or of another version.
    """
    from seehear.training.runs import Run, find_runs

    if isinstance(run, str | Path) and is_package(run):
        from seehear.parsing.packaged import PackagedParser

        if ensemble:
            raise SeehearError(f"{run}: a package is one parser: package an ensemble of runs instead")
        return PackagedParser(run, device=device, decoding=decoding, trust_code=trust_code)
    if isinstance(run, str | Path) and not ensemble:
        return Parser.of_run(Run(run), device, decoding, trust_code)
    runs = find_runs([run] if isinstance(run, str | Path) else run)
    return Parser.ensemble([Parser.of_run(each, device, decoding, trust_code) for each in runs])


@needing_train
def train(
    train: Dataset,
    val: Dataset | None = None,
    *,
    recipe: str | Path | Recipe = DEFAULT_RECIPE,
    seeds: Sequence[int] = (0,),
    out: str | Path | None = None,
    tensorboard: bool = False,
    engine: str | Engine = LOCAL,
    workers: int | None = None,
    gpus: float = 0.0,
    device: str = "auto",
    progress: bool = True,
    set: Changes = (),
    **settings: Any,
) -> list[Parser]:
    """Train one parser per seed on the same clips.

    Args:
        train: Clips to train on.
        val: Clips to validate with.
        recipe: Name from `list_recipes`, a TOML file, or a Recipe.
        seeds: One parser is trained with each.
        out: Run folder; with several seeds each has its own folder OUT/seed-N. Nothing is written by default.
        tensorboard: Write TensorBoard events into the run folders.
        engine: Where seeds are trained: local, ray, ray://HOST:PORT, or an Engine. On a cluster, `out` and the store
            are to be seen under the same paths everywhere.
        workers: Seeds that are trained at once, with one thread each; 0 for one per core. By default this process
            trains one after the other; on a cluster as many as it has room for.
        gpus: GPUs of each process of a cluster, which may be a fraction.
        device: auto, cpu or cuda.
        progress: Show progress and time left.
        set: Settings on top of the recipe: `{"contrast.loss": "mtsc"}`, or KEY=VALUE texts.
        **settings: The same as keyword arguments.

    Returns:
        The parsers, in the order of the seeds.

    Raises:
        SeehearError: If there is no seed or one is given twice, or as for `Parser.fit`.
    """
    from seehear.training.precision import settle
    from seehear.training.setup import set_up

    resolved = load_recipe(recipe, set, **settings)
    seeds = [arguments.whole(seed, "seed") for seed in seeds]
    if not seeds or len(dict.fromkeys(seeds)) < len(seeds):
        raise SeehearError(f"seeds must be one or more different numbers, not {', '.join(map(str, seeds)) or 'none'}")
    check_folder(out)
    place = None if out is None else Path(out)
    folders = {seed: place / f"seed-{seed}" if place and len(seeds) > 1 else place for seed in seeds}
    where = engine_of(engine, workers, gpus)
    if where.elsewhere(len(seeds)):
        from seehear.parsing.seeds import Seeds, train_seeds

        check_dataset(train, "train")
        on = where.device(device)
        resolved = settle(resolved, train, on, folders.values())  # here, as processes elsewhere might choose otherwise
        work = Seeds(train, val, resolved, folders, place, tensorboard, on)
        trained = train_seeds(work, where, progress)
        for parser in trained.values():
            parser.device = device  # from now on it is used here
        return [trained[seed] for seed in seeds]
    setup = set_up(train, val, resolved, seeds[0], device, rounds=place, progress=progress, folders=folders.values())
    parsers = []
    what = f"training {len(seeds)} seeds" if len(seeds) > 1 else "training"
    with _progress(what, resolved, len(seeds), progress) as bar:
        _say_sizes(setup, bar)
        for seed, folder in folders.items():
            parser = Parser(resolved, seed=seed, device=device)
            parsers.append(parser.fit_prepared(setup, folder, tensorboard, bar))
    return parsers


def _progress(what: str, recipe: Recipe, trainings: int, show: bool) -> Progress:
    """Return what shows the progress of so many trainings, in epochs."""
    return Progress(what, trainings * recipe.all_epochs, show=show, at_most=recipe.may_stop)


def _say_sizes(setup: Setup, bar: Progress) -> None:
    """Say how long clips are and what that costs, if they are long."""
    if setup.sizes is not None:
        bar.say(setup.sizes)


def _notes_on_epoch(run: BaseRun, setup: Setup) -> list[str]:
    """Return what is odd about the epoch that was chosen."""
    if setup.val is None:
        return []
    chosen, trained = run.chosen["epoch"], run.history()[-1]["epoch"]
    notes = []
    if chosen == trained:
        notes.append(f"{run.name}: the last epoch was the best: more epochs may do better (epochs=…)")
    if chosen + 1 <= EARLY * run.facts.recipe.epochs:
        other = "" if run.facts.recipe.refine.active else " or labels per modality (recipe=refined)"
        notes.append(
            f"{run.name}: epoch {chosen + 1} of {run.facts.recipe.epochs} was the best, which is early: such a model "
            f"often misses rare classes; a lower learning_rate{other} may do better"
        )
    for modality, names in run.chosen.get("never_found", {}).items():
        notes.append(f"{run.name}: never found in a validation clip, {display_name(modality)}: {', '.join(names)}")
    return notes
