"""From what a model says of a clip to its events: heard, seen, and both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.events import Cells, runs
from seehear.scoring.decoding import Decoding, Probabilities
from seehear.scoring.scores import kinds


@dataclass(frozen=True)
class ParsedEvent:
    """A class in a modality, or in all of them at once, from onset to offset (seconds).

    confidence: mean probability of its segments, in [0, 1]; of an event in all modalities, of the least sure one.
    """

    label: str
    modality: str
    onset: float
    offset: float
    confidence: float


@dataclass(frozen=True)
class ParsedClip:
    """The events of one clip. modalities: what events can be in; the joint one last, where there are several."""

    clip: str
    file: str
    duration: float
    segment: float
    modalities: tuple[str, ...]
    decoding: str
    events: tuple[ParsedEvent, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(facts: Mapping[str, Any]) -> ParsedClip:
        return ParsedClip(
            facts["clip"],
            facts["file"],
            facts["duration"],
            facts["segment"],
            tuple(facts["modalities"]),
            facts["decoding"],
            tuple(ParsedEvent(**event) for event in facts["events"]),
        )


def parsed_events(
    probabilities: Probabilities,
    decoding: Decoding,
    classes: tuple[str, ...],
    modalities: tuple[str, ...],
    segment: float,
    duration: float,
) -> tuple[ParsedEvent, ...]:
    """The events of one clip, N = 1, by modality, onset and class.

    segment, duration: of a segment and of the clip, seconds; no event outlasts the clip.
    """
    active = decoding(probabilities, classes, modalities)
    sure = {name: probabilities.segment[0, :, m] for m, name in enumerate(modalities)}  # (T, C) each
    for joint in kinds(modalities)[len(modalities) :]:
        active[joint] = np.logical_and.reduce([active[name] for name in modalities])
        sure[joint] = np.minimum.reduce([sure[name] for name in modalities])
    events = []
    for modality, of_modality in active.items():
        found = [
            ParsedEvent(
                classes[label],
                modality,
                start * segment,
                max(min(stop * segment, duration), start * segment),
                round(float(sure[modality][start:stop, label].mean()), 4),
            )
            for label, start, stop in _spans(of_modality)
        ]
        events += sorted(found, key=lambda event: (event.onset, event.label))
    return tuple(events)


def _spans(active: NDArray[np.bool_]) -> Sequence[tuple[int, int, int]]:
    found = runs(Cells.of(active))
    return list(zip(found.label.tolist(), found.start.tolist(), found.stop.tolist(), strict=True))
