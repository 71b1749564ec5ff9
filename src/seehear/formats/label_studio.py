"""Label Studio's tasks: events to correct there as predictions, ground truth as annotations, and its exports read back.

Clips with video and those with audio alone need different projects, so each has its files: label-studio.video.json
holds the tasks, label-studio.video.xml the labelling interface with the classes. A modality is a tag: heard, seen,
both. On video, a region is a range of frames (`timelinelabels`), counted from 1, its last frame included; the frame
rate is in the task's data. On audio, it has seconds (`labels`).
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seehear.errors import ClipError
from seehear.formats.addresses import LOCAL_FILES, absolute
from seehear.formats.elan import NOT_XML
from seehear.formats.label_studio_export import CLIP, FRAME_RATE, MODALITIES, PART, SPANS, TIMELINES, read
from seehear.formats.spec import Clip, Files, Format, moved, name_of
from seehear.formats.timing import Timing
from seehear.parsing.clip import ParsedEvent
from seehear.texts import is_url
from seehear.version import __version__

STEM = "label-studio"
VIDEO, AUDIO = "video", "audio"  # kinds of tasks, and the keys of their files' addresses
TAGS = {VIDEO: "TimelineLabels", AUDIO: "Labels"}
TYPES = {VIDEO: TIMELINES, AUDIO: SPANS}
VARIABLE = "$"  # begins a name that Label Studio replaces by the task's data
START_OF_LIST = b"["  # ActivityNet's files hold an object


@dataclass(frozen=True)
class _Task:
    """What a clip contributes.

    Attributes:
        kind: Of the project that shows it.
        content: The task as Label Studio imports it.
        modalities: As people call them.
        classes: Those to choose from.
    """

    kind: str
    content: dict[str, Any]
    modalities: tuple[str, ...]
    classes: tuple[str, ...]


def _encode(clip: Clip) -> _Task:
    parsed, timing = clip.parsed, clip.timing
    for label in dict.fromkeys(event.label for event in parsed.events):
        if not _fits(label):
            raise ClipError(f"{label!r} is empty, begins with {VARIABLE}, or has a character that XML can't hold")
    kind = VIDEO if timing.has_video else AUDIO
    names, file = tuple(map(name_of, parsed.modalities)), parsed.media_file
    data: dict[str, Any] = {
        kind: file if is_url(file) else f"{LOCAL_FILES}?d={absolute(file)}",
        CLIP: parsed.clip,
        MODALITIES: list(names),
    }
    if parsed.fragment:
        data[PART] = parsed.fragment
    if kind == VIDEO:
        data[FRAME_RATE] = float(timing.rate.fps)
    regions: list[dict[str, Any]] = []
    for modality in parsed.modalities:
        for number, event in enumerate(parsed.of(modality), start=1):
            region = _region(event, kind, timing, parsed.begins)
            named = {"id": f"{name_of(modality)}-{number}", "from_name": name_of(modality), "to_name": kind, **region}
            regions.append(named if clip.is_truth else {**named, "score": event.confidence})
    by: dict[str, Any] = {"annotations": [{"result": regions, "ground_truth": True}]}
    if not clip.is_truth:
        by = {
            "predictions": [
                {"model_version": f"seehear {__version__}, {' and '.join(parsed.origins)}", "result": regions}
            ]
        }
    classes = tuple(label for label in clip.classes if _fits(label))
    return _Task(kind, {"data": data, **by}, names, classes)


def _fits(label: str) -> bool:
    """Return whether a labelling interface can offer a class."""
    return bool(label.strip()) and not label.startswith(VARIABLE) and not NOT_XML.search(label)


def _region(event: ParsedEvent, kind: str, timing: Timing, begins: float) -> dict[str, Any]:
    """Return the type and the value of an event's region. begins: the second of the file at which the clip does."""
    of_file = moved(event, begins)
    value: dict[str, Any] = {"start": of_file.onset, "end": of_file.offset, "channel": 0}
    if kind == VIDEO:
        onset, offset = timing.span(event)
        value = {"ranges": [{"start": timing.first + onset + 1, "end": timing.first + offset}]}
    return {"type": TYPES[kind], "value": {**value, TYPES[kind]: [event.label]}}


def _join(tasks: Sequence[_Task]) -> Files:
    files: dict[str, bytes] = {}
    for kind in dict.fromkeys(task.kind for task in tasks):
        of_kind = [task for task in tasks if task.kind == kind]
        content = json.dumps([task.content for task in of_kind], indent=1, ensure_ascii=False)
        files[f"{STEM}.{kind}.json"] = f"{content}\n".encode()
        files[f"{STEM}.{kind}.xml"] = _interface(kind, of_kind).encode()
    return files


def _interface(kind: str, tasks: Sequence[_Task]) -> str:
    """Return the labelling interface of a project."""
    root = ET.Element("View")
    medium = ET.SubElement(root, kind.capitalize(), name=kind, value=f"${kind}")
    if kind == VIDEO:
        medium.set("frameRate", f"${FRAME_RATE}")
    for name in _distinct(task.modalities for task in tasks):
        ET.SubElement(root, "Header", value=name)
        tag = ET.SubElement(root, TAGS[kind], name=name, toName=kind)
        for label in _distinct(task.classes for task in tasks):
            ET.SubElement(tag, "Label", value=label)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _distinct(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))


def _matches(file: Path) -> bool:
    """Return whether a JSON file holds a list, as Label Studio's do."""
    try:
        with file.open("rb") as stream:
            return stream.read(1 << 10).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(START_OF_LIST)
    except (OSError, ValueError):
        return False  # whoever reads it says what is wrong


FORMAT = Format(
    STEM,
    "Label Studio's tasks and labelling interface, one file per kind of clip",
    ".json",
    _encode,
    read,
    _join,
    _matches,
)
