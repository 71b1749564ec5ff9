"""Ground truth of every modality of a data set, from dense tables or arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from seehear.errors import SeehearError
from seehear.events import Activity
from seehear.labels import DenseTable, WeakTable, past_end, raise_fatal, segments_of
from seehear.labels.plausible import MAX_OVERHANG
from seehear.labels.tables import stated_lengths
from seehear.modality import JOINT
from seehear.results import counted
from seehear.scoring.signature import revision

if TYPE_CHECKING:
    from seehear.data.dataset import Dataset


def used_truth(dense: Mapping[str, DenseTable], networks: Iterable[str]) -> tuple[Mapping[str, DenseTable], list[str]]:
    """Return the tables of the modalities that have networks, and notes on others, which are not used.

    Args:
        dense: modality -> table.
        networks: The modalities that have networks. If one has no table, all tables are returned.
    """
    wanted = list(networks)
    if not set(wanted) <= set(dense):
        return dense, []
    notes = [
        f"{table.path}: is not used: it is ground truth of {name}, and the networks are of {' and '.join(wanted)}"
        for name, table in dense.items()
        if name not in wanted
    ]
    return {name: table for name, table in dense.items() if name in wanted}, notes


def revisions_of_truth(weak: WeakTable, dense: Mapping[str, DenseTable]) -> dict[frozenset[str], str]:
    """Return the revision of the labels with the ground truth of some modalities, by these, for signatures."""
    parts = [part for size in range(1, len(dense)) for part in combinations(dense, size)]
    return {frozenset(part): revision([weak.path, *(dense[name].path for name in part)]) for part in parts}


def truth_from_tables(dataset: Dataset, dense: Mapping[str, DenseTable]) -> Activity:
    """Return the ground truth of every modality from dense tables.

    Raises:
        SeehearError: If a modality has none, or naming every event that lies past the end of its clip.
    """
    if missing := [name for name in dataset.modalities if name not in dense]:
        raise SeehearError(
            f"ground truth is given for {', '.join(dense)} only: give a dense table for {' and '.join(missing)} too"
            f"{_for_benchmark(dense)}{_alone(dense)}"
        )
    clips = set(dataset.clips)
    own = [replace(table, events=tuple(e for e in table.events if e.clip in clips)) for table in dense.values()]
    seconds = (dataset.lengths * dataset.segment).tolist()
    length = stated_lengths(own) | {clip: each for clip, each in zip(dataset.clips, seconds, strict=True) if each}
    raise_fatal(past_end(own, length.get, max(MAX_OVERHANG, dataset.segment)))
    last = segments_of(own, len(dataset), len(dataset.classes), dataset.segment)
    segments = max(int(dataset.lengths.max()), last)
    arrays = {
        name: dense[name].array(dataset.clips, dataset.classes, segments, dataset.segment)
        for name in dataset.modalities
    }
    return Activity(arrays, classes=dataset.classes, source=dataset.revision)


def truth_from_arrays(dataset: Dataset, truth: Mapping[str, Any]) -> Activity:
    """Return the ground truth (N, T, C) of every modality; shorter clips are padded with inactive segments."""
    if missing := [name for name in dataset.modalities if name not in truth]:
        what = f"ground truth is needed for every modality: give {' and '.join(missing)} too"
        raise SeehearError(f"{what}{_for_benchmark(truth)}")
    lengths = dataset.lengths if dataset.networks else np.zeros(len(dataset), dtype=np.int64)
    longest = int(lengths.max())
    arrays = {}
    for name in dataset.modalities or truth:
        rows = [np.asarray(row) > 0.5 for row in truth[name]]  # (T, C) each
        if len(rows) != len(dataset) or any(row.ndim != 2 or row.shape[1] != len(dataset.classes) for row in rows):
            raise SeehearError(
                f"ground truth of {name} must be ({len(dataset)}, T, {len(dataset.classes)}): clips, segments, classes"
            )
        short = [n for n, row in enumerate(rows) if len(row) < lengths[n]]
        if short:
            n = short[0]
            raise SeehearError(
                f"clip {dataset.clips[n]} has {counted(int(lengths[n]), 'segment')}, but its ground truth of {name} "
                f"has {len(rows[n])}"
            )
        segments = max(longest, *(len(row) for row in rows))
        arrays[name] = np.zeros((len(rows), segments, len(dataset.classes)), dtype=bool)
        for n, row in enumerate(rows):
            arrays[name][n, : len(row)] = row
    segments = max(array.shape[1] for array in arrays.values())
    padded = {name: np.pad(array, ((0, 0), (0, segments - array.shape[1]), (0, 0))) for name, array in arrays.items()}
    return Activity(padded, classes=dataset.classes, source=dataset.revision)


def _alone(truth: Iterable[str]) -> str:
    """Return what scores a run of all modalities by the truth that is there."""
    given = [name for name in truth if name != JOINT]
    if not given:
        return ""
    tables = " ".join(f"{name}=TABLE" for name in given)
    return f"; or score {' and '.join(given)} alone: seehear benchmark RUN --metrics parsing-f1 --truth {tables}"


def _for_benchmark(truth: Iterable[str]) -> str:
    """Return where truth of what is heard and seen at once belongs, if there is some."""
    return f"; truth of {JOINT} is for sh.benchmark(…, truth=…), which needs no other" if JOINT in truth else ""
