"""Checks of what `benchmark` is given, and notes on what is suspicious: kinds, classes, clips and lengths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from seehear.errors import SeehearError
from seehear.evaluation.benchmarking.inputs import Given, Labelled, classes_in, last_segment, of_clips
from seehear.evaluation.tables import NOT_PREDICTED
from seehear.features.notes import unknown_classes
from seehear.labels import (
    DenseTable,
    WeakTable,
    bare_clips,
    clip_hint,
    doubts,
    missing_truth,
    other_clips,
    past_end,
    raise_fatal,
    repeated_files,
    suggestion,
)
from seehear.labels.plausible import MAX_OVERHANG
from seehear.labels.tables import stated_lengths
from seehear.modality import AUDIO, JOINT, VISUAL, modality_of
from seehear.results import counted
from seehear.scoring.metrics.inputs import Clips, Truth

NOTHING_TRUE = "there, nothing can be right"


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


def contradictions(truth: Truth, clips: Clips) -> list[str]:
    """Return notes on truth of several kinds that can't all be right: what is both must be in both.

    Args:
        truth: Of all kinds.
        clips: Names of the clips and classes.
    """
    if not {AUDIO, VISUAL} <= set(truth.given):
        return []
    heard, seen = truth.labels[AUDIO], truth.labels[VISUAL]
    notes = []
    if np.array_equal(heard, seen) and heard.any() and truth.given[AUDIO] != truth.given[VISUAL]:
        notes.append(
            f"truth of {AUDIO} and of {VISUAL} have the same labels in every clip ({truth.given[AUDIO]}, "
            f"{truth.given[VISUAL]}): is one of them of the other modality?"
        )
    if JOINT not in truth.given:
        return notes
    cells = np.argwhere(truth.labels[JOINT] & ~(heard & seen))
    if len(cells):
        n, c = cells[0]
        notes.append(
            f"truth of {JOINT} ({truth.given[JOINT]}) contradicts that of {AUDIO} and {VISUAL}: "
            f"{counted(len(cells), 'label')} of a clip, for example {clips.names[n]} ({clips.classes[c]}), "
            f"{'is' if len(cells) == 1 else 'are'} not in both. What is heard and seen at once must be; leave "
            f"{JOINT} out, and it follows from the two"
        )
    return notes


def length_notes(given: Iterable[Given], clips: Labelled) -> list[str]:
    """Return a note on how long clips of unknown length are taken to be, and on what lies past all events.

    Args:
        given: Truth and predictions.
        clips: The clips.
    """
    if not clips.unknown:
        return []
    note = f"{counted(clips.unknown, 'clip is', 'clips are')} of unknown length"
    if (taken := clips.length) is None:
        each = "it counts" if clips.unknown == 1 else "each counts"
        return [
            f"{note}: {each} up to the end of its last event, true or predicted; give length= for another (on the "
            "command line --length SECONDS)"
        ]
    note = f"{note}: taken as {taken:g} s"
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
    for kind, each in given.items():
        if isinstance(each, np.ndarray):
            if len(each) != len(clips.clips):
                raise SeehearError(f"{kind}: is of {counted(len(each), 'clip')}, and there are {len(clips.clips)}")
            continue
        if not truth and (others := other_clips(each, clips.clips, clips.where, NOT_PREDICTED)):
            are, hint = counted(len(others), "clip is", "clips are"), clip_hint(others, clips.clips)
            notes.append(f"{each.path}: {are} not scored, for example {others[0]}{hint}")
    by_kind = {kind: each for kind, each in given.items() if not isinstance(each, np.ndarray)}
    notes += repeated_files(by_kind)
    tables = [*by_kind.values()]
    if truth:
        notes += missing_truth(by_kind, clips.clips, clips.marked, clips.where)
    else:
        notes += bare_clips(tables, clips.clips, "", "no row", "nothing is predicted")
    dense = [of_clips(each, clips) for each in tables if isinstance(each, DenseTable)]
    if truth:
        seconds = (clips.lengths * clips.segment).tolist()
        stated = stated_lengths(dense)
        length = stated | {clip: each for clip, each in zip(clips.clips, seconds, strict=True) if each}
        raise_fatal(past_end(dense, length.get, max(MAX_OVERHANG, clips.segment)))
    weak = [each for each in tables if isinstance(each, WeakTable)]
    return [*notes, *map(str, doubts(weak, dense, clips.classes))]
