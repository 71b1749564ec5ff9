"""seehear benchmark: the scores that the papers of data sets report, of trained runs or any system's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear.cli.options import AS_TRAINED, DecodingOptions
from seehear.errors import SeehearError
from seehear.results import Result


def benchmark(
    runs: Sequence[str | Path] = (),
    *,
    labels: str | Path,
    truth: Sequence[str],
    metrics: Sequence[str],
    store: str | Path | None = None,
    predictions: Sequence[str] = (),
    ensemble: bool = False,
    decoding: DecodingOptions = AS_TRAINED,
    draws: int | None = None,
    length: float | None = None,
    segment: float = 1.0,
    device: str = "auto",
) -> Result:
    """Score trained runs, or any system's predictions, by the metrics that the papers of data sets report.

    A KIND is a modality, or audio_visual: what is heard and seen at once, which follows where audio and visual are both
    given. A table with onset and offset is per second, another one per clip.

    Args:
        runs: Run folders; the seeds of one system (RUN/seed-N) are scored together.
        labels: Weak table: which clips to score, with their labels.
        truth: KIND=TABLE for each kind that is known: a dense table, or a weak one.
        metrics: segment-accuracy, ov-avel-f1, map, label-f1, psds, parsing-f1, segment-map: one or more.
        store: The folder with the clips' features, for runs.
        predictions: KIND=TABLE for each kind that a system predicts, in place of runs: a dense table, with a column
            confidence where events are ranked, or a weak one.
        ensemble: Score all seeds as one system, which predicts the mean of their probabilities.
        decoding: How probabilities become events.
        draws: Bootstrap draws of the intervals, 0 for none; by default as many as each metric affords.
        length: Seconds of clips whose length is not known; by default each counts up to its last event, true or
            predicted.
        segment: Length of a segment in seconds, for predictions; that of runs is their store's.
        device: auto, cpu or cuda.

    Returns:
        Per metric its scores with intervals over clips and seeds, those of each class, and the signature.
    """
    from seehear import evaluation
    from seehear.arguments import KIND_FORM, by_modality
    from seehear.data import Dataset
    from seehear.evaluation.benchmarking.benchmark import chosen_metrics
    from seehear.evaluation.systems import open_parsers

    if bool(runs) == bool(predictions):
        raise SeehearError("give run folders, or --predictions KIND=TABLE of another system: one of both")
    if predictions:
        return evaluation.benchmark(
            by_modality(predictions, KIND_FORM), labels, metrics=metrics, truth=truth, ensemble=ensemble,
            decoding=decoding.decoding(), draws=draws, length=length, segment=segment,
        )  # fmt: skip
    chosen_metrics(metrics)  # before features are read
    if store is None:
        raise SeehearError("runs need the features of the clips: give --store STORE")
    parsers = open_parsers(runs, device, ensemble=ensemble)
    dataset = Dataset.from_tables(labels, store=store, collocation=parsers[0].run.facts.collocation)
    return evaluation.benchmark(
        parsers, dataset, metrics=metrics, truth=truth, decoding=decoding.decoding(), draws=draws, length=length
    )
