"""Run a paper's tables and figures on a data set: its numbers, ours, and a verdict on each of its claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear import arguments
from seehear.device import core_count
from seehear.engines.choose import LOCAL, engine_of
from seehear.engines.interface import Engine
from seehear.errors import SeehearError
from seehear.files import DiskFullError, atomic_json, atomic_text, check_folder
from seehear.paper.experiment import load_experiment
from seehear.paper.networks import Choice, Networks, choose
from seehear.paper.table import Table, count_answers
from seehear.progress import say
from seehear.results import Result, import_pandas, listed
from seehear.stored import read_object
from seehear.training.recipe import Recipe, load_recipe

if TYPE_CHECKING:
    import pandas as pd

    from seehear.datasets.spec import Annotations
    from seehear.features.store import Store
    from seehear.paper.claims import Verdict
    from seehear.paper.experiment import Experiment
    from seehear.paper.measurement import Findings
    from seehear.paper.setup import Setup

STORE = "store"  # within the folder of results, unless another store is given
MAX_DIFFERENCES = 8  # settings that are listed

# kind of experiment -> the file in this folder whose `run` runs it
KINDS = {
    "trainings": "trainings",
    "alignment": "alignment",
    "selection": "selection",
    "fine-tuning": "fine_tuning",
    "discrimination": "discrimination",
}


@dataclass(repr=False)
class Reproduction(Result):
    """The tables of a paper with our numbers.

    Attributes:
        tables: One per experiment.
        failed: experiment -> why it could not be run.
        files: What was written.
    """

    tables: list[Table] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if a table failed or some of its numbers are missing, else 0."""
        return 1 if self.failed or any(table.findings.missing for table in self.tables) else 0

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts on all claims."""
        return [verdict for table in self.tables for verdict in table.verdicts]

    def __getitem__(self, name: str) -> Table:
        """Return the table of this experiment.

        Raises:
            KeyError: If there is none.
        """
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def __repr__(self) -> str:
        names = ", ".join(table.name for table in self.tables) or "no table"
        failed = f"; {len(self.failed)} failed" if self.failed else ""
        return f"Reproduction({names}: {count_answers(self.verdicts)}{failed})"

    def _repr_html_(self) -> str:
        return "\n".join(table._repr_html_() for table in self.tables)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per experiment, system and score; see `Table.to_frame`."""
        pd = import_pandas()

        frames = [table.to_frame().assign(experiment=table.name) for table in self.tables]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def markdown(self) -> str:
        """Return all tables as Markdown, for a lab book."""
        return "\n".join(table.markdown() for table in self.tables)

    def text(self) -> str:
        """Return every table, what failed, and the files written."""
        failed = listed([f"{name}: {why}" for name, why in self.failed.items()], "could not be run")
        parts = [*(table.text() for table in self.tables), failed, "\n".join(map(str, self.files))]
        return "\n\n".join(filter(None, parts))

    def as_json(self) -> Any:
        """Return the tables, and why others failed."""
        return {"tables": [table.as_json() for table in self.tables], "failed": self.failed}


@dataclass(frozen=True)
class _Inputs:
    """Settings and data that all experiments of one call share."""

    tables: Annotations
    choice: Choice
    store: Store
    clips: Path | None
    recipe: Recipe
    data: str  # in words
    options: Mapping[str, Any]  # of every Setup


def reproduce(
    experiments: arguments.Paths,
    *,
    dataset: str,
    annotations: str | Path,
    out: str | Path,
    store: str | Path | None = None,
    features: str | Path | None = None,
    videos: str | Path | None = None,
    fps: float = 8.0,
    networks: Mapping[str, str | Sequence[str]] | Sequence[str] = (),
    baseline: Mapping[str, str | Sequence[str]] | Sequence[str] = (),
    recipe: str | Path | Recipe = "paper",
    seeds: Sequence[int] = (0, 1, 2, 3, 4, 5),
    engine: str | Engine = LOCAL,
    workers: int | None = None,
    gpus: float = 0.0,
    device: str = "auto",
    trust_code: bool = False,
    progress: bool = True,
    **settings: Any,
) -> Reproduction:
    """Run a paper's tables and figures on your data: its numbers, yours, and a verdict on each of its claims.

    Resume by rerunning the same call. Tables share the trainings that they have in common.

    Args:
        experiments: One or more of `list_experiments`, or TOML files of your own.
        dataset: Which data set: llp, or folder for tables and clips of your own.
        annotations: Folder with its label tables.
        out: Folder for everything that is finished, and for the tables, OUT/<experiment>.json and .md.
        store: The folder with the clips' features; by default OUT/store.
        features: Folder with the features that the data set's field shares, to import into the store first.
        videos: Folder with clips or full videos, to extract the networks' features from first, and for table3.
        fps: Frames per second that visual networks are given of these videos.
        networks: modality -> networks to compare or choose from, in place of the paper's.
        baseline: modality -> networks to train on if nothing is selected, in place of the paper's.
        recipe: Name from `list_recipes`, a TOML file, or a Recipe.
        seeds: One training is done with each; fewer than six can't confirm a difference between trained systems.
        engine: Where trainings are done: local, ray, ray://HOST:PORT, or an Engine.
        workers: Processes that train at once, one thread each; by default one per core.
        gpus: GPUs of each process of a cluster, which may be a fraction.
        device: auto, cpu or cuda.
        trust_code: Run the Python code of networks that an experiment's file or the store names as FILE.py:NAME.
        progress: Show progress and time left.
        **settings: On top of the recipe, such as `epochs=20`.

    Returns:
        The tables with their verdicts. If one of several experiments fails, it is listed in `failed`.

    Raises:
        SeehearError: If an argument is wrong, the data set's tables or features are missing, or the only experiment
            fails.
    """
    plans = {Path(name).stem: load_experiment(name) for name in arguments.paths(experiments)}
    _check_seeds(seeds)
    resolved = load_recipe(recipe, settings)
    choice = Choice(
        arguments.candidates(networks) if networks else {}, arguments.collocation(baseline) if baseline else {}
    )
    check_folder(out)
    where = engine_of(engine, workers, gpus, default=core_count())
    options = {"seeds": seeds, "out": Path(out), "engine": where, "device": device}
    options |= {"trust_code": trust_code, "progress": progress}
    changed = "".join(f", {key}={value}" for key, value in settings.items())
    name = "custom" if isinstance(recipe, Recipe) else recipe
    data = f"data set {dataset} ({annotations}), recipe {name}{changed}, seeds {', '.join(map(str, seeds))}"
    inputs = _inputs(
        plans,
        choice,
        dataset,
        annotations,
        store=Path(out) / STORE if store is None else store,
        videos=videos,
        features=features,
        fps=fps,
        recipe=resolved,
        data=data,
        options=options,
    )
    result = Reproduction()
    for name, experiment in plans.items():
        try:
            result.tables.append(_run(name, experiment, inputs, result.files))
        except DiskFullError:
            raise
        except SeehearError as error:
            if len(plans) == 1:
                raise
            result.failed[name] = str(error)
            say(f"{name} could not be run: {error}")
    return result


def runner(kind: str) -> Callable[[Experiment, Setup], Findings]:
    """Return what runs experiments of this kind."""
    run: Callable[[Experiment, Setup], Findings] = import_module(f"{__package__}.{KINDS[kind]}").run
    return run


def _check_seeds(seeds: Sequence[int]) -> None:
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise SeehearError("seeds must be one or more different numbers, at least 0")


def _inputs(
    plans: Mapping[str, Experiment],
    choice: Choice,
    dataset: str,
    annotations: str | Path,
    *,
    store: str | Path,
    videos: str | Path | None,
    features: str | Path | None,
    fps: float,
    recipe: Recipe,
    data: str,
    options: Mapping[str, Any],
) -> _Inputs:
    """Read the label tables, and fill the store if there is something to fill it with."""
    from seehear import datasets
    from seehear.features.store import Store

    tables = datasets.find_tables(datasets.get(dataset), annotations)
    clips = None
    if features is not None or videos is not None:
        choice.check_code(plans, options["trust_code"])
        prepared = datasets.prepare(
            dataset,
            annotations,
            store,
            features=features,
            videos=videos,
            networks=choice.needed(plans.values()) if videos is not None else (),
            fps=fps,
            engine=options["engine"],
            device=options["device"],
        )
        clips = prepared.clips
    return _Inputs(tables, choice.in_store(), Store(store), clips, recipe, data, options)


def _run(name: str, experiment: Experiment, inputs: _Inputs, files: list[Path]) -> Table:
    """Run one experiment and write its table."""
    candidates, baseline, notes = choose(experiment, inputs.choice, inputs.store)
    setup = _setup(inputs, candidates, baseline)
    findings = runner(experiment.kind)(experiment, setup)
    written = [setup.out / f"{name}.{suffix}" for suffix in ("json", "md")]
    settings = _settings(setup, inputs)
    findings.notes = list(dict.fromkeys([*notes, *findings.notes, *_replaced(written[0], settings)]))
    verdicts = tuple(claim.verdict(findings, experiment.reported) for claim in experiment.claims)
    table = Table(name, experiment, findings, verdicts, inputs.data)
    atomic_json(written[0], {**table.as_json(), "settings": settings})
    atomic_text(written[1], table.markdown())
    files += written
    return table


def _setup(inputs: _Inputs, candidates: Networks, baseline: Networks) -> Setup:
    """Return the data sets with all networks of an experiment: the same clips serve all its systems."""
    from seehear.data import Dataset
    from seehear.paper.setup import Setup

    together = {
        modality: list(dict.fromkeys([*baseline.get(modality, ()), *candidates.get(modality, ())]))
        for modality in dict.fromkeys([*baseline, *candidates])
    }

    def read(split: str, truth: Mapping[str, Path] | None) -> Dataset:
        return Dataset.from_tables(inputs.tables.weak[split], store=inputs.store, collocation=together, truth=truth)

    dense = inputs.tables.dense
    return Setup(
        train=read("train", None),
        val=read("val", dense),
        test=read("test", dense),
        candidates=candidates,
        baseline=baseline,
        recipe=inputs.recipe,
        clips=inputs.clips,
        dataset=inputs.tables.dataset,
        **inputs.options,
    )


def _settings(setup: Setup, inputs: _Inputs) -> dict[str, Any]:
    """Return what decides the numbers, to be kept with them."""
    return {
        "store": str(inputs.store),
        "weak": {split: str(path) for split, path in inputs.tables.weak.items()},
        "dense": {modality: str(path) for modality, path in inputs.tables.dense.items()},
        "networks": {modality: list(names) for modality, names in setup.candidates.items()},
        "baseline": {modality: list(names) for modality, names in setup.baseline.items()},
        "recipe": setup.recipe.model_dump(mode="json"),
        "seeds": list(setup.seeds),
    }


def _replaced(file: Path, settings: Mapping[str, Any]) -> list[str]:
    """Return a note if an earlier result in this file was made with other settings."""
    from seehear.training.runs import differences

    if not file.exists():
        return []
    differ = differences(read_object(file, "delete it").get("settings", {}), settings)
    return [f"{file} had results of other settings: {'; '.join(differ[:MAX_DIFFERENCES])}"] if differ else []
