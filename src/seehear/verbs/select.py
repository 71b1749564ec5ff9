"""seehear select: which networks, one choice a modality, to take for these clips."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.verbs import selecting
from seehear.verbs.result import Result, listed, table

if TYPE_CHECKING:
    from seehear.selection.collocation import Collocation, Grid
    from seehear.selection.effects import Effects
    from seehear.selection.plan import Plan
    from seehear.selection.ranking import Standing
    from seehear.selection.task import Estimates

Array = NDArray[np.float64]

LEGEND = """\
tied (*): as good as the first for all that can be told; ranks: where 95 % of the bootstrap draws put it; P(best): share
of draws that it is the best of; score: {unit}; –: only its place is known, it was not tried"""
LITTLE = 5.0  # per cent of the spread
MOST_ROWS = 20  # of the ranking on the terminal; selection.json has all


@dataclass
class Selected(Result):
    """estimates: of the estimators that were run, the first of which answers, by its standing.

    effects: what each network adds, and what pairing adds, in scores of the estimator `effects_of`; None where fewer
    than two modalities have a choice, or scores are missing. missing: labelled clips left out. failed: what became of
    estimators that answer nothing.
    """

    collocations: Sequence[Collocation]
    standing: Standing
    estimates: list[Estimates]
    effects: Effects | None
    effects_of: str
    plan: Plan
    metric: str
    signature: str
    leaks: bool
    missing: list[str]
    notes: list[str]
    pictures: list[Path]
    command: str
    failed: list[str] = field(default_factory=list)
    page: Path | None = None

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if self.missing or self.failed or self.estimates[0].failures else 0

    @property
    def best(self) -> Collocation:
        """The collocation to use."""
        return self.collocations[int(np.nanargmax(self.standing.scores))]

    @property
    def tied(self) -> list[Collocation]:
        """Those that are as good for all that can be told, the best first."""
        order = np.argsort(-self.standing.scores, kind="stable")
        return [self.collocations[n] for n in order if self.standing.tied[n]]

    @property
    def unit(self) -> str:
        """What a score is, in words."""
        from seehear.selection.task import PERCENT

        first = self.estimates[0]
        return self.metric if first.unit == PERCENT else first.unit

    def text(self) -> str:
        from seehear.selection.task import LEAKING

        first = self.estimates[0]
        lines = [
            LEAKING if self.leaks else "",
            listed(self.missing, f"{len(self.missing)} labelled clips were left out"),
            *self.notes,
            self._ranking(),
            LEGEND.format(unit=self.unit),
            listed([f"{name}: {why}" for name, why in first.failures.items()], "failed"),
            "",
            f"use {self.best.argument}",
            self._tied(),
            self._untried(),
            self.pairing(),
            self._cost(first),
            f"signature {self.signature}",
            *(f"picture {path}" for path in self.pictures),
            f"open {self.page} in a browser" if self.page else "",
            f"train it: {self.command}",
        ]
        return "\n".join(line for n, line in enumerate(lines) if line or n == 5)

    def _ranking(self) -> str:
        standing = self.standing
        order = np.argsort(-standing.scores, kind="stable")  # NaN comes last
        others = [
            (each.name if each.split == self.estimates[0].split else f"{each.name}@{each.split}", each.scores)
            for each in self.estimates[1:]
        ]
        tried = self.estimates[0].notes.get("tried")
        measured = self.estimates[0].measured
        rows = [["", "collocation", "tied", "ranks (95 %)", "P(best)", "score"]]
        rows[0] += ["trainings"] if tried is not None else []
        rows[0] += [name for name, _ in others]
        for n in order[:MOST_ROWS]:
            name = str(self.collocations[n])
            failed = np.isnan(standing.scores[n])
            rows.append(
                [
                    "–" if failed else str(standing.rank[n]),
                    name,
                    "*" if standing.tied[n] else "",
                    "failed" if failed else f"{standing.rank_low[n]} to {standing.rank_high[n]}",
                    f"{standing.p_best[n]:.2f}",
                    "–" if failed or (measured is not None and not measured[n]) else f"{standing.scores[n]:.4g}",
                    *([str(tried.get(name, 0))] if tried is not None else []),
                    *(f"{scores[n]:.4g}" for _, scores in others),
                ]
            )
        more = [f"… and {len(order) - MOST_ROWS} more in selection.json"] if len(order) > MOST_ROWS else []
        return "\n".join([table(rows, right_from=3), *more])

    def _tied(self) -> str:
        if len(self.collocations) == 1:
            return ""
        others = [str(collocation) for collocation in self.tied if collocation != self.best]
        if not others:
            return "none of the others is as good, for all that can be told"
        named = ", ".join(others[:MOST_ROWS]) + (" …" if len(others) > MOST_ROWS else "")
        return f"as good for all that can be told ({len(others)}): {named}"

    def _untried(self) -> str:
        """What the budget was too small for."""
        first = self.estimates[0]
        notes = first.notes
        untried = notes.get("not tried for want of budget", [])
        if not untried:
            return ""
        if not first.trainings:
            return (
                f"the budget allowed no training: this is the order that closed forms have from the training labels, "
                f"and no clip of {first.split} was looked at; --budget {notes['budget to try them all']:.2g} tries the "
                f"first {len(untried)}"
            )
        return (
            f"{len(untried)} of these were not tried: P(best) takes them for as good as any that were tried, or as the "
            f"closed forms have them; --budget {notes['budget to try them all']:.2g} tries them all"
        )

    def pairing(self) -> str:
        """Whether it matters which networks are paired, or only how good each is by itself."""
        if self.effects is None:
            return ""
        by = self.collocations[self.effects.additive_choice]
        if self.effects.pairing_matters is not None:
            return f"pairing, by {self.effects_of}: {self.effects.sentence()}"
        share = 100 * self.effects.shares.interaction
        text = f"pairing explains {share:.0f} % of what differs between collocations by {self.effects_of}"
        if not self.effects.low > 0:
            text += ", no more than chance may: pairing does not seem to matter here, only each network by itself"
        elif share < LITTLE:
            text += ": pairing hardly matters here, each network by itself nearly decides"
        return f"{text}; by it the best networks one by one: {by}"

    def _cost(self, first: Estimates) -> str:
        from seehear.selection.plan import spell, spell_range

        least, most = self.plan.traversal.seconds
        trainings = f"{first.trainings} trainings, " if first.trainings else ""
        ends = dict.fromkeys(f"1/{seconds / max(first.seconds, 1e-9):.0f}" for seconds in (least, most))
        share = " to ".join(ends)
        return (
            f"{first.name} took {trainings}{spell(first.seconds)} of one core, {first.flops:.2g} FLOP; traversal would "
            f"take {spell_range(least, most)}: {share} of it"
        )

    def as_json(self) -> Any:
        names = [str(collocation) for collocation in self.collocations]
        standing, first = self.standing, self.estimates[0]
        scores, low, high = measurements(first)

        def number(value: float) -> float | None:
            return None if np.isnan(value) else float(value)

        ranking = [
            {
                "collocation": self.collocations[n].as_json(),
                "name": names[n],
                "score": number(scores[n]),
                "low": number(low[n]),
                "high": number(high[n]),
                "rank": int(standing.rank[n]),
                "rank_low": int(standing.rank_low[n]),
                "rank_high": int(standing.rank_high[n]),
                "p_best": float(standing.p_best[n]),
                "tied": bool(standing.tied[n]),
            }
            for n in np.argsort(-standing.scores, kind="stable")
        ]
        return {
            "leaks": self.leaks,
            "best": self.best.as_json(),
            "tied": [collocation.as_json() for collocation in self.tied],
            "ranking": ranking,
            "estimators": [
                {
                    "name": each.name,
                    "split": each.split,
                    "scores": {name: number(score) for name, score in zip(names, each.scores, strict=True)},
                    "failures": dict(each.failures),
                    "trainings": each.trainings,
                    "seconds": each.seconds,
                    "flops": each.flops,
                    "notes": dict(each.notes),
                }
                for each in self.estimates
            ],
            "unit": self.unit,
            "untried": self._untried(),
            "pairing": self.pairing(),
            "cost": self._cost(first),
            "traversal_seconds": list(self.plan.traversal.seconds),
            "signature": self.signature,
            "missing": self.missing,
            "notes": self.notes,
            "pictures": [str(path) for path in self.pictures],
            "command": self.command,
        }


@dataclass
class Planned(Result):
    """What a selection would take."""

    plan: Plan

    def text(self) -> str:
        return self.plan.text()

    def as_json(self) -> Any:
        from dataclasses import asdict

        return asdict(self.plan)


def select(
    *,
    store: str | Path,
    labels: str | Path,
    out: str | Path,
    networks: Sequence[str] = (),
    together: int = 1,
    val: str | Path | None = None,
    dense_audio: str | Path | None = None,
    dense_visual: str | Path | None = None,
    dense: Sequence[str] = (),
    classes: str | Path | None = None,
    estimators: Sequence[str] = (),
    protocol: Literal["honest", "paper"] = "honest",
    recipe: str = "paper",
    set: Sequence[str] = (),
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    budget: float = 0.015,
    plan: bool = False,
    workers: int = 0,
    device: str = "auto",
) -> Selected | Planned:
    """Find the networks, one choice a modality, that understand each other best on your clips.

    Every finished training is kept in OUT: the same command goes on where a killed one stopped, and a network
    that is added to the store later brings only its own trainings. `seehear judge` tells how right it was.

    Args:
        store: The folder that `seehear extract` filled, with several networks.
        labels: Weak table of the training clips: filename, event_labels.
        out: The selection's folder.
        networks: MODALITY=NETWORK,NETWORK to choose from; all of the store unless given.
        together: Up to so many networks may feed a modality together.
        val: Weak table of the clips that short trainings are scored on; a fifth of the others unless given.
        dense_audio: Dense table of what is heard in the clips of --val (of --labels with --protocol paper).
        dense_visual: Dense table of what is seen in them.
        dense: MODALITY=TABLE for other modalities.
        classes: File with the classes, one a line; those of the labels unless given.
        estimators: Names, the first of which answers: two-stage unless given. NAME@train or NAME@val says which
            clips are looked at. `all` for all but traversal.
        protocol: `paper` trains every collocation on the clips of --labels themselves and scores it there, as the paper
            did with its evaluation clips, and says so above everything else.
        recipe: Name from `seehear recipes`, or a TOML file: what full trainings would be like.
        set: KEY=VALUE settings on top of the recipe.
        seeds: Of trainings by traversal and the upper bound.
        budget: Share of the cost of traversal that short trainings may take.
        plan: Only count the collocations and tell what it would take.
        workers: Processes that train at once; one a core unless given.
        device: auto, cpu or cuda.

    Returns:
        The ranking, the tied set, how sure it is, what it cost. Written to OUT/selection.json and selection.html too.
    """
    from seehear import pages
    from seehear.device import resolve as resolve_device
    from seehear.files import atomic_json
    from seehear.progress import say
    from seehear.selection import estimators as registry
    from seehear.selection.estimate import estimate
    from seehear.selection.plan import forecast
    from seehear.selection.ranking import standing
    from seehear.selection.task import TRAIN, VAL
    from seehear.selection.trainings import Part
    from seehear.store import Store
    from seehear.training.recipe import resolve

    if together < 1:
        raise SeehearError(f"--together is at least 1, not {together}")
    if not budget >= 0:
        raise SeehearError(f"--budget is a share, at least 0, not {budget:g}")
    selecting.check(seeds, workers, Path(out))
    leaks = protocol == "paper"
    if leaks and val is not None:
        raise SeehearError("--protocol paper looks at the clips of --labels alone: leave --val out")
    tables = selecting.tables_of(val if val is not None else labels, dense_audio, dense_visual, dense)
    if tables.dense and val is None and not leaks:
        raise SeehearError("dense tables are for validation clips: name these with --val")
    settings = selecting.Settings(
        store=str(store),
        networks=selecting.candidates(Store(store), networks),
        together=together,
        train=tables if leaks else selecting.Tables(str(labels)),
        val=tables if val is not None else None,
        classes=str(classes) if classes else None,
        recipe=resolve(recipe, set).model_dump(mode="json"),
        seeds=list(seeds),
        budget=budget,
        leaks=leaks,
    )
    prepared = selecting.prepare(settings, Path(out), workers, resolve_device(device))
    task, grid = prepared.task, prepared.task.grid
    paper = registry.PAPER if task.bench.samples[TRAIN].truth is not None else registry.PAPER_WITHOUT_TRUTH
    wanted = estimators or [paper if leaks else registry.DEFAULT]
    asked = [pair for name in wanted for pair in registry.find(name)]
    if leaks:
        asked = [(estimator, TRAIN) for estimator, _ in asked]
    planned = forecast(task, asked)
    if plan:
        return Planned(planned)
    say(planned.text())
    notes = list(prepared.notes)
    choices = {modality: len(options) for modality, options in grid.options.items()}
    if len(grid) == 1:
        notes.append(f"one network a modality: there is nothing to select ({grid.collocations[0]})")
    elif fixed := [modality for modality, count in choices.items() if count == 1]:
        notes.append(f"only one network for {' and '.join(fixed)}: only the others are selected")
    found: list[Estimates] = []
    failed: list[str] = []
    for estimator, split in asked:
        try:
            found.append(estimate(task, estimator, split))
        except SeehearError as error:
            if not found:  # it was to answer
                raise
            failed.append(str(error))
    notes += failed
    first = found[0]
    draws = first.draws if first.draws is not None else first.scores[None]
    effects, effects_of = _effects(task, found)
    scored = VAL if VAL in task.bench.samples else TRAIN
    report = Selected(
        collocations=grid.collocations,
        standing=standing(first.scores, draws),
        estimates=found,
        effects=effects,
        effects_of=effects_of,
        plan=planned,
        metric=task.bench.metric(scored),
        signature=f"{task.bench.signature(Part(scored))}|selection:{first.name}@{first.split}|budget{budget:g}|"
        f"trainings{first.trainings}",
        leaks=leaks,
        missing=prepared.missing,
        notes=notes,
        pictures=[],
        command="",
        failed=failed,
    )
    arguments = ["seehear", "train", "--store", str(store), "--labels", str(labels), "--recipe", str(recipe)]
    if val is not None:
        arguments += ["--val", str(val)]
        for modality, path in tables.dense.items():
            known = modality in ("audio", "visual")
            arguments += [f"--dense-{modality}", path] if known else ["--dense", f"{modality}={path}"]
    arguments += ["--set", *set] if set else []
    report.command = shlex.join([*arguments, "--out", "RUN", "--collocation", *report.best.argument.split(" ")])
    report.pictures = _draw(report, grid, Path(out))
    atomic_json(Path(out) / "selection.json", {"settings": settings.as_json(), **report.as_json()})
    report.page = pages.selection.write(Path(out))
    return report


def measurements(estimates: Estimates) -> tuple[Array, Array, Array]:
    """Scores and the ends of their 95 % intervals, (n,) each; NaN where nothing was measured, or no interval known."""
    shown = np.isfinite(estimates.scores)
    if estimates.measured is not None:
        shown &= estimates.measured
    ends = np.full((2, len(shown)), np.nan)
    if estimates.draws is not None and shown.any():
        ends[:, shown] = np.nanquantile(estimates.draws[:, shown], [0.025, 0.975], axis=0)
    return np.where(shown, estimates.scores, np.nan), ends[0], ends[1]


def _effects(task: Any, found: Sequence[Estimates]) -> tuple[Effects | None, str]:
    """Of the first estimator that has a score of every collocation in a unit of its own, not in ranks."""
    from seehear.selection.effects import effects
    from seehear.selection.estimate import estimate
    from seehear.selection.estimators import ridge
    from seehear.selection.estimators.traversal import ESTIMATORS
    from seehear.selection.task import TRAIN

    if sum(count > 1 for count in task.grid.shape) < 2:
        return None, ""
    trained = [each for each in found if each.name == ESTIMATORS[0].name and each.values is not None]
    if trained and trained[0].values and not np.isnan(trained[0].scores).any():
        return effects(np.stack(list(trained[0].values)), task.grid.shape), trained[0].name
    closed = next((each for each in found if each.name == ridge.ESTIMATORS[0].name), None)
    closed = closed or estimate(task, ridge.ESTIMATORS[0], TRAIN)
    if np.isnan(closed.scores).any():
        return None, ""
    return effects(closed.scores[:, None], task.grid.shape, closed.draws), closed.name


def _draw(report: Selected, grid: Grid, out: Path) -> list[Path]:
    from seehear.report.selection import ranking
    from seehear.selection.task import PERCENT
    from seehear.verbs.selecting import draw_effects

    standing, first = report.standing, report.estimates[0]
    names = [str(collocation) for collocation in report.collocations]
    written = ranking(
        names,
        standing.scores,
        standing.rank_low,
        standing.rank_high,
        standing.p_best,
        standing.tied,
        out / "ranking",
        unit="%" if first.unit == PERCENT else first.unit,
        measured=first.measured,
    )
    if report.effects is not None:
        written += draw_effects(report.effects, grid, out / "pairing", report.effects_of)
    return [path for path in written if path.suffix == ".png"]
