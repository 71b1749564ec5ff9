"""seehear align: how well the modalities' embeddings agree in meaning, for features and for trained systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seehear import arguments
from seehear.alignment.embeddings import Point
from seehear.alignment.projection import WIDTH, ProjectionName
from seehear.cli.options import NO_TRUTH, TruthOptions
from seehear.errors import SeehearError
from seehear.progress import say
from seehear.results import Result
from seehear.storage.files import Local

if TYPE_CHECKING:
    from seehear.data import Dataset


def align(
    runs: Sequence[str | Path] = (),
    *,
    store: str | Path,
    labels: str | Path,
    truth: TruthOptions = NO_TRUTH,
    collocation: Sequence[str] = (),
    fit: str | Path | None = None,
    projection: ProjectionName = "cca",
    width: int = WIDTH,
    point: Point = "embedding",
    draw: Sequence[str] = (),
    clips: Sequence[str | Path] = (),
    out: str | Path | None = None,
    device: str = "auto",
) -> Result:
    """Measure how well modalities agree in meaning: do the nearest segments have the same labels?

    Each segment of one modality is a query. All segments of another modality, or of its own, are ranked by the cosine
    of their embeddings. The measures are those of Wu et al., Tables 1 and 2, each with its chance level.

    Args:
        runs: Run folders, each a trained system: a run, or the runs of several seeds (RUN/seed-N).
        store: The folder with the clips' features.
        labels: Weak table: which clips to measure.
        truth: Per-second ground truth.
        collocation: MODALITY=NETWORK for each modality, whose features are measured as they are; by default the
            networks of the first run.
        fit: Weak table of other clips. The projection that gives features a common width is fitted to them, by what
            happens at the same time, not by labels. Without it, features are measured within each modality alone.
        projection: cca, by canonical correlation; random, which needs no clips and gives the chance level; none, if
            all modalities have one width.
        width: Common width of the features; that of the narrowest modality if it is less.
        point: Where embeddings are taken: mapped, after the linear maps; embedding, after the projections too, before
            the attention; fused, after it.
        draw: Clips whose similarities to draw.
        clips: The clips' media files, or folders of them, to show above the similarities.
        out: Folder for alignment.json and figures.
        device: auto, cpu or cuda.

    Returns:
        The five measures of features and of each trained system, between modalities and within each.
    """
    from seehear.alignment.measure import align as measure
    from seehear.data import Dataset
    from seehear.evaluation.systems import named_folders
    from seehear.files import check_folder
    from seehear.media.clips import find_local_clips, with_parts

    if not runs and not collocation:
        raise SeehearError("nothing to measure: name run folders, or networks by --collocation audio=… visual=…")
    drawn = arguments.names(draw)
    if drawn and out is None:
        raise SeehearError("figures need a folder: give --out")
    check_folder(out)
    systems = named_folders(arguments.paths(runs))
    networks = arguments.collocation(collocation) if collocation else _networks(systems)
    dataset = Dataset.from_tables(labels, store=store, collocation=networks, truth=truth.tables())
    others = Dataset.from_tables(fit, store=store, collocation=networks) if fit is not None else None
    found = find_local_clips(clips, "clips are drawn from files of this machine") if clips else None
    for problem in found.problems if found is not None else ():
        say(problem)
    files = with_parts(found, dataset.clips) if found is not None else None
    _check_drawn(drawn, dataset, files)
    result = measure(systems, dataset, fit=others, projection=projection, width=width, point=point, device=device)
    if out is not None:
        result.save(out, drawn, files)
    return result


def _networks(systems: Mapping[str, Path]) -> dict[str, list[str]]:
    """Return the networks of the first run."""
    from seehear.training.runs import find_runs

    return find_runs([*systems.values()][:1])[0].facts.collocation


def _check_drawn(drawn: Sequence[str], dataset: Dataset, files: Mapping[str, Local] | None) -> None:
    """Raise SeehearError for clips that can't be drawn, before anything is measured."""
    complete = {*dataset.clips} - {*dataset.incomplete}
    for clip in drawn:
        if clip not in complete:
            raise SeehearError(
                f"no clip {clip!r} with features of every modality among the labelled clips: it can't be drawn"
            )
        if files is not None and clip not in files:
            raise SeehearError(f"no file of clip {clip} in the folders of --clips")
