"""What a data set takes from label tables and stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from seehear.errors import SeehearError
from seehear.features.store import Store
from seehear.labels import (
    Defect,
    DefectKind,
    DenseTable,
    WeakTable,
    classes_of,
    raise_fatal,
    read_classes,
    scan_dense,
    scan_weak,
)

if TYPE_CHECKING:
    from seehear.features.arrays import Extraction

OF_LIST = (DefectKind.UNKNOWN_CLASS, DefectKind.JOINED_CLASSES)  # defects that a list of classes makes
ADVICE = "; add it to the list, or give no list: then the classes are those of the tables"


def store_of(store: str | Path | Store | Extraction) -> Store:
    """Return a store, by its folder or as what `extract` returned. Raises SeehearError if that has none."""
    if isinstance(store, Store):
        return store
    if isinstance(store, str | Path):
        return Store(store)
    if store.kept is None:
        raise SeehearError(
            "these features were extracted without a store: extract with store=FOLDER, or use from_arrays"
        )
    return store.kept


def class_names(classes: Sequence[str] | str | Path | None) -> tuple[str, ...] | None:
    """Return the names of classes, which a file may hold; None if none are given."""
    if classes is None:
        return None
    return read_classes(classes) if isinstance(classes, str | Path) else tuple(classes)


def read_tables(
    labels: str | Path, truth: Mapping[str, str | Path], classes: Sequence[str] | None
) -> tuple[WeakTable, dict[str, DenseTable]]:
    """Return a weak table, and modality -> dense table. Classes of clips that are not in the weak table don't matter.

    Args:
        labels: The weak table.
        truth: modality -> dense table.
        classes: The classes that are allowed; any if None.

    Raises:
        SeehearError: Naming every fatal defect, and what to do about a class that is not allowed.
    """
    weak = scan_weak(labels, classes)
    raise_fatal(map(_advised, weak.defects))
    dense = {}
    for modality, path in truth.items():
        dense[modality] = table = scan_dense(path, classes)
        own = {event.line for event in table.events if event.clip in weak.labels}
        kept = [
            defect for defect in table.defects if classes is None or defect.kind not in OF_LIST or defect.line in own
        ]
        raise_fatal(map(_advised, kept))
    return weak, dense


def _advised(defect: Defect) -> Defect:
    """Return a defect whose message says what to do about a class that the list lacks."""
    if defect.kind is not DefectKind.UNKNOWN_CLASS:
        return defect
    return replace(defect, message=f"{defect.message}{ADVICE}")


def classes_in(weak: WeakTable, dense: Mapping[str, DenseTable]) -> tuple[str, ...]:
    """Return the classes of the weak table, and after them those that only the ground truth of its clips has."""
    events = (event for table in dense.values() for event in table.events)
    more = sorted({event.label for event in events if event.clip in weak.labels})
    return tuple(dict.fromkeys([*classes_of([weak]), *more]))
