"""UnAV-100, "Dense-Localizing Audio-Visual Events in Untrimmed Videos" (Geng et al., CVPR 2023): 10,790 videos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seehear.datasets.reading import ClassNames, Events, Published, clip_of, span_of, weak_of
from seehear.datasets.spec import SPLITS, DataSet, Truth
from seehear.datasets.tables import Tables
from seehear.errors import SeehearError
from seehear.labels import Defect, DefectKind
from seehear.labels.cells import seconds
from seehear.modality import JOINT
from seehear.texts import read_json

PUBLISHED = Published(
    "unav100",
    "https://github.com/ttgeng233/UnAV",
    ("data", "annotations", "unav100/annotations", "data/unav100/annotations"),
    "it lies in its folder data",
)
FILE = "unav100_annotations.json"
SUBSETS = {"train": "train", "training": "train", "validation": "val", "val": "val", "test": "test"}


def read(folder: Path) -> Tables:
    """Read UnAV-100's annotations, JSON in ActivityNet's form: database, video, annotations, segment and label."""
    (path,) = PUBLISHED.find(folder, (FILE,))
    names, defects = ClassNames(), list[Defect]()
    labels: dict[str, dict[str, list[str]]] = {split: {} for split in SPLITS}
    lengths: dict[str, float] = {}
    own: dict[int, int] = {}  # annotations are numbered through the file, and here within their clip
    places: dict[int, str] = {}
    events = Events(path, lengths.get, lambda number: f"annotation {own[number]}")
    for key, video in _database(path).items():
        clip = clip_of(key, path, 0, defects)
        split = SUBSETS.get(str(video.get("subset")).lower()) if isinstance(video, dict) else None
        if clip is None:
            continue
        if split is None:
            message = f"{clip} has none of the subsets train, validation and test; it is left out"
            defects.append(Defect(path, 0, DefectKind.CLIP_IN_NO_SPLIT, message))
            continue
        if length := _length(video.get("duration")):
            lengths[clip] = length
        labels[split][clip] = []
        annotated = video.get("annotations") or []
        for n, event in enumerate(annotated if isinstance(annotated, list) else [annotated], start=1):
            number = len(own) + 1
            own[number], places[number] = n, f"{clip}, annotation {n}"
            if (read_event := _event(event, path, number, defects)) is not None:
                name = names(read_event[0], path, number)
                if events.add(clip, *read_event[1], name, number):
                    labels[split][clip].append(name)
    dense = events.table()
    return Tables(
        {split: weak_of(path, own, dict.fromkeys(own, 0), split) for split, own in labels.items()},
        {JOINT: (dense,)},
        classes=tuple(sorted({event.label for event in dense.events})),
        renamed=names.renamed,
        lengths=lengths,
        defects=[*defects, *names.defects],
        files=(path,),
        places=places,
    )


def _database(path: Path) -> dict[str, Any]:
    """Return video -> its annotations. Raises SeehearError if the file has another form."""
    content = read_json(path)
    database = content.get("database") if isinstance(content, dict) else None
    if not isinstance(database, dict) or not database:
        raise SeehearError(f"{path}: holds no videos under `database`, as UnAV-100's annotations do; get it again")
    return database


def _length(duration: Any) -> float | None:
    """Return a length in seconds; None if it is none."""
    try:
        return seconds(str(duration)) or None
    except ValueError:
        return None


def _event(event: Any, path: Path, number: int, defects: list[Defect]) -> tuple[str, tuple[float, float]] | None:
    """Return the class and the seconds of an event; None, and add a defect, if it has none."""
    segment = event.get("segment") if isinstance(event, dict) else None
    label = event.get("label") if isinstance(event, dict) else None
    if not isinstance(segment, list) or len(segment) != 2 or not isinstance(label, str) or not label.strip():
        message = f"it lacks a segment of two times, or a label: {str(event)[:80]}"
        defects.append(Defect(path, number, DefectKind.UNREADABLE, message))
        return None
    times = span_of(str(segment[0]), str(segment[1]), path, number, defects)
    return None if times is None else (label.strip(), times)


SPEC = DataSet(
    name=PUBLISHED.name,
    source=PUBLISHED.source,
    forms=("unav-rgb", "unav-flow", "unav-vggish"),
    read=read,
    truth=Truth.JOINT,
    metrics=("map",),
)
