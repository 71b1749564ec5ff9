"""DESED (Turpault et al., DCASE 2019): recorded ten-second clips of ten sounds at home; videos of AudioSet, heard."""

from __future__ import annotations

import re
from pathlib import Path

from seehear.datasets.reading import ClassNames, Events, Published, clip_of, rows, span_of, weak_of
from seehear.datasets.spec import DataSet, Truth, span_in
from seehear.datasets.tables import Tables
from seehear.labels import Defect, DefectKind, DenseTable, WeakTable
from seehear.labels.cells import CellError, Header, classes_in
from seehear.modality import AUDIO
from seehear.texts import read_lines

PUBLISHED = Published(
    "desed",
    "https://github.com/turpaultn/DESED",
    ("metadata", "dataset/metadata", "real/metadata"),
    "its README says how to download them",
)
WEAK = ("train/weak.tsv", "train/weak.csv")
STRONG = {
    "val": ("validation/validation.tsv", "validation/validation.csv"),
    "test": ("eval/public.tsv", "eval/public.csv", "public/public.tsv"),
}
TIMES, CLASS = ("onset", "offset"), ("event_label", "event_labels")  # files differ in the second
SECONDS = 10.0
ID = 11  # characters of a YouTube id, which stands behind a Y
NAME = re.compile(rf"Y.{{{ID}}}_(\d+(?:\.\d+)?)_(\d+(?:\.\d+)?)")


def span(clip: str) -> tuple[float, float] | None:
    """Return the seconds of the full video that a clip is: (30, 40) for Y1234567890a_30.000_40.000; else None."""
    return span_in(clip, NAME)


def read(folder: Path) -> Tables:
    """Read the recorded clips: weak labels for training, events of validation and, if it is there, public evaluation.

    Synthetic and unlabelled clips are left out. Synthetic ones are files such as 0.wav, numbered from 0 for training
    and for validation alike, so that their names do not say which clip is meant.
    """
    weakly, validation = PUBLISHED.find(folder, WEAK, STRONG["val"])
    public = PUBLISHED.look(folder, *STRONG["test"])
    names, defects = ClassNames(), list[Defect]()
    weak = {"train": _weak(weakly, "train", names, defects)}
    dense: list[DenseTable] = []
    for split, path in {"val": validation, "test": public}.items():
        if path is not None:
            weak[split], table = _strong(path, split, names, defects)
            dense.append(table)
    notes = ["synthetic and unlabelled clips are left out"]
    if public is None:
        notes.append(f"{folder} lacks {STRONG['test'][0]}, which is a download of its own: there are no test clips")
    return Tables(
        weak,
        {AUDIO: tuple(dense)},
        classes=tuple(sorted({name for table in weak.values() for own in table.labels.values() for name in own})),
        renamed=names.renamed,
        defects=[*defects, *names.defects],
        notes=notes,
        files=tuple(path for path in (weakly, validation, public) if path is not None),
    )


def _weak(path: Path, split: str, names: ClassNames, defects: list[Defect]) -> WeakTable:
    labels: dict[str, list[str]] = {}
    lines: dict[str, int] = {}
    for line, (name, text) in rows(path, ("filename", _class_column(path)), defects):
        clip = clip_of(_stem(name), path, line, defects)
        if clip is not None:
            lines.setdefault(clip, line)
            try:
                own = [names(label, path, line) for label in classes_in(text) if label]
            except CellError as error:
                defects.append(Defect(path, line, error.kind, str(error)))
                continue
            _extend(labels, clip, own, path, line, lines[clip], defects)
    return weak_of(path, labels, lines, split)


def _extend(
    labels: dict[str, list[str]], clip: str, own: list[str], path: Path, line: int, first: int, defects: list[Defect]
) -> None:
    """Add a row's labels to those of its clip; a clip with several rows is a defect."""
    if clip in labels:
        message = f"{clip} has a row on line {first} too; it counts as one clip with the labels of both"
        defects.append(Defect(path, line, DefectKind.SEVERAL_ROWS, message))
    labels.setdefault(clip, []).extend(own)


def _strong(path: Path, split: str, names: ClassNames, defects: list[Defect]) -> tuple[WeakTable, DenseTable]:
    """Return the weak and the dense table of a file of events. A row without times and class is a clip without one."""
    labels: dict[str, list[str]] = {}
    lines: dict[str, int] = {}
    events = Events(path, lambda clip: SECONDS)
    for line, (name, onset, offset, label) in rows(path, ("filename", *TIMES, _class_column(path)), defects):
        clip = clip_of(_stem(name), path, line, defects)
        if clip is None:
            continue
        lines.setdefault(clip, line)
        labels.setdefault(clip, [])
        if not (onset or offset or label):
            continue
        if not label:
            defects.append(Defect(path, line, DefectKind.NO_CLASS, f"{clip} has an event without a class"))
        elif times := span_of(onset, offset, path, line, defects):
            ours = names(label, path, line)
            if events.add(clip, *times, ours, line):
                labels[clip].append(ours)
    return weak_of(path, labels, lines, split), events.table()


def _stem(name: str) -> str:
    """Return a clip's name for the name of its audio file."""
    return name.removesuffix(".wav")


def _class_column(path: Path) -> str:
    """Return which of the two names the column of classes has."""
    columns = Header.read(read_lines(path), ("filename", *TIMES, *CLASS)).columns
    return next((name for name in CLASS if name in columns), CLASS[0])


SPEC = DataSet(
    name=PUBLISHED.name,
    source=PUBLISHED.source,
    prefix=ID,
    skipped=1,
    read=read,
    span=span,
    seconds=SECONDS,
    truth=Truth.SOUND,
    metrics=("map", "psds"),
)
