"""JSON as ActivityNet's evaluation and others for temporal detection take it, UnAV-100's among them.

One file a modality: these tools match segments by clip and class alone, and would count a dog that is heard and seen
as found twice. `modality` stands with each segment besides. What was found has the form of their results, the truth
that of their annotations, in the subset that they score unless told otherwise. Every class and number as it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seehear.errors import SeehearError
from seehear.exports.spec import CERTAIN, Clip, Files, Format, Reading, modality_of
from seehear.files import read_json
from seehear.parsing import ParsedEvent
from seehear.version import __version__

STEM, SUBSET = "activitynet", "validation"


def _files(clips: Sequence[Clip]) -> Files:
    wholes: dict[str, dict[str, Any]] = {}
    for clip in clips:
        for modality in clip.parsed.modalities:
            form: dict[str, Any] = (
                {"taxonomy": [], "database": {}} if clip.true else {"external_data": {}, "results": {}}
            )
            whole = wholes.setdefault(f"{STEM}.{modality}.json", {"version": f"seehear {__version__}", **form})
            segments = [_segment(event, clip.true) for event in clip.parsed.of(modality)]
            if clip.true:
                annotated = {"duration": clip.parsed.duration, "subset": SUBSET, "annotations": segments}
                whole["database"][clip.parsed.clip] = annotated
            else:
                whole["results"][clip.parsed.clip] = segments
    return {name: (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode() for name, whole in wholes.items()}


def _segment(event: ParsedEvent, true: bool) -> dict[str, Any]:
    score = {} if true else {"score": event.confidence}
    return {"label": event.label, "segment": [event.onset, event.offset], **score, "modality": event.modality}


def read(file: Path, modality: str | None = None) -> Reading:
    """Results or annotations; of the modality that segments name, or the file's name, as activitynet.audio.json."""
    content = read_json(file)
    stem, _, name = file.stem.rpartition(".")
    of_file = name if stem == STEM else modality
    reading, place = Reading(), ""
    try:
        clips = content["database"] if "database" in content else content["results"]
        for clip, entry in clips.items():
            if of_file:
                reading.of(clip, modality_of(of_file))
            for n, segment in enumerate(entry["annotations"] if isinstance(entry, dict) else entry, start=1):
                place = f", segment {n} of {clip!r}"
                onset, offset = segment["segment"]
                label, of_segment = segment["label"], segment.get("modality", of_file)
                score = segment.get("score", CERTAIN)
                if not (isinstance(label, str) and isinstance(of_segment, str)):
                    raise TypeError("label and modality must be text")
                event = ParsedEvent(label, modality_of(of_segment), float(onset), float(offset), float(score))
                reading.add(clip, event, f"{file}{place}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SeehearError(
            f"{file}{place}: is not of ActivityNet's form, {{results: {{clip: [{{label, segment, score, modality}}]}}}}"
            f" ({type(error).__name__}: {error})"
        ) from None
    return reading


FORMAT = Format(
    "activitynet",
    "ActivityNet's JSON for temporal detection, one file a modality",
    ".json",
    lambda clip: clip,
    read,
    _files,
)
