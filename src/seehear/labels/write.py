"""Label tables, written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from seehear.files import atomic, atomic_text
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
    """Write events as a dense table; with a column for their confidence if requested. They are taken one by one."""
    with atomic(Path(path)) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in _dense_lines(events, confidence))


def dense_text(events: Iterable[Event], *, confidence: bool = False) -> str:
    """Return the text of a dense table; whole seconds as integers, others to the millisecond."""
    return "\n".join(_dense_lines(events, confidence)) + "\n"


class DenseTables:
    """Dense tables of several modalities that are written together, clip by clip; see `dense_tables`."""

    def __init__(self, folder: Path, files: ExitStack) -> None:
        self._folder, self._files = folder, files
        self._tables: dict[str, IO[str]] = {}

    def add(self, modality: str, events: Iterable[Event]) -> None:
        """Add events of a modality below those that it has. Without events, the modality has a table all the same."""
        if modality not in self._tables:
            temporary = self._files.enter_context(atomic(self._folder / f"{modality}.csv"))
            table = self._files.enter_context(temporary.open("w", encoding="utf-8"))
            table.write("\t".join(DENSE_COLUMNS) + "\n")
            self._tables[modality] = table
        self._tables[modality].writelines(f"{_dense_line(event)}\n" for event in events)


@contextmanager
def dense_tables(folder: Path) -> Iterator[DenseTables]:
    """Yield tables to add events to: FOLDER/<modality>.csv for each modality that is added. Memory does not grow.

    They are written when the block succeeds, and files that exist stay as they are when it fails.
    """
    with ExitStack() as files:
        yield DenseTables(folder, files)


def _dense_lines(events: Iterable[Event], confidence: bool) -> Iterator[str]:
    yield "\t".join((*DENSE_COLUMNS, CONFIDENCE) if confidence else DENSE_COLUMNS)
    for event in events:
        cells = [_dense_line(event)]
        if confidence:
            cells.append("" if math.isnan(event.confidence) else f"{event.confidence:.3f}")
        yield "\t".join(cells)


def _dense_line(event: Event) -> str:
    """Return a row of a dense table without confidence."""
    return "\t".join([quoted(event.clip), _seconds(event.onset), _seconds(event.offset), quoted(event.label)])


def _seconds(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
