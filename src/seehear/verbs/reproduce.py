"""seehear reproduce: a paper's tables and figures, its numbers beside ours, and a verdict on each of its claims."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.errors import SeehearError
from seehear.verbs import options
from seehear.verbs.result import Result, listed, table

if TYPE_CHECKING:
    from seehear.experiments.claims import Verdict
    from seehear.experiments.experiment import Experiment
    from seehear.experiments.findings import Findings, Measured
    from seehear.store import Store
    from seehear.verbs.reproducing.setup import Setup

STORE = "store"  # within the folder of results, unless another is given


@dataclass
class Table:
    """One experiment: what the paper says and what was found. data: what it was run on, and how."""

    name: str
    experiment: Experiment
    found: Findings
    verdicts: list[Verdict]
    data: str = ""

    def text(self) -> str:
        experiment, found = self.experiment, self.found
        lines = [
            f"{self.name}: {experiment.title} ({experiment.source})",
            self.data,
            table(self.rows()),
            "paper | ours (95 % interval"
            + self._over()
            + "); –: not reported, or not measured here; p is not adjusted",
            *self._chances(),
            "",
        ]
        lines += [
            f"{verdict.answer.upper()}: {verdict.says}{_by(verdict)}\n  {verdict.why}" for verdict in self.verdicts
        ]
        lines += ["", *found.notes, listed(found.missing, f"{len(found.missing)} labelled clips without features")]
        lines += [*(f"picture {path}" for path in found.pictures), f"signature {found.signature}"]
        return "\n".join(line for n, line in enumerate(lines) if line or lines[n - 1])

    def rows(self) -> list[list[str]]:
        """Header and rows: the longer of systems and scores downwards."""
        experiment, found = self.experiment, self.found
        systems = list(dict.fromkeys([*experiment.systems, *found.systems]))
        scores = list(experiment.scores)
        cells = {
            (system, score): _cell(experiment.reported(system, score), found.get(system, score))
            for system in systems
            for score in scores
        }
        if len(systems) > len(scores):
            return [["", *scores], *([name, *(cells[name, score] for score in scores)] for name in systems)]
        return [["", *systems], *([score, *(cells[name, score] for name in systems)] for score in scores)]

    def _over(self) -> str:
        seeds = {one.seeds for row in self.found.systems.values() for one in row.values()}
        most = max(seeds, key=len, default=())
        if len(most) > 1:
            return f" over clips and {len(most)} seeds"
        return " over clips; one seed" if most else " over clips"

    def _chances(self) -> list[str]:
        """Chance of each score that has one, where it is the same for all systems."""
        lines = []
        for score in self.experiment.scores:
            known = {round(one.chance, 1) for row in self.found.systems.values() if (one := row.get(score))}
            if len(known) == 1 and not math.isnan(chance := known.pop()):
                lines.append(f"{score} {chance:.1f}")
        return [f"chance: {', '.join(lines)}"] if lines else []

    def markdown(self) -> str:
        """The same for a lab book."""
        head, *rows = self.rows()
        lines = [f"**{self.experiment.title}** ({self.experiment.source})", "", self.data, ""]
        lines += [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows), ""]
        lines += [f"- {verdict.answer}: {verdict.says}{_by(verdict)} {verdict.why}" for verdict in self.verdicts]
        missing = self.found.missing
        lines += ["", *(f"- {note}" for note in self.found.notes)]
        lines += [f"- {len(missing)} labelled clips have no features: {', '.join(missing)}"] if missing else []
        lines += ["", "What the paper leaves open:", "", *(f"- {note}" for note in self.experiment.notes)]
        lines += ["", f"`{self.found.signature}`", ""]
        return "\n".join(lines)

    def as_json(self) -> Any:
        def number(value: float) -> float | None:
            return None if math.isnan(value) else value

        def spelled(system: str, score: str, one: Measured) -> dict[str, Any]:
            numbers = {key: number(getattr(one, key)) for key in ("value", "low", "high", "p", "chance")}
            return {"paper": self.experiment.reported(system, score), **numbers, "seeds": list(one.seeds)}

        return {
            "experiment": self.name,
            "title": self.experiment.title,
            "source": self.experiment.source,
            "systems": {
                system: {score: spelled(system, score, one) for score, one in row.items()}
                for system, row in self.found.systems.items()
            },
            "paper": {name: dict(system.paper) for name, system in self.experiment.systems.items()},
            "controls": sorted(self.found.ours),
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "notes": self.found.notes,
            "left_open": list(self.experiment.notes),
            "data": self.data,
            "missing": self.found.missing,
            "pictures": [str(path) for path in self.found.pictures],
            "signature": self.found.signature,
        }


@dataclass
class Reproduced(Result):
    """tables: one an experiment. failed: experiment -> why there is none of it. files: what was written."""

    tables: list[Table]
    failed: dict[str, str] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if self.failed or any(one.found.missing for one in self.tables) else 0

    def text(self) -> str:
        failed = listed([f"{name}: {why}" for name, why in self.failed.items()], "could not be run")
        return "\n\n".join(
            filter(None, [*(one.text() for one in self.tables), failed, "\n".join(map(str, self.files))])
        )

    def as_json(self) -> Any:
        return {"tables": [one.as_json() for one in self.tables], "failed": self.failed}


def reproduce(
    experiments: Sequence[str],
    *,
    dataset: str,
    annotations: str | Path,
    out: str | Path,
    store: str | Path | None = None,
    features: str | Path | None = None,
    videos: str | Path | None = None,
    fps: float = 8.0,
    networks: Sequence[str] = (),
    baseline: Sequence[str] = (),
    recipe: str = "paper",
    set: Sequence[str] = (),
    seeds: Sequence[int] = (0, 1, 2, 3, 4, 5),
    workers: int = 0,
    device: str = "auto",
    trust_code: bool = False,
) -> Reproduced:
    """Run a paper's tables and figures on your data: its numbers beside yours, and a verdict on each of its claims.

    What an earlier command finished is taken as it is, so the same command goes on where a killed one stopped, and
    tables share the trainings that they have in common.

    Args:
        experiments: table1 to table5, figure5, or TOML files of your own.
        dataset: Which data set: llp, or folder for tables and clips of your own.
        annotations: Folder with its label tables.
        out: Folder for everything that is finished, and for the tables.
        store: The folder with the clips' features; OUT/store unless given.
        features: Folder with the features that the data set's field shares, to take into the store first.
        videos: Folder with clips or full videos, to extract the networks' features from first, and for table3.
        fps: Pictures sampled a second of these videos, for visual networks.
        networks: MODALITY=NETWORK,NETWORK to compare or choose from, in place of the paper's.
        baseline: MODALITY=NETWORK of what is trained where nothing is chosen, in place of the paper's.
        recipe: Name from `seehear recipes`, or a TOML file.
        set: KEY=VALUE settings on top of the recipe.
        seeds: One training is done with each; fewer than six confirm no difference between trained systems.
        workers: Processes that train at once; one a core unless given.
        device: auto, cpu or cuda.
        trust_code: Run the Python code of networks that an experiment's file or the store names as FILE.py:NAME.

    Returns:
        The tables with their verdicts. Written to OUT/<experiment>.json and .md too.
    """
    from seehear import datasets
    from seehear.datasets.spec import find_tables
    from seehear.device import resolve
    from seehear.experiments.experiment import read
    from seehear.files import DiskFullError, atomic_json, atomic_text
    from seehear.progress import say
    from seehear.selection.prepare import check
    from seehear.store import Store
    from seehear.training.recipe import resolve as resolve_recipe
    from seehear.verbs.prepare import prepare
    from seehear.verbs.reproducing import runner
    from seehear.verbs.reproducing.setup import Setup

    names = [experiments] if isinstance(experiments, str) else list(experiments)
    wanted = {Path(name).stem: read(name) for name in names}
    check(seeds, workers, Path(out))
    resolve_recipe(recipe, set)
    tables = find_tables(datasets.get(dataset), annotations)
    place = Path(store) if store is not None else Path(out) / STORE
    given, base = options.candidates(networks), options.collocation(baseline) if baseline else {}
    clips = None
    if features is not None or videos is not None:
        needed = [name for one in wanted.values() for name in _needed(one, given, base)]
        _check_code(needed, given, base, experiments, trust_code)
        prepared = prepare(
            dataset=dataset,
            annotations=annotations,
            store=place,
            features=features,
            videos=videos,
            networks=list(dict.fromkeys(needed)) if videos is not None else (),
            fps=fps,
            device=device,
        )
        clips = prepared.clips
    kept = Store(place)
    given, base = _in_store(given), _in_store(base)
    report = Reproduced([])
    trained = f"recipe {recipe}{''.join(f', {text}' for text in set)}, seeds {', '.join(map(str, seeds))}"
    for name, experiment in wanted.items():
        try:
            candidates, own, notes = _choose(experiment, given, base, kept)
            setup = Setup(
                store=kept,
                weak=tables.weak,
                dense=tables.dense,
                candidates=candidates,
                baseline=own,
                recipe=recipe,
                set=set,
                seeds=seeds,
                clips=clips,
                out=Path(out),
                workers=workers,
                device=resolve(device),
                trust_code=trust_code,
            )
            found = runner(experiment.kind)(experiment, setup)
        except DiskFullError:
            raise
        except SeehearError as error:
            if len(wanted) == 1:
                raise
            report.failed[name] = str(error)
            say(f"{name} could not be run: {error}")
            continue
        settings, files = _settings(setup), [Path(out) / f"{name}.{kind}" for kind in ("json", "md")]
        found.notes = list(dict.fromkeys([*notes, *found.notes, *_replaced(files[0], settings)]))
        verdicts = [claim.verdict(found, experiment.reported) for claim in experiment.claims]
        one = Table(name, experiment, found, verdicts, f"data set {dataset} ({annotations}), {trained}")
        report.tables.append(one)
        report.files += files
        atomic_json(files[0], {**one.as_json(), "settings": settings})
        atomic_text(files[1], one.markdown())
    return report


def _in_store(networks: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The same by the names that a store gives them, where networks of one's own are named as FILE.py:NAME."""
    from seehear.networks import get

    return {
        modality: [get(name).name if ":" in name else name for name in names] for modality, names in networks.items()
    }


def _check_code(
    needed: Sequence[str],
    given: Mapping[str, Sequence[str]],
    base: Mapping[str, Sequence[str]],
    experiments: str | Sequence[str],
    trust_code: bool,
) -> None:
    """Raises SeehearError where an experiment's file names code as a network that the user neither named nor trusts."""
    from seehear.networks import get_named_in

    by_user = {name for each in (given, base) for names in each.values() for name in names}
    source = experiments if isinstance(experiments, str) else ", ".join(experiments)
    for name in needed:
        if ":" in name and name not in by_user:
            get_named_in(source, name, trust_code=trust_code)


def _needed(experiment: Experiment, given: Mapping[str, Sequence[str]], base: Mapping[str, Sequence[str]]) -> list[str]:
    """Networks whose features an experiment asks for."""
    asked = [given or experiment.networks, base or (first_of(given) if given else experiment.baseline)]
    return [name for each in asked for names in each.values() for name in names]


def first_of(networks: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The first network of each modality."""
    return {modality: list(names[:1]) for modality, names in networks.items()}


def _choose(
    experiment: Experiment, given: Mapping[str, Sequence[str]], base: Mapping[str, Sequence[str]], store: Store
) -> tuple[dict[str, list[str]], dict[str, list[str]], list[str]]:
    """What to choose from, what the baseline is, and what to say of them: the user's, else the paper's."""
    from seehear.verbs.tables import networks_of

    notes = []
    known = store.networks()
    chosen = given or experiment.networks
    candidates = {modality: list(names) for modality, names in chosen.items() if modality in experiment.networks}
    if given:
        if lacking := [modality for modality in experiment.networks if modality not in candidates]:
            raise SeehearError(f"--networks names none of modality {lacking[0]}, which the experiment compares")
    elif not given:
        absent = {modality: [name for name in names if name not in known] for modality, names in candidates.items()}
        if lost := [name for names in absent.values() for name in names]:
            candidates = {modality: [name for name in names if name in known] for modality, names in candidates.items()}
            if not all(candidates.values()):
                raise _no_features(lost, store)
            notes.append(f"no features of {', '.join(lost)}: left out")
    own = {modality: list(names) for modality, names in (base or experiment.baseline).items() if experiment.baseline}
    lost = [name for names in own.values() for name in names if name not in known]
    if lost and not base:
        if not given:
            raise _no_features(lost, store)
        own = first_of({modality: given.get(modality, names) for modality, names in own.items()})
    theirs = {name for names in (*experiment.networks.values(), *experiment.baseline.values()) for name in names}
    ours = dict.fromkeys(name for each in (candidates, own) for names in each.values() for name in names)
    if others := [name for name in ours if name not in theirs]:
        notes.append(f"stand-ins for the paper's networks: {', '.join(others)}")
    for each in (candidates, own):
        networks_of(store, each)
    return candidates, own, notes


def _no_features(lost: Sequence[str], store: Store) -> SeehearError:
    stand_ins: dict[str, list[str]] = {}
    for info in store.networks().values():
        stand_ins.setdefault(info.modality, []).append(info.name)
    instead = " ".join(f"{modality}={','.join(names)}" for modality, names in stand_ins.items())
    return SeehearError(
        f"{store.path}: no features of {', '.join(lost)}, which the paper used: give --features or --videos to make "
        "them, or take stand-ins" + (f": --networks {instead}" if instead else "")
    )


def _replaced(file: Path, settings: Mapping[str, Any]) -> list[str]:
    """What an earlier result in this file was found with that is another now."""
    from seehear.files import read_json
    from seehear.training.run import differences

    if not file.exists():
        return []
    differ = differences(read_json(file).get("settings", {}), settings)
    return [f"{file} held results of other settings: {'; '.join(differ[:8])}"] if differ else []


def _settings(setup: Setup) -> dict[str, Any]:
    return {
        "store": str(setup.store.path),
        "weak": {split: str(path) for split, path in setup.weak.items()},
        "dense": {modality: str(path) for modality, path in setup.dense.items()},
        "networks": {modality: list(names) for modality, names in setup.candidates.items()},
        "baseline": {modality: list(names) for modality, names in setup.baseline.items()},
        "recipe": setup.resolved().model_dump(mode="json"),
        "seeds": list(setup.seeds),
    }


def _cell(reported: float | None, measured: Measured | None) -> str:
    theirs = "–" if reported is None else f"{reported:.1f}" if round(reported, 1) == reported else f"{reported:g}"
    if measured is None or math.isnan(measured.value):
        return f"{theirs} | –" if reported is not None else "–"
    digits = 2 if abs(measured.value) < 2 else 1
    ours = f"{measured.value:.{digits}f}"
    interval = "" if math.isnan(measured.low) else f" ({measured.low:.{digits}f}–{measured.high:.{digits}f})"
    p = "" if math.isnan(measured.p) else f" p {measured.p:.2g}"
    return f"{theirs} | {ours}{interval}{p}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace(" | ", " → ") for cell in cells) + " |"


def _by(verdict: Verdict) -> str:
    return "" if verdict.by == "paper" else " (our control)"
