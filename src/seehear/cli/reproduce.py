"""seehear reproduce: a paper's tables and figures, its numbers and ours, and a verdict on each of its claims."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear import arguments
from seehear.cli.options import HERE, EngineOptions
from seehear.results import Result


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
    engine: EngineOptions = HERE,
    device: str = "auto",
    trust_code: bool = False,
) -> Result:
    """Run a paper's tables and figures on your data: its numbers, yours, and a verdict on each of its claims.

    Resume by rerunning the same command. Tables share the trainings that they have in common.

    Args:
        experiments: table1 to table5, figure5, or TOML files of your own.
        dataset: Which data set: llp, or folder for tables and clips of your own.
        annotations: Folder with its label tables.
        out: Folder for everything that is finished, and for the tables, OUT/<experiment>.json and .md.
        store: The folder with the clips' features; by default OUT/store.
        features: Folder with the features that the data set's field shares, to import into the store first.
        videos: Folder with clips or full videos, to extract the networks' features from first, and for table3.
        fps: Frames per second that visual networks are given of these videos.
        networks: MODALITY=NETWORK,NETWORK to compare or choose from, in place of the paper's.
        baseline: MODALITY=NETWORK to train on if nothing is selected, in place of the paper's.
        recipe: Name from `seehear recipes`, or a TOML file.
        set: KEY=VALUE settings on top of the recipe.
        seeds: One training is done with each; fewer than six can't confirm a difference between trained systems.
        engine: Where trainings are done.
        device: auto, cpu or cuda.
        trust_code: Run the Python code of networks that an experiment's file or the store names as FILE.py:NAME.

    Returns:
        The tables with their verdicts.
    """
    from seehear.paper.reproduction import reproduce as run

    return run(
        experiments,
        dataset=dataset,
        annotations=annotations,
        out=out,
        store=store,
        features=features,
        videos=videos,
        fps=fps,
        networks=networks,
        baseline=baseline,
        recipe=recipe,
        seeds=seeds,
        **engine.chosen(),
        device=device,
        trust_code=trust_code,
        **arguments.settings(set),
    )
