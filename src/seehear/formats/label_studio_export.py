"""What Label Studio exports: annotated tasks, as JSON or as JSON-MIN, read as events.

JSON has one object per task with its `data` and its `annotations`. JSON-MIN has one object per annotation, in which the
data stand beside the regions of each tag. A task that was never imported may have neither: then its predictions count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, Field

from seehear.errors import SeehearError
from seehear.formats.addresses import UPLOADED, stem_of
from seehear.formats.spec import CERTAIN, FileEvents, begin_of, moved
from seehear.formats.timecode import nearest
from seehear.labels import Defect, DefectKind, raise_fatal
from seehear.labels.cells import LONGEST_TIME
from seehear.media.suffixes import SUFFIXES
from seehear.modality import NAMES, modality_of
from seehear.parsing.clip import ParsedEvent
from seehear.stored import Number, Probability, as_model
from seehear.texts import read_json

CLIP, MODALITIES, PART, FRAME_RATE = (
    "seehear_clip",
    "seehear_modalities",
    "seehear_part",
    "fps",
)  # keys of a task's data
SPANS, TIMELINES = "labels", "timelinelabels"  # types of regions: seconds of audio, and frames of video
FRAME_RATES = (FRAME_RATE, "frameRate", "framerate", "frame_rate")  # keys that people give it
ADDRESSES = ("video", "audio", "video_url", "audio_url", "url")  # likewise
REMEDY = "export the project again, as JSON or JSON-MIN"
HIGHEST_RATE = 1000  # frames per second

Json = dict[str, Any]
Frame = Annotated[Number, Field(ge=0, le=1e12)]
Second = Annotated[Number, Field(ge=0, le=LONGEST_TIME)]


class _Range(BaseModel):
    """Frames from 1, the last one included; one of the two for a single frame."""

    start: Frame | None = None
    end: Frame | None = None


class _Timeline(BaseModel):
    """A region on video."""

    ranges: list[_Range]
    timelinelabels: list[str] = Field(default_factory=list)


class _Span(BaseModel):
    """A region on audio."""

    start: Second
    end: Second
    labels: list[str] = Field(default_factory=list)


class _Result(BaseModel):
    """A region or another answer."""

    from_name: str = ""
    type: str = ""
    value: Json = Field(default_factory=dict)
    score: Any = None


class _Annotation(BaseModel):
    """The work of one person on a task."""

    result: list[_Result] = Field(default_factory=list)
    was_cancelled: bool | None = None
    ground_truth: bool | None = None
    updated_at: str | None = None
    created_at: str | None = None
    completed_by: Any = None


class _Task(BaseModel):
    """A task of an export, or of a file to import."""

    data: Json
    annotations: list[_Annotation] | None = None
    predictions: list[_Annotation] = Field(default_factory=list)
    file_upload: str | None = None


@dataclass(frozen=True)
class _Work:
    """What stands in a file on one clip, by one person or model."""

    place: str
    data: Json
    annotation: _Annotation
    is_predicted: bool


@dataclass
class _Reader:
    """What has been read of an export.

    Attributes:
        file: The export.
        modality: Of regions for which nothing else names one.
        events: Those of the regions.
        defects: Regions that can't be read.
        skipped: Type of a region without times -> how many there are.
    """

    file: Path
    modality: str | None
    events: FileEvents = field(default_factory=FileEvents)
    defects: list[Defect] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def read_clip(self, clip: str, work: Sequence[_Work]) -> None:
        """Add the events of a clip: those of the ground truth if somebody marked one, else those changed last."""
        marked = [one for one in work if one.annotation.ground_truth]
        chosen = max(marked or work, key=lambda one: one.annotation.updated_at or one.annotation.created_at or "")
        if len(marked or work) > 1:
            names = ", ".join(dict.fromkeys(_person(one.annotation.completed_by) for one in marked or work))
            self.events.notes.append(
                f"{self.file}: {clip!r} has {len(marked or work)} annotations (by {names}); the one that was changed "
                f"last counts, by {_person(chosen.annotation.completed_by)}; mark another as ground truth to choose it"
            )
        named = chosen.data.get(MODALITIES)
        modalities = [modality_of(str(name)) for name in named] if isinstance(named, list) else []
        for modality in modalities:
            self.events.entry(clip, modality)
        for number, result in enumerate(chosen.annotation.result, start=1):
            place = f"{chosen.place}, region {number} of {clip!r}"
            try:
                for event in self._events_of(result, chosen, modalities):
                    self.events.add(clip, event, f"{self.file}: {place}", is_single=True)
            except ValueError as error:
                self.defects.append(Defect(self.file, 0, DefectKind.UNREADABLE, f"{place}, {error}"))
            except SeehearError as error:
                self.defects.append(Defect(self.file, 0, DefectKind.UNREADABLE, f"{place} {error}"))

    def _events_of(self, result: _Result, work: _Work, modalities: Sequence[str]) -> Iterator[ParsedEvent]:
        """Yield the events of a region. Raises ValueError or SeehearError saying what is wrong with it."""
        is_timeline = result.type == TIMELINES
        is_span = result.type == SPANS and {"start", "end"} <= set(result.value) and "text" not in result.value
        if not (is_timeline or is_span):
            self.skipped[result.type or "unknown"] += 1
            return
        if is_timeline:
            timeline = as_model(result.value, _Timeline, "value", REMEDY)
            labels, spans = timeline.timelinelabels, _seconds(timeline.ranges, work.data)
        else:
            span = as_model(result.value, _Span, "value", REMEDY)
            labels, spans = span.labels, [(span.start, span.end)]
        if not labels:
            self.skipped[f"{result.type} without a label"] += 1
            return
        name = modality_of(result.from_name)
        if name not in NAMES and name not in modalities and name != self.modality:
            if not self.modality:
                tag = repr(result.from_name)
                raise ValueError(f"its tag {tag} names no modality: call it heard or seen, or give --modality")
            name = modality_of(self.modality)
        scored = work.is_predicted and result.score is not None
        confidence = as_model(result.score, Probability, "score", REMEDY) if scored else CERTAIN
        begins = begin_of(str(work.data.get(PART, "")))
        for onset, offset in spans:
            for label in labels:
                yield moved(ParsedEvent(label, name, onset, offset, confidence), -begins)


def read(file: Path, modality: str | None = None) -> FileEvents:
    """Read an export, or tasks that seehear wrote. Regions without times, such as rectangles, are skipped with a note.

    Args:
        file: JSON or JSON-MIN.
        modality: Of regions whose tag isn't called by one.

    Raises:
        SeehearError: If the file has another form, or naming every region that can't be read.
    """
    content = read_json(file, REMEDY)
    if not isinstance(content, list):
        raise SeehearError(f"{file}: is no list of Label Studio's tasks; {REMEDY}")
    reader = _Reader(file, modality)
    by_clip: dict[str, list[_Work]] = {}
    unlabelled = 0
    for number, item in enumerate(content, start=1):
        place = f"task {number}"
        if not isinstance(item, dict):
            raise SeehearError(f"{file}: {place} is no object; {REMEDY}")
        task = as_model(item if "data" in item else _of_minimal(item), _Task, f"{file}: {place}", REMEDY)
        clip = _clip(task)
        if not clip:
            raise SeehearError(f"{file}: {place} names no clip; add {CLIP} to its data")
        work = list(_work(task, place))
        unlabelled += not work
        if work:
            by_clip.setdefault(clip, []).extend(work)
    for clip, work in by_clip.items():
        reader.read_clip(clip, work)
    raise_fatal(reader.defects)
    if unlabelled:
        reader.events.notes.append(f"{file}: {unlabelled} tasks without an annotation were skipped")
    for kind, count in reader.skipped.items():
        reader.events.notes.append(f"{file}: {count} of {kind} were skipped: only {TIMELINES} and {SPANS} have times")
    return reader.events


def _of_minimal(record: Mapping[str, Any]) -> Json:
    """Return an object of JSON-MIN in the form of JSON. Regions have no type there; what they hold tells it."""
    results = [
        {"from_name": name, "type": _kind(value), "value": value}
        for name, values in record.items()
        if isinstance(values, list)
        for value in values
        if isinstance(value, dict)
    ]
    dates = {key: record.get(key) for key in ("updated_at", "created_at")}
    annotation = {"result": results, **dates, "completed_by": record.get("annotator")}
    return {"data": dict(record), "annotations": [annotation]}


def _kind(value: Mapping[str, Any]) -> str:
    """Return the type of a region: the key of its labels."""
    return next((key for key in (TIMELINES, SPANS, *value) if key in value and key.endswith("labels")), "other")


def _work(task: _Task, place: str) -> Iterator[_Work]:
    """Yield what people did with a task; what models did if nobody was asked."""
    if task.annotations is not None:
        for annotation in task.annotations:
            if not annotation.was_cancelled:
                yield _Work(place, task.data, annotation, False)
    else:
        for prediction in task.predictions:
            yield _Work(place, task.data, prediction, True)


def _clip(task: _Task) -> str:
    """Return the name of a task's clip: as we wrote it, else that of the file at an address in its data."""
    if isinstance(own := task.data.get(CLIP), str):
        return own
    texts = {key: text for key, text in task.data.items() if isinstance(text, str)}
    media = [text for text in texts.values() if PurePosixPath(text).suffix.lower() in SUFFIXES]
    for address in (*(texts[key] for key in ADDRESSES if key in texts), *media):
        if name := stem_of(address):
            return name
    return stem_of(UPLOADED.sub("", task.file_upload or ""))


def _seconds(ranges: Sequence[_Range], data: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Return onset and offset of ranges of frames. Raises ValueError if the frame rate is unknown."""
    stated = next((data[key] for key in FRAME_RATES if key in data), None)
    try:
        given = Fraction(str(stated))
    except (ValueError, ZeroDivisionError):
        given = Fraction(0)
    if not 0 < given <= HIGHEST_RATE:
        raise ValueError(
            f"counts frames, and the task's data name no frame rate: add {FRAME_RATE}, that of the project's Video tag"
        )
    rate = nearest(given) or given
    spans = []
    for each in ranges:
        first = each.start if each.start is not None else each.end
        last = each.end if each.end is not None else each.start
        if first is None or last is None:
            continue
        onset, offset = Fraction(max(0.0, first - 1)) / rate, Fraction(last) / rate
        spans.append((float(onset), float(offset)))
    return spans


def _person(completed_by: Any) -> str:
    """Return who made an annotation, as exports name people: a number, or their address."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return "unknown" if completed_by is None else str(completed_by)[:80]
