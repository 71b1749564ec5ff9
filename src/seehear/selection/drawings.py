"""Plots of selections and judgements, as figures and as files of a selection's folder."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seehear.errors import SeehearError
from seehear.selection.collocation import Grid, option_name
from seehear.selection.effects import Effects
from seehear.selection.task import Estimates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seehear.plots.curves import Curve
    from seehear.selection.judge import Judgement
    from seehear.selection.result import Selection


def ranking(selection: Selection) -> Figure:
    """Draw ranks with 95 % intervals, scores and P(best), from the best down."""
    from seehear.plots.ranking import plot_ranking

    standing, first = selection.standing, selection.estimates[0]
    return plot_ranking(
        [str(collocation) for collocation in selection.grid],
        standing.scores,
        standing.rank_low,
        standing.rank_high,
        standing.p_best,
        standing.tied,
        unit="%" if selection.in_percent else first.unit,
        measured=first.measured,
    )


def effects(of_networks: Effects | None, grid: Grid, unit: str) -> Figure:
    """Draw scores of the grid with what each network and each pairing adds: the first modality against all others.

    Raises:
        SeehearError: There are no effects.
    """
    from seehear.plots.effects import plot_effects

    if of_networks is None:
        raise SeehearError("fewer than two modalities have a choice of networks: there are no effects to draw")
    first, *others = grid.options.values()
    columns = list(itertools.product(*others))
    interaction = of_networks.interaction.reshape(len(first), -1)
    of_others = [sum(parts) for parts in itertools.product(*of_networks.main[1:])]
    values = of_networks.grand + of_networks.main[0][:, None] + [of_others] + interaction
    names = [" × ".join(option_name(option) for option in column) for column in columns]
    rows = [option_name(option) for option in first]
    return plot_effects(rows, names, values, of_networks.main[0], of_others, interaction, unit=unit)


def figure5(judgement: Judgement) -> Figure:
    """Draw collocations by traversal, and by the estimators that are to be drawn with it."""
    from seehear.plots.curves import plot_curves

    plotted = set(judgement.plotted)
    shown = [row for row in judgement.rows if row.estimates.name in plotted or row.name in plotted]
    shown.sort(key=lambda row: (not row.estimates.name.startswith("upper-bound"), row.name))
    curves = [_curve("traversal", judgement.truth)]
    curves += [_curve(f"{row.name}{', leaks' if row.leaks else ''}", row.estimates) for row in shown]
    names = [str(collocation) for collocation in judgement.grid]
    return plot_curves(names, curves, tied=judgement.standing.tied)


def cost(judgement: Judgement) -> Figure:
    """Draw the estimators by cost and by agreement with traversal.

    Raises:
        SeehearError: No estimator was compared.
    """
    from seehear.plots.estimators import Point, plot_estimators

    if not judgement.rows:
        raise SeehearError("no estimator was compared: there are no costs to draw")
    points = [
        Point(row.name, judgement.cost(row), row.agreement.tau_b, np.nan, np.nan, row.agreement.regret, row.leaks)
        for row in judgement.rows
    ]
    itself = judgement.ceiling
    low, high = sorted((itself.halves_and_clips, itself.halves))
    band = None if np.isnan([low, high]).any() else (itself.halves, low, high)
    return plot_estimators(points, band, unit="points")


def _curve(label: str, estimates: Estimates) -> Curve:
    from seehear.plots.curves import Curve

    return Curve(label, *estimates.measurements(), estimates.unit)


def save_selection(selection: Selection, folder: Path) -> list[Path]:
    """Write the plots of a selection as PNG and SVG; return the PNG files."""
    drawn: dict[str, Callable[[], Figure]] = {"ranking": selection.plot}
    if selection.effects is not None:
        drawn["pairing"] = selection.plot_effects
    return _save(drawn, folder)


def save_judgement(judgement: Judgement, folder: Path, name: str) -> list[Path]:
    """Write the plots of a judgement by the clips of this name as PNG and SVG; return the PNG files."""
    drawn: dict[str, Callable[[], Figure]] = {f"figure5-{name}": judgement.plot}
    if judgement.rows:
        drawn[f"cost-{name}"] = judgement.plot_cost
    if judgement.effects is not None:
        drawn[f"traversal-{name}"] = judgement.plot_effects
    return _save(drawn, folder)


def _save(drawn: dict[str, Callable[[], Figure]], folder: Path) -> list[Path]:
    from seehear.plots.style import save

    written = [path for name, draw in drawn.items() for path in save(draw(), folder / name)]
    return [path for path in written if path.suffix == ".png"]
