"""What the study found, as tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.plots.evaluation import plot_reliability
from seehear.plots.style import save
from seehear.scoring.comparison import difference
from seehear.scoring.reliability import Reliability, Tally
from seehear.selection.agreement import ceiling, tau_b
from seehear.selection.effects import effects
from seehear.selection.estimators import pilots
from seehear.selection.learning import TraversedGrid, learn
from seehear.selection.prior import Prior, kind_of
from seehear.selection.ranking import seed_deviation
from seehear.selection.task import TRAIN
from study.selections import (
    SINGLE,
    Answer,
    answer,
    grids,
    regret_of,
    regret_of_chance,
    traversed,
)
from study.tables import Table

Array = NDArray[np.float64]
Tables = Mapping[str, Mapping[int, Table]]  # variant -> number -> table

CLOSED = tuple(f"{form.name}@{TRAIN}" for form in pilots.CLOSED)  # of the default estimator
BUDGETS = (0.0, 0.01, 0.05, 0.2)
REAL = "real"
# Two recipes each: a prior of one alone is too certain of the other (docs/lab.md).
SCALED, PLAIN = ("refined-scaled", "small-scaled"), ("refined", "small")
METRICS = {"average": "", "label_f1": ", label F1"}


def frozen_priors(first: Tables) -> dict[str, Any]:
    """Return the priors that the first samples teach, as seehear keeps them: kind of grid -> estimator -> prior.

    How far pilot trainings are off is learnt from `REAL`, whose full trainings are longer than pilot trainings.
    """
    priors: dict[str, dict[str, Any]] = {}
    for metric, suffix in METRICS.items():
        real = [traversed(table, suffix) for table in first.get(REAL, {}).values()]
        of_pilots = learn(real, CLOSED) if len(real) > 1 else None
        for scaled, variants in ((True, SCALED), (False, PLAIN)):
            tables = [table for variant in variants for table in first.get(variant, {}).values()]
            if len(tables) > 1:
                priors[kind_of(metric, scaled)] = _priors([traversed(table, suffix) for table in tables], of_pilots)
    return {"priors": priors}


def _priors(every: Sequence[TraversedGrid], real: Prior | None) -> dict[str, Any]:
    names = set.intersection(*(set(grid.closed) for grid in every))
    default = learn(every, CLOSED)
    if real is not None:
        default = replace(
            default,
            pilot_network=real.pilot_network,
            pilot_pairing=real.pilot_pairing,
            pilot_seed=real.pilot_seed,
        )
    return {pilots.NAME: default.as_json(), **{name: learn(every, (name,)).as_json() for name in sorted(names)}}


def report(tables: Tables, first: int, priors: Mapping[str, Any], out: Path) -> str:
    """Return the tables in Markdown, and write pictures.

    Args:
        tables: Of all variants.
        first: Samples that were learnt from.
        priors: What was learnt from them.
        out: Folder of the pictures.
    """
    parts = [_variants(tables), _scaling(tables, "small"), _scaling(tables, "refined"), _estimators(tables)]
    for scaled, variants in ((True, SCALED), (False, PLAIN)):
        known = priors["priors"].get(kind_of("average", scaled))
        for variant in variants:
            late = {n: table for n, table in tables.get(variant, {}).items() if n >= first}
            if known and late:
                frozen = Prior.from_json(known[pilots.NAME])
                parts.append(_selections(f"`{variant}`, last samples", late, frozen, out / f"{variant}-last"))
    return "\n\n".join(part for part in parts if part)


def _variants(tables: Tables) -> str:
    rows = [
        "| variant | samples | grid | seeds | mean | best pair | seed SD | τ of halves | … and clips | pairing, % | "
        "best epoch | s |",
        "| --- " * 12 + "|",
    ]
    for variant, of in tables.items():
        if not of:
            continue
        values = [table["traversal"] for table in of.values()]
        halves = [ceiling(each) for each in values]
        pairing = [
            effects(each, table.shape).shares.interaction for each, table in zip(values, of.values(), strict=True)
        ]
        cells = [
            variant,
            str(len(of)),
            " × ".join(map(str, next(iter(of.values())).shape)),
            str(values[0].shape[1]),
            f"{_mean(each.mean() for each in values):.1f}",
            f"{_mean(table.truth.max() for table in of.values()):.1f}",
            f"{_mean(seed_deviation(each) for each in values):.1f}",
            f"{_mean(each.halves for each in halves):.2f}",
            f"{_mean(each.halves_and_clips for each in halves):.2f}",
            f"{100 * _mean(pairing):.0f}",
            f"{_mean(table['traversal best epoch'].mean() for table in of.values()):.0f}",
            f"{_mean(table['traversal seconds'].mean() for table in of.values()):.1f}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _scaling(tables: Tables, recipe: str) -> str:
    """Return what scaling changes, tested by flipping signs of samples."""
    plain, scaled = tables.get(recipe, {}), tables.get(f"{recipe}-scaled", {})
    both = [
        n for n in plain.keys() & scaled.keys() if plain[n].shape == scaled[n].shape
    ]  # of other networks they do not compare
    if len(both) < 2:
        return ""
    one, other = (np.array([of[n].truth for n in both]) for of in (scaled, plain))  # (samples, n) each
    lines = [f"`{recipe}`: scaled minus as they are, {len(both)} samples"]
    for name, of_sample in (("all collocations", np.mean), ("the best of each", np.max)):
        found = difference(of_sample(one, axis=1)[None], of_sample(other, axis=1)[None])  # samples were drawn, as clips
        lines.append(f"- {name}: {found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f}), p = {found.p:.3f}")
    by_cell = " ".join(f"{value:+.1f}" for value in (one - other).mean(axis=0))
    return "\n".join([*lines, f"- by collocation: {by_cell}"])


def _estimators(tables: Tables) -> str:
    """Return each estimator's agreement with traversal, on average over samples."""
    rows = ["| variant | estimator | τ | regret | seconds |", "| --- " * 5 + "|"]
    for variant, of in tables.items():
        names = [name for name in _common(of) if "@" in name and "seconds" not in name]
        found = []
        for name in names:
            tau = _mean(tau_b(table[name], table.truth) for table in of.values())
            seconds = _mean(table.values.get(f"{name} seconds", np.array(np.nan)).sum() for table in of.values())
            found.append((tau, name, _mean(regret_of(table, name) for table in of.values()), seconds))
        if found:
            chance = _mean(regret_of_chance(table) for table in of.values())
            rows += [
                f"| {variant} | {name} | {tau:.2f} | {loss:.1f} | {s:.1f} |"
                for tau, name, loss, s in sorted(found)[::-1]
            ]
            rows.append(f"| {variant} | a random choice | 0 | {chance:.1f} | 0 |")
    return "\n".join(rows)


def _common(of: Mapping[int, Table]) -> list[str]:
    return sorted(set.intersection(*(set(table.values) for table in of.values()))) if of else []


def _selections(title: str, tables: Mapping[int, Table], prior: Prior, picture: Path) -> str:
    """Return regret, tied sets and calibration over all small selections of some samples."""
    every = [(n, grid) for n, table in tables.items() for grid in grids(table)]
    rows = [
        f"{title}: {len(every)} selections on {len(tables)} samples",
        "",
        "| budget | trainings | seconds, of traversal | regret | best single networks | chance | best is tied, % | "
        "its size | of | P(best) of the choice | right, % | log score |",
        "| --- " * 12 + "|",
    ]
    panels = []
    trained = all("full" in grid.values for _, grid in every)
    for budget in BUDGETS if trained else BUDGETS[:1]:
        answers = [answer(n, grid, prior, CLOSED, budget) for n, grid in every]
        rows.append(_row(budget, every, answers))
        panels.append((f"budget {budget:g}", _calibration(answers)))
    save(plot_reliability(panels), picture)
    return "\n".join([*rows, *map(_bins, panels)])


def _row(budget: float, every: Sequence[tuple[int, Table]], answers: Sequence[Answer]) -> str:
    leaders = [each.p_best.argmax() for each in answers]
    cells = [
        f"{budget:g}",
        f"{_mean(each.trainings for each in answers):.1f}",
        f"{_mean(each.seconds for each in answers):.3f}",
        f"{_mean(each.regret for each in answers):.2f}",
        f"{_mean(regret_of(grid, SINGLE) for _, grid in every):.2f}",
        f"{_mean(regret_of_chance(grid) for _, grid in every):.2f}",
        f"{100 * _mean(each.tied[each.best] for each in answers):.1f}",
        f"{_mean(each.tied.sum() for each in answers):.2f}",
        f"{_mean(len(each.tied) for each in answers):.2f}",
        f"{_mean(each.p_best.max() for each in answers):.2f}",
        f"{100 * _mean(lead == each.best for lead, each in zip(leaders, answers, strict=True)):.0f}",
        f"{_mean(np.log(max(each.p_best[each.best], 1e-3)) for each in answers):.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _calibration(answers: Sequence[Answer]) -> Reliability:
    """Return how often collocations of some P(best) are the best. Samples were drawn, not selections."""
    numbers = {sample: k for k, sample in enumerate(sorted({each.sample for each in answers}))}
    tally = Tally(len(numbers))
    for each in answers:
        tally.add(numbers[each.sample], each.p_best, np.arange(len(each.p_best)) == each.best)
    return tally.reliability()


def _bins(panel: tuple[str, Reliability]) -> str:
    title, found = panel
    known = [each for each in found.bins if each.count]
    return f"{title}: " + ", ".join(f"{each.confidence:.2f} → {each.frequency:.2f} ({each.count})" for each in known)


def _mean(values: Any) -> float:
    found = [float(value) for value in values]
    known = [value for value in found if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
