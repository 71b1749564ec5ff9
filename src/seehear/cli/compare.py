"""seehear compare: differences of trained systems from the first, with intervals over clips and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear.cli.options import AS_TRAINED, NO_TRUTH, DecodingOptions, TruthOptions
from seehear.errors import SeehearError
from seehear.results import Result


def compare(
    runs: Sequence[str | Path],
    *,
    store: str | Path,
    labels: str | Path,
    truth: TruthOptions = NO_TRUTH,
    ensemble: bool = False,
    decoding: DecodingOptions = AS_TRAINED,
    out: str | Path | None = None,
    device: str = "auto",
) -> Result:
    """Compare trained systems with the first of them, score by score.

    Every difference is paired by clip, and by seed if both systems were trained with the same seeds. It comes with a
    95 % interval over clips and seeds and a permutation p. Systems of different modalities are compared by those that
    all predict: a run of sound and pictures, and one of sound alone, by what is heard.

    Args:
        runs: Two or more folders, each a system: a run, or the runs of several seeds (RUN/seed-N). The first is the
            one that others are compared with.
        store: The folder with the clips' features.
        labels: Weak table: which clips to score, with their labels.
        truth: Per-second ground truth.
        ensemble: Score the seeds of each folder as one system, which predicts the mean of their probabilities.
        decoding: How probabilities become events.
        out: Folder for comparison.json, a plot of the differences, and a page with both.
        device: auto, cpu or cuda.

    Returns:
        The differences of all scores, with intervals and p.
    """
    from seehear import evaluation
    from seehear.data import Dataset
    from seehear.evaluation.comparison import shared_modalities
    from seehear.evaluation.systems import named_folders, open_parsers

    if len(runs) < 2:
        raise SeehearError(
            "a comparison takes two systems or more: name their run folders, the one to compare with first"
        )
    systems = {name: open_parsers(path, device, ensemble=ensemble) for name, path in named_folders(runs).items()}
    shared = shared_modalities({name: parsers[0].modalities for name, parsers in systems.items()})
    first = next(iter(systems.values()))[0].run.facts.collocation
    collocation = {modality: names for modality, names in first.items() if modality in shared}
    dataset = Dataset.from_tables(labels, store=store, collocation=collocation, truth=truth.tables())
    return evaluation.compare(systems, dataset, decoding=decoding.decoding(), out=out)
