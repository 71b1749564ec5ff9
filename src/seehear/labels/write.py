"""Label tables, written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from seehear.files import atomic_text
from seehear.labels.cells import quoted
from seehear.labels.tables import CONFIDENCE, DENSE_COLUMNS, WEAK_COLUMNS, Event


def write_weak(path: str | Path, labels: Mapping[str, Sequence[str]]) -> None:
    """Write a weak table. labels: clip -> its classes."""
    atomic_text(Path(path), weak_text(labels))


def weak_text(labels: Mapping[str, Sequence[str]]) -> str:
    """Return the text of a weak table. labels: clip -> its classes."""
    lines = ["\t".join(WEAK_COLUMNS), *(f"{quoted(clip)}\t{quoted(','.join(names))}" for clip, names in labels.items())]
    return "\n".join(lines) + "\n"


def write_dense(path: str | Path, events: Iterable[Event], *, confidence: bool = False) -> None:
    """Write events as a dense table; with a column for their confidence if requested."""
    atomic_text(Path(path), dense_text(events, confidence=confidence))


def dense_text(events: Iterable[Event], *, confidence: bool = False) -> str:
    """Return the text of a dense table; whole seconds as integers, others to the millisecond."""
    columns = (*DENSE_COLUMNS, CONFIDENCE) if confidence else DENSE_COLUMNS
    lines = ["\t".join(columns)]
    for e in events:
        cells = [quoted(e.clip), _seconds(e.onset), _seconds(e.offset), quoted(e.label)]
        if confidence:
            cells.append("" if math.isnan(e.confidence) else f"{e.confidence:.3f}")
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"


def _seconds(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
