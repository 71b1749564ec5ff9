"""The folder of an evaluation: a page, its numbers as JSON, the predictions as dense tables, clips to play."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.events import ActiveSegments, event_spans
from seehear.files import atomic_json
from seehear.labels import Event, write_dense
from seehear.modality import with_joint

if TYPE_CHECKING:
    from seehear.evaluation.details import Details
    from seehear.evaluation.result import Evaluation


def save(evaluation: Evaluation, folder: Path) -> Path:
    """Write an evaluation with its details, and return the page; see `Evaluation.save`.

    Raises:
        SeehearError: If it has no details.
    """
    from seehear import pages
    from seehear.evaluation.details import CLIPS
    from seehear.evaluation.result import FILE, FORMAT

    details = evaluation.details
    if details is None:
        raise SeehearError("only an evaluation with details can be saved: call evaluate(..., details=True)")
    write_tables(details, folder)
    examples = details.examples
    failed = pages.evaluation.write_clips(examples.clips, folder / CLIPS, examples.run)
    examples.failed |= failed
    examples.clips = {name: clip for name, clip in examples.clips.items() if name not in failed}
    evaluation.folder = folder
    atomic_json(folder / FILE, {"format": FORMAT, **evaluation.as_json()})
    return pages.evaluation.write(evaluation, folder)


def write_tables(details: Details, folder: Path) -> None:
    """Write the predictions of each run as dense tables, the joint modality's too."""
    for files, active in zip(details.tables(), details.predicted, strict=True):
        for name, of_kind in with_joint(active, details.modalities).items():
            write_dense(folder / files[name], _events(of_kind, details))


def _events(active: NDArray[np.bool_], details: Details) -> list[Event]:
    """Return the events of (N, T, C), in whole segments, so that their scores are the same."""
    spans = event_spans(ActiveSegments.of(active))
    columns = zip(*(column.tolist() for column in (spans.clip, spans.label, spans.start, spans.stop)), strict=True)
    segment = details.segment
    return [
        Event(details.all_clips[n], start * segment, stop * segment, details.classes[c])
        for n, c, start, stop in columns
    ]
