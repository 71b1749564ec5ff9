"""What choosing networks and judging the choice share: from options and tables to a selection's task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.errors import SeehearError
from seehear.packed import finite
from seehear.verbs import options
from seehear.verbs.tables import Labelled, loudness, networks_of, rates, read_split

if TYPE_CHECKING:
    from seehear.selection.collocation import Grid
    from seehear.selection.effects import Effects
    from seehear.selection.task import Task
    from seehear.selection.trainings import Sample
    from seehear.store import Store

TEST = "test"  # the sample that choices are judged on
HELD_OUT = 5  # one clip in so many validates where no validation clips are given


@dataclass(frozen=True)
class Tables:
    """Label tables of a split: weak, and dense by modality where they are known."""

    labels: str
    dense: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """What decides a selection, as kept in its folder. networks: modality -> names. leaks: whether the clips that
    choose are those that will be reported on.
    """

    store: str
    networks: Mapping[str, Sequence[str]]
    together: int
    train: Tables
    val: Tables | None
    classes: str | None
    recipe: Mapping[str, Any]
    seeds: Sequence[int]
    budget: float
    leaks: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Settings:
        val = content["val"]
        tables = {"train": Tables(**content["train"]), "val": Tables(**val) if val else None}
        return Settings(**{**content, **tables})


@dataclass
class Prepared:
    """A task that can run. missing: labelled clips left out. notes: what to know of the clips and networks."""

    task: Task
    missing: list[str]
    notes: list[str]


def candidates(store: Store, given: Sequence[str]) -> dict[str, list[str]]:
    """modality -> networks to choose from: those given as MODALITY=NETWORK,NETWORK, else all that the store has."""
    known = store.networks()
    if not given:
        found: dict[str, list[str]] = {}
        for info in known.values():
            found.setdefault(info.modality, []).append(info.name)
        if not found:
            raise SeehearError(f"{store.path}: holds no features yet; `seehear extract` makes them")
        first = [name for name in ("audio", "visual") if name in found]  # the order that people expect
        return {name: found[name] for name in dict.fromkeys([*first, *found])}
    chosen = options.candidates(given)
    networks_of(store, chosen)
    for modality, names_of in chosen.items():
        if len(set(names_of)) < len(names_of):
            raise SeehearError(f"{modality} names a network twice: {', '.join(names_of)}")
    return chosen


def grid_of(settings: Settings) -> Grid:
    from seehear.selection.collocation import Grid

    return Grid.over(settings.networks, settings.together)


def prepare(settings: Settings, out: Path, workers: int, device: str, judged: Tables | None = None) -> Prepared:
    """Read the tables and the features' whereabouts. judged: a further split, under the name `test`."""
    import numpy as np

    from seehear.labels import classes_of, read_classes
    from seehear.selection.task import TRAIN, VAL, Task
    from seehear.selection.trainings import Bench, default_workers
    from seehear.store import Store
    from seehear.training.bags import IN_MEMORY
    from seehear.training.inference import window_length
    from seehear.training.recipe import Recipe
    from seehear.verbs.scored import covered, strangers

    store = Store(settings.store)
    infos = {modality: [store.network(name) for name in names] for modality, names in settings.networks.items()}
    known = read_classes(settings.classes) if settings.classes else None
    given = {TRAIN: settings.train, VAL: settings.val, TEST: judged}
    tables = {name: of_split for name, of_split in given.items() if of_split}
    splits: dict[str, Labelled] = {}
    missing: list[str] = []
    notes: list[str] = []
    for name, of_split in tables.items():
        dense = {modality: Path(path) for modality, path in of_split.dense.items()}
        split = read_split(store, infos, of_split.labels, dense, known if name == TRAIN else None, leave_out=True)
        splits[name] = split
        lacking_dense = [modality for modality in infos if modality not in split.dense]
        if split.dense and lacking_dense:
            raise SeehearError(
                f"{of_split.labels}: scores need the truth of every modality: give the dense table of "
                f"{' and '.join(lacking_dense)} too, or none"
            )
        missing += split.missing
        if split.missing:
            clips = set(split.weak.clips)
            names = [info.name for each in infos.values() for info in each]
            lacking = {name: len(clips - store.clips(name)) for name in names}
            why = [f"{name} lacks {count}" for name, count in lacking.items() if count]
            whole = [clip for clip in split.missing if all(clip in store.clips(name) for name in names)]
            spoilt = {name: finite(store, name, whole).count(False) for name in names}
            why += [f"{name} has features that are not finite in {count}" for name, count in spoilt.items() if count]
            notes.append(
                f"{of_split.labels}: {len(split.clips)} of {len(split.weak.clips)} clips have features of every network"
                f" ({', '.join(why)}); only they are used"
            )
        if split.dense:
            notes += covered(split.weak, split.dense)
    classes = known or classes_of([splits[TRAIN].weak])
    if not classes:
        raise SeehearError(f"{settings.train.labels}: names no class: nothing to tell networks apart by")
    for name, split in splits.items():
        if name != TRAIN:
            notes += strangers(classes_of([split.weak]), classes, str(tables[name].labels))
        seen = {clip for other in (TRAIN, VAL) if other in splits for clip in splits[other].clips}
        if name == TEST and (shared := set(split.clips) & seen):
            raise SeehearError(
                f"{tables[name].labels}: {len(shared)} of its clips had a part in the selection, as {min(shared)}: "
                "judge by others"
            )
        if name == VAL and (shared := set(split.clips) & set(splits[TRAIN].clips)):
            notes.append(f"{len(shared)} clips of {tables[name].labels} are trained on as well, as {min(shared)}")
    samples = {name: _sample(split, classes) for name, split in splits.items()}
    if VAL not in samples and not settings.leaks:
        samples |= _held_out(samples[TRAIN])
        notes.append(f"no --val: {len(samples[VAL])} of the labelled clips are held out to validate")
    notes += rates(infos)
    recipe = Recipe(**settings.recipe)
    if not (recipe.scale or recipe.standardise):
        notes += loudness(splits[TRAIN].packs, infos)
    lengths = next(iter(splits[TRAIN].packs.values()))[0].lengths()
    networks = {info.name: info for each in infos.values() for info in each}
    count = workers or default_workers()
    window = window_length(np.asarray(lengths))
    bench = Bench(out, store, networks, samples, classes, window, count, device, IN_MEMORY // count)
    task = Task(grid_of(settings), bench, recipe, tuple(settings.seeds), settings.budget)
    return Prepared(task, missing, notes)


def draw_effects(effects: Effects, grid: Grid, path: Path, unit: str) -> list[Path]:
    """Scores of the grid with what each network and each pairing adds: the first modality against all others."""
    import itertools

    from seehear.report.selection import heat_map
    from seehear.selection.collocation import spell

    first, *others = grid.options.values()
    columns = list(itertools.product(*others))
    interaction = effects.interaction.reshape(len(first), -1)
    of_others = [sum(parts) for parts in itertools.product(*effects.main[1:])]
    values = effects.grand + effects.main[0][:, None] + [of_others] + interaction
    names = [" × ".join(spell(option) for option in column) for column in columns]
    rows = [spell(option) for option in first]
    return heat_map(rows, names, values, effects.main[0], of_others, interaction, path, unit)


def _sample(split: Labelled, classes: Sequence[str]) -> Sample:
    from seehear.selection.trainings import Sample

    longest = max(int(packed.lengths().max()) for of_modality in split.packs.values() for packed in of_modality)
    truth = split.truth(classes, longest, split.clips)
    return Sample(split.clips, split.weak.array(split.clips, classes), truth, split.revision)


def _held_out(sample: Sample) -> dict[str, Sample]:
    """A fifth of the clips to validate with, the others to train on."""
    import numpy as np

    from seehear.selection.task import TRAIN, VAL
    from seehear.selection.trainings import Sample

    order = np.random.default_rng(3).permutation(len(sample))
    cut = max(1, len(sample) // HELD_OUT)
    if cut >= len(sample):
        raise SeehearError("one clip is too few: some must be trained on, and others held out")

    def part(chosen: list[int]) -> Sample:
        clips = tuple(sample.clips[n] for n in chosen)
        truth = None if sample.truth is None else {name: array[chosen] for name, array in sample.truth.items()}
        return Sample(clips, sample.labels[chosen], truth, sample.revision)

    return {VAL: part(sorted(order[:cut].tolist())), TRAIN: part(sorted(order[cut:].tolist()))}


def check(seeds: Sequence[int], workers: int, out: Path) -> None:
    """Raises SeehearError unless there is a seed and none twice, workers aren't negative, and out can be a folder."""
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise SeehearError("--seeds names one or more, each once, from 0 on")
    if workers < 0:
        raise SeehearError(f"--workers is a number of processes, or 0 for one a core, not {workers}")
    if out.exists() and not out.is_dir():
        raise SeehearError(f"{out}: is a file; name a folder for the selection")


def tables_of(
    labels: str | Path, dense_audio: str | Path | None, dense_visual: str | Path | None, dense: Sequence[str]
) -> Tables:
    """From the options of a verb."""
    by_modality = options.by_modality(dense_audio, dense_visual, dense)
    return Tables(str(labels), {modality: str(path) for modality, path in by_modality.items()})
