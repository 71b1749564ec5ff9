"""Which network made a feature? Every pair of networks, and controls that are one network (Table 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.paper.measurement import Findings, Measurement
from seehear.paper.probing.accuracy import per_clip
from seehear.paper.probing.discriminator import Kind, Scaling, halves, matched, recognised, rotated
from seehear.paper.setup import remembered
from seehear.progress import Progress
from seehear.version import __version__

if TYPE_CHECKING:
    from seehear.features.packed import Packed
    from seehear.paper.experiment import Experiment
    from seehear.paper.setup import Setup

MAX_CLIPS = 1000  # of each split: more change nothing that is printed
MAX_SEEDS = 3  # of the discriminator
CHANCE = 50.0  # per cent
FOLDER = "discrimination"
AXES = 8
METRICS: dict[str, tuple[Kind, Scaling]] = {
    "mlp": ("mlp", "none"),
    "linear": ("linear", "none"),
    "shape": ("mlp", "standard"),
}
Floats = NDArray[np.floating]
Pair = tuple[Floats, Floats]  # (n, d) each


@dataclass(frozen=True)
class Contest:
    """The features of two networks to distinguish.

    Attributes:
        name: The row.
        contents: Hash of the features.
        make: From a seed to the features of both, (n, d) each.
    """

    name: str
    contents: str
    make: Callable[[int], Pair]


@dataclass(frozen=True)
class Segments:
    """The segments that a discriminator learns from and is tested on.

    Attributes:
        train: Names of the training clips.
        test: Names of the test clips.
        clip: (n,), number of the clip of each segment, training clips first.
        is_train: (n,) bool.
    """

    train: Sequence[str]
    test: Sequence[str]
    clip: NDArray[np.int64]
    is_train: NDArray[np.bool_]

    def accuracy(self, make: Callable[[int], Pair], metric: str, seed: int) -> list[float]:
        """Return how often a discriminator is right, one value per test clip, per cent."""
        kind, scale = METRICS[metric]
        one, other = make(seed)
        if scale == "standard":
            one, other = matched(one, other, self.is_train, width=AXES, seed=seed)
        correct = recognised(one, other, self.clip, self.is_train, ~self.is_train, kind, scale, seed)
        return per_clip(correct, np.tile(self.clip[~self.is_train], 2)).tolist()


def run(experiment: Experiment, setup: Setup) -> Findings:
    """Measure how often a discriminator, trained on training clips, is right on test clips.

    Metrics: mlp and linear, on features as they are; shape, an mlp on each network's AXES principal axes, with mean 0
    and deviation 1. The latter removes order, scale and rotation of dimensions; the shape of the distribution remains.

    Raises:
        SeehearError: If there are fewer than two networks.
    """
    experiment.check_metrics(METRICS)
    (modality,) = experiment.networks
    names = list(setup.candidates[modality])
    if len(names) < 2:
        raise SeehearError(f"at least two networks of modality {modality} are needed: give --networks {modality}=A,B")
    train, test = (part.with_networks({modality: names}) for part in (setup.train, setup.test))
    train_clips, test_clips = _some_clips(train), _some_clips(test)
    packs = {name: test.source.pack(name, (*train_clips, *test_clips)) for name in names}
    lengths = packs[names[0]].lengths()
    clip = np.repeat(np.arange(len(lengths)), lengths)  # (n,)
    segments = Segments(train_clips, test_clips, clip, clip < len(train_clips))
    pairs = [_pair(packs, one, other, segments.is_train) for one, other in combinations(names, 2)]
    controls = [control for name in names for control in _controls(name, packs[name])]
    seeds = list(setup.seeds)[:MAX_SEEDS]
    systems: dict[str, dict[str, Measurement]] = {}
    with Progress("distinguishing networks", len([*pairs, *controls]) * len(seeds), show=setup.progress) as progress:
        for contest in (*pairs, *controls):
            systems[contest.name] = _measurements(contest, segments, experiment, setup, seeds, progress)
    widths = ", ".join(f"{name} {packs[name].rows.shape[1]}" for name in names)
    notes = [
        f"trained on {int(segments.is_train.sum())} seconds of {len(train_clips)} training clips",
        f"widths: {widths}; the wider of a pair is reduced to the narrower's, both by their principal axes",
    ]
    seconds = int((~segments.is_train).sum())
    signature = f"accuracy|which network|clips:{len(test_clips)}|seconds:{seconds}|seehear{__version__}"
    return Findings(systems, signature, frozenset(control.name for control in controls), notes, test.missing)


def _measurements(
    contest: Contest,
    segments: Segments,
    experiment: Experiment,
    setup: Setup,
    seeds: Sequence[int],
    progress: Progress,
) -> dict[str, Measurement]:
    """Return every column of one contest."""
    values: dict[str, list[list[float]]] = {column: [] for column in experiment.scores}
    for seed in seeds:
        make = cache(contest.make)
        for column, score in experiment.scores.items():
            splits = [list(segments.train), list(segments.test)]
            facts = [contest.name, contest.contents, *splits, *METRICS[score.metric], seed]
            file = f"{contest.name}-{score.metric}-{seed}".replace(" × ", "+").replace(", ", "-").replace(" ", "-")
            compute = partial(segments.accuracy, make, score.metric, seed)
            values[column].append(remembered(setup.out / FOLDER, file, facts, compute))
        progress.advance(contest.name)
    return {column: Measurement.of(np.array(each), seeds, CHANCE) for column, each in values.items()}


def _some_clips(dataset: Dataset) -> list[str]:
    """Return the clips with features, a random choice of them if there are many."""
    clips = dataset.featured_clips
    chosen = np.sort(np.random.default_rng(0).permutation(len(clips))[:MAX_CLIPS])
    return [clips[n] for n in chosen]


def _pair(packs: Mapping[str, Packed], one: str, other: str, train: NDArray[np.bool_]) -> Contest:
    def make(seed: int) -> Pair:
        return matched(np.asarray(packs[one].rows), np.asarray(packs[other].rows), train, seed=seed)

    return Contest(" × ".join(sorted((one, other))), f"{packs[one].contents}+{packs[other].contents}", make)


def _controls(name: str, packed: Packed) -> list[Contest]:
    """Return the control pairs, each made of one network."""
    rows = np.asarray(packed.rows)
    made: dict[str, Callable[[int], Pair]] = {
        "same network": lambda seed: (rows, rows),
        "two halves": lambda seed: halves(rows, seed),
        "two rotations": lambda seed: (rotated(rows, 2 * seed), rotated(rows, 2 * seed + 1)),
    }
    return [Contest(f"{name}, {how}", packed.contents, make) for how, make in made.items()]
