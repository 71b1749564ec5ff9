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
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container.input import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from seehear.errors import ClipError, SeehearError
from seehear.media import frames, gaps
from seehear.media.feeds import AudioFeed, VideoFeed, decode, decoded
from seehear.media.notes import Note, NoteKind
from seehear.media.opening import MAX_PIXELS, REMEDY, formats, open_media
from seehear.media.placing import PROBED, Placing
from seehear.media.sound import LOUDEST, LOUDEST_DECODED, SETTLING, SILENCE, Cut, Mixer, WaveformCollector, samples_of
from seehear.media.tracks import PREROLL, Listing, Stream, Track, streams_of
from seehear.media.whole import EXACT, missing_end, stated_ends, unread
from seehear.modality import AUDIO, VISUAL
from seehear.results import counted
from seehear.storage.parts import Part, fragment

# Of media that FFmpeg reads, without those of pictures and of texts.
VIDEO_SUFFIXES = frozenset(
    (
        *(".264", ".265", ".266", ".3g2", ".3gp", ".amv", ".apng", ".asf", ".avc", ".avi", ".bik", ".cine"),
        *(".dav", ".divx", ".dv", ".dvr-ms", ".evo", ".f4v", ".flv", ".gif", ".gxf", ".h261", ".h263"),
        *(".h264", ".h265", ".h266", ".hevc", ".ifv", ".ismv", ".ivf", ".kux", ".lrv", ".m1v", ".m2p"),
        *(".m2t", ".m2ts", ".m2v", ".m4v", ".mj2", ".mjpeg", ".mjpg", ".mk3d", ".mkv", ".mov", ".mp4"),
        *(".mpe", ".mpeg", ".mpg", ".mpv", ".mts", ".mxf", ".nsv", ".nut", ".obu", ".ogm", ".ogv", ".ogx"),
        *(".qt", ".rec", ".rm", ".rmvb", ".roq", ".smk", ".tod", ".tp", ".trp", ".ts", ".ty", ".vc1", ".viv"),
        *(".vob", ".vro", ".vvc", ".webm", ".webp", ".wm", ".wmv", ".wtv", ".xvid", ".y4m"),
    )
)
AUDIO_SUFFIXES = frozenset(
    (
        *(".8svx", ".aa3", ".aac", ".ac3", ".ac4", ".adts", ".adx", ".aea", ".aif", ".aifc", ".aiff", ".amr"),
        *(".ape", ".aptx", ".ast", ".au", ".awb", ".bonk", ".caf", ".dff", ".dsf", ".dts", ".dtshd", ".eac3"),
        *(".ec3", ".flac", ".gsm", ".ircam", ".laf", ".m2a", ".m4a", ".m4b", ".m4r", ".mka", ".mlp", ".mmf"),
        *(".mp2", ".mp3", ".mpa", ".mpc", ".nist", ".oga", ".ogg", ".oma", ".omg", ".opus", ".osq", ".qoa"),
        *(".ra", ".rf64", ".shn", ".sln", ".snd", ".sph", ".spx", ".tak", ".thd", ".truehd", ".tta", ".voc"),
        *(".vqf", ".w64", ".wav", ".wave", ".weba", ".wma", ".wv", ".xwma"),
    )
)
SUFFIXES = VIDEO_SUFFIXES | AUDIO_SUFFIXES
S = TypeVar("S", av.VideoStream, av.AudioStream)

HOUR = 3600.0  # seconds
MAX_PACKET_SPACING = 10.0  # seconds, on average; a long clip with fewer packets has damaged time stamps
USUAL_FRAME_DURATION = 0.04  # seconds, of a single frame whose duration the file doesn't give
HIGHEST_RATE = 1_000_000  # audio samples per second
FLOATS = ("flt", "dbl")  # formats of samples that may exceed full scale
WORTH_NOTING = 0.1  # seconds of a track that are damaged or clipped; less is a packet or two
MAX_MISSING_END = 0.5  # seconds by which a part may end behind its file, for example if a length was rounded up
KEPT_LISTINGS = 3  # files whose packets stay listed, since parts of one file often follow each other
OF_TRACKS = (NoteKind.SEVERAL_TRACKS, NoteKind.ASSUMED_RATE, NoteKind.CLOCK_RESET)  # notes that hold for every part


@dataclass(frozen=True)
class Span:
    """Decoded content of a clip from second `start` to second `stop`.

    Attributes:
        start: Seconds from the start of the clip.
        stop: Seconds from the start of the clip.
        frames: size -> (n, size, size, 3) uint8 RGB. The whole frame is squeezed into a square, rotated as shown.
        times: (n,) the second at which each frame is sampled.
        waveform: (samples,) float32 mono with `margin` extra seconds on both sides; zeros where the clip has no audio.
            In [-1, 1]; what codecs that round overshoot is kept, below LOUDEST_DECODED.
        rate: Samples per second of the waveform; 0 without audio.
        margin: Seconds.
    """

    start: float
    stop: float
    frames: dict[int, NDArray[np.uint8]]
    times: NDArray[np.float64]
    waveform: NDArray[np.float32]
    rate: int
    margin: float


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
        self._found: dict[tuple[NoteKind, str], Note] = {}
        self.video: Track | None = None
        self.audio: Track | None = None
        self.rate, self._unbounded, self._exact = 0, False, True
        if not self._list(thorough=False):
            self._list(thorough=True)  # a track begins so late that its parameters were not found

    origin: float
    duration: float
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
        part._found = {key: note for key, note in self._found.items() if note.kind in OF_TRACKS}
        if math.isfinite(stop) and (missing := stop - self.duration) >= WORTH_NOTING:
            part._note(NoteKind.ENDS_EARLY, "", missing)
        part._note_times()
        part._note_gaps()
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
        return tuple(self._found[key] for key in sorted(self._found, key=lambda key: (key[1], key[0].slug)))

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
                    self._note_decoded(feed, fps, complete=end >= self.duration)

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
        return Mixer(self._gain, LOUDEST if self._exact else LOUDEST_DECODED)

    @cached_property
    def _gain(self) -> float:
        """The factor that brings the audio's peak down to full scale, where its format knows none; else 1."""
        if self.audio is None or not self._unbounded:
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
            self._choose(container, listing)
            self._measure(container)
            self._expect_whole(container, listing, stated)
        self._unread, self._lost_in_file = listing.unread, listing.lost
        self._note_gaps()
        return True

    def _choose(self, container: InputContainer, listing: Listing) -> None:
        """Choose the tracks that players choose: of those that can be decoded, the default one, else the first."""
        pictures = [each for each in container.streams.video if each.index in listing.tracks and not is_cover(each)]
        moving = [each for each in pictures if len(listing.tracks[each.index].stamps) > 1] or pictures
        sounds = [each for each in container.streams.audio if each.codec_context]
        heard = [each for each in sounds if each.index in listing.tracks and not lacks_parameters(each)]
        if not moving and not heard:
            empty = container.streams.video or sounds
            what = (
                "holds no frames and no audio, it may be cut off" if empty else "has neither a video nor an audio track"
            )
            raise ClipError(f"{self.path}: {what}: {REMEDY}")
        if len(moving) > 1:
            self._note(NoteKind.SEVERAL_TRACKS, VISUAL, len(moving))
        if len(heard) > 1 and self.audio_track is None:
            self._note(NoteKind.SEVERAL_TRACKS, AUDIO, len(heard))
        if moving:
            self._use_video(default_track(moving), listing)
        if heard:
            self._use_audio(self._asked_for(sounds) or default_track(heard), listing)
        if listing.resets:
            self._note(NoteKind.CLOCK_RESET, "", listing.resets + 1)
        self._note_times()
        if self.video and self.video.rate:
            self._note(NoteKind.ASSUMED_RATE, VISUAL, float(self.video.rate))

    def _note_times(self) -> None:
        """Note frames that have the time of another one."""
        if self.video is None:
            return
        stamps = self.video.stamps
        if self._whole is not None:
            starts = self.video.starts
            stamps = stamps[(starts >= self.origin) & (starts < self.origin + self.duration)]
        if twice := len(stamps) - len(np.unique(stamps)):
            self._note(NoteKind.AMBIGUOUS_TIMES, VISUAL, twice)

    def _asked_for(self, sounds: Sequence[av.AudioStream]) -> av.AudioStream | None:
        """Return the audio track that the user chose, if any."""
        if self.audio_track is None:
            return None
        if not 1 <= self.audio_track <= len(sounds):
            tracks = counted(len(sounds), "audio track")
            raise ClipError(f"{self.path}: has {tracks}, so there is no number {self.audio_track}")
        return sounds[self.audio_track - 1]

    def _use_video(self, stream: av.VideoStream, listing: Listing) -> None:
        self.video = listing.tracks[stream.index]
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > MAX_PIXELS:
            raise ClipError(
                f"{self.path}: has frames of {width} × {height} pixels, more than {MAX_PIXELS} in all: scale it down"
            )

    def _use_audio(self, stream: av.AudioStream, listing: Listing) -> None:
        if stream.index not in listing.tracks or lacks_parameters(stream):
            raise ClipError(f"{self.path}: its audio track {self.audio_track} holds no audio: choose another one")
        self.audio, context = listing.tracks[stream.index], stream.codec_context
        self.rate = context.sample_rate
        self._exact = context.codec.lossless
        self._unbounded = self._exact and context.format.name[:3] in FLOATS
        if self.rate > HIGHEST_RATE:
            raise ClipError(f"{self.path}: claims {self.rate} samples per second, it may be damaged: {REMEDY}")

    def _measure(self, container: InputContainer) -> None:
        """Find where the clip begins and how long it is."""
        starts: list[float] = []
        stops: list[float] = []
        if self.video is not None:
            starts.append(float(self.video.starts.min()))
            stops.append(float(self.video.ends.max()))
            last = int(np.argmax(self.video.stamps))
            if not self.video.durations[last]:
                stops.append(float(self.video.starts[last]) + self._last_duration(container))
        if self.audio is not None:
            stream = container.streams[self.audio.index]
            # Priming samples of audio codecs lie before the start of the stream, or before 0.
            start = float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0
            starts.append(max(float(self.audio.starts.min()), start))
            stops.append(float(self.audio.ends.max()))
        self.origin = min(starts)
        self.duration = max(stops) - self.origin
        if not 0 < self.duration < math.inf:
            raise ClipError(f"{self.path}: lasts {self.duration:g} s, it may be damaged: {REMEDY}")
        packets = sum(len(track.stamps) for track in (self.video, self.audio) if track is not None)
        if self.duration > HOUR and packets < self.duration / MAX_PACKET_SPACING:
            raise ClipError(
                f"{self.path}: claims a duration of {self.duration / HOUR:.0f} hours and holds {packets} packets, "
                f"it may be damaged: {REMEDY}"
            )

    def _last_duration(self, container: InputContainer) -> float:
        """Return how long the last frame is on show, in seconds, where its packet doesn't say it."""
        assert self.video is not None
        starts = self.video.ordered * float(self.video.base)
        usual = float(starts[-1] - starts[-2]) if len(starts) > 1 else USUAL_FRAME_DURATION
        declared = (container.duration or 0) / av.time_base + min(0.0, float(starts[0]))
        if EXACT & formats(container) and starts[-1] < declared <= starts[-1] + 2 * usual:
            return declared - float(starts[-1])
        return min(usual or USUAL_FRAME_DURATION, 1.0)

    def _expect_whole(self, container: InputContainer, listing: Listing, stated: Mapping[int, float]) -> None:
        """Raise ClipError if the header states an exact duration and the packets end a second or more earlier.

        Of formats whose headers may be wrong, the missing end is noted.
        """
        rest = self.path.stat().st_size - listing.last_byte if listing.given_up else 0
        if behind := rest or unread(self.path, container, listing.last_byte):
            self._note(NoteKind.UNREAD, "", behind)
        end = self.origin + self.duration
        if not EXACT & formats(container):
            missing = missing_end(self.path, container, end, self.duration)
            if missing > 1:
                self._note(NoteKind.CUT_OFF, "", missing)
            return
        used = [track for track in (self.video, self.audio) if track is not None]
        ends = [stated[track.index] for track in used if track.index in stated]
        # Without durations of its tracks, a header states that of the longest one, which may be of subtitles.
        end = end if ends else max(listing.end, end)
        declared = max(ends, default=(container.duration or 0) / av.time_base)
        slack = max(1.0, 2 * max(track.usual_step for track in used))
        if end < declared - slack:
            raise ClipError(f"{self.path}: is cut off, holding {max(0.0, end):.1f} of {declared:.1f} s: {REMEDY}")

    # What is noted

    def _note(self, kind: NoteKind, modality: str, amount: float) -> None:
        self._found[kind, modality] = Note(kind, modality, round(float(amount), 3))

    def _note_gaps(self) -> None:
        """Note stretches without packets. They are lost if no track has any there, and the file is damaged.

        Else a recording paused, or a track has nothing there.
        """
        silent = self._of_clip(gaps.audio_gaps(self.audio)) if self.audio is not None else []
        tracks = {name: track for name, track in ((VISUAL, self.video), (AUDIO, self.audio)) if track is not None}
        self._lost = min(self._lost_in_file, self.duration)
        if self._unread or any(track.corrupt for track in tracks.values()):
            self._lost = gaps.seconds(self._of_clip(self._empty(silent))) or self._lost
        for modality in tracks if self._lost else ():
            self._note(NoteKind.DAMAGED, modality, self._lost)
        if silent and not self._lost:
            self._note(NoteKind.GAP, AUDIO, gaps.seconds(silent))

    def _of_clip(self, found: gaps.Gaps) -> gaps.Gaps:
        """Return what of gaps lies within the clip."""
        if self._whole is None:
            return found
        inner = [(max(start, self.origin), min(stop, self.origin + self.duration)) for start, stop in found]
        return [(start, stop) for start, stop in inner if start < stop]

    def _empty(self, silent: gaps.Gaps) -> gaps.Gaps:
        """Return the stretches in which no track has packets; of a video alone, those in which frames are missing."""
        if self.audio is None:
            assert self.video is not None
            return gaps.lost_frames(self.video)
        if self.video is None:
            return gaps.joint(silent, silent)
        span = self.origin, self.origin + self.duration
        return gaps.joint(gaps.within(self.audio, silent, span), gaps.within(self.video, None, span))

    def _note_decoded(self, feed: VideoFeed | AudioFeed, fps: float, *, complete: bool) -> None:
        """Note what was found while a track was decoded. complete: whether it was to the end of the clip."""
        failed = feed.failed
        if isinstance(feed, VideoFeed) and failed:
            failed = max(failed, float(feed.collector.lost.sum()) / fps)
        if isinstance(feed, AudioFeed):
            failed += feed.collector.mixer.findings.garbled / self.rate
        if self._lost + failed >= WORTH_NOTING:
            self._note(NoteKind.DAMAGED, feed.modality, min(self.duration, self._lost + failed))
        if isinstance(feed, AudioFeed):
            self._note_samples(feed, complete=complete)

    def _note_samples(self, feed: AudioFeed, *, complete: bool) -> None:
        found = feed.collector.mixer.findings
        amounts = {
            NoteKind.NOT_FINITE: found.not_finite,
            NoteKind.OPPOSITE_PHASE: found.cancelled / self.rate,
            NoteKind.ASSUMED_LAYOUT: found.unknown_layout,
            NoteKind.TOO_LOUD: found.peak if self._unbounded and found.peak > 1 else 0,
            NoteKind.CLIPPED: found.clipped / self.rate if found.clipped / self.rate >= WORTH_NOTING else 0,
            NoteKind.SILENT: float((feed.ended or complete) and found.heard <= SILENCE),
        }
        for kind, amount in amounts.items():
            if amount:
                self._note(kind, AUDIO, amount)


def open_part(path: str | Path, audio_track: int | None, start: float, stop: float) -> Media:
    """Return a part of a file. The packets of the last few files stay listed.

    Args:
        path: A media file.
        audio_track: As for `Media`.
        start: As for `Media.part`.
        stop: As for `Media.part`.

    Raises:
        ClipError: The file can't be used, or is shorter.
    """
    try:
        return _whole(path, audio_track).part(start, stop)
    except ClipError as error:  # of the file: each of its parts says so
        text, place = str(error), f"{path}{fragment(start, stop)}"
        raise ClipError(text.replace(str(path), place, 1) if text.startswith(f"{path}: ") else text) from None


def _whole(path: str | Path, audio_track: int | None) -> Media:
    """Return a file, listed once for all of its parts. Raises ClipError if it can't be used."""
    try:
        stat = Path(path).stat()
    except (OSError, ValueError):
        return Media(path, audio_track)  # which says what is wrong
    return _listed(str(path), audio_track, (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=KEPT_LISTINGS)
def _listed(path: str, audio_track: int | None, state: tuple[int, ...]) -> Media:
    """Return a file. state: by which it is the same file, unchanged."""
    return Media(path, audio_track)


def check_part(file: object, duration: float, start: float, stop: float, clip: str = "the part") -> None:
    """Raise ClipError unless a file of some duration holds a part. All in seconds. clip: what to call it."""
    if start >= duration:
        raise ClipError(f"{file}: is {duration:.1f} s long, but {clip} begins at second {start:g}")
    if math.isfinite(stop) and stop > duration + MAX_MISSING_END:
        raise ClipError(f"{file}: is {duration:.1f} s long, but {clip} ends at second {stop:g}")


def count_segments(duration: float, segment: float) -> int:
    """Return the number of segments of a clip; see `Media.segments`."""
    return max(1, math.ceil(duration / segment - 0.1))


def is_media(file: Path) -> bool:
    """Return whether a file exists and has the suffix of a video or audio file. Hidden files don't count."""
    # Some systems keep notes on clip.mp4 in ._clip.mp4.
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()


def is_cover(stream: av.VideoStream) -> bool:
    """Return whether the stream is the cover image of an audio file."""
    return bool(stream.disposition & (av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails))


def default_track(streams: Sequence[S]) -> S:
    """Return the track that players choose: the first one that is flagged as default and made for everybody."""
    flags = av.stream.Disposition
    special = flags.hearing_impaired | flags.visual_impaired | flags.comment | flags.dub | flags.dependent
    return min(streams, key=lambda each: (not each.disposition & flags.default, bool(each.disposition & special)))


def lacks_parameters(stream: Stream) -> bool:
    """Return whether the size of a track's frames, or its samples per second, is unknown."""
    if isinstance(stream, av.VideoStream):
        return not stream.codec_context.width
    return not stream.codec_context.sample_rate
