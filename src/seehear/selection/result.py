"""The result of a selection: the best collocation, those tied with it, and how certain that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seehear.results import Result, html_table, import_pandas
from seehear.selection.collocation import Collocation, Grid
from seehear.selection.effects import Effects
from seehear.selection.ranking import Standing
from seehear.selection.task import PERCENT, Estimates, Outlook, Task
from seehear.selection.trainings import Metric

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from seehear.data import Dataset
    from seehear.selection.judge import Judgement
    from seehear.selection.sources import Sources
    from seehear.training.recipe import Recipe


class Status(StrEnum):
    """How the rank of a collocation was decided."""

    MEASURED = "measured"
    ORDERED = "ordered"  # only its place is known: no training was spent on it
    FAILED = "failed"


@dataclass(frozen=True)
class RankedCollocation:
    """A collocation with its score and rank.

    Attributes:
        collocation: The networks.
        status: Whether the score was measured.
        score: In the selection's unit; NaN unless measured.
        low, high: 95 % interval of the score.
        rank: 1 is the best.
        rank_low, rank_high: 95 % interval of the rank.
        p_best: Share of the bootstrap draws in which it is the best.
        tied: Whether it is in the tied set, the fewest that hold the best with probability .95.
        trainings: Spent on it by selection with pilots; None for other estimators.
    """

    collocation: Collocation
    status: Status
    score: float
    low: float
    high: float
    rank: int
    rank_low: int
    rank_high: int
    p_best: float
    tied: bool
    trainings: int | None

    @property
    def name(self) -> str:
        """Return its networks' names, option by option, joined by ×."""
        return str(self.collocation)


def rank_all(grid: Grid, standing: Standing, estimates: Estimates) -> tuple[RankedCollocation, ...]:
    """Return all collocations of a grid from the best down, failed ones last.

    Args:
        grid: All n collocations.
        standing: Their ranks, in the grid's order.
        estimates: The scores that the ranks are of.
    """
    scores, low, high = estimates.measurements()
    tried = estimates.trials.trainings if estimates.trials else None
    return tuple(
        RankedCollocation(
            collocation=grid.collocations[n],
            status=_status(standing.scores[n], scores[n]),
            score=float(scores[n]),
            low=float(low[n]),
            high=float(high[n]),
            rank=int(standing.rank[n]),
            rank_low=int(standing.rank_low[n]),
            rank_high=int(standing.rank_high[n]),
            p_best=float(standing.p_best[n]),
            tied=bool(standing.tied[n]),
            trainings=None if tried is None else tried.get(str(grid.collocations[n]), 0),
        )
        for n in np.argsort(-standing.scores, kind="stable")  # NaN comes last
    )


def _status(place: float, measured: float) -> Status:
    if np.isnan(place):
        return Status.FAILED
    return Status.ORDERED if np.isnan(measured) else Status.MEASURED


@dataclass(frozen=True)
class Settings:
    """What decides a selection, apart from the data.

    Attributes:
        networks: modality -> candidates.
        together: Up to so many may feed a modality together.
        recipe: Of full trainings.
        seeds: Of full trainings.
        budget: Share of traversal's cost.
        leaks: Whether the clips that chose are those that will be reported on.
    """

    networks: Mapping[str, Sequence[str]]
    together: int
    recipe: Recipe
    seeds: tuple[int, ...]
    budget: float
    leaks: bool

    @staticmethod
    def of(task: Task) -> Settings:
        """Return the settings of a task."""
        return Settings(task.candidates, task.together, task.recipe, task.seeds, task.budget, task.leaks)


@dataclass(repr=False)
class Selection(Result):
    """The ranking of all collocations by one estimator, and the scores of others.

    Attributes:
        grid: All collocations.
        standing: Their scores and ranks, in the grid's order.
        estimates: Of the estimators that were run. The first one ranks.
        effects: What each network adds, and what pairing adds, in scores of the estimator `effects_of`. None where
            fewer than two modalities have a choice, or scores are missing.
        effects_of: Name of the estimator whose scores the effects are of; empty without effects.
        traversal_seconds: Forecast of traversal, at least and at most, of one core; None if nothing was trained.
        metric: What trainings are scored by.
        signature: Of the scores.
        settings: What decided the selection.
        missing: Labelled clips that were left out.
        notes: What a user should know of clips and networks.
        failed: Estimators other than the first that have no result, and why.
        sources: Tables and store that the data came from, if they are known.
        task: To judge the selection; None if it was read from a folder.
        files: What `save` wrote.
    """

    grid: Grid
    standing: Standing
    estimates: tuple[Estimates, ...]
    effects: Effects | None
    effects_of: str
    traversal_seconds: tuple[float, float] | None
    metric: Metric
    signature: str
    settings: Settings
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    sources: Sources | None = None
    task: Task | None = None
    files: tuple[Path, ...] = ()

    @staticmethod
    def read(folder: str | Path) -> Selection:
        """Return the selection that `save`, or the command `select`, wrote into a folder; without its data.

        Raises:
            SeehearError: There is none, or another version of seehear wrote it.
        """
        from seehear.selection import record

        return record.read_selection(Path(folder))

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if clips were left out, or a training or an estimate failed, else 0."""
        return 1 if self.missing or self.failed or self.estimates[0].failures else 0

    @cached_property
    def ranking(self) -> tuple[RankedCollocation, ...]:
        """All collocations from the best down, failed ones last."""
        return rank_all(self.grid, self.standing, self.estimates[0])

    @property
    def best(self) -> Collocation:
        """The collocation to use. `dataset.with_networks(selection.best)` takes it."""
        return self.grid.collocations[int(np.nanargmax(self.standing.scores))]

    @property
    def tied(self) -> tuple[Collocation, ...]:
        """The tied set, the fewest that hold the best with probability .95; the best first."""
        return tuple(row.collocation for row in self.ranking if row.tied)

    @property
    def p_best(self) -> dict[Collocation, float]:
        """The probability of each collocation that a traversal would put it first, the best first."""
        return {row.collocation: row.p_best for row in self.ranking}

    @property
    def leaks(self) -> bool:
        """Whether the clips that chose are those that will be reported on."""
        return self.settings.leaks

    @property
    def in_percent(self) -> bool:
        """Whether the scores are per cent of the metric, rather than in the estimator's own unit."""
        return self.estimates[0].unit == PERCENT

    @property
    def outlook(self) -> tuple[Outlook, ...]:
        """How likely more training would settle the choice; empty if it is settled, or nothing was trained."""
        trials = self.estimates[0].trials
        return trials.outlook if trials else ()

    def __repr__(self) -> str:
        first, row = self.estimates[0], self.ranking[0]
        others = len(self.tied) - 1
        tied = f", {others} tied with it" if others else ""
        return f"Selection({row.name} of {len(self.grid)} by {first.label}, P(best) {row.p_best:.2f}{tied})"

    def _repr_html_(self) -> str:
        from seehear.selection import views

        return html_table(views.ranking_rows(self), f"Use {self.best}")

    def text(self) -> str:
        """Return the ranking, the tied set, whether pairing matters, and the cost, in lines."""
        from seehear.selection import views

        return views.selection_text(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the ranking as a table, one row per collocation from the best down, one column per modality."""
        pd = import_pandas()

        rows = [
            {
                **{modality: "+".join(option) for modality, option in row.collocation.options},
                "rank": row.rank,
                "score": row.score,
                "low": row.low,
                "high": row.high,
                "rank_low": row.rank_low,
                "rank_high": row.rank_high,
                "p_best": row.p_best,
                "tied": row.tied,
                "status": str(row.status),
            }
            for row in self.ranking
        ]
        return pd.DataFrame(rows)

    def plot(self) -> Figure:
        """Return a figure of two panels, from the best down: ranks with 95 % intervals, and P(best) with scores."""
        from seehear.selection import drawings

        return drawings.ranking(self)

    def plot_effects(self) -> Figure:
        """Return a figure of several panels: the scores, what each network adds to them, and what pairing adds.

        Raises:
            SeehearError: Fewer than two modalities have a choice.
        """
        from seehear.selection import drawings

        return drawings.effects(self.effects, self.grid, self.effects_of)

    def judge(self, test: Dataset, **options: Any) -> Judgement:
        """Train every collocation in full, and compare the estimators with that; see `seehear.selection.judge.judge`.

        Args:
            test: Clips that had no part in the selection.
            **options: Arguments of `judge`: estimators, leaking, seeds, plotted.
        """
        from seehear.selection.judge import judge

        return judge(self, test, **options)

    def as_json(self) -> dict[str, Any]:
        """Return the whole selection as a value that `json.dumps` takes."""
        from seehear.selection import record

        return record.selection_to_json(self)

    def save(self, folder: str | Path) -> list[Path]:
        """Write selection.json, plots and the page selection.html.

        Args:
            folder: Made unless it exists; judgements in it are shown on the page.

        Returns:
            The files that people look at, the page last.
        """
        from seehear.files import atomic_json
        from seehear.pages import selection as page
        from seehear.selection import drawings, record

        atomic_json(Path(folder) / record.SELECTION, self.as_json())
        plots = drawings.save_selection(self, Path(folder))
        written = page.write(self, record.read_judgements(Path(folder)), Path(folder))
        self.files = (*plots, written)
        return list(self.files)
