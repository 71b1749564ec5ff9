"""Which network made a feature? Every pair of networks, and controls that are one network (Table 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.experiments.findings import Findings, Measured
from seehear.labels import read_weak
from seehear.packed import pack
from seehear.probing.accuracy import per_clip
from seehear.probing.discriminator import Kind, Scaling, halves, matched, rotated, told_apart
from seehear.progress import Progress
from seehear.verbs.reproducing import check
from seehear.verbs.reproducing.setup import remembered
from seehear.version import __version__

if TYPE_CHECKING:
    from seehear.experiments.experiment import Experiment
    from seehear.packed import Packed
    from seehear.verbs.reproducing.setup import Setup

MOST_CLIPS = 1000  # of each split: more change nothing that is printed
SEEDS = 3  # of the discriminator, at most
FOLDER = "discrimination"
AXES = 8
METRICS: dict[str, tuple[Kind, Scaling]] = {
    "mlp": ("mlp", "none"),
    "linear": ("linear", "none"),
    "shape": ("mlp", "standard"),
}
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Contest:
    """Two networks' features to be told apart. key: what they were made of. make: from a seed to both, (n, d) each."""

    name: str
    key: str
    make: Callable[[int], tuple[Floats, Floats]]


def run(experiment: Experiment, setup: Setup) -> Findings:
    """How often a discriminator that learns from training clips is right on test clips; 50 % by chance.

    Metrics: mlp and linear, of features as they are; shape, an mlp on each network's AXES main axes, brought to mean 0
    and deviation 1. Which dimension is which, how large they are, and any rotation are then gone; what is left is the
    shape of what the network makes of these clips.
    """
    check(experiment, METRICS)
    (modality,) = experiment.networks
    names = list(setup.candidates[modality])
    if len(names) < 2:
        raise SeehearError(f"to tell networks apart takes two of modality {modality}: give --networks {modality}=A,B")
    there = setup.store.clips(*names)
    learnt, asked = (_clips(setup, split, there) for split in ("train", "test"))
    packs = {name: pack(setup.store, name, [*learnt, *asked]) for name in names}
    lengths = packs[names[0]].lengths()
    clip = np.repeat(np.arange(len(lengths)), lengths)  # (n,)
    train = clip < len(learnt)
    pairs = [_pair(packs, one, other, train) for one, other in combinations(names, 2)]
    controls = [control for name in names for control in _controls(name, packs[name])]
    seeds = list(setup.seeds)[:SEEDS]

    def told(both: Callable[[int], tuple[Floats, Floats]], metric: str, seed: int) -> list[float]:
        """Clip by clip, per cent."""
        kind, scale = METRICS[metric]
        one, other = both(seed)
        if scale == "standard":
            one, other = matched(one, other, train, width=AXES, seed=seed)
        right = told_apart(one, other, clip, train, ~train, kind, scale, seed)
        return per_clip(right, np.tile(clip[~train], 2)).tolist()

    systems: dict[str, dict[str, Measured]] = {}
    with Progress("telling networks apart", len([*pairs, *controls]) * len(seeds)) as progress:
        for contest in (*pairs, *controls):
            values: dict[str, list[list[float]]] = {column: [] for column in experiment.scores}
            for seed in seeds:
                both = cache(contest.make)
                for column, score in experiment.scores.items():
                    facts = [contest.name, contest.key, learnt, asked, *METRICS[score.metric], seed]
                    file = f"{contest.name}-{score.metric}-{seed}".replace(" × ", "+").replace(" ", "-")
                    compute = partial(told, both, score.metric, seed)
                    values[column].append(remembered(setup.out / FOLDER, file, facts, compute))
                progress.advance(contest.name)
            systems[contest.name] = {
                column: Measured.of(np.array(of_column), seeds, 50.0) for column, of_column in values.items()
            }
    widths = ", ".join(f"{name} {packs[name].rows.shape[1]}" for name in names)
    notes = [
        f"learnt from {int(train.sum())} seconds of {len(learnt)} training clips",
        f"widths: {widths}; the wider of a pair is brought to the narrower's, both by their main axes",
    ]
    signature = f"accuracy|which network|clips:{len(asked)}|seconds:{int((~train).sum())}|seehear{__version__}"
    ours = frozenset(control.name for control in controls)
    missing = [clip for clip in read_weak(setup.weak["test"]).clips if clip not in there]
    return Findings(systems, signature, ours, notes, missing)


def _clips(setup: Setup, split: str, there: frozenset[str]) -> list[str]:
    """Clips of a split that are there, some of them where they are many."""
    clips = [clip for clip in read_weak(setup.weak[split]).clips if clip in there]
    chosen = np.sort(np.random.default_rng(0).permutation(len(clips))[:MOST_CLIPS])
    return [clips[n] for n in chosen]


def _pair(packs: Mapping[str, Packed], one: str, other: str, train: NDArray[np.bool_]) -> Contest:
    def make(seed: int) -> tuple[Floats, Floats]:
        return matched(packs[one].rows, packs[other].rows, train, seed=seed)

    return Contest(" × ".join(sorted((one, other))), f"{packs[one].contents}+{packs[other].contents}", make)


def _controls(name: str, packed: Packed) -> list[Contest]:
    """What makes two networks of one."""
    rows = packed.rows
    made: dict[str, Callable[[int], tuple[Floats, Floats]]] = {
        "beside itself": lambda seed: (rows, rows),
        "its halves": lambda seed: halves(rows, seed),
        "turned twice": lambda seed: (rotated(rows, 2 * seed), rotated(rows, 2 * seed + 1)),
    }
    return [Contest(f"{name} {how}", packed.contents, make) for how, make in made.items()]
