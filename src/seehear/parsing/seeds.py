"""One parser per seed, trained by the processes of an engine."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import torch

from seehear.data import Dataset, store_markers
from seehear.device import resolve, thread_count
from seehear.engines.interface import Engine, Shared, Work
from seehear.memory import memory_limit
from seehear.parsing.parser import Parser
from seehear.training.epochs import EpochProgress, Watched
from seehear.training.precision import is_small
from seehear.training.recipe import Recipe
from seehear.training.runs import HISTORIES
from seehear.training.setup import Setup, set_up

ENOUGH_STEPS = 2000  # of all seeds, some ten seconds


class Seeds(Work[int, Parser]):
    """Trainings that differ in nothing but the seed."""

    def __init__(
        self,
        train: Dataset,
        val: Dataset | None,
        recipe: Recipe,
        folders: Mapping[int, Path | None],
        rounds: Path | None,
        tensorboard: bool,
        device: str,
    ) -> None:
        """Prepare to train.

        Args:
            train: Clips to train on.
            val: Clips to validate with.
            recipe: Every setting of model and training.
            folders: Seed -> its run folder; None to write nothing.
            rounds: Folder for the models of further rounds of refinement; None to keep none.
            tensorboard: Write TensorBoard events into the run folders.
            device: auto, cpu or cuda.
        """
        self._train, self._val, self._recipe, self._folders = train, val, recipe, folders
        self._rounds, self._tensorboard, self._device = rounds, tensorboard, device
        self._setup: Setup | None = None

    def shared(self) -> Shared:
        """Return the run folders, and the stores of the features."""
        folders = [folder.resolve() for folder in self._folders.values() if folder is not None]
        return Shared(tuple(folders), store_markers(self._train, self._val))

    def begin(self) -> None:
        """Bring the clips to the device, with labels per modality as the recipe says."""
        first = next(iter(self._folders))
        self._setup = set_up(self._train, self._val, self._recipe, first, self._device, rounds=self._rounds)

    def do(self, items: Sequence[int]) -> Generator[Parser | Exception]:
        """Yield the parser of each seed."""
        assert self._setup is not None
        for seed in items:
            parser = Parser(self._recipe, seed=seed, device=self._device)
            yield parser.fit_prepared(self._setup, self._folders[seed], self._tensorboard)

    def watched(self) -> dict[int, Watched]:
        """Return what shows the progress of each seed."""
        epochs, may_stop = self._recipe.epochs, self._recipe.may_stop
        histories = {seed: folder and folder / HISTORIES["task"] for seed, folder in self._folders.items()}
        return {seed: Watched(f"seed {seed}", epochs, history, may_stop) for seed, history in histories.items()}


def processes_for(train: Dataset, recipe: Recipe, seeds: int, device: str = "auto") -> int:
    """Return how many seeds are best trained at once on this machine.

    That is one per core if a training takes one thread, all of them last longer than processes take to start, and the
    features fit into memory so many times.

    Args:
        train: Clips to train on.
        recipe: Every setting of model and training.
        seeds: How many there are.
        device: auto, cpu or cuda.
    """
    steps = seeds * recipe.least_epochs * -(-int(train.featured.sum()) // recipe.batch)
    if seeds < 2 or steps < ENOUGH_STEPS or torch.device(resolve(device)).type != "cpu":
        return 1
    widths = {modality: [info.width for info in infos] for modality, infos in train.networks.items()}
    if not is_small(recipe, widths, len(train.classes)):
        return 1
    size = 4 * int(train.lengths[train.featured].sum()) * sum(map(sum, widths.values()))  # bytes
    return max(1, min(thread_count(), seeds, memory_limit() // size))


def train_seeds(seeds: Seeds, engine: Engine, progress: bool) -> dict[int, Parser]:
    """Return the parser of each seed.

    Raises:
        SeehearError: If a training can't be done; the others are kept if they have folders.
    """
    parsers: dict[int, Parser] = {}
    watched = seeds.watched()
    with EpochProgress(f"training {len(watched)} seeds", watched, progress) as bar:
        for seed, parser in engine.each(seeds, list(watched)):
            if isinstance(parser, Exception):
                raise parser
            bar.ended(seed)
            parsers[seed] = parser
    return parsers
