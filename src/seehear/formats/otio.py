"""OpenTimelineIO (ASWF) for cutting programs: <clip>.otio, a timeline with the whole clip. Times to the frame.

Each modality has a track that holds the clip once, with a marker per event: its name is the class, its length that of
the event, its colour that of the modality. A track for each, since some programs show a single marker per frame of a
clip, and an event is often heard and seen at once. Markers are on the clip, so they move with it. Their metadata under
`seehear` hold the modality and the confidence.

Of a clip that is a part of a file, the source range is the part, and the available range the whole file. Where the
clip begins is kept under `seehear` too, since programs write the available range anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from seehear.errors import SeehearError
from seehear.formats.addresses import stem_of, url_of
from seehear.formats.edl import COLOURS, OTHER_COLOUR
from seehear.formats.spec import CERTAIN, Clip, FileEvents, Files, Format, name_of
from seehear.formats.timecode import nearest
from seehear.formats.timing import Timing
from seehear.labels import Defect, DefectKind, raise_fatal
from seehear.modality import AUDIO, NAMES, modality_of
from seehear.parsing.clip import ParsedClip, ParsedEvent
from seehear.stored import Number, Probability, as_model
from seehear.texts import read_json

OURS = "seehear"  # the key of our metadata
MEDIA = "DEFAULT_MEDIA"  # the key of a clip's file, in files of version 0.15 and later
REMEDY = "write it again in the program that it comes from"
LOWEST_RATE, HIGHEST_RATE = 0.01, 1e6  # per second: of frames, and of samples
LARGEST_DENOMINATOR = 1001  # of a frame rate, and of a number of frames

Json = dict[str, Any]


# Writing


def _encode(clip: Clip) -> Files:
    parsed, timing = clip.parsed, clip.timing
    shown = [name for name in parsed.modalities if parsed.of(name) or not _is_absent(name, parsed)]
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": parsed.clip,
        "global_start_time": None,
        "metadata": {OURS: _facts(parsed, timing) | {"modalities": list(parsed.modalities)}},
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "name": "tracks",
            **_item(),
            "children": [_track(name, parsed, timing) for name in shown],
        },
    }
    return {f"{parsed.clip}.otio": (json.dumps(timeline, indent=1, ensure_ascii=False) + "\n").encode()}


def _is_absent(modality: str, parsed: ParsedClip) -> bool:
    """Return whether the clip lacks what a track of this modality would show."""
    return any(modality == name or name in modality.split("_") for name in parsed.absent)


def _facts(parsed: ParsedClip, timing: Timing) -> Json:
    """Return which clip it is, in which file, and when in that file's time it begins."""
    return {"clip": parsed.clip, "file": Path(parsed.media_file).name, "begins": _time(timing.start, timing)}


def _item(metadata: Json | None = None) -> Json:
    """Return the fields that timelines' parts share."""
    return {"metadata": metadata or {}, "source_range": None, "effects": [], "markers": [], "enabled": True}


def _track(modality: str, parsed: ParsedClip, timing: Timing) -> Json:
    last = timing.rate.frame(parsed.duration)
    content = _range(timing.start, max(1, last), timing)
    is_sound = modality == AUDIO or not timing.has_video
    reference = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": Path(parsed.media_file).name,
        "metadata": {},
        "available_range": _available(parsed, max(1, last), timing),
        "target_url": url_of(parsed.media_file),
    }
    clip = {
        "OTIO_SCHEMA": "Clip.1",  # later versions of the library read it too
        "name": Path(parsed.media_file).name,
        **_item({OURS: _facts(parsed, timing)}),
        "source_range": content,
        "markers": [_marker(event, timing) for event in parsed.of(modality)],
        "media_reference": reference,
    }
    return {
        "OTIO_SCHEMA": "Track.1",
        "name": name_of(modality),
        **_item({OURS: {"modality": modality}}),
        "kind": "Audio" if is_sound else "Video",
        "children": [clip],
    }


def _marker(event: ParsedEvent, timing: Timing) -> Json:
    onset, offset = timing.span(event)
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": event.label,
        "color": COLOURS.get(event.modality, OTHER_COLOUR),
        "comment": "",
        "marked_range": _range(timing.start + onset, offset - onset, timing),
        "metadata": {OURS: {"modality": event.modality, "confidence": event.confidence, "origin": event.origin}},
    }


def _available(parsed: ParsedClip, length: int, timing: Timing) -> Json | None:
    """Return what the file holds; None if the clip, of so many frames, is a part of a file that can't be read."""
    if timing.whole is None:
        return None if parsed.fragment else _range(timing.start, length, timing)
    return _range(timing.start - timing.first, max(timing.whole, timing.first + length), timing)


def _range(start: int, length: int, timing: Timing) -> Json:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start, timing), "duration": _time(length, timing)}


def _time(frames: int, timing: Timing) -> Json:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(timing.rate.fps), "value": float(frames)}


# Reading


class _Time(BaseModel):
    """A time: frames at a rate."""

    rate: Annotated[Number, Field(ge=LOWEST_RATE, le=HIGHEST_RATE)]
    value: Number

    @property
    def seconds(self) -> Fraction:
        """Exact, also where a rate is rounded, such as 29.97."""
        rate, frames = (Fraction(each).limit_denominator(LARGEST_DENOMINATOR) for each in (self.rate, self.value))
        return frames / (nearest(Fraction(self.rate)) or rate)


class _Range(BaseModel):
    """When something begins, and how long it lasts."""

    start_time: _Time
    duration: _Time


class _Ours(BaseModel):
    """What our metadata hold, of which a program may have kept nothing."""

    clip: str = ""
    file: str = ""
    begins: _Time | None = None
    modality: str = ""
    modalities: tuple[str, ...] = ()
    confidence: Probability = CERTAIN


class _Marker(BaseModel):
    """A marker on a clip."""

    name: str = ""
    marked_range: _Range
    metadata: Json = Field(default_factory=dict)


class _Reference(BaseModel):
    """Where a clip's file lies, and what it holds."""

    target_url: str | None = None
    available_range: _Range | None = None


class _Used(BaseModel):
    """Which part of its file a clip shows."""

    source_range: _Range | None = None


def read(file: Path, modality: str | None = None) -> FileEvents:
    """Read a timeline. The markers on its clips are events; those on tracks and on the timeline are skipped.

    Args:
        file: A timeline that names no clip is that of the clip with its name.
        modality: Of markers that name none, on tracks that aren't called by one.

    Raises:
        SeehearError: If the file is no timeline, or naming every marker that can't be read.
    """
    content = read_json(file, REMEDY)
    if not isinstance(content, dict) or not str(content.get("OTIO_SCHEMA", "")).startswith("Timeline."):
        raise SeehearError(f"{file}: is no timeline of OpenTimelineIO")
    ours = _ours(content, file)
    reader = _Reader(file, modality, ours)
    for name in ours.modalities if ours.clip else ():
        reader.events.entry(ours.clip, modality_of(name))
    stack = _object(content.get("tracks"), f"{file}: tracks")
    skipped = len(_list(stack, "markers", file))
    for track in _list(stack, "children", file):
        skipped += len(_list(track, "markers", file))
        reader.read_track(track)
    raise_fatal(reader.defects)
    if skipped:
        note = f"{file}: {skipped} markers on tracks or the timeline were skipped; put them on the clip"
        reader.events.notes.append(note)
    return reader.events


@dataclass
class _Reader:
    """What has been read of a timeline.

    Attributes:
        file: The timeline.
        modality: Of markers for which nothing else names one.
        ours: What our metadata of the timeline hold.
        events: Those of its markers.
        defects: Markers that can't be read.
    """

    file: Path
    modality: str | None
    ours: _Ours
    events: FileEvents = field(default_factory=FileEvents)
    defects: list[Defect] = field(default_factory=list)

    def read_track(self, track: Json) -> None:
        """Add the events of a track."""
        name, own = str(track.get("name") or ""), _ours(track, self.file).modality
        known = modality_of(name) in NAMES or name == self.modality
        modality = own or (name if known else "") or self.modality or ""
        for number, clip in enumerate(_clips(track, self.file), start=1):
            self._read_clip(clip, f"clip {number} of the track {name!r}", modality)

    def _read_clip(self, clip: Json, place: str, modality: str) -> None:
        """Add the markers on a clip. modality: of markers that name none; empty if it is unknown."""
        where = f"{self.file}: {place}"
        reference = as_model(_media(clip), _Reference, where, REMEDY)
        name, begins = self._name_and_begin(clip, reference, where)
        if modality:
            self.events.entry(name, modality_of(modality))
        for number, content in enumerate(_list(clip, "markers", where), start=1):
            marker = as_model(content, _Marker, f"{where}: marker {number}", REMEDY)
            ours = _ours({"metadata": marker.metadata}, f"{where}: marker {number}")
            onset = marker.marked_range.start_time.seconds - begins
            offset = onset + marker.marked_range.duration.seconds
            problem = ""
            if not (ours.modality or modality):
                problem = "names no modality; call its track heard or seen, or give --modality"
            elif onset < 0:
                problem = f"begins {-float(onset):g} s before its file; correct its time, or delete it"
            if problem:
                message = f"{place}: marker {number}, {marker.name!r}, {problem}"
                self.defects.append(Defect(self.file, 0, DefectKind.UNREADABLE, message))
                continue
            of_marker = modality_of(ours.modality or modality)
            event = ParsedEvent(marker.name, of_marker, float(onset), float(offset), ours.confidence)
            self.events.add(name, event, f"{where}: marker {number}")

    def _name_and_begin(self, clip: Json, reference: _Reference, where: str) -> tuple[str, Fraction]:
        """Return the name of a clip, and when it begins, in seconds of its file's time.

        What the timeline says of the clip stands in for a clip that lost our metadata, if it is of the same file. A
        clip of another file begins with it.
        """
        own, of_file = _ours(clip, where), stem_of(reference.target_url or "")
        if not own.clip and self.ours.clip and of_file in ("", stem_of(self.ours.file)):
            own = self.ours
        name = own.clip or of_file or self.ours.clip or self.file.stem
        if own.begins is not None:
            return name, own.begins.seconds
        used = reference.available_range
        if used is None and own.clip:
            used = as_model(clip, _Used, where, REMEDY).source_range
        return name, used.start_time.seconds if used else Fraction(0)


def _media(clip: Json) -> Any:
    """Return the reference to a clip's file, in the form of earlier and of later versions."""
    references = clip.get("media_references")
    if isinstance(references, dict):
        return references.get(str(clip.get("active_media_reference_key", MEDIA))) or {}
    return clip.get("media_reference") or {}


def _clips(item: Json, where: object) -> Iterator[Json]:
    """Yield the clips within a track, in order, also those of stacks and tracks within it."""
    for child in _list(item, "children", where):
        if str(child.get("OTIO_SCHEMA", "")).startswith("Clip."):
            yield child
        else:
            yield from _clips(child, where)


def _list(item: Json, key: str, where: object) -> list[Json]:
    """Return a list of objects, empty if there is none. Raises SeehearError if it is something else."""
    values = item.get(key) or []
    if not isinstance(values, list):
        raise SeehearError(f"{where}: {key} is no list; {REMEDY}")
    return [_object(value, f"{where}: {key}") for value in values]


def _object(value: Any, where: object) -> Json:
    if not isinstance(value, dict):
        raise SeehearError(f"{where} has something else than an object; {REMEDY}")
    return value


def _ours(item: Mapping[str, Any], where: object) -> _Ours:
    metadata = item.get("metadata")
    ours = metadata.get(OURS) if isinstance(metadata, dict) else None
    return as_model(ours if isinstance(ours, dict) else {}, _Ours, f"{where}: metadata.{OURS}", REMEDY)


FORMAT = Format(
    "otio", "OpenTimelineIO timelines with markers, for cutting programs, one per clip", ".otio", _encode, read
)
