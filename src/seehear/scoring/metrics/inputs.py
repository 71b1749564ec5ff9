"""What a metric compares: what a system predicts of N clips, and what is known of them, by kind.

A kind is a modality, or `audio_visual`: what is heard and seen at once. Seconds are segments, of any length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from seehear.events import ActiveSegments, event_spans, inside_clips
from seehear.modality import AUDIO, JOINT, VISUAL

T = TypeVar("T")
Active = NDArray[np.bool_]
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Clips:
    """The clips that are scored.

    Attributes:
        names: Of the N clips.
        classes: Names of the C classes.
        lengths: Segments per clip, (N,).
        segments: T of all arrays.
        segment: Seconds per segment.
        unknown: Clips whose length is not known, (N,): it is taken to be up to their last event, true or predicted.
            None if there are none.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    lengths: NDArray[np.int64]
    segments: int
    segment: float = 1.0
    unknown: NDArray[np.bool_] | None = None

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Which segments lie within their clip, (N, T)."""
        return inside_clips(self.lengths, self.segments)

    @property
    def extents(self) -> NDArray[np.int64]:
        """Segments in which something can be predicted, (N,): all of a clip of unknown length, whatever is true."""
        return self.lengths if self.unknown is None else np.where(self.unknown, self.segments, self.lengths)

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Spans:
    """E events of clips, in any order.

    Attributes:
        clip: Number of the clip, (E,).
        label: Number of the class, (E,).
        onset: Seconds from the clip's start, (E,).
        offset: Likewise, exclusive; after the onset.
        confidence: By which events are ranked, (E,); 1 for ground truth.
    """

    clip: NDArray[np.intp]
    label: NDArray[np.intp]
    onset: NDArray[np.float64]
    offset: NDArray[np.float64]
    confidence: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.clip)

    @staticmethod
    def of(rows: list[tuple[int, int, float, float, float]]) -> Spans:
        """Return the events of rows: clip, label, onset, offset, confidence."""
        columns = np.array(rows, dtype=np.float64).reshape(-1, 5)
        numbers, times = columns[:, :2].astype(np.intp), columns[:, 2:].astype(np.float64)
        return Spans(numbers[:, 0], numbers[:, 1], times[:, 0], times[:, 1], times[:, 2])

    def merged(self) -> Spans:
        """Return the events in order of clip, class and time; those of a class that touch or overlap are one."""
        rows: list[tuple[int, int, float, float, float]] = []
        order = np.lexsort((self.onset, self.label, self.clip))
        columns = (column[order].tolist() for column in (self.clip, self.label, self.onset, self.offset))
        for clip, label, onset, offset in zip(*columns, strict=True):
            if rows and rows[-1][:2] == (clip, label) and onset <= rows[-1][3]:
                rows[-1] = (clip, label, rows[-1][2], max(rows[-1][3], offset), 1.0)
            else:
                rows.append((clip, label, onset, offset, 1.0))
        return Spans.of(rows)

    @staticmethod
    def of_segments(active: Active, segment: float) -> Spans:
        """Return the maximal runs of active segments, (N, T, C), with confidence 1."""
        runs = event_spans(ActiveSegments.of(active))
        onset, offset = (segment * each.astype(np.float64) for each in (runs.start, runs.stop))
        return Spans(runs.clip, runs.label, onset, offset, np.ones(len(runs)))


@dataclass(frozen=True)
class Prediction:
    """What a system predicts of N clips; every mapping is from kinds.

    Attributes:
        labels: Classes of the clip, (N, C).
        active: Predicted seconds, (N, T, C); empty if the system predicts per clip alone.
        scores: Probability of seconds, (N, T, C), 0 past a clip's end; of predictions without probabilities 0 and 1.
        clip_scores: Probability of the clip's classes, (N, C); empty if it is not known.
        spans: Events with confidences, if the system gave some instead of probabilities.
        alone: modality -> classes of the clip, (N, C), predicted from the features of this modality alone.
        graded: Whether there are probabilities or confidences.
        decoding: How probabilities became events, for signatures.
    """

    labels: Mapping[str, Active]
    active: Mapping[str, Active] = field(default_factory=dict)
    scores: Mapping[str, Scores] = field(default_factory=dict)
    clip_scores: Mapping[str, Scores] = field(default_factory=dict)
    spans: Mapping[str, Spans] = field(default_factory=dict)
    alone: Mapping[str, Active] = field(default_factory=dict)
    graded: bool = True
    decoding: str = "given"


@dataclass(frozen=True)
class Truth:
    """What is known of N clips; every mapping is from kinds.

    Attributes:
        labels: Classes that occur in the clip, (N, C).
        active: True seconds, (N, T, C), of kinds that are known per second.
        spans: True events, of kinds that were given per second; none touches or overlaps another of its class.
        given: Where each kind comes from, in the order given: a table's path, or `arrays`.
    """

    labels: Mapping[str, Active]
    active: Mapping[str, Active] = field(default_factory=dict)
    spans: Mapping[str, Spans] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)


def with_pair(values: Mapping[str, T], join: Callable[[Any, Any], T] = np.logical_and) -> dict[str, T]:
    """Add `audio_visual`, joined from audio and visual, if both are there and it is not."""
    joined = dict(values)
    if AUDIO in joined and VISUAL in joined and JOINT not in joined:
        joined[JOINT] = join(joined[AUDIO], joined[VISUAL])
    return joined
