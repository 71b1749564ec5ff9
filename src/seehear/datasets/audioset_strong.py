"""AudioSet with temporally strong labels (Hershey et al., ICASSP 2021): 120,459 ten-second clips, sounds alone."""

from __future__ import annotations

import re
from pathlib import Path

from seehear.datasets.reading import ClassNames, Events, Published, clip_of, rows, span_of, weak_of
from seehear.datasets.spec import DataSet, Truth
from seehear.datasets.tables import Tables
from seehear.labels import Defect, DefectKind, DenseTable, WeakTable
from seehear.modality import AUDIO
from seehear.texts import read_lines

PUBLISHED = Published(
    "audioset-strong",
    "https://research.google.com/audioset/download_strong.html",
    remedy="that page links to each of them",
)
FILES = {"train": "audioset_train_strong.tsv", "test": "audioset_eval_strong.tsv"}
NAMES = "mid_to_display_name.tsv"
COLUMNS = ("segment_id", "start_time_seconds", "end_time_seconds", "label")
SECONDS = 10
ID = 11  # characters of a YouTube id
NAME = re.compile(rf".{{{ID}}}_(\d+)")


def span(clip: str) -> tuple[float, float] | None:
    """Return the seconds of the full video that a clip is: (30, 40) for b0RFKhbpFJA_30000; None for other names."""
    match = NAME.fullmatch(clip)
    return (int(match[1]) / 1000, int(match[1]) / 1000 + SECONDS) if match else None


def read(folder: Path) -> Tables:
    """Read the events of both splits, with the classes' names for their machine ids. There is no validation split."""
    *paths, listed = PUBLISHED.find(folder, *((name,) for name in FILES.values()), (NAMES,))
    names, defects = ClassNames(), list[Defect]()
    display = _display_names(listed, defects)
    weak: dict[str, WeakTable] = {}
    dense: list[DenseTable] = []
    for split, path in zip(FILES, paths, strict=True):
        events, labels, lines = Events(path, _length), dict[str, dict[str, None]](), dict[str, int]()
        for line, (name, onset, offset, mid) in rows(path, COLUMNS, defects):
            clip = clip_of(name, path, line, defects)
            times = span_of(onset, offset, path, line, defects)
            if clip is None or times is None:
                continue
            lines.setdefault(clip, line)
            label = names(*_class(mid, display, listed, path, line, defects))
            fills = events.add(clip, *times, label, line)
            labels.setdefault(clip, {}).update({label: None} if fills else {})
        weak[split] = weak_of(path, {clip: list(own) for clip, own in labels.items()}, lines, split)
        dense.append(events.table())
    return Tables(
        weak,
        {AUDIO: tuple(dense)},
        classes=tuple(sorted({event.label for table in dense for event in table.events})),
        renamed=names.renamed,
        defects=[*defects, *names.defects],
        files=(*paths, listed),
    )


def _length(clip: str) -> float | None:
    return float(SECONDS)


def _class(
    mid: str, display: dict[str, tuple[str, int]], listed: Path, path: Path, line: int, defects: list[Defect]
) -> tuple[str, Path, int]:
    """Return the name of a class for its machine id, and its place; the id itself if it has no name."""
    if mid not in display:
        message = f"{mid} has no name in {NAMES}; the class is called so"
        defects.append(Defect(path, line, DefectKind.STRAY_CLASS, message))
        display[mid] = mid, 0
    name, at = display[mid]
    return name, listed, at


def _display_names(path: Path, defects: list[Defect]) -> dict[str, tuple[str, int]]:
    """Return machine id -> name of the class, and the line. The file has no header."""
    found: dict[str, tuple[str, int]] = {}
    mids: dict[str, str] = {}  # name -> machine id
    for line, text in enumerate(read_lines(path), start=1):
        mid, _, name = text.partition("\t")
        if not text.strip():
            continue
        if not name.strip():
            message = "the line has no name behind a machine id and a tab"
            defects.append(Defect(path, line, DefectKind.FIELD_COUNT, message))
            continue
        found[mid.strip()] = name.strip(), line
        if (first := mids.setdefault(name.strip(), mid.strip())) != mid.strip():
            message = f"{mid.strip()} and {first} are both called {name.strip()}; they count as one class"
            defects.append(Defect(path, line, DefectKind.SPELLINGS, message))
    return found


SPEC = DataSet(
    name=PUBLISHED.name,
    source=PUBLISHED.source,
    prefix=ID,
    read=read,
    span=span,
    truth=Truth.SOUND,
    metrics=("map", "psds"),
)
