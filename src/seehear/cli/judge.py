"""seehear judge: how good a selection was, and how good every estimator would have been."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seehear.cli.options import HERE, NO_TRUTH, EngineOptions, TruthOptions
from seehear.errors import SeehearError
from seehear.results import Result


def judge(
    selection: str | Path,
    *,
    labels: str | Path,
    truth: TruthOptions = NO_TRUTH,
    estimators: Sequence[str] = ("all",),
    leaking: bool = False,
    seeds: Sequence[int] = (),
    plotted: Annotated[Sequence[str], Parameter(name=["--plotted", "--picture"])] = (),
    engine: EngineOptions = HERE,
    device: str = "auto",
) -> Result:
    """Show how good a selection was: train every collocation in full, and compare every estimator with that.

    Finished trainings are kept in the selection's folder. Resume by rerunning the same command.

    Args:
        selection: The folder that `seehear select` filled.
        labels: Weak table of clips that had no part in the selection, to score the fully trained models on.
        truth: Per-second ground truth of these clips.
        estimators: Names, with @train or @val for the clips that they look at; `all` for every one.
        leaking: Compare the upper bounds among the estimators on the judging clips as well, as the paper does; all of
            them if none is named.
        seeds: Of the full trainings; by default those of the selection.
        plotted: Estimators to draw in Figure 5, in addition to the paper's upper bound.
        engine: Where trainings are done.
        device: auto, cpu or cuda.

    Returns:
        A Judgement: the agreement of each estimator with traversal. Written to SELECTION/judged-<labels>.json and to
        the selection's page too.
    """
    from seehear.selection.prepare import check, prepare
    from seehear.selection.record import read_selection
    from seehear.selection.sources import Tables

    folder = Path(selection)
    chosen = read_selection(folder)
    sources, settings = chosen.sources, chosen.settings
    if sources is None:
        raise SeehearError(
            f"{folder}: was saved from Python without the tables of its data; judge it there, by its method `judge`"
        )
    check(seeds or settings.seeds, folder)
    dense = {name: str(path) for name, path in truth.tables().items()}
    test = sources.read(Tables(str(labels), dense), settings.networks)
    train, val = sources.datasets(settings.networks)
    chosen.task = prepare(
        train,
        val,
        networks=settings.networks,
        together=settings.together,
        recipe=settings.recipe,
        seeds=settings.seeds,
        budget=settings.budget,
        out=folder,
        **engine.chosen(),
        device=device,
        protocol="paper" if settings.leaks else "honest",
    )
    judgement = chosen.judge(test, estimators=estimators, leaking=leaking, seeds=seeds, plotted=plotted)
    judgement.save(folder, Path(labels).stem)
    return judgement
