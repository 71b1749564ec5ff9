"""From probabilities of a classifier's classes to those of a user's classes, and which of these are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seehear.events import ActiveSegments, event_spans

COVERED = 0.5  # share of an event that a more specific class must fill to take its place


def of_classes(
    probabilities: NDArray[np.float32], sources: Mapping[int, Sequence[int]], classes: int, *, exclusive: bool
) -> NDArray[np.float32]:
    """Return the probabilities of a user's classes.

    Args:
        probabilities: Of a classifier's classes, (R, K).
        sources: Number of a class -> numbers of the classifier's classes that it stands for.
        classes: C, how many there are.
        exclusive: Whether only one of the classifier's classes can hold: then probabilities add up. Otherwise the
            largest counts.

    Returns:
        (R, C); 0 for a class without sources.
    """
    found = np.zeros((len(probabilities), classes), dtype=np.float32)
    for c, numbers in sources.items():
        own = probabilities[:, numbers]
        found[:, c] = own.sum(axis=1) if exclusive else own.max(axis=1)
    return np.minimum(found, np.float32(1))


def in_context(values: NDArray[np.float32], within: NDArray[np.bool_], reach: int) -> NDArray[np.float32]:
    """Return the geometric mean of the probability in a segment, and of the mean around it; see `means_around`."""
    context: NDArray[np.float32] = np.sqrt(values * means_around(values, within, reach))
    return context


def means_around(values: NDArray[np.float32], within: NDArray[np.bool_], reach: int) -> NDArray[np.float32]:
    """Return the mean over the segments of the clip that are at most `reach` segments away, (N, T, C).

    Args:
        values: (N, T, C); 0 past a clip's end.
        within: (N, T), which segments lie in the clip.
        reach: Segments before and after each.
    """
    segments = values.shape[1]
    first = np.maximum(np.arange(segments) - reach, 0)
    stop = np.minimum(np.arange(segments) + reach + 1, segments)
    total = np.zeros((len(values), segments + 1, values.shape[2]))
    np.cumsum(values, axis=1, dtype=np.float64, out=total[:, 1:])
    count = np.zeros((len(values), segments + 1))
    np.cumsum(within, axis=1, out=count[:, 1:])
    means = (total[:, stop] - total[:, first]) / np.maximum(count[:, stop] - count[:, first], 1)[..., None]
    return np.maximum(means, 0).astype(np.float32)


def without_parents(active: NDArray[np.bool_], children: Mapping[int, Sequence[int]]) -> NDArray[np.bool_]:
    """Return active segments without the events whose place more specific classes take.

    An event of a class is left out if classes below it are active in at least half of its segments.

    Args:
        active: (N, T, C).
        children: Number of a class -> numbers of the classes below it.
    """
    kept = active.copy()
    for parent, below in children.items():
        specific = np.asarray(active[..., below].any(axis=-1))  # (N, T)
        spans = event_spans(ActiveSegments.of(active[..., [parent]]))
        for clip, start, stop in zip(spans.clip, spans.start, spans.stop, strict=True):
            if specific[clip, start:stop].mean() >= COVERED:
                kept[clip, start:stop, parent] = False
    return kept
