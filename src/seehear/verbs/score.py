"""seehear score: the eleven scores of anyone's predictions, given as dense tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seehear.errors import SeehearError
from seehear.scoring.references import references
from seehear.verbs import options
from seehear.verbs.scored import Scored, covered


def score(
    *,
    labels: str | Path,
    audio: str | Path | None = None,
    visual: str | Path | None = None,
    predictions: Sequence[str] = (),
    dense_audio: str | Path | None = None,
    dense_visual: str | Path | None = None,
    dense: Sequence[str] = (),
    iou: float = 0.5,
    segment: float = 1.0,
    decoding: str = "given",
) -> Scored:
    """Score predictions of any system against the truth, both given as dense tables.

    Args:
        labels: Weak table: which clips are scored. A clip without predictions counts as one in which nothing
            was found.
        audio: Dense table of what the system hears.
        visual: Dense table of what it sees.
        predictions: MODALITY=TABLE for other modalities.
        dense_audio: Dense table of what is truly heard.
        dense_visual: Dense table of what is truly seen.
        dense: MODALITY=TABLE for other modalities.
        iou: Intersection over union from which on an event is found.
        segment: Length of a segment in seconds.
        decoding: How the system made events of probabilities, for the signature.

    Returns:
        The eleven scores, per-class tables and the signature.
    """
    from seehear.labels import classes_of, read_dense, read_weak
    from seehear.scoring.scores import score as of_arrays
    from seehear.scoring.signature import Signature, revision

    weak = read_weak(labels)
    truths = {name: read_dense(path) for name, path in options.by_modality(dense_audio, dense_visual, dense).items()}
    given = {name: read_dense(path) for name, path in options.by_modality(audio, visual, predictions).items()}
    if not truths or set(truths) != set(given):
        raise SeehearError(
            f"predictions are for {', '.join(given) or 'nothing'}, the truth is for {', '.join(truths) or 'nothing'}: "
            "give --audio with --dense-audio, --visual with --dense-visual"
        )
    notes = covered(weak, truths)
    clips = weak.clips
    for one in given.values():
        predicted_for = {event.clip for event in one.events}
        others = predicted_for - set(clips)
        if others and others == predicted_for:
            raise SeehearError(f"{one.path}: holds predictions for none of the clips of {labels}")
        if others:
            notes.append(f"{one.path}: {len(others)} clips are not in {labels} and were left out, as {min(others)}")
    names = classes_of([weak, *truths.values(), *given.values()])
    segments = max(1, *(one.last_segment(segment) for one in (*truths.values(), *given.values())))
    predicted = {name: given[name].array(clips, names, segments, segment) for name in truths}
    true = {name: one.array(clips, names, segments, segment) for name, one in truths.items()}
    tables = revision([weak.path, *(one.path for one in truths.values())])
    lengths = np.full(len(clips), segments)
    return Scored(
        runs=[],
        scores=[of_arrays(predicted, true, names, Signature(decoding, tables, len(clips), iou))],
        references={
            name: of_arrays(reference, true, names, Signature(name, tables, len(clips), iou))
            for name, reference in references(true, weak.array(clips, names), lengths).items()
        },
        notes=notes,
    )
