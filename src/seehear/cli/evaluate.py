"""seehear evaluate: the eleven scores of trained runs, with intervals, and three reference predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear.cli.options import AS_TRAINED, NO_TRUTH, DecodingOptions, TruthOptions
from seehear.errors import SeehearError
from seehear.results import Result


def evaluate(
    runs: Sequence[str | Path],
    *,
    store: str | Path,
    labels: str | Path,
    truth: TruthOptions = NO_TRUTH,
    ensemble: bool = False,
    decoding: DecodingOptions = AS_TRAINED,
    out: str | Path | None = None,
    clips: Sequence[str | Path] = (),
    examples: int = 6,
    untrained: bool = False,
    device: str = "auto",
) -> Result:
    """Score trained runs on clips with per-second ground truth.

    Three predictions that need no model are scored too: nothing; the weak-label baseline, which predicts the clip's
    true labels in every segment and modality; and the ground truth.

    With --out, the details behind the scores are written too. OUT/evaluation.html is a page for a browser: calibration,
    confusions, errors that another modality explains, and all clips from best to worst. OUT/evaluation.json has its
    numbers. OUT/predictions has the predictions as dense tables (OUT/predictions/seed-N for several seeds).

    Args:
        runs: Run folders; the seeds of one system (RUN/seed-N) are evaluated together.
        store: The folder with the clips' features.
        labels: Weak table: which clips to score, with their labels.
        truth: Per-second ground truth.
        ensemble: Score all seeds as one system, which predicts the mean of their probabilities.
        decoding: How probabilities become events.
        out: Folder for the details.
        clips: Media files of the clips, or folders that are searched for them; talk_20_30 may be that part of talk.mp4.
            OUT/clips then holds the best and the worst clips, each with a page that plays it and shows predictions and
            ground truth.
        examples: Number of best and of worst clips.
        untrained: Score what the networks' own classifiers predict too, to show what training adds.
        device: auto, cpu or cuda.

    Returns:
        The eleven scores, their intervals and signature. Written to RUN/scores-LABELS.json too, except those of an
        ensemble.
    """
    from seehear import evaluation
    from seehear.data import Dataset
    from seehear.evaluation.systems import open_parsers
    from seehear.files import DiskFullError, atomic_json
    from seehear.parsing.untrained import Untrained
    from seehear.progress import say

    if clips and out is None:
        raise SeehearError("--clips shows the best and worst clips in the folder of --out: give that too")
    parsers = open_parsers(runs, device, ensemble=ensemble)
    collocation = parsers[0].run.facts.collocation
    dataset = Dataset.from_tables(labels, store=store, collocation=collocation, truth=truth.tables())
    report = evaluation.evaluate(
        parsers,
        dataset,
        decoding=decoding.decoding(),
        out=out,
        clips=clips or None,
        examples=examples,
        untrained=Untrained.of_dataset(dataset, device=device) if untrained else None,
    )
    for seed in report.by_seed():
        try:
            atomic_json(Path(seed.runs[0]) / f"scores-{Path(labels).stem}.json", seed.as_json())
        except DiskFullError:
            raise
        except SeehearError as error:  # such as a run on a disk that can only be read
            say(f"the scores are not kept in the run folder: {error}")
    return report
