"""What a data set takes from label tables and stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seehear.errors import SeehearError
from seehear.features.store import Store
from seehear.labels import DenseTable, WeakTable, classes_of, read_classes

if TYPE_CHECKING:
    from seehear.features.arrays import Extraction


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


def classes_in(weak: WeakTable, dense: Mapping[str, DenseTable]) -> tuple[str, ...]:
    """Return the classes of the weak table, and after them those that only the ground truth of its clips has."""
    events = (event for table in dense.values() for event in table.events)
    more = sorted({event.label for event in events if event.clip in weak.labels})
    return tuple(dict.fromkeys([*classes_of([weak]), *more]))
