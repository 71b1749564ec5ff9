"""Systems scored as the papers of data sets do: by name of the metric, against whatever truth there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seehear import arguments
from seehear.data import Dataset
from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.evaluation.benchmarking.arrays import truth_of
from seehear.evaluation.benchmarking.checks import check_kinds, check_tables, contradictions, length_notes, one_sided
from seehear.evaluation.benchmarking.inputs import (
    ByKind,
    Given,
    Labelled,
    classes_in,
    labelled,
    last_segment,
    read_by_kind,
)
from seehear.evaluation.benchmarking.predictions import kinds_alone, of_given, of_parser
from seehear.evaluation.benchmarking.result import Benchmark, MetricResult
from seehear.evaluation.systems import Systems, describe_decoding, open_parsers, released, run_name, run_names
from seehear.events import ActiveSegments, Activity, event_spans
from seehear.features.notes import unknown_classes
from seehear.labels import DenseTable
from seehear.parsing.parser import Parser
from seehear.progress import Progress
from seehear.results import counted
from seehear.scoring import intervals
from seehear.scoring.intervals import Interval, bootstrap_values
from seehear.scoring.metrics import METRICS, label_f1, parsing_f1
from seehear.scoring.metrics.inputs import Clips, Prediction, Truth
from seehear.scoring.metrics.interface import Grain, Measured, Metric, MetricSignature, limits_of
from seehear.scoring.signature import revision
from seehear.scoring.without_features import full_marks

Predicted = Mapping[str, str | Path | ArrayLike]  # kind -> dense or weak table, or array
TOLERANCE = 1e-9  # of rounding, between a value and the ends of its interval
DEFAULT_DECODING = (
    "probabilities become events by the default decoding, {}: give decoding= for others, such as parser.decoding"
)
GIVEN, NO_RANKING = Prediction.decoding, "no-ranking"  # of signatures
OF_SEGMENTS = "arrays hold no probability of clips: it is the largest of the segments', and a run's own may differ"
NO_CONFIDENCE = (
    "the predictions have no confidences: all events are tied (docs/scores.md says what that means for each metric)"
)


def benchmark(
    systems: Systems | Predicted | Sequence[Predicted],
    clips: Dataset | str | Path,
    *,
    metrics: str | Sequence[str],
    truth: ByKind | None = None,
    ensemble: bool = False,
    decoding: Decoding | None = None,
    draws: int | None = None,
    length: float | None = None,
    segment: float = 1.0,
    device: str = "auto",
    progress: bool = True,
) -> Benchmark:
    """Score a system by the metrics that the papers of data sets report.

    A kind, in truth and predictions, is a modality, or `audio_visual`: what is heard and seen at once. Where audio and
    visual are both there, `audio_visual` follows. Truth with times is per second, other truth per clip. A metric whose
    question the truth can't answer is refused. Clips without features are scored as if nothing was predicted.

        sh.benchmark("RUN", test, truth={"audio_visual": "eval_audio_visual.csv"}, metrics=["segment-accuracy", "map"])
        sh.benchmark({"audio": "heard.csv"}, "test.csv", truth={"audio": "eval_audio.csv"}, metrics="psds", length=10)

    Args:
        systems: A parser, a run folder, or several that differ in their seeds alone. Or predictions of any system, or a
            list of these, one per run: kind -> dense table, with a column `confidence` if events are ranked; weak
            table; or array (N, T, C) per second or (N, C) per clip, boolean or probabilities.
        clips: The data set. For predictions also the path of a weak table that names the clips.
        metrics: Names from `seehear.scoring.metrics.list_metrics`.
        truth: kind -> dense or weak table, or array (N, T, C) or (N, C); by default that of the data set.
        ensemble: Score several seeds as one system, which predicts the mean of their probabilities.
        decoding: From probabilities to events; by default that of the parsers.
        draws: Bootstrap draws of the intervals, 0 for none; by default as many as each metric affords.
        length: Seconds of clips whose length is not known; by default each counts up to its last event, true or
            predicted.
        segment: Seconds per segment, where `clips` is a table.
        device: Where parsers of run folders compute: auto, cpu or cuda.
        progress: Show progress and time left.

    Returns:
        Per metric its scores with intervals over clips and seeds, those of each class, and the signature.

    Raises:
        SeehearError: For a metric that is unknown, or that the truth or the predictions can't answer; for tables that
            can't be read, or that are of other clips.
    """
    chosen = chosen_metrics(metrics)
    if draws is not None and draws < 0:
        raise SeehearError(f"draws is a number of bootstrap samples, 0 or more, not {draws}")
    length = None if length is None else arguments.real(length, "length")
    known = labelled(clips, length, arguments.real(segment, "segment"))
    true = _truth_given(truth, clips)
    predictions = _predictions_given(systems)
    if predictions:
        check_kinds(true, predictions[0])
        if ensemble:
            raise SeehearError("an ensemble is of parsers, whose probabilities it averages: give run folders")
        named = _classes_named(systems)
        return _of_predictions(predictions, named, _source(systems), known, true, chosen, decoding, draws)
    if isinstance(systems, np.ndarray):
        raise SeehearError("predictions are arrays by kind, as in {'audio': p[:, :, 0]}: a bare array names no kind")
    if not isinstance(clips, Dataset):
        raise SeehearError(f"{clips}: names clips, and parsers need their features: give a Dataset")
    parsers = open_parsers(cast("Systems", systems), device, ensemble=ensemble)
    check_kinds(true, parsers[0].modalities)
    return _of_parsers(parsers, clips, known, true, chosen, decoding, draws, progress)


def chosen_metrics(names: str | Sequence[str]) -> list[Metric]:
    """Return metrics by name.

    Raises:
        SeehearError: If there is none, one is unknown, or a package that one needs is not installed.
    """
    chosen = [METRICS[name] for name in arguments.names(names)]
    if not chosen:
        raise SeehearError(f"name a metric: {', '.join(METRICS)}")
    for metric in chosen:
        if metric.requires is not None:
            metric.requires()
    return chosen


def _truth_given(truth: ByKind | None, clips: Dataset | str | Path) -> dict[str, Given]:
    if truth is None and isinstance(clips, Dataset) and clips.truth is not None:
        return dict(clips.truth)
    if not (given := read_by_kind(truth, "truth")):
        raise SeehearError("a benchmark needs ground truth: give truth= (on the command line --truth KIND=TABLE)")
    return given


def _predictions_given(systems: Any) -> list[dict[str, Given]]:
    """Return the predictions that a system is given as, one per run; none if it is given as parsers or folders."""
    several = systems if isinstance(systems, Sequence) and not isinstance(systems, str) else [systems]
    if not several or not all(isinstance(each, Mapping) for each in several):
        return []
    read = [read_by_kind(each, "prediction") for each in several]
    if any(list(each) != list(read[0]) for each in read) or not read[0]:
        raise SeehearError("predictions of several runs must be of the same kinds, one or more, in the same order")
    return read


def _classes_named(systems: Any) -> tuple[str, ...] | None:
    """Return the classes of predictions that name them, as `parser.predict` does; None for others.

    Raises:
        SeehearError: If those of several runs differ.
    """
    several = [systems] if isinstance(systems, Mapping) else systems
    named = {each.classes if isinstance(each, Activity) else None for each in several}
    if len(named) > 1:
        raise SeehearError("predictions of several runs must be of the same classes, in the same order")
    return named.pop()


def _source(systems: Any) -> str:
    """Return how predictions that say so, as `parser.predict` does, were decoded; else nothing."""
    several = [systems] if isinstance(systems, Mapping) else systems
    sources = {each.source if isinstance(each, Activity) else "" for each in several}
    return sources.pop() if len(sources) == 1 else ""


def _of_parsers(
    parsers: Sequence[Parser],
    dataset: Dataset,
    known: Labelled,
    given: Mapping[str, Given],
    metrics: Sequence[Metric],
    decoding: Decoding | None,
    draws: int | None,
    progress: bool,
) -> Benchmark:
    first = parsers[0]
    collocation = first.run.facts.collocation
    data = dataset if [*dataset.collocation.items()] == [*collocation.items()] else dataset.with_networks(collocation)
    scored, truth, notes = _prepared(metrics, known, given, first.classes)
    _check(metrics, kinds_alone(first.modalities), truth)
    notes += unknown_classes(scored.classes, first.classes, "the labels", "their events count as missed")
    if any(metric.name == parsing_f1.METRIC.name for metric in metrics):
        notes += full_marks(truth.active, ~data.featured)
    apart = any(metric.name == label_f1.METRIC.name for metric in metrics)
    measured = []
    with Progress("benchmark", len(parsers), show=progress and len(parsers) > 1) as bar:
        for parser in released(parsers):
            prediction = of_parser(parser, data, scored, decoding or parser.decoding, alone=apart)
            measured.append(_measured(metrics, prediction, truth, scored))
            bar.advance(run_name(parser))
    described = describe_decoding(parsers, decoding)
    results = _results(metrics, measured, _signature(known, given, scored, described, len(first.members)), draws)
    return Benchmark(
        results,
        runs=[name for parser in parsers for name in run_names(parser)],
        seeds=[seed for parser in parsers for seed in parser.seeds],
        missing=list(data.missing),
        notes=notes,
        limits=limits_of(truth),
    )


def _of_predictions(
    predictions: Sequence[Mapping[str, Given]],
    names: tuple[str, ...] | None,
    source: str,
    known: Labelled,
    given: Mapping[str, Given],
    metrics: Sequence[Metric],
    decoding: Decoding | None,
    draws: int | None,
) -> Benchmark:
    more = [note for each in predictions for note in check_tables(each, known, truth=False)]
    tables = [each for prediction in predictions for each in prediction.values()]
    scored, truth, notes = _prepared(metrics, known, given, names or (), tables)
    notes += one_sided(tables, given.values(), known, names)
    measured, decodings = [], []
    for each in predictions:
        prediction = of_given(each, names or known.classes, scored, decoding)
        decodings.append(prediction.decoding)
        notes += _decoding_notes(each, prediction, decoding, metrics)
        measured.append(_measured(metrics, prediction, truth, scored))
    described = f"{source},{NO_RANKING}" if source and decodings[0] == GIVEN else decodings[0]
    results = _results(metrics, measured, _signature(known, given, scored, described), draws)
    return Benchmark(results, missing=[], notes=list(dict.fromkeys([*notes, *more])), limits=limits_of(truth))


def _decoding_notes(
    given: Mapping[str, Given], prediction: Prediction, decoding: Decoding | None, metrics: Sequence[Metric]
) -> list[str]:
    """Return notes on what arrays and tables lack that a run has: a ranking, thresholds, probabilities of clips."""
    if not prediction.graded:
        return [NO_CONFIDENCE] if any(metric.ranks for metric in metrics) else []
    arrays = [each for each in given.values() if isinstance(each, np.ndarray) and each.ndim == 3]
    if not arrays or all(metric.ranks for metric in metrics):
        return []
    return [*([] if decoding is not None else [DEFAULT_DECODING.format(Decoding())]), OF_SEGMENTS]


def _prepared(
    metrics: Sequence[Metric],
    known: Labelled,
    given: Mapping[str, Given],
    first: Sequence[str],
    predicted: Sequence[Given] = (),
) -> tuple[Clips, Truth, list[str]]:
    """Return the clips with all classes, their truth, and notes.

    Args:
        metrics: What is asked for: lengths are spoken of where something is per second.
        known: The clips with their labels.
        given: Their truth.
        first: Classes that come first: those of the system.
        predicted: Predictions whose classes and segments count too.
    """
    notes = [*known.notes, *check_tables(given, known, truth=True)]
    classes = tuple(dict.fromkeys([*first, *known.classes, *classes_in([*given.values(), *predicted], known)]))
    segments = last_segment([*given.values(), *predicted], known, len(classes))
    if any(metric.grain is Grain.SECOND for metric in metrics):
        notes += length_notes([*given.values(), *predicted], known)
    scored = Clips(known.clips, classes, known.lengths, segments, known.segment, known.lengths == 0)
    truth = truth_of(given, scored, known.classes)
    notes += contradictions(truth, scored)
    # What is true past the end of the features, within a rounding, counts as part of the clip. A clip of unknown
    # length lasts until its last event, true or predicted: what lies beyond may not exist, and would be background
    # that is right.
    last = np.max([known.lengths, *(_last_active(array) for array in truth.active.values())], axis=0)
    if known.unknown:
        by_events = np.max([last, *(_last_predicted(each, scored) for each in predicted)], axis=0)
        last = np.where(known.lengths == 0, by_events, last)
    return replace(scored, lengths=last), truth, notes


def _last_predicted(given: Given, clips: Clips) -> NDArray[np.int64]:
    """Return up to which segment predictions say something of each clip, (N,): arrays do up to their end."""
    if isinstance(given, DenseTable):
        return _last_active(given.array(clips.names, clips.classes, clips.segments, clips.segment))
    segments = given.shape[1] if isinstance(given, np.ndarray) and given.ndim == 3 else 0
    return np.full(len(clips), segments, dtype=np.int64)


def _last_active(active: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the number of segments up to the last active one per clip, (N,), from (N, T, C)."""
    spans = event_spans(ActiveSegments.of(active))
    last = np.zeros(len(active), dtype=np.int64)
    np.maximum.at(last, spans.clip, spans.stop)
    return last


def _check(metrics: Sequence[Metric], prediction: Prediction, truth: Truth) -> None:
    """Raise SeehearError, naming all metrics that the truth or the prediction can't answer."""
    refused = []
    for metric in metrics:
        try:
            metric.check(prediction, truth)
        except SeehearError as error:
            refused.append(str(error))
    if refused:
        raise SeehearError("\n".join(refused))


def _measured(metrics: Sequence[Metric], prediction: Prediction, truth: Truth, clips: Clips) -> list[Measured]:
    _check(metrics, prediction, truth)
    return [metric.measure(prediction, truth, clips) for metric in metrics]


def _results(
    metrics: Sequence[Metric], measured: Sequence[Sequence[Measured]], shared: MetricSignature, draws: int | None
) -> list[MetricResult]:
    results = []
    for metric, *runs in zip(metrics, *measured, strict=True):
        usual = intervals.DRAWS if metric.draws is None else min(metric.draws, intervals.DRAWS)
        number = usual if draws is None else draws
        found = bootstrap_values([run.values for run in runs], shared.clips, draws=number)
        signature = replace(
            shared,
            metric=metric.name,
            parameters=metric.parameters,
            draws=number,
            segment=shared.segment if metric.grain is Grain.SECOND else None,
            length=shared.length if metric.lengths else "",
        )
        notes = tuple(dict.fromkeys(note for run in runs for note in (*run.notes, *_beside(found))))
        results.append(MetricResult(metric, runs[0].keys, found, [run.classes for run in runs], signature, notes))
    return results


def _beside(found: Sequence[Interval]) -> list[str]:
    """Return a note on intervals that do not hold their value."""
    out = sum(each.mean < each.low - TOLERANCE or each.mean > each.high + TOLERANCE for each in found)
    if not out:
        return []
    does = counted(out, "interval does", "intervals do")
    why = "clips that are drawn again repeat, which moves a score that is no mean over clips; more clips are needed"
    return [f"{does} not hold the value: {why} (docs/scores.md: Scores that papers report)"]


def _signature(
    known: Labelled, given: Mapping[str, Given], clips: Clips, decoding: str, ensemble: int = 1
) -> MetricSignature:
    """Return what the signatures of all metrics share."""
    paths = [each.path for each in given.values() if not isinstance(each, np.ndarray)]
    labels = f"{known.revision}+{revision(paths)}" if paths else known.revision
    return MetricSignature("", "", decoding, labels, len(clips), 0, ensemble, clips.segment, known.assumed)
