"""Selections and judgements as JSON files of a folder, written whole and read back by one typed reader."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel

from seehear.errors import SeehearError
from seehear.selection.agreement import Agreement, Ceiling, Chance
from seehear.selection.collocation import Grid
from seehear.selection.effects import Effects, Shares
from seehear.selection.fields import JudgementFields, SelectionFields
from seehear.selection.judge import Judgement, Row
from seehear.selection.ranking import Standing
from seehear.selection.result import RankedCollocation, Selection, Settings
from seehear.selection.sources import Sources
from seehear.selection.task import Array, Estimates, Outlook, Trials
from seehear.selection.trainings import Metric
from seehear.stored import as_model, entries, exists, read_object
from seehear.training.recipe import Recipe

FORMAT = 3
SELECTION = "selection.json"
JUDGED = "judged-"

T = TypeVar("T")


def judgement_file(name: str) -> str:
    """Return the file name of a judgement by the clips of this name."""
    return f"{JUDGED}{name}.json"


def read_selection(folder: Path) -> Selection:
    """Read the selection that `save` wrote into a folder; its data is not read.

    Raises:
        SeehearError: There is no selection, or another version of seehear wrote it.
    """
    file = folder / SELECTION
    if not exists(file):
        raise SeehearError(f"{folder}: no selection in this folder; `seehear select --out {folder}` makes one")
    remedy = "run `seehear select` again, which keeps finished trainings"
    content = read_object(file, remedy)
    if content.get("format") != FORMAT:
        raise SeehearError(
            f"{file}: is of format {content.get('format', 1)}, but this version reads format {FORMAT}: {remedy}, or "
            "use the version that wrote it"
        )
    return _read(content, SelectionFields, selection_from_json, file, remedy)


def read_judgements(folder: Path) -> dict[str, Judgement]:
    """Read all judgements of the selection in a folder, by the name of their clips.

    Judgements of another format are skipped: `seehear judge` writes them again.
    """
    judgements = {}
    remedy = "delete it, and run `seehear judge` again, which keeps finished trainings"
    for file in entries(folder):
        if file.name.startswith(JUDGED) and file.suffix == ".json":
            content = read_object(file, remedy)
            if content.get("format") == FORMAT:
                judgement = _read(content, JudgementFields, judgement_from_json, file, remedy)
                judgements[file.stem.removeprefix(JUDGED)] = judgement
    return judgements


def _read(
    content: Mapping[str, Any],
    fields: type[BaseModel],
    build: Callable[[Mapping[str, Any]], T],
    file: Path,
    remedy: str,
) -> T:
    """Return what is built of a file's content, once its fields are checked. Raises SeehearError naming the file."""
    checked = as_model(content, fields, file, remedy)
    try:
        return build(checked.model_dump())
    except SeehearError as error:
        raise SeehearError(f"{file}: {error}; {remedy}") from None
    except (KeyError, ValueError, IndexError) as error:  # parts that do not fit together
        raise SeehearError(f"{file}: its parts are of different collocations ({error}); {remedy}") from None


# Selections


def selection_to_json(selection: Selection) -> dict[str, Any]:
    """Return a selection as JSON has it."""
    settings = selection.settings
    return _plain(
        {
            "format": FORMAT,
            "leaks": selection.leaks,
            "best": selection.best.as_json(),
            "tied": [collocation.as_json() for collocation in selection.tied],
            "ranking": _ranking_to_json(selection.ranking, selection.standing, selection.grid),
            "estimators": [_estimates_to_json(each, selection.grid) for each in selection.estimates],
            "effects": selection.effects and asdict(selection.effects),
            "effects_of": selection.effects_of,
            "pairing": selection.effects and selection.effects.verdict,
            "outlook": [asdict(each) for each in selection.outlook],
            "traversal_seconds": selection.traversal_seconds,
            "metric": selection.metric,
            "signature": selection.signature,
            "missing": selection.missing,
            "notes": selection.notes,
            "failed": selection.failed,
            "settings": {
                "networks": settings.networks,
                "together": settings.together,
                "recipe": settings.recipe.model_dump(mode="json"),
                "seeds": settings.seeds,
                "budget": settings.budget,
                "leaks": settings.leaks,
            },
            "sources": selection.sources and selection.sources.as_json(),
        }
    )


def selection_from_json(content: Mapping[str, Any]) -> Selection:
    """Read what `selection_to_json` returned."""
    given = content["settings"]
    settings = Settings(
        given["networks"],
        given["together"],
        Recipe(**given["recipe"]),
        tuple(given["seeds"]),
        given["budget"],
        given["leaks"],
    )
    sizes = {modality: len(dict.fromkeys(names)) for modality, names in settings.networks.items()}
    options = [sum(math.comb(size, n) for n in range(1, min(settings.together, size) + 1)) for size in sizes.values()]
    if math.prod(options) != len(content["ranking"]):  # before so many are made
        raise SeehearError(f"ranks {len(content['ranking'])} collocations of {math.prod(options)}")
    grid = Grid.over(settings.networks, min(settings.together, max(sizes.values())))
    seconds = content["traversal_seconds"]
    return Selection(
        grid=grid,
        standing=_standing_from_json(content["ranking"], grid),
        estimates=tuple(_estimates_from_json(each, grid) for each in content["estimators"]),
        effects=_effects_from_json(content["effects"], grid),
        effects_of=content["effects_of"],
        traversal_seconds=tuple(seconds) if seconds else None,
        metric=Metric(content["metric"]),
        signature=content["signature"],
        settings=settings,
        missing=tuple(content["missing"]),
        notes=tuple(content["notes"]),
        failed=content["failed"],
        sources=Sources.from_json(content["sources"]) if content["sources"] else None,
    )


# Judgements


def judgement_to_json(judgement: Judgement) -> dict[str, Any]:
    """Return a judgement as JSON has it."""
    return _plain(
        {
            "format": FORMAT,
            "options": {
                modality: [list(option) for option in options] for modality, options in judgement.grid.options.items()
            },
            "best": judgement.best.as_json(),
            "ranking": _ranking_to_json(judgement.ranking, judgement.standing, judgement.grid),
            "traversal": _estimates_to_json(judgement.truth, judgement.grid),
            "seed_deviation": judgement.deviation,
            "estimators": [
                {
                    **_estimates_to_json(row.estimates, judgement.grid),
                    "agreement": asdict(row.agreement),
                    "leaks": row.leaks,
                    "cost": judgement.cost(row),
                }
                for row in judgement.rows
            ],
            "failed": judgement.failed,
            "chance": asdict(judgement.chance),
            "ceiling": asdict(judgement.ceiling),
            "effects": judgement.effects and asdict(judgement.effects),
            "pairing": judgement.effects and judgement.effects.verdict,
            "metric": judgement.metric,
            "signature": judgement.signature,
            "missing": judgement.missing,
            "notes": judgement.notes,
            "plotted": judgement.plotted,
        }
    )


def judgement_from_json(content: Mapping[str, Any]) -> Judgement:
    """Read what `judgement_to_json` returned."""
    grid = Grid(
        {modality: tuple(tuple(option) for option in options) for modality, options in content["options"].items()}
    )
    return Judgement(
        grid=grid,
        truth=_estimates_from_json(content["traversal"], grid),
        standing=_standing_from_json(content["ranking"], grid),
        deviation=_number(content["seed_deviation"]),
        rows=tuple(
            Row(_estimates_from_json(each, grid), _agreement_from_json(each["agreement"], grid), each["leaks"])
            for each in content["estimators"]
        ),
        failed=content["failed"],
        chance=Chance(**_numbers(content["chance"])),
        ceiling=Ceiling(**_numbers(content["ceiling"])),
        effects=_effects_from_json(content["effects"], grid),
        metric=Metric(content["metric"]),
        signature=content["signature"],
        missing=tuple(content["missing"]),
        notes=tuple(content["notes"]),
        plotted=tuple(content["plotted"]),
    )


# Their parts


def _ranking_to_json(ranking: Sequence[RankedCollocation], standing: Standing, grid: Grid) -> list[dict[str, Any]]:
    """Return ranked collocations as JSON has them. Their `place` orders those without a measured score too."""
    places = {str(collocation): place for collocation, place in zip(grid, standing.scores, strict=True)}
    return [
        {
            "collocation": row.collocation.as_json(),
            "name": row.name,
            "status": row.status,
            "score": row.score,
            "low": row.low,
            "high": row.high,
            "rank": row.rank,
            "rank_low": row.rank_low,
            "rank_high": row.rank_high,
            "p_best": row.p_best,
            "tied": row.tied,
            "place": places[row.name],
        }
        for row in ranking
    ]


def _standing_from_json(ranking: Sequence[Mapping[str, Any]], grid: Grid) -> Standing:
    if len(ranking) != len(grid):
        raise SeehearError(f"ranks {len(ranking)} collocations of {len(grid)}")
    rows = {row["name"]: row for row in ranking}
    ordered = [rows[str(collocation)] for collocation in grid]

    def column(name: str) -> Any:
        return np.array([row[name] for row in ordered])

    return Standing(
        _array([row["place"] for row in ordered]),
        column("rank"),
        column("rank_low"),
        column("rank_high"),
        column("p_best"),
        column("tied"),
    )


def _estimates_to_json(estimates: Estimates, grid: Grid) -> dict[str, Any]:
    names = [str(collocation) for collocation in grid]
    _, low, high = estimates.measurements()
    measured = ~estimates.failed if estimates.measured is None else estimates.measured

    def by_name(values: Any) -> dict[str, Any]:
        return dict(zip(names, values, strict=True))

    return {
        "name": estimates.name,
        "split": estimates.split,
        "unit": estimates.unit,
        "scores": by_name(estimates.scores),
        "low": by_name(low),
        "high": by_name(high),
        "measured": by_name(measured),
        "seeds": by_name(means) if (means := estimates.means_of_seeds()) else None,
        "failures": estimates.failures,
        "trainings": estimates.trainings,
        "of_traversals": estimates.of_traversals,
        "seconds": estimates.seconds,
        "flops": estimates.flops,
        "trials": estimates.trials and asdict(estimates.trials),
    }


def _estimates_from_json(content: Mapping[str, Any], grid: Grid) -> Estimates:
    names = [str(collocation) for collocation in grid]

    def column(name: str) -> list[Any]:
        return [content[name][each] for each in names]

    trials = content["trials"]
    if trials:
        trials = Trials(**{**trials, "outlook": tuple(Outlook(**each) for each in trials["outlook"])})
    return Estimates(
        name=content["name"],
        split=content["split"],
        unit=content["unit"],
        scores=_array(column("scores")),
        draws=None,
        failures=content["failures"],
        seconds=content["seconds"],
        flops=content["flops"],
        trainings=content["trainings"],
        of_traversals=content["of_traversals"],
        measured=np.array(column("measured"), dtype=bool),
        trials=trials or None,
        interval=np.stack([_array(column("low")), _array(column("high"))]),
        seed_means=[_array(means) for means in column("seeds")] if content["seeds"] else None,
    )


def _effects_from_json(content: Mapping[str, Any] | None, grid: Grid) -> Effects | None:
    if content is None:
        return None
    shares = _numbers(content["shares"])
    main = tuple(_array(values) for values in content["main"])
    interaction = np.array(content["interaction"], dtype=np.float64)
    fits = tuple(map(len, main)) == grid.shape == interaction.shape and len(shares["main"]) == len(main)
    if not fits or content["additive_choice"] >= len(grid):
        raise SeehearError("has effects of other collocations")
    of_shares = Shares(tuple(_number(each) for each in shares["main"]), shares["interaction"], shares["noise"])
    return Effects(**_numbers({**content, "main": main, "interaction": interaction, "shares": of_shares}))


def _agreement_from_json(content: Mapping[str, Any], grid: Grid) -> Agreement:
    if max(content["best"], *content["chosen"], 0) >= len(grid) or len(content["within_tau"]) != len(grid.shape):
        raise SeehearError("has agreement on other collocations")
    unknown = {name: content[name] for name in ("tied_hit", "tied_size")}  # None if they are not known
    within, chosen = tuple(_number(value) for value in content["within_tau"]), tuple(content["chosen"])
    return Agreement(**{**_numbers(content), **unknown, "within_tau": within, "chosen": chosen})


def _array(values: Sequence[float | None]) -> Array:
    return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _numbers(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same numbers by name; None, an unknown number, becomes NaN."""
    return {name: _number(value) if value is None else value for name, value in content.items()}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: no arrays, and None for NaN."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
