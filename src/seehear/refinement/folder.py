"""The folder of a refinement.

OUT/weak_<modality>.csv  weak table: the classes that hold in this modality
OUT/<modality>.csv       dense table of pseudo-labels, with a column confidence; empty where nothing is known
OUT/refinement.json      shares per class, thresholds, the least certain labels
OUT/refinement.html      the same as a page
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.events import ActiveSegments, event_spans
from seehear.files import atomic_json, atomic_text
from seehear.labels import Event, WeakTable, dense_text, read_dense, read_weak, weak_text
from seehear.names import valid_modality_name
from seehear.pseudo import CONFIDENT, PseudoLabels
from seehear.refinement.segments import confidence_of
from seehear.results import counted
from seehear.stored import exists, read_object
from seehear.texts import read_text

if TYPE_CHECKING:
    from seehear.refinement.result import Refinement

FILE = "refinement.json"
FORMAT = "seehear-refinement-1"


def write(refinement: Refinement, folder: Path) -> None:
    """Write the tables and the numbers.

    Raises:
        SeehearError: If a table exists with other content, such as labels that were corrected by hand.
    """
    tables = {}
    for name in refinement.modalities:
        tables[folder / f"weak_{name}.csv"] = weak_text(_labels(refinement, refinement.weak[name]))
        tables[folder / f"{name}.csv"] = dense_text(_events(refinement, refinement.confidence[name]), confidence=True)
    for path, text in tables.items():
        if path.exists() and read_text(path) != text:
            raise SeehearError(f"{path}: exists with other labels, perhaps corrected ones; choose another folder")
    for path, text in tables.items():
        atomic_text(path, text)
    atomic_json(folder / FILE, {"format": FORMAT, "modalities": refinement.modalities, **refinement.as_json()})


def read(folder: str | Path, dataset: Dataset) -> PseudoLabels:
    """Return the labels per modality in a folder, for a data set's clips with features.

    Raises:
        SeehearError: If the folder holds none, they lack one of the clips, or the clip has other weak labels.
    """
    folder = Path(folder)
    facts = _facts(folder)
    clips = dataset.usable()
    weak, confidence = {}, {}
    for name in clips.modalities:
        table = read_weak(folder / f"weak_{name}.csv")
        if missing := [clip for clip in clips.clips if clip not in table.labels]:
            raise SeehearError(
                f"{table.path}: lacks {counted(len(missing), 'clip')}, for example {missing[0]}: "
                "refine the labels of these clips"
            )
        weak[name] = table.array(clips.clips, clips.classes) > 0
        wrong = np.argwhere(weak[name] & (clips.labels == 0))
        if len(wrong):
            n, c = wrong[0]
            raise SeehearError(
                f"{table.path}:{table.lines[clips.clips[n]]}: {clips.clips[n]} does not have the weak label "
                f"{clips.classes[c]}: these are refined labels of another table"
            )
        confidence[name] = confidence_of(read_dense(folder / f"{name}.csv"), clips)
    lost = np.argwhere((clips.labels > 0) & ~np.any([*weak.values()], axis=0))
    if len(lost):
        n, c = lost[0]
        raise SeehearError(
            f"{folder}: {clips.clips[n]} has the weak label {clips.classes[c]}, but holds it in no modality here: "
            "these are refined labels of another table"
        )
    return PseudoLabels(clips.classes, weak, confidence, str(facts.get("source", folder.name)))


def read_labels(folder: Path) -> tuple[dict[str, WeakTable], str]:
    """Return modality -> weak table of the labels that hold there, and where they come from.

    Raises:
        SeehearError: If the folder holds none, or they can't be read.
    """
    facts = _facts(folder)
    modalities = facts.get("modalities")
    if not isinstance(modalities, list) or not modalities or not all(isinstance(name, str) for name in modalities):
        raise SeehearError(f"{folder / FILE}: names no modalities; refine again")
    tables = {valid_modality_name(name): read_weak(folder / f"weak_{name}.csv") for name in modalities}
    return tables, str(facts.get("source", folder.name))


def _facts(folder: Path) -> dict[str, Any]:
    """Return what the file of a refinement holds."""
    if not exists(folder / FILE):
        raise SeehearError(f"{folder}: no refined labels here; `seehear labels refine` or `seehear label` makes them")
    facts = read_object(folder / FILE, "refine again")
    if facts.get("format") != FORMAT:
        raise SeehearError(
            f"{folder / FILE}: of format {facts.get('format')}, this version reads {FORMAT}: refine again"
        )
    return facts


def _labels(refinement: Refinement, weak: NDArray[np.bool_]) -> dict[str, list[str]]:
    names = np.array(refinement.classes, dtype=object)
    return {clip: names[row].tolist() for clip, row in zip(refinement.clips, weak, strict=True)}


def _events(refinement: Refinement, confidence: NDArray[np.float32]) -> list[Event]:
    """Return pseudo-labels as events with their mean confidence, and spans of which nothing is known, by clip."""
    unknown = np.isnan(confidence)
    events = []
    for active in (np.nan_to_num(confidence) >= CONFIDENT, unknown):
        spans = event_spans(ActiveSegments.of(active))
        for n, c, start, stop in zip(spans.clip, spans.label, spans.start, spans.stop, strict=True):
            own = confidence[n, start:stop, c]
            mean = math.nan if np.isnan(own).any() else float(own.mean())
            onset, offset = float(start) * refinement.segment, float(stop) * refinement.segment
            event = Event(refinement.clips[n], onset, offset, refinement.classes[c], confidence=mean)
            events.append((int(n), event))
    events.sort(key=lambda pair: (pair[0], pair[1].onset))
    return [event for _, event in events]
