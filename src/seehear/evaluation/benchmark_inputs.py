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
from seehear.errors import SeehearError
from seehear.events import reindexed
from seehear.features.notes import unknown_classes
from seehear.labels import (
    DenseTable,
    WeakTable,
    classes_of,
    clip_hint,
    doubts,
    header_of,
    past_end,
    raise_fatal,
    read_table,
    read_weak,
    repeated_files,
    segments_of,
    suggestion,
)
from seehear.labels.plausible import MAX_OVERHANG
from seehear.labels.tables import CONFIDENCE, stated_lengths
from seehear.modality import AUDIO, JOINT, VISUAL, modality_of
from seehear.results import counted
from seehear.scoring.metrics.inputs import Clips, Spans, Truth, with_pair
from seehear.scoring.signature import revision

Table = DenseTable | WeakTable
Given = Table | NDArray[Any]  # of one kind: a table, or an array (N, T, C) per second or (N, C) per clip
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

    def assumed(self, segments: int) -> float | None:
        """Return how long clips of unknown length are taken to be, seconds; None if there are none.

        Args:
            segments: Of the longest clip.
        """
        taken = segments * self.segment if self.length is None else self.length
        return taken if self.unknown else None


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
        known = Labelled(
            clips.clips, clips.classes, lengths, clips.segment, clips.revision, clips.notes,
            clips.missing if clips.networks else (),
        )  # fmt: skip
    elif isinstance(clips, str | Path):
        table = read_weak(clips)
        none = np.zeros(len(table.clips), dtype=np.int64)
        known = Labelled(table.clips, classes_of([table]), none, segment, revision([table.path]), where=str(clips))
    else:
        raise SeehearError(f"{type(clips).__name__} is no data set: give a Dataset, or the path of a weak table")
    known = replace(known, unknown=int((known.lengths == 0).sum()))
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


def check_kinds(truth: Iterable[str], predicted: Iterable[str]) -> None:
    """Check that kinds which either the truth or the predictions have are not misspelt.

    Raises:
        SeehearError: Naming what may have been meant.
    """
    of_truth, of_predictions = [*truth], [*predicted]
    for what, names, others in (("truth", of_truth, of_predictions), ("predictions", of_predictions, of_truth)):
        known = [*dict.fromkeys([*others, AUDIO, VISUAL, JOINT])]
        for name in names:
            meant = f": did you mean {modality_of(name)}?" if modality_of(name) != name else suggestion(name, known)
            if name not in known and meant:
                raise SeehearError(f"{what} of {name}{meant}")


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


NOTHING_TRUE = "there, nothing can be right"


def one_sided(
    predictions: Sequence[Given], truth: Iterable[Given], clips: Labelled, names: Sequence[str] | None
) -> list[str]:
    """Return notes on classes that only the predictions name, or only the ground truth, with what may have been meant.

    Args:
        predictions: Tables or arrays.
        truth: Likewise; arrays are of the classes of the clips.
        clips: The clips, with the classes that are known of them.
        names: Of the classes of arrays that are predicted; None for those of the clips.
    """
    arrays = any(isinstance(each, np.ndarray) for each in predictions)
    true = classes_in(truth, clips)
    predicted = [*classes_in(predictions, clips), *((clips.classes if names is None else names) if arrays else ())]
    known = [*dict.fromkeys([*true, *clips.classes])]
    return [
        *unknown_classes(predicted, known, "the predictions", NOTHING_TRUE, "named by no label and no ground truth"),
        *unknown_classes(true, predicted, "the ground truth", "all of it is missed", "predicted in no clip"),
    ]


def last_segment(given: Iterable[Given], clips: Labelled, classes: int) -> int:
    """Return the number of segments that hold all that is given of these clips, at least 1."""
    kept = list(given)
    tables = [_of_clips(each, clips) for each in kept if isinstance(each, DenseTable)]
    arrays = [each.shape[1] for each in kept if isinstance(each, np.ndarray) and each.ndim == 3]
    return max(
        segments_of(tables, len(clips.clips), classes, clips.segment), *arrays, int(clips.lengths.max(initial=0)), 1
    )


def length_notes(given: Iterable[Given], clips: Labelled, segments: int) -> list[str]:
    """Return a note on how long clips of unknown length are taken to be, and on what lies past all events.

    Args:
        given: Truth and predictions.
        clips: The clips.
        segments: Of the longest clip.
    """
    if (taken := clips.assumed(segments)) is None:
        return []
    note = f"{counted(clips.unknown, 'clip is', 'clips are')} of unknown length: taken as {taken:g} s"
    if clips.length is None:
        return [f"{note}, like the longest"]
    last = clips.segment * last_segment(given, replace(clips, lengths=np.zeros_like(clips.lengths)), 1)
    if last >= taken:
        return [f"{note}, as given"]
    return [f"{note}, as given; no event ends after {last:g} s, and what follows counts as seconds without any"]


def check_tables(given: Mapping[str, Given], clips: Labelled, *, truth: bool) -> list[str]:
    """Return notes on tables that are read for clips.

    Args:
        given: kind -> table or array.
        clips: The clips.
        truth: Whether it is ground truth: then no event may lie past its clip.

    Raises:
        SeehearError: If a table names none of the clips, an event lies past its clip, or an array is of other clips.
    """
    notes = []
    own = set(clips.clips)
    for kind, each in given.items():
        if isinstance(each, np.ndarray):
            if len(each) != len(clips.clips):
                raise SeehearError(f"{kind}: is of {counted(len(each), 'clip')}, and there are {len(clips.clips)}")
            continue
        others = sorted(set(each.clips) - own)
        hint = clip_hint(others, clips.clips) if others else ""
        if each.clips and len(others) == len(set(each.clips)):
            raise SeehearError(f"{each.path}: names none of the clips of {clips.where}{hint}")
        if others and not truth:
            notes.append(
                f"{each.path}: {counted(len(others), 'clip is', 'clips are')} not scored, for example {others[0]}{hint}"
            )
    by_kind = {kind: each for kind, each in given.items() if not isinstance(each, np.ndarray)}
    notes += repeated_files(by_kind)
    tables = [*by_kind.values()]
    notes += _bare(tables, clips, "nothing happens" if truth else "nothing is predicted")
    dense = [_of_clips(each, clips) for each in tables if isinstance(each, DenseTable)]
    if truth:
        seconds = (clips.lengths * clips.segment).tolist()
        stated = stated_lengths(dense)
        length = stated | {clip: each for clip, each in zip(clips.clips, seconds, strict=True) if each}
        raise_fatal(past_end(dense, length.get, max(MAX_OVERHANG, clips.segment)))
    weak = [each for each in tables if isinstance(each, WeakTable)]
    return [*notes, *map(str, doubts(weak, dense, clips.classes))]


def _bare(tables: Sequence[Table], clips: Labelled, fate: str) -> list[str]:
    """Return a note on clips that no table of the truth, or of the predictions, names. fate: What that means."""
    named = {clip for table in tables for clip in table.clips}
    bare = [clip for clip in clips.clips if clip not in named]
    if not tables or not bare:
        return []
    hint = clip_hint(sorted(named.difference(clips.clips)), bare)
    files = ", ".join(str(table.path) for table in tables)
    have = counted(len(bare), "clip has", "clips have")
    return [f"{have} no row in {files}, for example {bare[0]}: there, {fate}{hint}"]


def _of_clips(table: DenseTable, clips: Labelled) -> DenseTable:
    own = set(clips.clips)
    return replace(table, events=tuple(event for event in table.events if event.clip in own))


def truth_of(given: Mapping[str, Given], clips: Clips, names: Sequence[str]) -> Truth:
    """Return the truth of clips.

    Args:
        given: kind -> table or array.
        clips: With all classes and segments.
        names: Of the classes of arrays.

    Raises:
        SeehearError: If an array has another number of classes.
    """
    labels, active, spans = {}, {}, {}
    for kind, each in given.items():
        if isinstance(each, WeakTable):
            labels[kind] = weak_array(each, clips)
        elif isinstance(each, DenseTable):
            active[kind] = each.array(clips.names, clips.classes, clips.segments, clips.segment)
            spans[kind] = spans_of(each, clips).merged()
        elif each.ndim == 2:
            labels[kind] = fitted(each, names, clips, kind) > HALF_TRUE
        else:
            active[kind] = fitted(each, names, clips, kind) > HALF_TRUE
            spans[kind] = Spans.of_segments(active[kind], clips.segment)
    labels |= {kind: np.asarray(array.any(axis=1)) for kind, array in active.items()}
    where = {kind: "arrays" if isinstance(each, np.ndarray) else str(each.path) for kind, each in given.items()}
    return Truth(with_pair(labels), with_pair(active), spans, where)


HALF_TRUE = 0.5  # what lies above is true: arrays hold 0 and 1


def weak_array(table: WeakTable, clips: Clips) -> NDArray[np.bool_]:
    """Return the labels of each clip, (N, C); none for a clip that the table does not name."""
    known = replace(table, labels={clip: table.labels.get(clip, ()) for clip in clips.names})
    return known.array(clips.names, clips.classes) > 0


def spans_of(table: DenseTable, clips: Clips) -> Spans:
    """Return the events of a table with their exact times; repeated ones count once, empty ones not at all."""
    row = {name: n for n, name in enumerate(clips.names)}
    column = {name: c for c, name in enumerate(clips.classes)}
    rows = {
        (row[event.clip], column[event.label], event.onset, event.offset, event.confidence)
        for event in table.events
        if event.clip in row and event.label in column and event.onset < event.offset
    }
    return Spans.of(sorted(rows))


def fitted(array: NDArray[Any], names: Sequence[str], clips: Clips, what: str) -> NDArray[Any]:
    """Return an array with all classes as columns, and padded with zeros to all segments if it has some.

    Args:
        array: (N, T, C) or (N, C).
        names: Of its C classes.
        clips: With all classes and segments.
        what: What it is, for messages.

    Raises:
        SeehearError: If it has another number of classes than names.
    """
    if array.shape[-1] != len(names):
        raise SeehearError(f"{what}: has {array.shape[-1]} classes, and the data set {len(names)}")
    if array.ndim == 3 and array.shape[1] < clips.segments:
        array = np.pad(array, ((0, 0), (0, clips.segments - array.shape[1]), (0, 0)))
    return array if tuple(names) == clips.classes else reindexed(array, names, clips.classes)


def has_confidences(table: DenseTable) -> bool:
    """Return whether a table has the column `confidence`.

    Raises:
        SeehearError: If a confidence is empty.
    """
    if CONFIDENCE not in header_of(table.path):
        return False
    if empty := next((event for event in table.events if np.isnan(event.confidence)), None):
        raise SeehearError(f"{table.path}:{empty.line}: has no confidence; fill every cell of the column, or delete it")
    return True
