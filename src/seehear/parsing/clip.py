"""A parsed clip: its events heard, seen, and both, from a model's probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from seehear.decoding import Decoding
from seehear.errors import ClipError, SeehearError, needing_train
from seehear.events import ActiveSegments, event_spans
from seehear.labels import DenseTable, classes_of, segments_of
from seehear.media.notes import Note
from seehear.modality import display_name, joint_of, kinds, track_name, with_joint
from seehear.results import import_pandas
from seehear.storage.files import Location, fetched, is_remote, locate, of_fetched, part_of
from seehear.stored import Positive, Probability, Seconds, Segment, as_model
from seehear.texts import is_url

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from seehear.formats.timecode import FrameRate
    from seehear.media.overview import Overview

REMEDY = "parse the clip again"


class Origin(StrEnum):
    """Where an event comes from: a model that was trained on its class, or a network's own classifier."""

    TRAINED = "trained"
    UNTRAINED = "untrained"


@dataclass(frozen=True, slots=True)
class ParsedEvent:
    """An event: a class in a modality, or in all of them at once.

    Attributes:
        label: Its class.
        modality: audio, visual, or audio_visual for both.
        onset: When it begins, seconds from the clip's start.
        offset: When it ends, seconds.
        confidence: Mean probability of its segments, in [0, 1]. For an event in all modalities, the probability of a
            segment is the lowest of its modalities'.
        origin: Whether a model was trained on its class; None for ground truth and annotations.
    """

    label: str
    modality: str
    onset: Seconds
    offset: Seconds
    confidence: Probability
    origin: Origin | None = None


class _Content(BaseModel):
    """A parsed clip as JSON has it; the fields are those of `ParsedClip`."""

    clip: str
    file: str
    duration: Annotated[Seconds, Field(gt=0)]
    segment: Segment
    modalities: tuple[str, ...]
    decoding: str
    events: tuple[ParsedEvent, ...]
    probabilities: dict[str, dict[str, list[Probability]]]
    truth: tuple[ParsedEvent, ...] | None
    classes: tuple[str, ...]
    absent: tuple[str, ...] = ()  # clips parsed by earlier versions have every modality
    notes: tuple[dict[str, Any], ...] = ()
    audio_track: Positive | None = None
    origins: tuple[Origin, ...] = (Origin.TRAINED,)
    meanings: dict[str, dict[str, list[str]]] = {}
    highest: dict[str, Probability] = {}


@dataclass(frozen=True, repr=False)
class ParsedClip:
    """The events of one clip.

    Attributes:
        clip: Its name, the stem of its file, with the seconds of a part.
        file: Where it lies: a path, an address without its query, or SHARD.tar/MEMBER. Behind it #t=START,STOP, if the
            clip is a part of the file.
        duration: Of the clip, seconds.
        segment: Of a segment, seconds.
        modalities: What events can be in; the joint modality last, if there are several.
        decoding: How probabilities became events.
        events: By modality, onset and class.
        probabilities: modality -> class -> one per segment, for classes with an event, predicted or true.
        truth: The true events, with confidence 1; None if they are not known.
        classes: All classes of the parser.
        overview: Thumbnails and spectrogram, if the clip was just decoded.
        absent: Modalities that the clip lacks: it was parsed by the others.
        notes: What was repaired in the clip, is ambiguous or missing, as far as it concerns the parser's modalities.
        audio_track: Which of its audio tracks was used, from 1; None for the one that players choose.
        origins: What its events can come from: a trained model, the networks' own classifiers, or both.
        meanings: What its untrained classes stand for: label -> modality -> classes of a network's classifier.
        highest: Class -> its largest probability in any segment and modality, for all of `classes`, found or not.
        source: Where it was just fetched from, if it lies elsewhere. It is never written.
    """

    clip: str
    file: str
    duration: float
    segment: float
    modalities: tuple[str, ...]
    decoding: str
    events: tuple[ParsedEvent, ...]
    probabilities: Mapping[str, Mapping[str, Sequence[float]]]
    truth: tuple[ParsedEvent, ...] | None = None
    classes: tuple[str, ...] = ()
    overview: Overview | None = field(default=None, compare=False)
    absent: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    audio_track: int | None = None
    origins: tuple[Origin, ...] = (Origin.TRAINED,)
    meanings: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    highest: Mapping[str, float] = field(default_factory=dict)
    source: Location | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.of(name))} {display_name(name)}" for name in self.modalities)
        noted = f"{len(self.notes)} note{'s' if len(self.notes) > 1 else ''}" if self.notes else ""
        untrained = "untrained" if self.origins == (Origin.UNTRAINED,) else ""
        parts = "; ".join(filter(None, [untrained, f"events: {counts}", self.without, noted]))
        return f"ParsedClip({self.clip!r}, {self.duration:g} s, {parts})"

    @property
    def without(self) -> str:
        """What it was parsed without, such as `without audio`; empty if it has every modality."""
        return f"without {' and '.join(map(track_name, self.absent))}" if self.absent else ""

    def no_events(self, modality: str) -> str:
        """Why a modality has no events, in words: `no audio`, or just `no event`."""
        return f"no {track_name(modality)}" if modality in self.absent else "no event"

    def of(self, modality: str, *, true: bool = False) -> list[ParsedEvent]:
        """Return the predicted or the true events in a modality."""
        events = (self.truth or ()) if true else self.events
        return [event for event in events if event.modality == modality]

    def labels(self, modality: str) -> list[str]:
        """Return the classes of a modality's predicted and true events, ordered by first onset in any modality."""
        everything = sorted([*self.events, *(self.truth or ())], key=lambda event: (event.onset, event.label))
        own = {event.label for event in [*self.of(modality), *self.of(modality, true=True)]}
        return [label for label in dict.fromkeys(event.label for event in everything) if label in own]

    def to_frame(self, *, true: bool = False) -> DataFrame:
        """Return one row per predicted or true event: clip, modality, label, onset, offset, confidence, origin."""
        return events_frame([self], true=true)

    @needing_train
    def plot(self) -> Figure:
        """Return a figure of several panels over time: thumbnails, spectrogram, and the events of each modality."""
        from seehear.plots.picture import plot_clip

        return plot_clip(self, self._seen())

    def save(self, out: str | Path, *, embed: bool = False) -> Path:
        """Write the clip's JSON and its page into a folder. Returns the page.

        Args:
            out: The folder; made if it does not exist.
            embed: Put the media file into the page, so that the page can be sent to others alone.

        Raises:
            ClipError: The folder holds a clip of the same name, of another file.
        """
        from seehear.pages import parse
        from seehear.parsing.folder import read_before, write
        from seehear.parsing.same_name import check_same_file

        file = Path(out) / f"{self.clip}.json"
        if (before := read_before(file)) is not None:
            check_same_file(before[0], self.file, file)
        write(self, Path(out))
        return parse.write(self, self._seen(), Path(out), embed=embed)

    def export(
        self,
        file: str | Path,
        *,
        truth: bool = False,
        overwrite: bool = False,
        frame_rate: str | float | FrameRate | None = None,
    ) -> list[Path]:
        """Write the events for another tool, in the format of the suffix: .eaf, .txt, .vtt, .csv, .json, .edl, .otio.

        Args:
            file: Where to write.
            truth: Write the ground truth instead of the predictions.
            overwrite: Replace files that exist with other content, such as annotations that were corrected.
            frame_rate: For .edl and .otio, such as 25 or 29.97df (drop-frame); by default that of the clip's file.

        Returns:
            The files: one, or one per modality for .txt, .json and .edl.

        Raises:
            SeehearError: If no format has the suffix, or a file exists with other content.
        """
        from seehear.formats import write_clip

        return write_clip(self, Path(file), truth=truth, overwrite=overwrite, frame_rate=frame_rate)

    def _repr_html_(self) -> str:
        """Return the clip's page, playable, in a frame of its own."""
        from html import escape

        from seehear.pages import parse

        page = escape(parse.html(self, self._seen(), embed=True))
        return f'<iframe srcdoc="{page}" style="width: 100%; height: 40em; border: 0"></iframe>'

    def _seen(self) -> Overview:
        """Return the overview; the file is decoded again if there is none."""
        from seehear.media.child import open_clip
        from seehear.media.overview import Overview, thumbnails_for

        if self.overview is not None:
            return self.overview
        with fetched(self.location()) as file:
            media = open_clip(of_fetched(self.location(), file), self.audio_track)
            return Overview.of(media, thumbnails_for(media.aspect))

    @property
    def media_file(self) -> str:
        """The file in which it lies, without the part that it is."""
        part = part_of(self.file)
        return part[0] if part else self.file

    @property
    def fragment(self) -> str:
        """Which part of that file it is, such as `#t=30,40`; empty if it is the whole file."""
        return self.file.removeprefix(self.media_file)

    @property
    def begins(self) -> float:
        """The second of that file at which it begins; 0 unless it is a part."""
        part = part_of(self.file)
        return part[1] if part else 0.0

    def location(self) -> Location:
        """Return where the clip can be read.

        Raises:
            ClipError: If it lies elsewhere, and was not just parsed: a file that someone sent must fetch nothing.
        """
        if self.source is None and is_url(self.file):
            raise ClipError(f"{self.file}: lies elsewhere, and is fetched only to be parsed: {REMEDY}")
        return self.source or locate(self.file)

    def as_json(self) -> dict[str, Any]:
        """Return everything but the overview and the source, as a value that `json.dumps` takes."""
        content = {name: getattr(self, name) for name in _Content.model_fields}
        content["events"] = [asdict(event) for event in self.events]
        content["truth"] = None if self.truth is None else [asdict(event) for event in self.truth]
        content["notes"] = [note.as_json() for note in self.notes]
        return content

    @staticmethod
    def from_json(content: Mapping[str, Any], where: object = "the parsed clip") -> ParsedClip:
        """Return the clip that `as_json` described; earlier versions wrote no `absent`, `notes` and `audio_track`.

        Raises:
            SeehearError: Naming `where`, if something is missing, wrong, or at odds with the rest.
        """
        read = as_model(content, _Content, where, REMEDY)
        for event in (*read.events, *(read.truth or ())):
            if event.offset < event.onset:
                raise SeehearError(f"{where}: an event of {event.label!r} ends before it begins; {REMEDY}")
        if set(read.probabilities) - set(read.modalities):
            raise SeehearError(f"{where}: has probabilities of modalities that the clip does not have; {REMEDY}")
        try:
            notes = tuple(map(Note.from_json, read.notes))
        except SeehearError as error:
            raise SeehearError(f"{where}: {error}; {REMEDY}") from None
        return ParsedClip(**{name: getattr(read, name) for name in _Content.model_fields} | {"notes": notes})


def events_frame(clips: Iterable[ParsedClip], *, true: bool = False) -> DataFrame:
    """Return the predicted or the true events of clips, which are taken one by one; see `ParsedClip.to_frame`."""
    pd = import_pandas()

    rows = [
        (clip.clip, each.modality, each.label, each.onset, each.offset, each.confidence, each.origin)
        for clip in clips
        for each in ((clip.truth or ()) if true else clip.events)
    ]
    return pd.DataFrame(rows, columns=["clip", "modality", "label", "onset", "offset", "confidence", "origin"])


def parsed_clip(
    active: Mapping[str, NDArray[np.bool_]],
    probabilities: NDArray[np.float32],
    classes: Sequence[str],
    segment: float,
    decoding: Decoding,
    *,
    clip: str,
    file: Location,
    duration: float,
    truth: Sequence[ParsedEvent] | None = None,
    all_classes: Sequence[str] = (),
    overview: Overview | None = None,
    absent: Sequence[str] = (),
    notes: Sequence[Note] = (),
    audio_track: int | None = None,
    origin: Origin = Origin.TRAINED,
) -> ParsedClip:
    """Return a parsed clip from its active segments and their probabilities.

    Args:
        active: modality -> (1, T, C) bool, the active segments. The joint modality is what is active in all others,
            unless it is given.
        probabilities: Of the segments, (T, M, C) in [0, 1].
        classes: C names.
        segment: Seconds per segment.
        duration: Seconds of the clip.
        decoding: How segments became active.
        clip: Its name.
        file: Where it lies.
        truth: The true events in any modality, if they are known.
        all_classes: All classes of the parser, if `classes` are only some.
        overview: Thumbnails and spectrogram.
        absent: Modalities that the clip lacks.
        notes: On the clip.
        audio_track: Which of its audio tracks was used, from 1; None for the one that players choose.
        origin: Whether a model was trained on the classes.
    """
    modalities = _single(active)
    events = parsed_events(active, probabilities, classes, segment, duration, origin)
    labels = [label for label in dict.fromkeys(event.label for event in [*events, *(truth or ())]) if label in classes]
    column = {name: c for c, name in enumerate(classes)}
    highest = probabilities.max(axis=(0, 1, 2), initial=0).astype(np.float64).round(4)  # (C,)
    return ParsedClip(
        clip,
        str(file),
        _rounded(duration),
        segment,
        kinds(modalities),
        str(decoding),
        events,
        {
            modality: {
                label: probabilities[0, :, m, column[label]].astype(np.float64).round(4).tolist() for label in labels
            }
            for m, modality in enumerate(modalities)
        },
        None if truth is None else tuple(truth),
        tuple(all_classes or classes),
        overview,
        tuple(absent),
        tuple(notes),
        audio_track,
        (origin,),
        highest=dict(zip(classes, highest.tolist(), strict=True)),
        source=file if is_remote(file) else None,
    )


def _single(active: Mapping[str, NDArray[np.bool_]]) -> tuple[str, ...]:
    """Return the modalities of active segments but the joint one."""
    joint = joint_of(tuple(active))
    return tuple(modality for modality in active if modality != joint)


def _rounded(seconds: float) -> float:
    """Return seconds to the millisecond; if they are less than one, to three digits, so that no clip lasts 0 s."""
    return round(seconds, 2 - math.floor(math.log10(seconds)) if 0 < seconds < 1 else 3)


def parsed_events(
    active: Mapping[str, NDArray[np.bool_]],
    probabilities: NDArray[np.float32],
    classes: Sequence[str],
    segment: float,
    duration: float,
    origin: Origin = Origin.TRAINED,
) -> tuple[ParsedEvent, ...]:
    """Return the events of one clip, by modality, onset and class.

    Args:
        active: modality -> (1, T, C) bool, the active segments; see `parsed_clip`.
        probabilities: (1, T, M, C), with modalities in that order.
        classes: Names of the C classes.
        segment: Seconds per segment.
        duration: Of the clip, seconds; no event outlasts the clip.
        origin: Whether a model was trained on the classes.
    """
    modalities = _single(active)
    confidence = {name: probabilities[0, :, m] for m, name in enumerate(modalities)}  # (T, C) each
    for joint in kinds(modalities)[len(modalities) :]:
        confidence[joint] = np.minimum.reduce([confidence[name] for name in modalities])
    events = []
    for modality, of_modality in (with_joint(active, modalities) | dict(active)).items():
        in_modality = [
            ParsedEvent(
                classes[label],
                modality,
                start * segment,
                max(min(stop * segment, duration), start * segment),
                round(float(confidence[modality][start:stop, label].mean()), 4),
                origin,
            )
            for label, start, stop in spans_of(of_modality)
        ]
        events += sorted(in_modality, key=lambda event: (event.onset, event.label))
    return tuple(events)


def true_events(
    clip: str, tables: Mapping[str, DenseTable], modalities: tuple[str, ...], segment: float
) -> dict[str, list[ParsedEvent]]:
    """Return modality -> the true events of a clip.

    Args:
        clip: Its name.
        tables: modality -> dense table of ground truth.
        modalities: Those of the parser. If each has a table, the joint modality has events too.
        segment: Seconds per segment; events fill whole segments.
    """
    names = classes_of(tables.values())
    length = segments_of(tables.values(), 1, len(names), segment)
    active = {name: table.array([clip], names, length, segment) for name, table in tables.items()}
    if set(modalities) <= set(active):
        active = with_joint(active, modalities)
    return {
        modality: [
            ParsedEvent(names[label], modality, start * segment, stop * segment, 1.0)
            for label, start, stop in spans_of(array)
        ]
        for modality, array in active.items()
    }


def truth_of(
    clip: str, tables: Mapping[str, DenseTable], modalities: tuple[str, ...], segment: float
) -> list[ParsedEvent]:
    """Return a clip's true events, modality after modality; see `true_events`."""
    return [event for events in true_events(clip, tables, modalities, segment).values() for event in events]


def spans_of(active: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Return class number, first segment and segment after the last of each event in an array (1, T, C)."""
    spans = event_spans(ActiveSegments.of(active))
    return list(zip(spans.label.tolist(), spans.start.tolist(), spans.stop.tolist(), strict=True))
