"""What people know of modalities, in the form of refined labels, which `seehear train --refined` reads.

OUT/refined/weak_<modality>.csv   weak table: the classes that hold in this modality, or may hold
OUT/refined/<modality>.csv        dense table with a column confidence: drawn events, and what is unknown
OUT/refined/refinement.json       says what made these tables
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from seehear.errors import SeehearError
from seehear.files import atomic_bytes
from seehear.labelling.records import MODALITIES, ClipLabels, ClipRecord
from seehear.labels import Event, dense_text, weak_text
from seehear.modality import JOINT
from seehear.refinement.folder import FILE, FORMAT
from seehear.stored import exists, read_object

SOURCE = "labelled by hand"
WHOLE = 86_400.0  # seconds: to the end of any clip


def write(records: Mapping[str, ClipRecord], folder: Path) -> Path:
    """Write the labels per modality of labelled clips. Returns the folder.

    Args:
        records: Clip -> what is known of it.
        folder: Made if it does not exist. Tables that this function wrote before are replaced.

    Raises:
        SeehearError: If refined labels of someone else are there.
    """
    if exists(folder / FILE) and read_object(folder / FILE, "choose another folder").get("source") != SOURCE:
        raise SeehearError(f"{folder}: holds refined labels that were not made by labelling; choose another folder")
    facts = {"format": FORMAT, "modalities": MODALITIES, "source": SOURCE}
    texts = {FILE: json.dumps(facts, indent=1) + "\n"}
    done = {clip: record.state for clip, record in records.items() if record.state.done}
    for modality in MODALITIES:
        weak = {clip: [label for label in state.labels or () if _may_hold(state, label, modality)]
                for clip, state in done.items()}  # fmt: skip
        events = (event for clip, state in done.items() for event in _events(clip, state, weak[clip], modality))
        texts |= {f"weak_{modality}.csv": weak_text(weak), f"{modality}.csv": dense_text(events, confidence=True)}
    for name, text in texts.items():
        data = text.encode()
        if not _has(folder / name, data):
            atomic_bytes(folder / name, data, durable=False)  # as the other tables: the log has it all
    return folder


def _has(file: Path, data: bytes) -> bool:
    return exists(file) and file.stat().st_size == len(data) and file.read_bytes() == data


def _drawn(state: ClipLabels, label: str) -> set[str]:
    """Return the modalities in which a class has drawn events."""
    return {event.modality for event in state.events if event.label == label}


def _may_hold(state: ClipLabels, label: str, modality: str) -> bool:
    """Return whether a label holds in a modality, or nobody knows that it does not."""
    of, drawn = (state.labels or {})[label], _drawn(state, label)
    if of is None and state.timed and drawn:
        return modality in drawn
    return of in (None, JOINT, modality)


def _events(clip: str, state: ClipLabels, labels: list[str], modality: str) -> Iterator[Event]:
    """Yield the drawn events of a clip in a modality, and the whole clip for classes without any."""
    for label in labels:
        if modality in _drawn(state, label):
            yield from (
                Event(clip, event.onset, event.offset, label, confidence=1.0)
                for event in state.of(modality)
                if event.label == label
            )
        else:
            yield Event(clip, 0.0, WHOLE, label, confidence=math.nan)
