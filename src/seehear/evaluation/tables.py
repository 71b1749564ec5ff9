"""Scores of anyone's predictions, given as dense tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from seehear import arguments
from seehear.errors import SeehearError
from seehear.evaluation.result import Evaluation
from seehear.labels import (
    DenseTable,
    WeakTable,
    classes_of,
    clip_hint,
    doubts,
    missing_truth,
    other_clips,
    past_end,
    raise_fatal,
    read_dense,
    read_weak,
    segments_of,
)
from seehear.labels.plausible import MAX_OVERHANG
from seehear.labels.tables import stated_lengths
from seehear.results import counted
from seehear.scoring.given import score_given
from seehear.scoring.references import references, score_references
from seehear.scoring.scores import score
from seehear.scoring.signature import Signature, revision

NOT_PREDICTED = "nothing is predicted in them"


def score_tables(
    predictions: Mapping[str, str | Path],
    truth: Mapping[str, str | Path],
    labels: str | Path,
    *,
    iou: float = 0.5,
    segment: float = 1.0,
    decoding: str = "given",
) -> Evaluation:
    """Score predictions of any system against ground truth, both given as dense tables.

    Args:
        predictions: modality -> dense table. For a clip without rows, nothing is predicted.
        truth: modality -> dense table, of the same modalities.
        labels: Weak table: which clips are scored.
        iou: Least intersection over union of a true positive event, in (0, 1].
        segment: Seconds per segment.
        decoding: How the system made events of probabilities, for the signature.

    Returns:
        The eleven scores with intervals over clips, the scores per class, and those of reference predictions.

    Raises:
        SeehearError: If a table can't be read, modalities differ, or a table names none of the clips.
    """
    iou, segment = arguments.real(iou, "iou"), arguments.real(segment, "segment")
    weak = read_weak(labels)
    true_tables = {name: read_dense(path) for name, path in truth.items()}
    tables = {name: read_dense(path) for name, path in predictions.items()}
    if not true_tables or set(true_tables) != set(tables):
        raise SeehearError(
            f"predictions are for {', '.join(tables) or 'no modality'}, ground truth is for "
            f"{', '.join(true_tables) or 'no modality'}: give --audio with --dense-audio, --visual with --dense-visual"
        )
    dense = [*true_tables.values(), *tables.values()]
    raise_fatal(past_end(dense, stated_lengths([weak, *dense]).get, max(MAX_OVERHANG, segment)))
    labelled = [clip for clip in weak.clips if weak.labels[clip]]
    notes = [*missing_truth(true_tables, weak.clips, labelled, str(labels)), *_other_clips(tables, weak)]
    notes += map(str, doubts([weak], dense))
    clips, names = weak.clips, classes_of([weak, *dense])
    segments = segments_of(dense, len(clips), len(names), segment)
    predicted = {name: tables[name].array(clips, names, segments, segment) for name in true_tables}
    true = {name: each.array(clips, names, segments, segment) for name, each in true_tables.items()}
    of_labels = revision([weak.path, *(each.path for each in true_tables.values())])
    signature = Signature(decoding, of_labels, len(clips), iou)
    beside = references(true, weak.array(clips, names), np.full(len(clips), segments))
    return Evaluation(
        [],
        [score(predicted, true, names, signature)],
        score_references(beside, true, names, of_labels, iou),
        notes=notes,
        meanings={name: reference.meaning for name, reference in beside.items()},
        given=[score_given(predicted, true, names, signature)],
    )


def _other_clips(tables: Mapping[str, DenseTable], weak: WeakTable) -> list[str]:
    """Return notes on predictions for clips outside of the weak table.

    Raises:
        SeehearError: For a table that names none of its clips.
    """
    notes = []
    for each in tables.values():
        if others := other_clips(each, weak.clips, str(weak.path), NOT_PREDICTED):
            hint = clip_hint(others, weak.clips)
            are = counted(len(others), "clip is", "clips are")
            notes.append(f"{each.path}: {are} not in {weak.path}, for example {others[0]}: left out{hint}")
    return notes
