"""seehear select: choose networks, one per modality, for these clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from seehear.cli.options import HERE, NO_TRUTH, EngineOptions, TruthOptions
from seehear.errors import SeehearError
from seehear.results import Result
from seehear.training.recipe import DEFAULT_RECIPE


def select(
    *,
    store: str | Path,
    labels: str | Path,
    out: str | Path,
    networks: Sequence[str] = (),
    together: int = 1,
    val: str | Path | None = None,
    truth: TruthOptions = NO_TRUTH,
    classes: str | Path | None = None,
    estimators: Sequence[str] = (),
    protocol: Literal["honest", "paper"] = "honest",
    recipe: str = DEFAULT_RECIPE,
    set: Sequence[str] = (),
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    budget: float = 0.015,
    plan: bool = False,
    engine: EngineOptions = HERE,
    device: str = "auto",
) -> Result:
    """Find the networks, one per modality, that suit your clips best together.

    Every finished training is kept in OUT. Resume by rerunning the same command. A network that is added to the store
    later brings only its own trainings. `seehear judge` shows how good the choice was.

    Args:
        store: The folder that `seehear extract` filled, with several networks.
        labels: Weak table of the training clips: filename, event_labels.
        out: The selection's folder.
        networks: MODALITY=NETWORK,NETWORK to choose from; by default all of the store.
        together: Up to so many networks may feed a modality together.
        val: Weak table of the clips that short trainings are scored on; by default a fifth of the training clips.
        truth: Per-second ground truth of the clips of --val (of --labels with --protocol paper).
        classes: File with the classes, one per line; by default those of the labels.
        estimators: Names; the first one ranks; by default `pilots`. NAME@train or NAME@val states the clips that
            the estimator looks at. `all` for all but traversal.
        protocol: `paper` trains every collocation on the clips of --labels themselves and scores it there, as the paper
            did with its evaluation clips. The result says so.
        recipe: Name from `seehear recipes`, or a TOML file: what full trainings would be like.
        set: KEY=VALUE settings on top of the recipe.
        seeds: Of trainings by traversal and the upper bound.
        budget: Share of the cost of traversal that short trainings may take.
        plan: Only count the collocations and forecast the cost.
        engine: Where trainings are done.
        device: auto, cpu or cuda.

    Returns:
        A Selection: the ranking, the tied set, how certain it is, and its cost. Written to OUT/selection.json and
        selection.html. With `plan`, a Plan.
    """
    from seehear import arguments
    from seehear.selection.select import plan_selection
    from seehear.selection.select import select as choose
    from seehear.selection.sources import Sources, Tables
    from seehear.training.recipe import load_recipe

    paper = protocol == "paper"
    if paper and val is not None:
        raise SeehearError("--protocol paper looks at the clips of --labels alone: leave --val out")
    dense = {name: str(path) for name, path in truth.tables().items()}
    if dense and val is None and not paper:
        raise SeehearError("dense tables are for validation clips: name these with --val")
    of_val = Tables(str(val), dense) if val is not None else None
    of_train = Tables(str(labels), dense if paper else {})
    sources = Sources(str(store), of_train, of_val, str(classes) if classes else None, recipe, list(set))
    chosen = arguments.candidates(networks) if networks else None
    train_data, val_data = sources.datasets(chosen)
    given: dict[str, Any] = {
        "networks": chosen,
        "by": estimators or None,
        "together": together,
        "recipe": load_recipe(recipe, set),
        "seeds": seeds,
        "budget": budget,
        "out": out,
        **engine.chosen(),
        "device": device,
        "protocol": protocol,
    }
    if plan:
        return plan_selection(train_data, val_data, **given)
    selection = choose(train_data, val_data, **given)
    selection.sources = sources
    selection.save(out)
    return selection
