"""From what a model says of a clip to its events: heard, seen, and both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.events import ActiveSegments, event_spans
from seehear.labels import DenseTable, classes_of
from seehear.modality import kinds, with_joint
from seehear.scoring.decoding import Decoding


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
    """The events of one clip.

    file: where it lies. duration, segment: of the clip and of a segment, seconds.
    modalities: what events can be in; the joint one last, where there are several.
    probabilities: modality -> class -> one a segment, of the classes that have an event, or a true one.
    truth: the true events, with confidence 1; None where they are not known.
    classes: all that there can be.
    """

    clip: str
    file: str
    duration: float
    segment: float
    modalities: tuple[str, ...]
    decoding: str
    events: tuple[ParsedEvent, ...]
    probabilities: Mapping[str, Mapping[str, Sequence[float]]]
    truth: tuple[ParsedEvent, ...] | None = None
    classes: tuple[str, ...] = ()

    def of(self, modality: str, *, true: bool = False) -> list[ParsedEvent]:
        """The events, or the true events, in a modality."""
        events = (self.truth or ()) if true else self.events
        return [event for event in events if event.modality == modality]

    def labels(self, modality: str) -> list[str]:
        """The classes of a modality's events and true events, by when they first begin in any modality."""
        everything = sorted([*self.events, *(self.truth or ())], key=lambda event: (event.onset, event.label))
        here = {event.label for event in [*self.of(modality), *self.of(modality, true=True)]}
        return [label for label in dict.fromkeys(event.label for event in everything) if label in here]

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
            facts["probabilities"],
            None if facts["truth"] is None else tuple(ParsedEvent(**event) for event in facts["truth"]),
            tuple(facts["classes"]),
        )


def parsed_clip(
    active: Mapping[str, NDArray[np.bool_]],
    probabilities: NDArray[np.float32],
    classes: Sequence[str],
    segment: float,
    decoding: Decoding,
    *,
    clip: str,
    file: Path,
    duration: float,
    truth: Sequence[ParsedEvent] | None = None,
    known: Sequence[str] = (),
) -> ParsedClip:
    """A clip from what was found in it, as `parsed_events` takes it. decoding: how it was found.

    truth: the true events, in any modality, if they are known. known: all classes, where `classes` are only some.
    """
    events = parsed_events(active, probabilities, classes, segment, duration)
    labels = [label for label in dict.fromkeys(event.label for event in [*events, *(truth or ())]) if label in classes]
    column = {name: c for c, name in enumerate(classes)}
    return ParsedClip(
        clip,
        str(file),
        round(duration, 3),
        segment,
        kinds(tuple(active)),
        str(decoding),
        events,
        {
            modality: {
                label: probabilities[0, :, m, column[label]].astype(np.float64).round(4).tolist() for label in labels
            }
            for m, modality in enumerate(active)
        },
        None if truth is None else tuple(truth),
        tuple(known or classes),
    )


def parsed_events(
    active: Mapping[str, NDArray[np.bool_]],
    probabilities: NDArray[np.float32],
    classes: Sequence[str],
    segment: float,
    duration: float,
) -> tuple[ParsedEvent, ...]:
    """The events of one clip, by modality, onset and class.

    active: modality -> (1, T, C), the segments in which a class was found. probabilities: (1, T, M, C), with modalities
    in that order. segment, duration: of a segment and of the clip, seconds; no event outlasts the clip.
    """
    modalities = tuple(active)
    sure = {name: probabilities[0, :, m] for m, name in enumerate(modalities)}  # (T, C) each
    for joint in kinds(modalities)[len(modalities) :]:
        sure[joint] = np.minimum.reduce([sure[name] for name in modalities])
    events = []
    for modality, of_modality in with_joint(active, modalities).items():
        found = [
            ParsedEvent(
                classes[label],
                modality,
                start * segment,
                max(min(stop * segment, duration), start * segment),
                round(float(sure[modality][start:stop, label].mean()), 4),
            )
            for label, start, stop in spans_of(of_modality)
        ]
        events += sorted(found, key=lambda event: (event.onset, event.label))
    return tuple(events)


def true_events(
    clip: str, tables: Mapping[str, DenseTable], modalities: tuple[str, ...], segment: float
) -> dict[str, list[ParsedEvent]]:
    """modality -> a clip's true events; those in all modalities too, where the truth of each is given."""
    names = classes_of(tables.values())
    length = max(1, *(table.last_segment(segment) for table in tables.values()))
    active = {name: table.array([clip], names, length, segment) for name, table in tables.items()}
    if set(modalities) <= set(active):
        active = with_joint(active, modalities)
    return {
        modality: [
            ParsedEvent(names[label], modality, start * segment, stop * segment, 1.0)
            for label, start, stop in spans_of(array)
        ]
        for modality, array in active.items()
    }


def truth_of(
    clip: str, tables: Mapping[str, DenseTable], modalities: tuple[str, ...], segment: float
) -> list[ParsedEvent]:
    """A clip's true events in all modalities, as `true_events` has them, one after another."""
    return [event for events in true_events(clip, tables, modalities, segment).values() for event in events]


def spans_of(active: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Class number, first segment and segment after the last of each event in an array (1, T, C)."""
    found = event_spans(ActiveSegments.of(active))
    return list(zip(found.label.tolist(), found.start.tolist(), found.stop.tolist(), strict=True))
