"""Judge a selection: train every collocation in full, and compare every estimator with that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seehear.errors import SeehearError
from seehear.progress import say
from seehear.results import Result, html_table, import_pandas, listed
from seehear.selection.agreement import Agreement, Ceiling, Chance, agreement, ceiling, expected_by_chance
from seehear.selection.certainty import possible_traversals
from seehear.selection.collocation import Collocation, Grid
from seehear.selection.effects import Effects, effects
from seehear.selection.estimate import estimate
from seehear.selection.estimators import ALL, TRAVERSAL, UPPER_BOUNDS, EstimatorOn, find
from seehear.selection.plan import forecast
from seehear.selection.prepare import with_test
from seehear.selection.ranking import Standing, seed_deviation, standing
from seehear.selection.result import RankedCollocation, Selection, rank_all
from seehear.selection.task import TEST, VAL, Estimates, Task
from seehear.selection.trainings import Metric, Part

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from seehear.data import Dataset

PLOTTED = ("upper-bound-weak-segment-final",)  # drawn with the truth in Figure 5, with those that are named


@dataclass(frozen=True)
class Row:
    """An estimator compared with traversal.

    Attributes:
        estimates: Its scores of the collocations.
        agreement: How well these agree with traversal.
        leaks: Whether it looked at the clips that it is judged on.
    """

    estimates: Estimates
    agreement: Agreement
    leaks: bool

    @property
    def name(self) -> str:
        """Return the estimator's name and options."""
        return self.estimates.label


@dataclass(repr=False)
class Judgement(Result):
    """Full trainings of all collocations on clips that had no part in the selection, and estimators compared with them.

    Attributes:
        grid: All collocations.
        truth: Traversal's scores on these clips.
        standing: Their scores and ranks, in the grid's order.
        deviation: SD between seeds; NaN for one seed.
        rows: The estimators.
        failed: Estimators that were named and have no result, and why.
        chance: Expected agreement of a random choice.
        ceiling: Traversal's agreement with itself.
        effects: What each network adds, and what pairing adds; None if fewer than two modalities have a choice.
        metric: What clips are scored by.
        signature: Of the scores.
        missing: Labelled clips that were left out.
        notes: What a user should know of clips and networks.
        plotted: Estimators that are drawn with the truth.
        files: What `save` wrote.
    """

    grid: Grid
    truth: Estimates
    standing: Standing
    deviation: float
    rows: tuple[Row, ...]
    failed: Mapping[str, str]
    chance: Chance
    ceiling: Ceiling
    effects: Effects | None
    metric: Metric
    signature: str
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    plotted: tuple[str, ...] = PLOTTED
    files: tuple[Path, ...] = field(default=())

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if clips were left out or a training failed, else 0."""
        return 1 if self.missing or self.failed else 0

    @property
    def collocations(self) -> tuple[Collocation, ...]:
        """All of them, in the grid's order."""
        return self.grid.collocations

    @cached_property
    def ranking(self) -> tuple[RankedCollocation, ...]:
        """All collocations by traversal, from the best down."""
        return rank_all(self.grid, self.standing, self.truth)

    @property
    def best(self) -> Collocation:
        """The best collocation by traversal."""
        return self.ranking[0].collocation

    @property
    def tied(self) -> tuple[Collocation, ...]:
        """The tied set by traversal."""
        return tuple(row.collocation for row in self.ranking if row.tied)

    @property
    def by_agreement(self) -> list[Row]:
        """The estimators, the highest τ first."""
        return sorted(self.rows, key=lambda row: -np.nan_to_num(row.agreement.tau_b, nan=-2))

    def cost(self, row: Row) -> float:
        """Return an estimator's seconds as a share of traversal's."""
        return row.estimates.seconds / self.truth.seconds

    def __repr__(self) -> str:
        seeds = len((self.truth.means_of_seeds() or [np.zeros(0)])[0])
        trained = f"{len(self.grid)} collocations × {seeds} seeds"
        return f"Judgement({self.best} is the best of {trained}; {len(self.rows)} estimators compared)"

    def _repr_html_(self) -> str:
        from seehear.selection import views

        return html_table(views.agreement_rows(self), "Estimators compared with traversal")

    def text(self) -> str:
        """Return traversal's ranking, the estimators' agreement with it, and whether pairing matters, in lines."""
        from seehear.selection import views

        return views.judgement_text(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the estimators as a table, the highest τ first."""
        pd = import_pandas()

        rows = [
            {
                "estimator": row.name,
                "leaks": row.leaks,
                "tau_b": row.agreement.tau_b,
                "weighted_tau": row.agreement.weighted_tau,
                "spearman": row.agreement.spearman,
                "p": row.agreement.p,
                "regret": row.agreement.regret,
                "p_regret": row.agreement.p_regret,
                "tied_hit": row.agreement.tied_hit,
                "tied_size": row.agreement.tied_size,
                "cost": self.cost(row),
                "flops": row.estimates.flops,
            }
            for row in self.by_agreement
        ]
        return pd.DataFrame(rows)

    def plot(self) -> Figure:
        """Return Figure 5 of Wu et al.: collocations by traversal and the estimators in `plotted`, a panel per unit."""
        from seehear.selection import drawings

        return drawings.figure5(self)

    def plot_cost(self) -> Figure:
        """Return a figure of three panels: the estimators' agreement with traversal, their cost and their regret."""
        from seehear.selection import drawings

        return drawings.cost(self)

    def plot_effects(self) -> Figure:
        """Return a figure of several panels: the scores, what each network adds to them, and what pairing adds.

        Raises:
            SeehearError: Fewer than two modalities have a choice.
        """
        from seehear.selection import drawings

        return drawings.effects(self.effects, self.grid, "points")

    def as_json(self) -> dict[str, Any]:
        """Return the whole judgement as a value that `json.dumps` takes."""
        from seehear.selection import record

        return record.judgement_to_json(self)

    def save(self, folder: str | Path, name: str = "test") -> list[Path]:
        """Write judged-NAME.json and plots, and update the page of the selection in that folder.

        Args:
            folder: Of the selection.
            name: Of the clips: a selection may be judged by several tables.

        Returns:
            The files that people look at, the page last.

        Raises:
            SeehearError: There is no selection in the folder.
        """
        from seehear.files import atomic_json
        from seehear.pages import selection as page
        from seehear.selection import drawings, record

        selection = record.read_selection(Path(folder))
        atomic_json(Path(folder) / record.judgement_file(name), self.as_json())
        plots = drawings.save_judgement(self, Path(folder), name)
        written = page.write(selection, record.read_judgements(Path(folder)), Path(folder))
        self.files = (*plots, written)
        return list(self.files)


def judge(
    selection: Selection,
    test: Dataset,
    *,
    estimators: str | Sequence[str] = ALL,
    leaking: bool = False,
    seeds: Sequence[int] | None = None,
    plotted: Sequence[str] = (),
) -> Judgement:
    """Train every collocation in full, score it on clips that had no part in the selection, and compare estimators.

    With a folder, finished trainings are kept there, and the same call resumes.

    Args:
        selection: From `select`.
        test: The clips, with features of all candidate networks.
        estimators: Names, with @train or @val for the clips that they look at; `all` for every one but traversal.
        leaking: Compare the upper bounds among the estimators on these clips as well, as Wu et al. did; all upper
            bounds if none is named.
        seeds: Of the full trainings; by default those of the selection.
        plotted: Estimators to draw in Figure 5, in addition to the paper's upper bound.

    Raises:
        SeehearError: The selection used evaluation labels, the clips had a part in it, or a full training failed.
    """
    if selection.leaks:
        raise SeehearError(
            "this selection chose by evaluation labels (protocol paper): judge an honest one, with leaking"
        )
    if selection.task is None:
        raise SeehearError("this selection was read from a file, without its data: run `select` again to judge it")
    compared = _estimators(estimators, leaking, plotted)
    task = with_test(selection.task, test, seeds)
    if task.bench.progress:
        say(forecast(task, [(TRAVERSAL, VAL), *compared]).text())
    truth = estimate(task, TRAVERSAL, TEST)
    if truth.failures or truth.values is None or truth.draws is None:
        failures = [f"{name}: {why}" for name, why in truth.failures.items()]
        raise SeehearError(listed(failures, "a judgement needs every collocation trained in full; these failed"))
    values = np.stack(list(truth.values))  # (n, S, N)
    rows, failed, skipped = _compare(task, compared, values, _named(estimators))
    first, *_ = [*skipped.items(), ("", "")]
    note = f"{len(skipped)} estimators can't be run on these clips, for example {first[0]}: {first[1]}"
    return Judgement(
        grid=task.grid,
        truth=truth,
        standing=standing(truth.scores, truth.draws),
        deviation=seed_deviation(values),
        rows=tuple(rows),
        failed=failed,
        chance=expected_by_chance(values),
        ceiling=ceiling(values),
        effects=effects(values, task.grid.shape) if task.grid.has_pairs else None,
        metric=task.bench.metric(TEST),
        signature=f"{task.bench.signature(Part(TEST), task.recipe.decode)}|selection judged by traversal, "
        f"{len(task.seeds)} seeds",
        missing=task.missing,
        notes=(*task.notes, *([note] if skipped else [])),
        plotted=(*PLOTTED, *plotted),
    )


def _estimators(estimators: str | Sequence[str], leaking: bool, plotted: Sequence[str]) -> list[EstimatorOn]:
    """Return what to compare. Raises SeehearError if something else is to be drawn."""
    compared = find(estimators)
    drawn = {estimator.name for name in plotted for estimator, _ in find(name)}
    if absent := drawn - {estimator.name for estimator, _ in compared}:
        raise SeehearError(f"{', '.join(sorted(absent))}: only estimators that are compared can be drawn")
    compared = [(estimator, split) for estimator, split in compared if estimator != TRAVERSAL]
    if leaking:
        bounds = [bound for bound in UPPER_BOUNDS if any(bound == estimator for estimator, _ in compared)]
        compared += [(bound, TEST) for bound in bounds or UPPER_BOUNDS]
    return compared


def _named(estimators: str | Sequence[str]) -> set[str]:
    """Return the estimators that were named one by one: if one of them fails, that is an error."""
    names = [estimators] if isinstance(estimators, str) else estimators
    return {estimator.name for name in names if ALL not in name for estimator, _ in find(name)}


def _compare(
    task: Task, estimators: Sequence[EstimatorOn], values: Any, named: set[str]
) -> tuple[list[Row], dict[str, str], dict[str, str]]:
    """Return the estimators compared with the truth (n, S, N), the named ones that failed, and those left out."""
    rows: list[Row] = []
    failed: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for estimator, split in estimators:
        try:
            estimates = estimate(task, estimator, split)
        except SeehearError as error:
            place = failed if estimator.name in named else skipped
            place[f"{estimator.name}@{split}"] = str(error)
            continue
        agrees = agreement(estimates.scores, values, task.grid.shape, possible_traversals(task, estimates))
        rows.append(Row(estimates, agrees, split == TEST))
    return rows, failed, skipped
