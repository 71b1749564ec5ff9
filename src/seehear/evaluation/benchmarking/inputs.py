"""What `benchmark` is given, read: the clips, what is known of them, and what systems predict, each by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seehear import arguments
from seehear.data import Dataset
from seehear.data.usable import clips_where
from seehear.errors import SeehearError
from seehear.labels import DenseTable, WeakTable, classes_of, read_table, read_weak, segments_of
from seehear.scoring.signature import revision

Table = DenseTable | WeakTable
Given = Table | NDArray[Any]  # of one kind: a table, or an array (N, T, C) per second or (N, C) per clip
LAST_EVENT = "last-event"  # clips of unknown length count up to their last event, true or predicted
ByKind = Mapping[str, str | Path | ArrayLike] | Sequence[str]


@dataclass(frozen=True)
class Labelled:
    """Clips to score, before it is known which classes and how many segments there are.

    Attributes:
        clips: Names of the N clips.
        classes: That their labels name.
        lengths: Segments per clip, (N,); 0 if it is not known.
        segment: Seconds per segment.
        revision: Of the labels.
        notes: What a user should know about them.
        missing: Clips without features.
        where: What names them, for messages.
        unknown: Number of clips whose length is not known from their features.
        length: Seconds that these are taken as, if that was given.
        marked: Those of the clips that have labels; all of them if none has.
    """

    clips: tuple[str, ...]
    classes: tuple[str, ...]
    lengths: NDArray[np.int64]
    segment: float
    revision: str
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    where: str = "the data set"
    unknown: int = 0
    length: float | None = None
    marked: tuple[str, ...] = ()

    @property
    def assumed(self) -> str:
        """How long clips of unknown length are taken to be, for signatures; empty if there are none."""
        taken = LAST_EVENT if self.length is None else f"{self.length:g}"
        return taken if self.unknown else ""


def labelled(clips: Dataset | str | Path, length: float | None, segment: float) -> Labelled:
    """Return the clips of a data set, or of a weak table, of which only names and labels are known.

    Args:
        clips: The data set, or the table.
        length: Seconds of clips whose length is not known otherwise.
        segment: Seconds per segment, of a table's clips.

    Raises:
        SeehearError: If the table can't be read, or a number is not above 0.
    """
    for what, value in (("length", length), ("segment", segment)):
        if value is not None and not 0 < value < np.inf:
            raise SeehearError(f"{what} is in seconds, above 0, not {value:g}")
    if isinstance(clips, Dataset):
        lengths = clips.lengths if clips.networks else np.zeros(len(clips), dtype=np.int64)
        marked = np.asarray(clips.labels.any(axis=1))
        known = Labelled(
            clips.clips, clips.classes, lengths, clips.segment, clips.revision, clips.notes,
            clips.missing if clips.networks else (), marked=clips_where(clips.clips, marked),
        )  # fmt: skip
    elif isinstance(clips, str | Path):
        table = read_weak(clips)
        none = np.zeros(len(table.clips), dtype=np.int64)
        known = Labelled(
            table.clips,
            classes_of([table]),
            none,
            segment,
            revision([table.path]),
            where=str(clips),
            marked=tuple(clip for clip in table.clips if table.labels[clip]),
        )
    else:
        raise SeehearError(f"{type(clips).__name__} is no data set: give a Dataset, or the path of a weak table")
    known = replace(known, unknown=int((known.lengths == 0).sum()), marked=known.marked or known.clips)
    if length is None:
        return known
    taken = max(1, round(length / known.segment))
    lengths = np.where(known.lengths > 0, known.lengths, taken)
    return replace(known, lengths=lengths, length=taken * known.segment)


def read_by_kind(given: ByKind | None, what: str) -> dict[str, Given]:
    """Return what is given of each kind: tables, read, and arrays.

    Args:
        given: kind -> dense or weak table, or array; or texts KIND=TABLE.
        what: What it is, for messages.

    Raises:
        SeehearError: If a table can't be read, or an array has another number of axes.
    """
    if not isinstance(given, Mapping):
        return {kind: read_table(path) for kind, path in arguments.by_modality(given, arguments.KIND_FORM).items()}
    read: dict[str, Given] = {}
    for kind, value in given.items():
        if isinstance(value, str | Path):
            read |= {name: read_table(path) for name, path in arguments.by_modality({kind: value}).items()}
            continue
        read[kind] = array = np.asarray(value)
        if array.ndim not in (2, 3):
            raise SeehearError(
                f"{what} of {kind}: must be (clips, segments, classes) or (clips, classes), not {array.shape}"
            )
    return read


def classes_in(given: Iterable[Given], clips: Labelled) -> list[str]:
    """Return the classes that tables name in these clips, in alphabetical order."""
    own = set(clips.clips)
    names: set[str] = set()
    for each in given:
        if isinstance(each, DenseTable):
            names.update(event.label for event in each.events if event.clip in own)
        elif isinstance(each, WeakTable):
            names.update(label for clip, labels in each.labels.items() if clip in own for label in labels)
    return sorted(names)


def last_segment(given: Iterable[Given], clips: Labelled, classes: int) -> int:
    """Return the number of segments that hold all that is given of these clips, at least 1."""
    kept = list(given)
    tables = [of_clips(each, clips) for each in kept if isinstance(each, DenseTable)]
    arrays = [each.shape[1] for each in kept if isinstance(each, np.ndarray) and each.ndim == 3]
    return max(
        segments_of(tables, len(clips.clips), classes, clips.segment), *arrays, int(clips.lengths.max(initial=0)), 1
    )


def of_clips(table: DenseTable, clips: Labelled) -> DenseTable:
    """Return a table with the events of these clips alone."""
    own = set(clips.clips)
    return replace(table, events=tuple(event for event in table.events if event.clip in own))
