"""Segments and events: an event is a maximal run of active segments of one class in one modality."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.results import import_pandas

if TYPE_CHECKING:
    import pandas as pd


class Activity(dict[str, NDArray[np.bool_]]):
    """Which segments of N clips are active, by modality and class: predicted, or ground truth.

    A mapping of modality to a boolean array (N, T, C): clips, segments, classes.

    Attributes:
        classes: Names of the C classes; None if they are unknown.
        source: Where it comes from: a decoding such as `global,clip0.5,seg0.5`, or the revision of label tables.
    """

    def __init__(
        self,
        active: Mapping[str, NDArray[Any]] | Iterable[tuple[str, NDArray[Any]]] = (),
        *,
        classes: Sequence[str] | None = None,
        source: str = "",
    ) -> None:
        """Check the arrays and keep them.

        Args:
            active: Modality -> (N, T, C), boolean or 0 and 1; the same shape for every modality.
            classes: Names of the C classes.
            source: Where it comes from.

        Raises:
            SeehearError: If an array is not of this form, or `classes` has another length than C.
        """
        super().__init__({modality: _as_bool(modality, array) for modality, array in dict(active).items()})
        self.classes = None if classes is None else tuple(classes)
        self.source = source
        shapes = {modality: array.shape for modality, array in self.items()}
        if len(set(shapes.values())) > 1:
            raise SeehearError(f"the modalities differ in shape: {shapes}; give each (clips, segments, classes)")
        if self and self.classes is not None and len(self.classes) != self.shape[2]:
            raise SeehearError(f"{len(self.classes)} class names for arrays of {self.shape[2]} classes")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Clips, segments and classes: (N, T, C)."""
        for array in self.values():
            n_clips, n_segments, n_classes = array.shape
            return n_clips, n_segments, n_classes
        return 0, 0, len(self.classes or ())

    def __repr__(self) -> str:
        n_clips, n_segments, n_classes = self.shape
        sizes = f"{n_clips} clips × {n_segments} segments × {n_classes} classes"
        return f"Activity({', '.join(self) or 'no modality'}: {sizes}{f'; {self.source}' if self.source else ''})"

    def to_frame(self, clips: Sequence[str] | None = None, segment: float = 1.0) -> pd.DataFrame:
        """Return the events as a table.

        Args:
            clips: Names of the N clips; their numbers if omitted.
            segment: Length of a segment, seconds.

        Returns:
            One row per event with the columns clip, modality, label, onset and offset (seconds), ordered by clip,
            modality, class and time.

        Raises:
            SeehearError: If the number of clips is not N.
        """
        pd = import_pandas()

        if clips is not None and len(clips) != self.shape[0]:
            raise SeehearError(f"{len(clips)} clip names for {self.shape[0]} clips")
        parts = [pd.DataFrame(columns=["clip", "modality", "label", "onset", "offset"])]
        for modality, array in self.items():
            spans = event_spans(ActiveSegments.of(array))
            if len(spans):
                columns = {"modality": modality, "onset": spans.start * segment, "offset": spans.stop * segment}
                parts.append(pd.DataFrame({"clip": spans.clip, "label": spans.label, **columns}))
        if len(parts) == 1:
            return parts[0]
        frame = pd.concat(parts[1:], ignore_index=True).sort_values("clip", kind="stable", ignore_index=True)
        if clips is not None:
            frame["clip"] = [clips[n] for n in frame["clip"]]
        if self.classes is not None:
            frame["label"] = [self.classes[c] for c in frame["label"]]
        return frame[["clip", "modality", "label", "onset", "offset"]]


def _as_bool(modality: str, values: NDArray[Any]) -> NDArray[np.bool_]:
    array = np.asarray(values)
    if array.ndim != 3:
        raise SeehearError(f"{modality}: has the shape {array.shape}; it must be (clips, segments, classes)")
    if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
        raise SeehearError(f"{modality}: holds other values than 0 and 1; decode probabilities first")
    return array.astype(np.bool_, copy=False)


@dataclass(frozen=True)
class ActiveSegments:
    """The active segments of N clips and C classes, T segments each. Few are active, so their positions are kept.

    Attributes:
        shape: N, C, T.
        active: (N × C × T,) bool, time fastest.
        positions: The positions in `active` that are True, ascending.
    """

    shape: tuple[int, int, int]
    active: NDArray[np.bool_]
    positions: NDArray[np.intp]

    @staticmethod
    def of(active: NDArray[np.bool_]) -> ActiveSegments:
        """Return the active segments of a boolean array (N, T, C)."""
        n_clips, n_segments, n_classes = active.shape
        flat = np.ascontiguousarray(active.transpose(0, 2, 1)).reshape(-1)  # (N × C × T,)
        return ActiveSegments((n_clips, n_classes, n_segments), flat, np.flatnonzero(flat))

    def __and__(self, other: ActiveSegments) -> ActiveSegments:
        both = self.active & other.active
        return ActiveSegments(self.shape, both, np.flatnonzero(both))

    def repeated(self, times: int) -> ActiveSegments:
        """Return the same clips several times, one after another: times × N clips."""
        n_clips, n_classes, n_segments = self.shape
        starts = len(self.active) * np.arange(times)[:, None]
        positions = (starts + self.positions).reshape(-1)
        return ActiveSegments((times * n_clips, n_classes, n_segments), np.tile(self.active, times), positions)

    def count(self, positions: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return how many of these positions lie in each clip and class, (N, C)."""
        n_clips, n_classes, n_segments = self.shape
        return np.bincount(positions // n_segments, minlength=n_clips * n_classes).reshape(n_clips, n_classes)


@dataclass(frozen=True)
class EventSpans:
    """Events in order of clip, class and time. An event covers the segments `start <= t < stop`.

    Attributes:
        clip: Number of its clip, (events,).
        label: Number of its class, (events,).
        start: Its first segment, (events,).
        stop: The segment after its last, (events,).
        positions: Its first position in `ActiveSegments`, (events,).
    """

    clip: NDArray[np.intp]
    label: NDArray[np.intp]
    start: NDArray[np.intp]
    stop: NDArray[np.intp]
    positions: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.clip)


def event_spans(segments: ActiveSegments) -> EventSpans:
    """Return the events: the maximal runs of active segments."""
    _, n_classes, n_segments = segments.shape
    positions = segments.positions
    time = positions % n_segments
    # An event begins where the segment before is not active, or belongs to another clip or class.
    first = np.flatnonzero((np.diff(positions, prepend=-2) > 1) | (time == 0))
    begin, start = positions[first], time[first]
    clip, label = np.divmod(begin // n_segments, n_classes)
    return EventSpans(clip, label, start, start + np.diff(first, append=len(positions)), begin)


def reindexed(array: NDArray[Any], classes: Sequence[str], order: Sequence[str]) -> NDArray[Any]:
    """Return the columns of an array in the order of other classes.

    Args:
        array: (..., C), one column per class of `classes`.
        classes: C names.
        order: The names of the columns to return.

    Returns:
        (..., len(order)). A class that is not in `classes` has zeros.
    """
    column = {name: c for c, name in enumerate(classes)}
    result = np.zeros((*array.shape[:-1], len(order)), dtype=array.dtype)
    for c, name in enumerate(order):
        if name in column:
            result[..., c] = array[..., column[name]]
    return result


def clip_blocks(shape: tuple[int, ...], most: int) -> Iterator[slice]:
    """Yield the clips of arrays, cut so that `most` cells or one clip are in a block: copies of a block stay small.

    Args:
        shape: Of the arrays, clips first.
        most: Cells in a block.
    """
    n_clips, *rest = shape
    step = max(1, most // max(1, int(np.prod(rest))))
    for start in range(0, n_clips, step):
        yield slice(start, min(start + step, n_clips))


def inside_clips(lengths: NDArray[np.int64], segments: int | None = None) -> NDArray[np.bool_]:
    """Return which segments lie within their clip, (N, T) bool.

    Args:
        lengths: Segments per clip, (N,).
        segments: T; by default that of the longest clip.
    """
    return np.asarray(np.arange(int(lengths.max(initial=0)) if segments is None else segments) < lengths[:, None])


def segment_span(onset: float, offset: float, segment: float) -> tuple[int, int]:
    """Return the segments [start, stop) that an event fills: those it covers by half or more, at least one.

    Whole-second spans of one-second segments, as in LLP, stay as they are. An empty or reversed span fills none.

    Args:
        onset: Seconds from the clip's start.
        offset: Seconds from the clip's start, exclusive.
        segment: Length of a segment, seconds.
    """
    if not offset > onset:
        return 0, 0
    start, stop = (int(np.floor(edge / segment + 0.5)) for edge in (onset, offset))
    if stop <= start:
        start = int((onset + offset) / 2 / segment)
        stop = start + 1
    return start, stop
