"""What every parser does with data sets and media files, wherever its probabilities come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear.arguments import audio_track as check_audio_track
from seehear.data import Dataset
from seehear.decoding import Decoding, Probabilities, silenced
from seehear.errors import SeehearError
from seehear.events import Activity
from seehear.features.packed import Packed, silence_of
from seehear.media.child import open_clip
from seehear.media.notes import about
from seehear.media.stream_source import STALL
from seehear.modality import AUDIO
from seehear.names import clip_name
from seehear.parsing.clip import Origin, ParsedClip, parsed_clip, truth_of
from seehear.parsing.reach import Reach
from seehear.storage.files import Location, fetched, locate, of_fetched

if TYPE_CHECKING:
    from seehear.arguments import Paths
    from seehear.labels import DenseTable
    from seehear.media.stream_child import AnySource
    from seehear.parsing.batch import ParsedFolder
    from seehear.parsing.live import Live, Part
    from seehear.parsing.reading import FileReader
    from seehear.scoring.false_alarms import FalseAlarms, Rates

MAX_PROBABILITIES = 2**26  # probabilities of segments in memory at once


class FileParser(ABC):
    """Predicts which classes are heard and seen in each segment of a media file."""

    def __getstate__(self) -> dict[str, Any]:
        # Without what is loaded when it is first needed: another process loads its own.
        loaded = {name for name in self.__dict__ if isinstance(getattr(type(self), name, None), cached_property)}
        return {name: value for name, value in self.__dict__.items() if name not in loaded}

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Return the classes that it predicts, in the order of its probabilities."""

    @property
    @abstractmethod
    def collocation(self) -> Mapping[str, list[str]]:
        """Return modality -> the networks that feed it, in the order of the probabilities' modalities."""

    @property
    @abstractmethod
    def segment(self) -> float:
        """Seconds per segment."""

    @property
    @abstractmethod
    def decoding(self) -> Decoding:
        """From probabilities to events."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """Hash of everything but the decoding that decides what it predicts, to mark folders with."""

    @property
    @abstractmethod
    def reader(self) -> FileReader:
        """Its networks in memory, which read media files. They are loaded when they are first needed."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Return the modalities that it predicts, in order."""
        return tuple(self.collocation)

    def describe(self) -> str:
        """Return what people must know of it to read its events; empty if nothing."""
        return ""

    @abstractmethod
    def _parsed(self, features: Mapping[str, Packed], decoding: Decoding, **facts: Any) -> ParsedClip:
        """Return a parsed clip, from its features by network. facts: on the clip, as `parsed_clip` takes them."""

    def parse(
        self,
        file: str | Location,
        *,
        truth: Mapping[str, DenseTable | str | Path] | None = None,
        decoding: Decoding | None = None,
        audio_track: int | None = None,
    ) -> ParsedClip:
        """Parse a media file of any length, in one pass and bounded memory.

        A file without an audio or a video track is parsed by what it has: see `ParsedClip.absent`.

        Clips longer than those of training are parsed in windows of the training length that overlap by half. Where
        windows overlap, a segment counts more the nearer it is to the window's middle.

        Args:
            file: A media file of this machine; or elsewhere, such as `s3://bucket/clip.mp4` or `https://…`. A part of
                one is a clip too, such as `video.mp4#t=30,40`: its events are in seconds of the part.
            truth: modality -> dense table, to show ground truth with the events.
            decoding: From probabilities to events; by default the parser's.
            audio_track: Which of the file's audio tracks to use, from 1; by default the one that players choose.

        Raises:
            ClipError: If the file can't be used, has no such audio track, or has none of the parser's modalities.
            SeehearError: If the parser was trained on features that can't be made from a file.
        """
        from seehear.labels import DenseTable, read_dense

        if not isinstance(file, str | Location):
            raise SeehearError(f"parse takes one file, not {type(file).__name__}: parse_clips takes several")
        location = locate(file)
        with fetched(location) as path:
            reader = self.reader  # loaded before the clip is opened: the process that decodes starts meanwhile
            media = open_clip(of_fetched(location, path), check_audio_track(audio_track))
            absent = reader.absent(media)
            features, overview = reader.read(media, absent)
        tables = {
            name: table if isinstance(table, DenseTable) else read_dense(table) for name, table in (truth or {}).items()
        }
        return self._parsed(
            features,
            decoding or self.decoding,
            clip=clip_name(location),
            file=location,
            duration=media.duration,
            truth=truth_of(clip_name(location), tables, self.modalities, self.segment) if tables else None,
            overview=overview,
            absent=absent,
            notes=about(media.notes, *self.modalities),
            audio_track=audio_track,
        )

    def follow(
        self,
        source: AnySource,
        *,
        decoding: Decoding | None = None,
        audio_track: int | None = None,
        stall: float = STALL,
    ) -> Live:
        """Parse a stream while it grows, and tell events with bounded delay, in bounded memory.

        The events of a stream that ends are those that `parse` finds in a file of the same content.

            for told in parser.follow("recording.ts"):
                print(told.as_json())

        Args:
            source: A file that grows; `-` for standard input; an address (`rtsp://…`, `https://…`); or an open binary
                file, or anything that gives bytes by `read`.
            decoding: From probabilities to events; by default the parser's.
            audio_track: Which of the stream's audio tracks to use, from 1; by default the one that players choose.
            stall: Seconds without anything new after which the stream is given up. A file has ended then.

        Returns:
            An iterator over what is told: `Started`, then `Begun`, `Finished` and others, at last `Ended`; see
            `seehear.parsing.live_events`. It waits for the stream.

        Raises:
            ClipError: If the stream can't be used, or has none of the parser's modalities.
            SeehearError: If the parser needs whole clips.
        """
        from seehear.parsing.live import Live

        return Live(self, source, decoding or self.decoding, check_audio_track(audio_track), stall)

    def _parts(self, decoding: Decoding) -> list[Part]:
        """Return what predicts the segments of a stream. Raises SeehearError if that takes the whole of it."""
        raise SeehearError(f"{self!r}: needs whole clips, so it can't parse a stream")

    def parse_clips(self, clips: Paths, *, out: str | Path | None = None, **options: Any) -> ParsedFolder:
        """Parse media files, or folders of them: see `seehear.parsing.batch.parse_clips`."""
        from seehear.parsing.batch import parse_clips

        return parse_clips(self, clips, out=out, **options)


class BaseParser(FileParser):
    """Predicts from the features of networks, of files and of data sets."""

    @property
    def origin(self) -> Origin:
        """Whether its classes were trained."""
        return Origin.TRAINED

    def meanings(self, labels: Sequence[str]) -> dict[str, dict[str, list[str]]]:
        """Return what untrained classes stand for: label -> modality -> the classes of its network's classifier."""
        return {}

    @property
    def window(self) -> int | None:
        """Segments of the windows in which longer clips are predicted; None if it does not work like this."""
        return None

    @property
    def reach(self) -> Reach:
        """On how many segments around it a prediction depends. Raises SeehearError if on the whole clip."""
        if self.window is None:
            raise SeehearError(f"{self!r}: needs whole clips, so it can't parse a stream")
        return Reach.of_windows(self.window)

    @property
    def specific(self) -> Mapping[int, Sequence[int]]:
        """Return the number of a class -> numbers of those that may take its place in events; empty for most."""
        return {}

    @abstractmethod
    def _features(self, dataset: Dataset) -> Dataset:
        """Return a data set with the parser's networks. Raises SeehearError if one is missing or was made otherwise."""

    @abstractmethod
    def _predict(self, packs: dict[str, list[Packed]]) -> Probabilities:
        """Return the probabilities of clips. packs: modality -> the features of each of its networks."""

    def _parts(self, decoding: Decoding) -> list[Part]:
        """Return what predicts the segments of a stream. Raises SeehearError if that takes the whole of it."""
        from seehear.parsing.live import Part

        return [Part(self, decoding)]

    def _tracks(self, active: Mapping[str, NDArray[np.bool_]]) -> Mapping[str, NDArray[np.bool_]]:
        """Return which active segments are shown as events, modality -> (N, T, C); see `parsed_clip`."""
        return active

    def probabilities(self, dataset: Dataset) -> Probabilities:
        """Return the probabilities of segments and of whole clips, for every clip of a data set.

        Raises:
            SeehearError: If the data set lacks a network of the parser, or its features were made otherwise.
        """
        parts = list(self.iter_probabilities(dataset))
        segments = max(part.segment.shape[1] for _, part in parts)
        shape = (len(dataset), segments, len(self.modalities), len(self.classes))
        segment, by_modality = np.zeros((2, *shape), dtype=np.float32)
        clip = np.zeros((shape[0], segments, shape[3]), dtype=np.float32)
        for numbers, part in parts:
            length = part.segment.shape[1]
            segment[numbers, :length], clip[numbers, :length] = part.segment, part.clip
            by_modality[numbers, :length] = part.modality_clip
        return Probabilities(segment, clip, by_modality)

    def iter_probabilities(self, dataset: Dataset) -> Iterator[tuple[NDArray[np.int64], Probabilities]]:
        """Yield the same, some clips at a time: their numbers in the data set, and their probabilities.

        Clips without features are skipped; one that lacks a modality is predicted by what it has. Memory stays bounded,
        however large the data set.
        """
        data = self._features(dataset)  # which may have features of other clips than `dataset` with its networks
        packs, featured = data.packs(), np.flatnonzero(data.featured)
        lengths = next(iter(packs.values()))[0].lengths()
        values = int(lengths.max()) * len(self.modalities) * len(self.classes)
        step = max(1, MAX_PROBABILITIES // values)
        for start in range(0, len(lengths), step):
            part = slice(start, start + step)
            cut = {name: [pack.cut(part) for pack in each] for name, each in packs.items()}
            yield featured[part], self._of_packs(cut)

    def predict_proba(self, dataset: Dataset) -> NDArray[np.float32]:
        """Return the probability of every segment, modality and class.

        Returns:
            (N, T, M, C) float32 in [0, 1]: clips in the data set's order, segments, `parser.modalities`,
            `parser.classes`. 0 past a clip's end, in a modality that a clip lacks, for clips without features, and for
            audio in digital silence.
        """
        return self.probabilities(dataset).segment

    def predict(self, dataset: Dataset, decoding: Decoding | None = None) -> Activity:
        """Return which segments are active, by modality and class.

        The features are those of the parser's own networks, also if the data set shows others of the same store.

        Args:
            dataset: Clips to parse.
            decoding: From probabilities to events; by default the parser's.

        Returns:
            modality -> (N, T, C) bool, over `parser.classes`. T is that of the data set's ground truth where known.
            Clips without features have no active segment.
        """
        decode = decoding or self.decoding
        lengths = self._features(dataset).lengths
        segments = next(iter(dataset.truth.values())).shape[1] if dataset.truth else int(lengths.max())
        shape = (len(dataset), segments, len(self.classes))
        active = {name: np.zeros(shape, dtype=bool) for name in self.modalities}
        for numbers, part in self.iter_probabilities(dataset):
            for name, of_part in decode(part, self.classes, self.modalities).items():
                active[name][numbers, : of_part.shape[1]] = of_part
        return Activity(active, classes=self.classes, source=str(decode))

    def limit_false_alarms(
        self, dataset: Dataset, per_hour: Rates = 1.0, *, decoding: Decoding | None = None, sure: bool = False
    ) -> FalseAlarms:
        """Return the thresholds at which there are at most so many false alarms per hour, per class and modality.

        A false alarm is an event that overlaps no true one. With ground truth, all hours count; without, the hours of
        the clips whose weak label lacks the class. An empty label means that none of the classes occurs.

            chosen = parser.limit_false_alarms(val, {"Dog": 1, "Speech": 6})
            parser.predict(test, chosen.decoding)
            parser.keep_thresholds(chosen)  # from now on, the parser uses them

        Args:
            dataset: Clips that the parser was not trained on.
            per_hour: False alarms per hour and modality: for every class, or class -> rate. Other classes keep their
                thresholds.
            decoding: Gives the clip filter and the thresholds, which may rise and never fall; by default that of the
                parser.
            sure: Choose by the upper end of the rate's 95 % interval, not by the observed rate.

        Raises:
            SeehearError: For a class that is unknown, or a rate that is not a number above 0.
        """
        from seehear.scoring.false_alarms import LabelledClips, check_rates, limit_false_alarms

        rates = check_rates(per_hour, self.classes)
        data = self._features(dataset).with_classes(self.classes).usable()
        clips = LabelledClips(data.lengths, data.labels > 0, data.available, data.truth, data.segment)
        found, before = self.probabilities(data), decoding or self.decoding
        return limit_false_alarms(found, clips, rates, before, self.classes, self.modalities, sure=sure)

    def _of_packs(self, packs: dict[str, list[Packed]]) -> Probabilities:
        """Return the probabilities of packed clips. Nothing is heard in digital silence."""
        predicted = self._predict(packs)
        return silenced(predicted, silence_of(packs[AUDIO]), self.modalities) if AUDIO in packs else predicted

    def _parsed(self, features: Mapping[str, Packed], decoding: Decoding, **facts: Any) -> ParsedClip:
        """Return a parsed clip, from its features by network. facts: on the clip, as `parsed_clip` takes them."""
        packs = {modality: [features[name] for name in names] for modality, names in self.collocation.items()}
        predicted = self._of_packs(packs)
        active = self._tracks(decoding(predicted, self.classes, self.modalities))
        parsed = parsed_clip(
            active, predicted.segment, self.classes, self.segment, decoding, origin=self.origin, **facts
        )
        return replace(parsed, meanings=self.meanings([event.label for event in parsed.events]))
