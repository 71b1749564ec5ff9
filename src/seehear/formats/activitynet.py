"""JSON for temporal detection in the form of ActivityNet's evaluation, which UnAV-100 and others use too.

One file per modality: these tools match segments by clip and class alone, and would count a dog that is heard and seen
as detected twice. Each segment names its modality as well. Predictions have the form of ActivityNet's results, ground
truth that of its annotations, in the subset that its evaluation scores by default. Every class and number is kept.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seehear.errors import SeehearError
from seehear.formats import label_studio
from seehear.formats.spec import CERTAIN, Clip, FileEvents, Files, Format
from seehear.labels.cells import seconds
from seehear.labels.plausible import MAX_OVERHANG
from seehear.modality import modality_of
from seehear.parsing.clip import ParsedEvent
from seehear.texts import read_text
from seehear.version import __version__

STEM, SUBSET = "activitynet", "validation"
FORM = "{results: {clip: [{label, segment, score, modality}]}}"


def _join(clips: Sequence[Clip]) -> Files:
    files: dict[str, dict[str, Any]] = {}
    for clip in clips:
        for modality in clip.parsed.modalities:
            empty: dict[str, Any] = (
                {"taxonomy": [], "database": {}} if clip.is_truth else {"external_data": {}, "results": {}}
            )
            content = files.setdefault(f"{STEM}.{modality}.json", {"version": f"seehear {__version__}", **empty})
            segments = [_segment(event, clip.is_truth) for event in clip.parsed.of(modality)]
            if clip.is_truth:
                annotated = {"duration": clip.parsed.duration, "subset": SUBSET, "annotations": segments}
                content["database"][clip.parsed.clip] = annotated
            else:
                content["results"][clip.parsed.clip] = segments
    return {
        name: (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode() for name, content in files.items()
    }


def _segment(event: ParsedEvent, is_truth: bool) -> dict[str, Any]:
    score = {} if is_truth else {"score": event.confidence}
    return {"label": event.label, "segment": [event.onset, event.offset], **score, "modality": event.modality}


def read(file: Path, modality: str | None = None) -> FileEvents:
    """Read results or annotations.

    Args:
        file: The file; activitynet.audio.json also names the modality of its segments.
        modality: Of segments that name none.

    Raises:
        SeehearError: If the file has another form.
    """
    content = _content(file)
    stem, _, name = file.stem.rpartition(".")
    of_file = name if stem == STEM else modality
    events, place = FileEvents(), ""
    try:
        clips = content["database"] if "database" in content else content["results"]
        for clip, entry in clips.items():
            place = f", clip {clip!r}"
            annotated = isinstance(entry, dict)
            length = entry.get("duration") if annotated else None
            duration = math.inf if length is None else seconds(str(length))
            if of_file:
                events.entry(clip, modality_of(of_file))
            for n, segment in enumerate(entry["annotations"] if annotated else entry, start=1):
                place = f", segment {n} of {clip!r}"
                event = _event(segment, of_file)
                if event.offset > duration + MAX_OVERHANG:
                    raise ValueError(f"ends at {event.offset:g} s, after the end of its clip at {duration:g} s")
                events.add(clip, event, f"{file}{place}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise SeehearError(f"{file}{place}: is not of ActivityNet's form, {FORM} ({reason})") from None
    return events


def _content(file: Path) -> Any:
    try:
        return json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise SeehearError(f"{file}: can't be read as JSON: {error}") from None


def _event(segment: Any, of_file: str | None) -> ParsedEvent:
    label, modality = segment["label"], segment.get("modality", of_file)
    if not (isinstance(label, str) and isinstance(modality, str)):
        raise TypeError("label and modality must be text")
    onset, offset = (seconds(str(time)) for time in segment["segment"])  # some tools write numbers as text
    confidence = float(segment.get("score", CERTAIN))
    if not math.isfinite(confidence):
        raise ValueError(f"the score {confidence} is not a number")
    return ParsedEvent(label, modality_of(modality), onset, offset, confidence)


FORMAT = Format(
    "activitynet",
    "ActivityNet's JSON for temporal detection, one file per modality",
    ".json",
    lambda clip: clip,
    read,
    _join,
    lambda file: not label_studio.FORMAT.matches(file),
    per_modality=True,
)
