"""What systems predict of the clips of a benchmark: by trained parsers, from arrays, or from tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.data import Dataset
from seehear.decoding import HALF, Decoding, Probabilities
from seehear.errors import SeehearError
from seehear.evaluation.benchmarking.arrays import fitted, has_confidences, spans_of, weak_array
from seehear.evaluation.benchmarking.inputs import Given
from seehear.events import segment_span
from seehear.labels import DenseTable, WeakTable
from seehear.modality import AUDIO, VISUAL
from seehear.parsing.parser import Parser
from seehear.scoring.metrics.inputs import Clips, Prediction, Spans, with_pair


def kinds_alone(modalities: Sequence[str]) -> Prediction:
    """Return a prediction of no clip, by which metrics can be checked before anything is computed.

    Args:
        modalities: Of the parser that will predict.
    """
    kinds = with_pair({name: np.zeros((0, 0), dtype=np.bool_) for name in modalities})
    return Prediction(kinds, kinds)


def of_parser(parser: Parser, dataset: Dataset, clips: Clips, decoding: Decoding, *, alone: bool) -> Prediction:
    """Return what a trained parser predicts.

    Args:
        parser: The parser.
        dataset: The clips with the parser's networks.
        clips: With all classes and segments.
        decoding: From probabilities to events.
        alone: Whether to predict from the features of audio and of visual alone too.
    """
    apart = {}
    if alone and set(parser.modalities) == {AUDIO, VISUAL}:
        for name in parser.modalities:
            active = parser.predict(fed_alone(dataset, name), decoding)
            found_alone = np.any([array.any(axis=1) for array in active.values()], axis=0)  # (N, C)
            has = dataset.available[:, dataset.modalities.index(name)]
            apart[name] = fitted(found_alone & has[:, None], parser.classes, clips, name)
    found = parser.probabilities(dataset)
    decoded = decoding(found, parser.classes, parser.modalities)
    scores, decoded_as, of_clips = {}, {}, {}
    for m, name in enumerate(parser.modalities):
        scores[name] = fitted(found.segment[:, :, m], parser.classes, clips, name)
        decoded_as[name] = fitted(decoded[name], parser.classes, clips, name)
        of_clips[name] = fitted(found.modality_clip[:, :, m].max(axis=1), parser.classes, clips, name)
    return _of_seconds(decoded_as, scores, of_clips, clips.segment, alone=apart, decoding=str(decoding))


def fed_alone(dataset: Dataset, modality: str) -> Dataset:
    """Return clips as if they had one modality alone. One that lacks it gets zeros, and its prediction means nothing.

    Args:
        dataset: The clips.
        modality: The one that stays.
    """
    own = dataset.available[dataset.featured][:, dataset.modalities.index(modality)]
    packs = dataset.packs()
    others = {
        info.name: replace(pack, rows=np.zeros(pack.rows.shape, np.float32), available=~own)
        for name, infos in dataset.networks.items()
        for info, pack in zip(infos, packs[name], strict=True)
        if name != modality
    }
    kept = {info.name: pack for info, pack in zip(dataset.networks[modality], packs[modality], strict=True)}
    return replace(dataset, _packs={**kept, **others})


def of_given(given: Mapping[str, Given], names: Sequence[str], clips: Clips, decoding: Decoding | None) -> Prediction:
    """Return the predictions of any system.

    Args:
        given: kind -> dense or weak table, or array: (N, T, C) per second or (N, C) per clip, boolean or probabilities.
        names: Of the classes of arrays.
        clips: With all classes and segments.
        decoding: From probabilities to events.

    Raises:
        SeehearError: If some are per second and others per clip, or an array is of other classes or no probability.
    """
    per_clip = {kind: _is_per_clip(each) for kind, each in given.items()}
    if len(set(per_clip.values())) != 1:
        raise SeehearError(f"predictions are per second or per clip, the same of every kind: {_forms(per_clip)}")
    if any(per_clip.values()):
        return _per_clip(given, names, clips)
    arrays = {kind: each for kind, each in given.items() if isinstance(each, np.ndarray)}
    tables = {kind: each for kind, each in given.items() if isinstance(each, DenseTable)}
    if arrays and tables:
        raise SeehearError(f"predictions are tables or arrays, not both: {', '.join(given)}")
    return _of_tables(tables, clips) if tables else _of_arrays(arrays, names, clips, decoding or Decoding())


def _of_tables(tables: Mapping[str, DenseTable], clips: Clips) -> Prediction:
    graded = all([has_confidences(table) for table in tables.values()])
    rows = {kind: spans_of(table, clips) for kind, table in tables.items()}
    spans = rows if graded else {kind: each.merged() for kind, each in rows.items()}  # touching ones are one event
    active = {
        kind: table.array(clips.names, clips.classes, clips.segments, clips.segment) for kind, table in tables.items()
    }
    scores = {kind: _confidences(table, clips) for kind, table in tables.items()}
    return _of_seconds(active, scores, {}, clips.segment, spans=spans, graded=graded)


def _confidences(table: DenseTable, clips: Clips) -> NDArray[np.float32]:
    """Return the highest confidence of the events that fill each segment, (N, T, C)."""
    scores = np.zeros((len(clips), clips.segments, len(clips.classes)), dtype=np.float32)
    row = {name: n for n, name in enumerate(clips.names)}
    column = {name: c for c, name in enumerate(clips.classes)}
    for event in sorted(table.events, key=lambda event: event.confidence):
        if event.clip in row:
            start, stop = segment_span(event.onset, event.offset, clips.segment)
            scores[row[event.clip], start:stop, column[event.label]] = event.confidence
    return scores


def _of_arrays(
    arrays: Mapping[str, NDArray[Any]], names: Sequence[str], clips: Clips, decoding: Decoding
) -> Prediction:
    fit = {kind: fitted(array, names, clips, kind) for kind, array in arrays.items()}
    if all(array.dtype == bool for array in fit.values()):
        certain = {kind: array.astype(np.float32) for kind, array in fit.items()}
        return _of_seconds(fit, certain, {}, clips.segment, graded=False)
    scores = {kind: _probabilities(array, kind) for kind, array in fit.items()}
    found = Probabilities.of_segments(np.stack([*scores.values()], axis=2))
    active = decoding(found, clips.classes, tuple(scores))
    of_clips = {kind: array.max(axis=1) for kind, array in scores.items()}
    filtered = "" if decoding.filter == "none" else ",clip:largest-segment"
    return _of_seconds(active, scores, of_clips, clips.segment, decoding=f"{decoding}{filtered}")


def _per_clip(given: Mapping[str, Given], names: Sequence[str], clips: Clips) -> Prediction:
    labels, scores = {}, {}
    for kind, each in given.items():
        if isinstance(each, WeakTable):
            labels[kind] = weak_array(each, clips)
        elif isinstance(each, np.ndarray):
            array = fitted(each, names, clips, kind)
            labels[kind] = array if array.dtype == bool else _probabilities(array, kind) >= HALF
            if array.dtype != bool:
                scores[kind] = _probabilities(array, kind)
    decoding = f"clip{HALF:g}" if scores else "given"
    return Prediction(with_pair(labels), clip_scores=with_pair(scores, np.minimum), decoding=decoding)


def _of_seconds(
    active: Mapping[str, NDArray[np.bool_]],
    scores: Mapping[str, NDArray[np.float32]],
    of_clips: Mapping[str, NDArray[np.float32]],
    segment: float,
    **others: Any,
) -> Prediction:
    """Return a prediction with what follows from seconds: what is heard and seen at once, and classes per clip."""
    labels = with_pair({kind: np.asarray(array.any(axis=1)) for kind, array in active.items()})
    seconds = with_pair(active)
    found = Prediction(labels, seconds, with_pair(scores, np.minimum), with_pair(of_clips, np.minimum), **others)
    if found.graded:
        return found
    runs = {kind: Spans.of_segments(array, segment) for kind, array in seconds.items() if kind not in found.spans}
    return replace(found, spans={**runs, **found.spans})


def _probabilities(array: NDArray[Any], what: str) -> NDArray[np.float32]:
    if not ((array >= 0) & (array <= 1)).all():
        raise SeehearError(f"predictions of {what}: must be boolean, or probabilities from 0 to 1")
    return array.astype(np.float32)


def _is_per_clip(given: Given) -> bool:
    return given.ndim == 2 if isinstance(given, np.ndarray) else isinstance(given, WeakTable)


def _forms(per_clip: Mapping[str, bool]) -> str:
    return ", ".join(f"{kind} is per {'clip' if clip else 'second'}" for kind, clip in per_clip.items())
