"""LFAV, "Long-form Audio-Visual Video Understanding" (Hou et al., TOMM 2024): 5,175 YouTube videos of about 210 s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from seehear.datasets.reading import Published, cut_end, dense_without_strays, weak_without_strays
from seehear.datasets.spec import EVALUATED_BY, SPLITS, DataSet, Truth
from seehear.datasets.tables import EVALUATED, Tables
from seehear.labels import Defect, DefectKind, DenseTable, Event, EventCheck, classes_of, scan_dense, scan_weak
from seehear.modality import AUDIO, VISUAL

PUBLISHED = Published("lfav", "https://github.com/GeWu-Lab/LFAV", ("LFAV_dataset",), "they lie in its LFAV_dataset")
WEAK = {
    "train": ("train/train_weakly.csv",),
    "val": ("val/val_weak_av.csv", "val/val_weakly_av.csv"),  # the second is the name that its README gives
    "test": ("test/test_weak_av.csv", "test/test_weakly_av.csv"),
}
LONGEST = 3600.0  # seconds: no video lasts longer, so that a later time is a slip
INCLUDED = 1.0  # seconds: LFAV's evaluation counts the second that begins at an event's offset (tools/evaluation.py)
BETWEEN_EVENTS = (DefectKind.EMPTY_EVENT, DefectKind.REPEATED_ROW, DefectKind.OVERLAP, DefectKind.CONTACT)


def read(folder: Path) -> Tables:
    """Read LFAV's tables, which have LLP's form, but for offsets, which are within events: 3 to 5 is three seconds.

    Its classes are those of the training clips' weak labels.
    """
    found = {split: PUBLISHED.find(folder, WEAK[split], *_others(split)) for split in SPLITS}
    union = {split: scan_weak(paths[0]) for split, paths in found.items()}
    classes = classes_of([union["train"]])
    by_modality = {
        modality: {split: weak_without_strays(scan_weak(found[split][1 + n]), classes) for split in SPLITS}
        for n, modality in enumerate((AUDIO, VISUAL))
    }
    dense = {
        modality: tuple(dense_without_strays(scan_dense(found[split][3 + n]), classes) for split in EVALUATED)
        for n, modality in enumerate((AUDIO, VISUAL))
    }
    return Tables(
        weak={split: weak_without_strays(table, classes) for split, table in union.items()},
        dense=_plausible(dense),
        by_modality=by_modality,
        classes=classes,
        notes=["LFAV's evaluation counts the second at an event's offset, so that offsets are written 1 s later"],
        files=tuple(path for paths in found.values() for path in paths),
        covers={path: (split,) for split in EVALUATED for path in found[split][3:]},
    )


def _others(split: str) -> list[tuple[str, ...]]:
    """Return the files of a split besides the union of its weak labels: weak per modality, then dense if evaluated."""
    names = [f"{split}_{modality}_weakly.csv" for modality in (AUDIO, VISUAL)]
    if split in EVALUATED:
        names += [f"{split}_{modality}.csv" for modality in (AUDIO, VISUAL)]
    return [(f"{split}/{name}",) for name in names]


def _plausible(dense: Mapping[str, Sequence[DenseTable]]) -> dict[str, tuple[DenseTable, ...]]:
    """Return the tables with exclusive offsets, and times after LONGEST cut where the clip's last other event ends."""
    ends: dict[str, float] = {}
    for event in (event for tables in dense.values() for table in tables for event in table.events):
        if max(event.onset, event.offset) <= LONGEST:
            ends[event.clip] = max(event.offset + INCLUDED, ends.get(event.clip, 0.0))
    return {modality: tuple(_exclusive(table, ends) for table in tables) for modality, tables in dense.items()}


def _exclusive(table: DenseTable, ends: Mapping[str, float]) -> DenseTable:
    """Return a table with exclusive offsets. ends: clip -> where its last plausible event ends, seconds."""
    check, events = EventCheck(table.path), list[Event]()
    defects = [defect for defect in table.defects if defect.kind not in BETWEEN_EVENTS]
    for published in table.events:
        event = replace(published, offset=published.offset + INCLUDED)
        if published.onset > published.offset:
            message = f"{event.label} of {event.clip} has the onset {published.onset:g}, after its offset "
            message += f"{published.offset:g}; it is left out"
            defects.append(Defect(table.path, event.line, DefectKind.EMPTY_EVENT, message))
            continue
        if event.offset > LONGEST + INCLUDED:
            end = ends.get(event.clip, 0.0)
            defects.append(cut_end(table.path, published, end, "the last other event of its clip ends"))
            event = replace(event, onset=min(event.onset, end), offset=end)
        elif published.onset == published.offset:
            message = f"{event.label} of {event.clip} has the onset and offset {published.onset:g}; it counts until "
            message += f"{event.offset:g} s, since LFAV's offsets are within the event"
            defects.append(Defect(table.path, event.line, DefectKind.EMPTY_EVENT, message))
        if event.onset < event.offset:
            defects += check(event)
            events.append(event)
    return DenseTable(table.path, tuple(events), tuple(defects))


SPEC = DataSet(
    name=PUBLISHED.name,
    source=PUBLISHED.source,
    forms=("lfav-vggish", "lfav-resnet18", "lfav-r2plus1d"),
    read=read,
    truth=Truth.PER_MODALITY,
    metrics=(EVALUATED_BY, "segment-map"),
)
