"""seehear prepare: a data set's label tables, features and videos, ready for training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear import datasets
from seehear.cli.options import HERE, EngineOptions
from seehear.datasets import Prepared


def prepare(
    *,
    dataset: str,
    annotations: str | Path,
    store: str | Path,
    features: str | Path | None = None,
    videos: str | Path | None = None,
    networks: Sequence[str] = (),
    cut: str | Path | None = None,
    tables: str | Path | None = None,
    fps: float = 8.0,
    engine: EngineOptions = HERE,
    device: str = "auto",
) -> Prepared:
    """Check a data set's tables, import or extract its features, and list what is missing.

    Resume by rerunning the same command. Without features and videos it lists what the store has. Tables of a data set
    that is published in a form of its own are written in seehear's, for all further commands.

    Args:
        dataset: llp, lfav, ave, unav100, ov-avebench, vggsounder, audioset-strong, desed, or folder for tables and
            clips of your own.
        annotations: Folder of the label tables as they were published.
        store: Folder of the features; created if needed.
        features: Folder of the feature folders that the data set's field shares.
        videos: Folder of clips, or of full videos whose parts the clips are, named as in the data set.
        networks: Names from `seehear networks` to extract with; commas may separate them.
        cut: Folder to cut the clips into, as files of their own; by default nothing is cut.
        tables: Folder of the tables in seehear's form; by default <dataset>-tables next to the store.
        fps: Frames per second, for visual networks.
        engine: Where networks run.
        device: auto, cpu or cuda.

    Returns:
        What the data set has, and what is missing. STORE/<dataset>-missing.tsv lists every clip without features,
        STORE/<dataset>-defects.txt every defect of the tables.
    """
    return datasets.prepare(
        dataset,
        annotations,
        store,
        features=features,
        videos=videos,
        networks=networks,
        cut=cut,
        tables=tables,
        fps=fps,
        **engine.chosen(),
        device=device,
    )
