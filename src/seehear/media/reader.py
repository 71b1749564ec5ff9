"""A clip file, or a part of one, read as frames and a waveform on one clock.

The clock starts at 0 with the first frame or the first audio sample of the file; that of a part where it begins.

`Media` first lists the packets of a file without decoding any. This gives the true duration and the time of every
frame, even where the header is wrong or the frame rate varies. `Media.spans` then decodes each track once, in spans of
bounded length. It decodes only the requested tracks. Frames that nobody requested are not converted, and are not
decoded either, unless another frame depends on them.

A part has the frames and samples that the whole file has there. Decoding begins shortly before it: the packets are
listed, so it is known with which one.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container.input import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from seehear.errors import ClipError, SeehearError
from seehear.media import frames
from seehear.media.choice import Choice, choose, lacks_parameters
from seehear.media.extent import check_part, expect_whole, measure
from seehear.media.feeds import AudioFeed, VideoFeed, decode, decoded
from seehear.media.notes import Note, NoteKind
from seehear.media.oddities import WORTH_NOTING, Oddities
from seehear.media.opening import REMEDY, open_media
from seehear.media.placing import PROBED, Placing
from seehear.media.sound import LOUDEST, LOUDEST_DECODED, SETTLING, Cut, Mixer, WaveformCollector, samples_of
from seehear.media.span import Span, count_segments
from seehear.media.tracks import PREROLL, Listing, Track, streams_of
from seehear.media.whole import stated_ends
from seehear.storage.parts import Part


class Media:
    """A clip file, or a part of one.

    Attributes:
        path: The file.
        place: The file, and which part of it the clip is, for messages.
        duration: Seconds from the first frame or sample to the end of the last one; of a part, its seconds.
        rate: Audio samples per second; 0 without audio.
        video: The video track that is used; None without one.
        audio: The audio track that is used; None without one.
        origin: Seconds of the file's clock at which the clip begins.
    """

    def __init__(self, path: str | Path, audio_track: int | None = None) -> None:
        """List the packets of the file.

        Args:
            path: A media file.
            audio_track: Which of the audio tracks to use, from 1; by default the one that players choose.

        Raises:
            ClipError: The file can't be used.
        """
        self.path = Path(path)
        self.place = str(path)  # for messages
        self.audio_track = audio_track
        if not self._list(thorough=False):
            self._list(thorough=True)  # a track begins so late that its parameters were not found

    video: Track | None
    audio: Track | None
    rate: int
    origin: float
    duration: float
    _choice: Choice
    _odd: Oddities
    _whole: Media | None = None  # the file that this is a part of

    def part(self, start: float, stop: float = math.inf) -> Media:
        """Return a part of the file as a clip of its own. Its packets needn't be listed again.

        Args:
            start: Seconds from the file's first frame or sample.
            stop: Seconds likewise; infinite for the end of the file. A part that ends up to MAX_MISSING_END seconds
                behind the file is taken to its end.

        Raises:
            ClipError: The file is shorter.
            SeehearError: These are no seconds of a file, or this is a part.
        """
        if self._whole is not None:
            raise SeehearError(f"{self.place}: is a part already: name a part of its file")
        part = copy.copy(self)
        part._whole, part.place = self, str(Part(self.path, start, stop))
        check_part(part.place, self.duration, start, stop)
        part.origin, part.duration = self.origin + start, min(stop, self.duration) - start
        part._odd = self._odd.of_part((part.origin, part.origin + part.duration))
        if math.isfinite(stop) and (missing := stop - self.duration) >= WORTH_NOTING:
            part._odd.add(NoteKind.ENDS_EARLY, "", missing)
        return part

    @property
    def _first_sample(self) -> int:
        """The number of the clip's first sample in the file."""
        return round((self.origin - self._whole.origin) * self.rate) if self._whole is not None else 0

    @property
    def _reaches_end(self) -> bool:
        """Whether the clip ends with its file."""
        whole = self._whole or self
        return self.origin + self.duration >= whole.origin + whole.duration

    @property
    def has_video(self) -> bool:
        """Whether the file holds frames."""
        return self.video is not None

    @property
    def has_audio(self) -> bool:
        """Whether the file holds audio."""
        return self.audio is not None

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is odd about the file; complete once `spans` has decoded it."""
        return self._odd.notes

    @cached_property
    def aspect(self) -> float:
        """Width over height of the frames as shown: rotated, with pixels that may not be square; 1 without video."""
        if self.video is None:
            return 1.0
        if self._whole is not None:
            return self._whole.aspect
        with self.open() as container:
            video = container.streams[self.video.index]
            assert isinstance(video, av.VideoStream)
            for packet, _ in self.video.packets(container):
                for frame in decode(packet)[0]:
                    assert isinstance(frame, VideoFrame)
                    return frames.aspect(frame, float(video.sample_aspect_ratio or 1))
        return 1.0  # `spans` reports what is wrong

    def segments(self, segment: float = 1.0) -> int:
        """Count the segments of the clip.

        Args:
            segment: Seconds per segment.

        Returns:
            T, at least 1. A last segment may be incomplete, but a rest below a tenth of a segment doesn't count: it
            comes from codecs that round the duration up to whole frames.
        """
        return count_segments(self.duration, segment)

    def sample_times(self, fps: float, start: float = 0.0, stop: float | None = None) -> NDArray[np.float64]:
        """Choose when to sample frames.

        Args:
            fps: Frames per second.
            start: Seconds.
            stop: Seconds; by default the end of the clip.

        Returns:
            (n,) seconds in [start, stop): the middle of each period of 1 / fps seconds.
        """
        stop = self.duration if stop is None else stop
        first, last = math.ceil(start * fps - 0.5 - 1e-9), math.ceil(stop * fps - 0.5 - 1e-9)
        times: NDArray[np.float64] = (np.arange(max(0, first), last, dtype=np.float64) + 0.5) / fps
        return times if len(times) or (last <= 0 and start > 0) else np.array([(start + stop) / 2])

    def spans(
        self,
        length: float,
        *,
        fps: float = 8.0,
        sizes: Collection[int] = (),
        audio: bool = False,
        margin: float = 0.0,
        stop: float | None = None,
    ) -> Iterator[Span]:
        """Decode the clip once, from start to end. Memory holds about one span, however long the clip.

        Args:
            length: Seconds per span.
            fps: Frames sampled per second.
            sizes: Side lengths in pixels of the square frames to return; empty for no frames.
            audio: Whether to return the waveform.
            margin: Seconds of waveform around each span.
            stop: Where to end, in seconds; by default the end of the clip.

        Yields:
            The spans, in order.

        Raises:
            ClipError: The clip has no such track, or nothing of a track can be decoded.
        """
        if sizes and not self.has_video:
            raise ClipError(f"{self.place}: has no video track, which a visual network needs")
        if audio and not self.has_audio:
            raise ClipError(f"{self.place}: has no audio track, which an audio network needs")
        end = self.duration if stop is None else stop
        with ExitStack() as files:
            # Each track is read by itself, so that memory stays bounded wherever a file keeps its tracks.
            video = self._video_feed(files, fps, sorted(sizes), end) if sizes else None
            sound = self._audio_feed(files, margin) if audio else None
            for n in range(max(1, math.ceil(end / length - 1e-9))):
                yield self._span(n * length, min((n + 1) * length, end), video, sound, margin)
            if sound is not None and end >= self.duration and self._reaches_end:
                sound.read_rest()
            for feed in (video, sound):
                if feed is not None:
                    self._odd.add_decoded(feed, fps, self.duration, complete=end >= self.duration)

    def _span(self, start: float, stop: float, video: VideoFeed | None, sound: AudioFeed | None, margin: float) -> Span:
        shown: dict[int, NDArray[np.uint8]] = {}
        times, waveform = np.zeros(0), np.zeros(0, dtype=np.float32)
        for feed, moment, content in ((video, stop, "frames"), (sound, stop + margin, "audio")):
            if feed is not None:
                feed.read_until(moment if self._whole is None else min(moment, self.duration))
                if feed.ended and feed.collector.empty and self._is_in(feed.track):
                    problem = f"none of its {content} can be decoded, it may be damaged"
                    raise ClipError(f"{self.place}: {problem}: {REMEDY}")
        if video is not None:
            shown, times = video.take(stop)
        if sound is not None:
            waveform = sound.collector.take(start - margin, stop + margin)
        return Span(start, stop, shown, times, waveform, self.rate, margin)

    def _video_feed(self, files: ExitStack, fps: float, sizes: list[int], stop: float) -> VideoFeed:
        assert self.video is not None
        times, enter = self.sample_times(fps, 0.0, stop), partial(self._enter, files, self.video)
        return VideoFeed(self.video, enter, times, sizes, self.origin, self._entry(self.video))

    def _audio_feed(self, files: ExitStack, margin: float) -> AudioFeed:
        assert self.audio is not None
        starts = self.audio.starts - self.origin
        next_audio = np.minimum.accumulate([math.inf, *reversed(starts.tolist())])[::-1]
        enter, whole = partial(self._enter, files, self.audio), self._whole
        if whole is None:
            collector = WaveformCollector(self.rate, margin, self.origin, next_audio, self.mixer())
            return AudioFeed(self.audio, enter, collector)
        first, length = self._entry(self.audio), round(self.duration * self.rate)
        cut = Cut(self._first_sample, length, first, whole._placing.sample_at, self.mixer())
        collector = WaveformCollector(self.rate, margin, whole.origin, next_audio, self.mixer(), cut)
        return AudioFeed(self.audio, enter, collector, first, self.origin)

    def _entry(self, track: Track) -> int:
        """Return the number of the packet with which decoding begins: of audio some before a part, to let it settle."""
        if self._whole is None:
            return 0
        if track is self.video:
            return track.entry(self.origin)
        first = track.entry(self.origin - PREROLL)
        return first if first >= PROBED else 0

    def _is_in(self, track: Track) -> bool:
        """Return whether a track has something within the clip; its last frame is on show until the clip ends."""
        return track is self.video or bool(
            np.any((track.ends > self.origin) & (track.starts < self.origin + self.duration))
        )

    def decoded(self, track: Track) -> Iterator[tuple[float, VideoFrame | AudioFrame]]:
        """Decode a track of the clip, one of `video` and `audio`, frame by frame as the file has them.

        Yields:
            The frames, each with the second of the clip at which it begins. The frame on show at the beginning of a
            part, and audio from shortly before it, have negative seconds. Audio has its time in samples, as exactly as
            the whole file has it.

        Raises:
            ClipError: The file can't be opened any more.
        """
        whole, end, first = self._whole or self, self.origin + self.duration, self._entry(track)
        with ExitStack() as files:
            for frame in decoded(track, partial(self._enter, files, track), self.origin, end, first):
                if isinstance(frame, VideoFrame):
                    if frame.pts is not None:
                        yield float(frame.pts * track.base) - self.origin, frame
                elif frame.samples and frame.time is not None:
                    if frame.time + frame.samples / frame.sample_rate <= self.origin - SETTLING and first:
                        continue
                    frame.pts = whole._placing.sample_at(frame.time) - self._first_sample
                    frame.time_base = Fraction(1, self.rate)
                    yield frame.pts / self.rate, frame

    def _enter(
        self, files: ExitStack, track: Track, first: int
    ) -> tuple[InputContainer, Iterator[tuple[Packet[Any], int]]]:
        """Open the file; return it, and the packets of a track from number `first` on."""
        container = files.enter_context(self.open())
        packets = track.sought(container, first) if first else None
        if first and packets is None:
            container = files.enter_context(self.open())
        return container, packets or track.packets(container, first)

    @cached_property
    def _placing(self) -> Placing:
        """Where the audio of each packet of the file lies."""
        assert self.audio is not None
        found: list[tuple[int, AudioFrame]] = []
        with self.open() as container:
            for packet, number in self.audio.packets(container):
                found += [(number, frame) for frame in decode(packet)[0] if isinstance(frame, AudioFrame)]
                if number >= PROBED - 1:
                    break
        return Placing(self.audio, self.rate, self.origin, [each for each in found if each[0] >= 0])

    def open(self) -> InputContainer:
        """Open the file once more. `video` and `audio` yield the packets of the tracks that are used.

        Raises:
            ClipError: The file can't be opened any more.
        """
        return open_media(self.path, thorough=self._thorough)

    def mixer(self) -> Mixer:
        """Return a new mixer for the audio."""
        return Mixer(self._gain, LOUDEST if self._choice.exact else LOUDEST_DECODED)

    @cached_property
    def _gain(self) -> float:
        """The factor that brings the audio's peak down to full scale, where its format knows none; else 1."""
        if self.audio is None or not self._choice.unbounded:
            return 1.0
        if self._whole is not None:
            return self._whole._gain
        peak = 0.0
        with self.open() as container:
            for packet, _ in self.audio.packets(container):
                for frame in decode(packet)[0]:
                    magnitudes = np.abs(samples_of(frame))
                    peak = max(peak, float(magnitudes[magnitudes <= LOUDEST].max(initial=0.0)))
        return 1 / peak if peak > 1 else 1.0

    def _list(self, *, thorough: bool) -> bool:
        """List the packets of all tracks and choose those to use. Return whether all their parameters are known."""
        self._thorough = thorough
        with self.open() as container:
            stated = stated_ends(container)  # FFmpeg changes them while it reads
            listing = Listing(container)
            unknown = any(lacks_parameters(stream) for stream in streams_of(container))
            if not thorough and (listing.late_tracks or unknown):
                return False
            choice = self._choice = choose(self.path, container, listing, self.audio_track)
            self.video, self.audio, self.rate = choice.video, choice.audio, choice.rate
            self._odd = Oddities(choice, listing)
            self._odd.add_times()
            self.origin, self.duration = measure(self.path, container, self.video, self.audio)
            used = [track for track in (self.video, self.audio) if track is not None]
            extent = self.origin, self.duration
            for kind, amount in expect_whole(self.path, container, listing, stated, used, extent):
                self._odd.add(kind, "", amount)
        self._odd.add_gaps((self.origin, self.origin + self.duration), whole=True)
        return True
