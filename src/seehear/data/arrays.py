"""Features and labels in memory, checked for a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.features.store import NetworkInfo
from seehear.labels import suggestion
from seehear.results import counted


def clip_names(features: Mapping[str, Mapping[str, Any]], clips: Sequence[str] | None) -> tuple[str, ...]:
    """Return the clips' names, by default numbers. Raises SeehearError if arrays differ in the number of clips."""
    counts = {name: len(arrays) for of_modality in features.values() for name, arrays in of_modality.items()}
    if not counts:
        raise SeehearError("a data set needs the features of at least one modality")
    count = next(iter(counts.values()))
    if len(set(counts.values())) > 1 or not count:
        raise SeehearError(f"features must be of the same clips, one or more: {counts}")
    names = tuple(map(str, range(count))) if clips is None else tuple(clips)
    if len(names) != count or len(set(names)) < count:
        raise SeehearError(f"{counted(count, 'clip')} need {count} different names, not {len(names)}")
    return names


def read_arrays(
    features: Mapping[str, Mapping[str, Any]], clips: tuple[str, ...]
) -> tuple[dict[str, NetworkInfo], dict[str, dict[str, NDArray[np.float32]]]]:
    """Return what networks there are, and network -> clip -> (T, D)."""
    infos: dict[str, NetworkInfo] = {}
    arrays: dict[str, dict[str, NDArray[np.float32]]] = {}
    for modality, of_modality in features.items():
        for name, given in of_modality.items():
            if name in infos:
                raise SeehearError(f"network {name} is given twice")
            arrays[name] = {
                clip: np.ascontiguousarray(array, dtype=np.float32)
                for clip, array in zip(clips, given, strict=True)
                if array is not None
            }
            shapes = {array.shape[1:] if array.ndim == 2 and len(array) else None for array in arrays[name].values()}
            if len(shapes) != 1 or None in shapes:
                raise SeehearError(
                    f"features of {name} must be (T, D) per clip, T at least 1 and D the same for all clips"
                )
            width = next(iter(arrays[name].values())).shape[1]
            infos[name] = NetworkInfo(name, modality, width, "arrays")
    return infos, arrays


def read_labels(
    labels: Any, classes: Sequence[str] | None, count: int, truth: Mapping[str, Any] | None
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Return the names of the classes, and the labels (N, C)."""
    if labels is None:
        width = len(classes) if classes is not None else _columns(truth)
        known = tuple(classes) if classes is not None else tuple(map(str, range(width)))
        weak = np.zeros((count, width), dtype=np.float32)
        for rows in (truth or {}).values():
            for n, row in enumerate(rows[:count]):
                active = np.asarray(row)
                if active.ndim == 2 and active.shape[1] == width:  # another shape is refused with the ground truth
                    weak[n] = np.maximum(weak[n], active.max(axis=0, initial=0) > 0.5)
        return known, weak
    if len(labels) != count:
        raise SeehearError(
            f"there {'is' if count == 1 else 'are'} {counted(count, 'clip')} and labels of {len(labels)}"
        )
    if any(isinstance(row, str) for row in labels):
        raise SeehearError("labels must be numbers (N, C), or for each clip a list of names such as ['Dog', 'Speech']")
    if count and not isinstance(labels, np.ndarray) and all(_are_names(row) for row in labels):
        rows = [list(row) for row in labels]
        known = tuple(classes) if classes is not None else tuple(sorted({name for row in rows for name in row}))
        if unknown := {name for row in rows for name in row} - set(known):
            name = min(unknown)
            raise SeehearError(f"class {name!r} is not in the list of classes{suggestion(name, known)}")
        column = {name: c for c, name in enumerate(known)}
        array = np.zeros((count, len(known)), dtype=np.float32)
        for n, row in enumerate(rows):
            array[n, [column[name] for name in row]] = 1.0
        return known, array
    array = np.asarray(labels, dtype=np.float32)
    if array.ndim != 2 or (classes is not None and array.shape[1] != len(classes)):
        expected = f"({count}, {len(classes) if classes is not None else 'classes'})"
        raise SeehearError(f"labels must be {expected}, not {array.shape}")
    if not ((array >= 0) & (array <= 1)).all():
        raise SeehearError("labels must be numbers from 0 to 1")
    return tuple(classes) if classes is not None else tuple(map(str, range(array.shape[1]))), array


def _are_names(row: Any) -> bool:
    return isinstance(row, list | tuple | set | frozenset) and all(isinstance(name, str) for name in row)


def _columns(truth: Mapping[str, Any] | None) -> int:
    first = next(iter(truth.values()), None) if truth else None
    return int(np.asarray(first[0]).shape[-1]) if first is not None and len(first) else 0


def revision_of_arrays(labels: NDArray[np.float32], classes: Sequence[str], truth: Mapping[str, Any] | None) -> str:
    """Return the revision of labels that came as arrays: `arrays@` and eight hex digits of their content."""
    digest = hashlib.sha256(repr((tuple(classes), labels.shape)).encode())
    digest.update(labels.tobytes())
    for name, rows in (truth or {}).items():
        digest.update(name.encode())
        for row in rows:
            digest.update(np.packbits(np.asarray(row) > 0.5).tobytes())
    return f"arrays@{digest.hexdigest()[:8]}"
