"""Dense tables, written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from seehear.files import atomic_text
from seehear.labels.tables import DENSE_COLUMNS, Event


def write_dense(path: str | Path, events: Iterable[Event]) -> None:
    """Write events as a dense table."""
    atomic_text(Path(path), dense_text(events))


def dense_text(events: Iterable[Event]) -> str:
    """Return the text of a dense table; whole seconds as integers, others to the millisecond."""
    lines = ["\t".join(DENSE_COLUMNS)]
    lines += [f"{e.clip}\t{_seconds(e.onset)}\t{_seconds(e.offset)}\t{e.label}" for e in events]
    return "\n".join(lines) + "\n"


def _seconds(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
