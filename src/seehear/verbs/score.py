"""seehear score: the eleven scores of anyone's predictions, given as dense tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seehear.errors import SeehearError
from seehear.scoring.scores import LEVELS, Scores
from seehear.verbs import options
from seehear.verbs.result import Result, listed, table


@dataclass
class Scored(Result):
    """scores of the predictions. notes: what was left out of the tables."""

    scores: Scores
    notes: list[str]

    def text(self) -> str:
        names = list(self.scores.level(LEVELS[0]))
        rows = [["", *LEVELS], *([name, *(f"{self.scores.level(at)[name]:.2f}" for at in LEVELS)] for name in names)]
        lines = [table(rows), f"average  {self.scores.average:.2f}", f"signature {self.scores.signature}"]
        by_class = [["segment F1 by class", *dict.fromkeys(row.kind for row in self.scores.classes)]]
        for label in dict.fromkeys(row.label for row in self.scores.classes):
            cells = [row.f1 for row in self.scores.classes if row.label == label and row.level == "segment"]
            by_class.append([label, *("–" if f1 != f1 else f"{f1:.1f}" for f1 in cells)])
        return "\n".join(filter(None, [*lines, table(by_class), listed(self.notes, "notes")]))

    def as_json(self) -> Any:
        return {**self.scores.as_json(), "classes": [row.as_json() for row in self.scores.classes], "notes": self.notes}


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
    clips = weak.clips
    names = classes_of([weak, *truths.values(), *given.values()])
    tables = [*truths.values(), *given.values()]
    segments = max(1, *(one.last_segment(segment) for one in tables))
    predicted = {name: given[name].array(clips, names, segments, segment) for name in truths}
    true = {name: one.array(clips, names, segments, segment) for name, one in truths.items()}
    signature = Signature(decoding, revision([weak.path, *(one.path for one in truths.values())]), len(clips), iou)
    notes = []
    for one in given.values():
        strangers = {event.clip for event in one.events} - set(clips)
        if strangers:
            notes.append(
                f"{one.path}: {len(strangers)} clips are not in {labels} and were left out, as {min(strangers)}"
            )
    return Scored(of_arrays(predicted, true, names, signature), notes)
