"""seehear judge: how right a selection was, and how right every estimator would have been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seehear.errors import SeehearError
from seehear.verbs import selecting
from seehear.verbs.result import Result, listed, table
from seehear.verbs.select import measurements

if TYPE_CHECKING:
    from seehear.selection.agreement import Agreement, Ceiling, Chance
    from seehear.selection.collocation import Collocation, Grid
    from seehear.selection.effects import Effects
    from seehear.selection.ranking import Standing
    from seehear.selection.task import Estimates, Task

LEGEND = """\
score: {metric}
τ: Kendall's τ-b with traversal; weighted: the same, the top counting most; Spearman: correlation of ranks
within: the same over one modality's networks, the others fixed
p: of τ, one-sided, networks' names shuffled within modalities
regret: points lost by the choice; P(≤ SD): probability that it is no more than the SD between seeds, {deviation}
best tied: whether the tied set holds the best, and its size; cost: seconds as a share of traversal's"""
PICTURED = ("upper-bound-weak-segment-final",)  # beside the truth in Figure 5, with whatever is asked for


@dataclass
class Row:
    """An estimator: what it said, how well that agrees with the truth, and whether it looked at the judging clips."""

    estimates: Estimates
    agreement: Agreement
    leaks: bool

    @property
    def name(self) -> str:
        return f"{self.estimates.name}@{self.estimates.split}"


@dataclass
class Judged(Result):
    """truth: traversal's scores on the judging clips, (seeds, clips) each collocation. deviation: SD between seeds."""

    collocations: Sequence[Collocation]
    truth: Estimates
    standing: Standing
    deviation: float
    rows: list[Row]
    failed: dict[str, str]
    chance: Chance
    ceiling: Ceiling
    effects: Effects | None
    metric: str
    signature: str
    missing: list[str]
    notes: list[str]
    pictures: list[Path]
    page: Path | None = None

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if self.missing or self.failed else 0

    def cost(self, row: Row) -> float:
        """Of an estimator as a share of traversal's, seconds by seconds."""
        return row.estimates.seconds / self.truth.seconds

    def text(self) -> str:
        lines = [
            listed(self.missing, f"{len(self.missing)} labelled clips were left out"),
            *self.notes,
            self._truth(),
            "",
            self._agreement(),
            LEGEND.format(deviation=_number(self.deviation), metric=self.metric),
            "! looks at the clips that it is judged on" if any(row.leaks for row in self.rows) else "",
            f"a random choice: τ 0, regret {self.chance.regret:.2f}, P(≤ SD) {_number(self.chance.p_regret)}",
            self._itself(),
            self.effects.sentence() if self.effects else "",
            listed([f"{name}: {why}" for name, why in self.failed.items()], "estimators that failed"),
            f"signature {self.signature}",
            *(f"picture {path}" for path in self.pictures),
            f"open {self.page} in a browser" if self.page else "",
        ]
        return "\n".join(line for n, line in enumerate(lines) if line or n == len(self.notes) + 2)

    def _itself(self) -> str:
        if np.isnan(self.ceiling.halves):
            return "traversal with itself: not known from one seed, nor from one collocation"
        return (
            f"traversal with itself: τ {self.ceiling.halves:.2f} between halves of the seeds, "
            f"{self.ceiling.one_seed:.2f} one seed with the others, "
            f"{_number(self.ceiling.halves_and_clips)} between halves of seeds and clips"
        )

    def _truth(self) -> str:
        _, low, high = measurements(self.truth)
        rows = [["traversal", "score", "95 % interval", "ranks (95 %)", "P(best)", "tied"]]
        for n in np.argsort(-self.truth.scores, kind="stable"):
            standing = self.standing
            rows.append(
                [
                    str(self.collocations[n]),
                    f"{self.truth.scores[n]:.2f}",
                    f"{low[n]:.1f} to {high[n]:.1f}",
                    f"{standing.rank_low[n]} to {standing.rank_high[n]}",
                    f"{standing.p_best[n]:.2f}",
                    "*" if standing.tied[n] else "",
                ]
            )
        return table(rows)

    def _agreement(self) -> str:
        several = [len(options) > 1 for options in self._choices().values()]
        within = [f"within {name}" for name, yes in zip(self._choices(), several, strict=True) if yes]
        header = ["estimator", "τ", "weighted", "Spearman", *within, "p", "regret", "P(≤ SD)", "best tied"]
        rows = [[*header, "cost", "FLOP"]]
        for row in sorted(self.rows, key=lambda row: -np.nan_to_num(row.agreement.tau_b, nan=-2)):
            found = row.agreement
            hit = "–" if found.tied_hit is None else f"{'yes' if found.tied_hit else 'no'} of {found.tied_size}"
            inner = [value for value, yes in zip(found.within_tau, several, strict=True) if yes]
            rows.append(
                [
                    row.name + ("!" if row.leaks else ""),
                    *(_number(value) for value in (found.tau_b, found.weighted_tau, found.spearman, *inner)),
                    _number(found.p, 3),
                    f"{found.regret:.2f}",
                    _number(found.p_regret),
                    hit + (f", {found.failed} failed" if found.failed else ""),
                    f"{self.cost(row):.2g}",
                    f"{row.estimates.flops:.1g}",
                ]
            )
        return table(rows)

    def _choices(self) -> dict[str, set[tuple[str, ...]]]:
        choices: dict[str, set[tuple[str, ...]]] = {}
        for collocation in self.collocations:
            for modality, option in collocation.options:
                choices.setdefault(modality, set()).add(option)
        return choices

    def as_json(self) -> Any:
        names = [str(collocation) for collocation in self.collocations]
        values = self.truth.values or []
        _, low, high = measurements(self.truth)
        return _plain(
            {
                "truth": {
                    name: {
                        "score": self.truth.scores[n],
                        "low": low[n],
                        "high": high[n],
                        "seeds": np.atleast_2d(values[n]).mean(axis=1),
                        "rank_low": self.standing.rank_low[n],
                        "rank_high": self.standing.rank_high[n],
                        "p_best": self.standing.p_best[n],
                        "tied": self.standing.tied[n],
                    }
                    for n, name in enumerate(names)
                },
                "seed_deviation": self.deviation,
                "traversal_seconds": self.truth.seconds,
                "traversal_flops": self.truth.flops,
                "estimators": [
                    {
                        "name": row.name,
                        "leaks": row.leaks,
                        **asdict(row.agreement),
                        "cost": self.cost(row),
                        "seconds": row.estimates.seconds,
                        "flops": row.estimates.flops,
                        "trainings": row.estimates.trainings,
                        "scores": dict(zip(names, row.estimates.scores, strict=True)),
                        "notes": row.estimates.notes,
                    }
                    for row in self.rows
                ],
                "failed": self.failed,
                "chance": asdict(self.chance),
                "ceiling": asdict(self.ceiling),
                "pairing": self.effects.sentence() if self.effects else None,
                "effects": asdict(self.effects) if self.effects else None,
                "metric": self.metric,
                "signature": self.signature,
                "missing": self.missing,
                "notes": self.notes,
                "pictures": [str(path) for path in self.pictures],
            }
        )


def judge(
    selection: str | Path,
    *,
    labels: str | Path,
    dense_audio: str | Path | None = None,
    dense_visual: str | Path | None = None,
    dense: Sequence[str] = (),
    estimators: Sequence[str] = ("all",),
    leaking: bool = False,
    seeds: Sequence[int] = (),
    picture: Sequence[str] = (),
    workers: int = 0,
    device: str = "auto",
) -> Judged:
    """Tell how right a selection was: train every collocation in full, and compare every estimator with that.

    Finished trainings are kept in the selection's folder; the same command goes on where a killed one stopped.

    Args:
        selection: The folder that `seehear select` filled.
        labels: Weak table of clips that had no part in the selection, to score the fully trained models on.
        dense_audio: Dense table of what is heard in them.
        dense_visual: Dense table of what is seen in them.
        dense: MODALITY=TABLE for other modalities.
        estimators: Names, with @train or @val for the clips that they look at; `all` for every one.
        leaking: Compare the upper bounds among the estimators on the judging clips as well, as the paper does; all of
            them where none is named.
        seeds: Of the full trainings; those of the selection unless given.
        picture: Estimators to draw in Figure 5 besides the paper's upper bound.
        workers: Processes that train at once; one a core unless given.
        device: auto, cpu or cuda.

    Returns:
        The agreement of each estimator with traversal. Written to SELECTION/judged-<labels>.json and to the selection's
        page too.
    """
    from dataclasses import replace

    from seehear import pages
    from seehear.device import resolve
    from seehear.files import atomic_json, read_json
    from seehear.progress import say
    from seehear.selection import estimators as registry
    from seehear.selection.agreement import agreement, ceiling, expected_by_chance
    from seehear.selection.effects import effects
    from seehear.selection.estimate import estimate
    from seehear.selection.plan import forecast
    from seehear.selection.ranking import seed_deviation, standing
    from seehear.selection.task import VAL

    folder = Path(selection)
    if not (folder / "selection.json").exists():
        raise SeehearError(f"{folder}: no selection here; `seehear select --out {folder}` makes one")
    settings = selecting.Settings.from_json(read_json(folder / "selection.json")["settings"])
    if settings.leaks:
        raise SeehearError(
            f"{folder}: chose by evaluation labels (--protocol paper); judge an honest one, with --leaking"
        )
    settings = replace(settings, seeds=list(seeds)) if seeds else settings
    selecting.check(settings.seeds, workers, folder)
    tables = selecting.tables_of(labels, dense_audio, dense_visual, dense)
    prepared = selecting.prepare(settings, folder, workers, resolve(device), tables)
    task, grid = prepared.task, prepared.task.grid
    asked = [pair for name in estimators for pair in registry.find(name)]
    drawn = {estimator.name for name in picture for estimator, _ in registry.find(name)}
    if missing := drawn - {estimator.name for estimator, _ in asked}:
        raise SeehearError(f"--picture {', '.join(sorted(missing))}: only what --estimators names can be drawn")
    named = {estimator.name for name in estimators if registry.ALL not in name for estimator, _ in registry.find(name)}
    truth_of = registry.REGISTRY[registry.TRAVERSAL]
    asked = [(estimator, split) for estimator, split in asked if estimator.name != registry.TRAVERSAL]
    if leaking:
        bounds = [bound for bound in registry.UPPER_BOUNDS if any(bound == estimator for estimator, _ in asked)]
        asked += [(bound, selecting.TEST) for bound in bounds or registry.UPPER_BOUNDS]
    say(forecast(task, [(truth_of, VAL), *asked]).text())

    truth = estimate(task, truth_of, selecting.TEST)
    if truth.failures or truth.values is None:
        failures = [f"{name}: {why}" for name, why in truth.failures.items()]
        raise SeehearError(listed(failures, "there is no truth without every collocation; these failed"))
    values = np.stack(list(truth.values))  # (n, S, N)
    rows: list[Row] = []
    failed: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for estimator, split in asked:
        try:
            found = estimate(task, estimator, split)
        except SeehearError as error:
            place = failed if estimator.name in named else skipped
            place[f"{estimator.name}@{split}"] = str(error)
            continue
        rows.append(Row(found, agreement(found.scores, values, grid.shape, found.draws), split == selecting.TEST))
    assert truth.draws is not None
    report = Judged(
        collocations=grid.collocations,
        truth=truth,
        standing=standing(truth.scores, truth.draws),
        deviation=seed_deviation(values),
        rows=rows,
        failed=failed,
        chance=expected_by_chance(values),
        ceiling=ceiling(values),
        effects=effects(values, grid.shape) if sum(count > 1 for count in grid.shape) > 1 else None,
        metric=task.bench.metric(selecting.TEST),
        signature=f"{_judging(task)}|selection judged by traversal, {len(task.seeds)} seeds",
        missing=prepared.missing,
        notes=[*prepared.notes, *_skipped(skipped)],
        pictures=[],
    )
    judged_by = Path(labels).stem
    report.pictures = _draw(report, grid, folder, judged_by, {*PICTURED, *picture})
    atomic_json(folder / f"judged-{judged_by}.json", report.as_json())
    report.page = pages.selection.write(folder)
    return report


def _skipped(skipped: Mapping[str, str]) -> list[str]:
    """A line for those of `all` that can't be asked here."""
    named = [f"{name}: {why}" for name, why in skipped.items()]
    return [f"{len(named)} estimators can't be asked here, as {named[0]}"] if named else []


def _judging(task: Task) -> str:
    from seehear.selection.trainings import Part

    return task.bench.signature(Part(selecting.TEST))


def _draw(report: Judged, grid: Grid, folder: Path, judged_by: str, pictured: set[str]) -> list[Path]:
    """judged_by: the stem of the table, in the pictures' names, since a selection may be judged by several."""
    from seehear.report.selection import Point, cost_against_agreement, figure5

    names = [str(collocation) for collocation in report.collocations]
    curves = [_curve("traversal", report.truth)]
    shown = [row for row in report.rows if row.estimates.name in pictured or row.name in pictured]
    for row in sorted(shown, key=lambda row: (not row.estimates.name.startswith("upper-bound"), row.name)):
        curves.append(_curve(f"{row.name}{', leaks' if row.leaks else ''}", row.estimates))
    written = figure5(names, curves, folder / f"figure5-{judged_by}", tied=report.standing.tied)
    points = []
    for row in report.rows:
        found = row.agreement
        points.append(Point(row.name, report.cost(row), found.tau_b, np.nan, np.nan, found.regret, row.leaks))
    itself = report.ceiling
    ends = sorted((itself.halves_and_clips, itself.halves))
    band = None if np.isnan(ends).any() else (itself.halves, ends[0], ends[1])
    if points:
        written += cost_against_agreement(points, folder / f"cost-{judged_by}", band, unit="points")
    if report.effects is not None:
        written += selecting.draw_effects(report.effects, grid, folder / f"traversal-{judged_by}", "points")
    return [path for path in written if path.suffix == ".png"]


def _curve(label: str, estimates: Estimates) -> Any:
    from seehear.report.selection import Curve

    return Curve(label, *measurements(estimates), estimates.unit)


def _number(value: float, digits: int = 2) -> str:
    return "–" if np.isnan(value) else f"{value:.{digits}f}"


def _plain(value: Any) -> Any:
    """As JSON has it: no arrays, and None for NaN."""
    if isinstance(value, dict):
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
