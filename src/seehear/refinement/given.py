"""Pseudo-labels that somebody else made: dense tables per modality, with a confidence per event if there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from seehear.arguments import PathLike
from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.events import inside_clips
from seehear.labels import DenseTable, Event, read_dense, suggestion
from seehear.labels.read import MILLISECOND
from seehear.pseudo import CONFIDENT, PseudoLabels
from seehear.refinement.result import Refinement
from seehear.refinement.segments import confidence_of
from seehear.results import counted
from seehear.scoring.signature import revision


def refine_by(dataset: Dataset, tables: Mapping[str, PathLike | DenseTable]) -> Refinement:
    """Find out in which modality each weak label holds, from pseudo-labels of segments.

    An event counts where the clip has its class. A weak label stays in a modality that has an event of it. If none has,
    it stays in all of them, and nothing is known of its segments.

    Args:
        dataset: Clips with weak labels. Their features are not looked at.
        tables: modality -> dense table, or its file. A column `confidence` is read if there is one: in [0, 1], empty
            where it is not known whether the class occurs. An event below 0.5 counts as absent.

    Returns:
        Labels per modality, of the clips with features.

    Raises:
        SeehearError: If a modality has no table, or the tables name none of the clips.
    """
    clips = dataset.usable()
    read = {name: each if isinstance(each, DenseTable) else read_dense(Path(each)) for name, each in tables.items()}
    if others := [name for name in read if name not in clips.modalities]:
        raise SeehearError(f"{others[0]}: no modality of these clips, which have {' and '.join(clips.modalities)}")
    if missing := [name for name in clips.modalities if name not in read]:
        raise SeehearError(
            f"pseudo-labels are given for {', '.join(read) or 'no modality'}: give those of {missing[0]}"
        )
    notes = _notes(clips, read)
    labels = clips.labels > 0
    confidence = {name: confidence_of(read[name], clips) for name in clips.modalities}
    found = {name: (np.nan_to_num(array) >= CONFIDENT).any(axis=1) for name, array in confidence.items()}  # (N, C)
    nowhere = labels & ~np.any([*found.values()], axis=0)
    inside = inside_clips(clips.lengths)  # (N, T)
    for array in confidence.values():
        array[inside[..., None] & nowhere[:, None]] = np.nan
    if nowhere.any():
        notes.append(f"{int(nowhere.sum())} weak labels are in no pseudo-label: they count in every modality")
    source = revision([read[name].path for name in clips.modalities])
    pseudo = PseudoLabels(clips.classes, {name: each | nowhere for name, each in found.items()}, confidence, source)
    return Refinement(clips.clips, pseudo, clips.labels, {}, clips.lengths, clips.segment, 0.0, None, {}, notes)


def _notes(clips: Dataset, tables: Mapping[str, DenseTable]) -> list[str]:
    """Return notes on events that can't be used.

    Raises:
        SeehearError: If a table names none of the clips.
    """
    notes = []
    length = dict(zip(clips.clips, (clips.lengths * clips.segment).tolist(), strict=True))
    has = {clip: set(np.flatnonzero(row > 0)) for clip, row in zip(clips.clips, clips.labels, strict=True)}
    column = {name: c for c, name in enumerate(clips.classes)}
    for table in tables.values():
        others = sorted({event.clip for event in table.events} - set(length))
        own = [event for event in table.events if event.clip in length]
        if table.events and not own:
            raise SeehearError(f"{table.path}: names none of the clips, but for example {others[0]}")
        if others:
            are = counted(len(others), "clip is", "clips are")
            notes.append(f"{table.path}: {are} not in the data set, for example {others[0]}: left out")
        if late := [event for event in own if event.offset > length[event.clip] + MILLISECOND]:
            first = late[0]
            notes.append(
                f"{table.path}:{first.line}: {first.label} ends at {first.offset:g} s, after the end of its clip at "
                f"{length[first.clip]:g} s{_more(late)}: what lies past the end is left out"
            )
        if foreign := [event for event in own if column.get(event.label, -1) not in has[event.clip]]:
            first = foreign[0]
            notes.append(
                f"{table.path}:{first.line}: {first.clip} does not have the weak label {first.label}{_more(foreign)}: "
                f"left out{'' if first.label in column else suggestion(first.label, clips.classes)}"
            )
    return notes


def _more(events: Sequence[Event]) -> str:
    """Return how many such events there are beside the first."""
    return f", and {len(events) - 1} more such events" if len(events) > 1 else ""
