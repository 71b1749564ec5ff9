"""A stream, read once from its start while it grows: frames and a waveform on one clock, span by span.

`Media` lists the packets of a file before it decodes any. Of a stream, nobody knows those to come. So `Stream` decodes
packets in their order, and yields a span as soon as all of its content has come. The spans of a stream that ends are
those of a file with the same content, except for what `docs/live.md` lists.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container.input import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from seehear.errors import ClipError
from seehear.media.choice import HIGHEST_RATE, default_track, is_cover, lacks_parameters
from seehear.media.extent import HOUR
from seehear.media.feeds import decode
from seehear.media.opening import A_LIST, MAX_PIXELS, POINTERS, TEXT, formats
from seehear.media.sound import LOUDEST, LOUDEST_DECODED, Mixer, WaveformCollector
from seehear.media.span import Span
from seehear.media.stream_clock import FrameCount, Timeline, TrackClock, duration_of, start_of
from seehear.media.stream_frames import FrameSampler
from seehear.media.stream_source import CAMERAS, REMUX, WAITED, Ending, Kind, Source
from seehear.media.tracks import BROADCASTS, FORWARD, MAX_FAILURES, assumed_rate, has_content
from seehear.media.tracks import Stream as Track
from seehear.results import counted

SKEW = 10.0  # seconds by which a track may lag behind the other before it counts as paused
FIRST = 10.0  # seconds of a stream in which its tracks begin; one that begins later is not used
SETTLED = 0.5  # seconds of packets behind which no earlier one comes
MAX_HEAD = 1 << 26  # bytes of packets that are kept while tracks are looked for
THREADS = 4  # of a video decoder; each delays it by a frame,
DENSE = 10  # frames per second; at this rate and above it is a short delay
USUAL_STEP = 0.04  # seconds of a frame that has no duration
CAMERA_PROTOCOLS = "rtsp,rtsps,rtp,srtp,tcp,tls,udp"


@dataclass(frozen=True)
class State:
    """How far a stream is.

    Attributes:
        arrived: When the start of the last span came, as `time.time()` gives it.
        edge: When the source last had nothing more at once: until then, the reader kept up.
        edge_at: Seconds of the stream that had come by then.
        restarts: How often the stream's own clock started anew.
        duration: Seconds of the stream; 0 until it ends.
        ending: Why nothing more comes; empty until it ends.
    """

    arrived: float
    edge: float
    edge_at: float
    restarts: int
    duration: float = 0.0
    ending: str = ""

    def lag(self, position: float, now: float) -> float:
        """Return by how many seconds a reader is behind that is at `position` of the stream at time `now`."""
        return max(0.0, (now - self.edge) - (position - self.edge_at))


class Stream:
    """A stream.

    Attributes:
        path: Its name, for messages.
        rate: Audio samples per second; 0 without audio.
        origin: Seconds of its clock at which it begins.
        duration: Seconds; 0 until it ends.
    """

    def __init__(self, source: Source, audio_track: int | None = None) -> None:
        """Wait until the stream's tracks have begun.

        Args:
            source: Where it comes from.
            audio_track: Which of its audio tracks to use, from 1; by default the one that players choose.

        Raises:
            ClipError: If the stream can't be used.
        """
        self.path, self._source = source.name, source
        self.rate, self.duration, self.notes = 0, 0.0, ()
        self._ending: Ending | None = None
        self._edge, self._edge_at, self._arrived = time.time(), 0.0, deque[float]()
        self._furthest, self._begun = 0.0, 0  # seconds that came, and spans that have begun
        self._counted: FrameCount | None = None
        self._timed: bool | None = None  # whether the packets of its video have times
        self._shown, self._step = 0.0, USUAL_STEP  # of the last decoded frame
        self._stamps = -math.inf, -math.inf  # seconds at which the last two frames are shown, if they have no duration
        self._frames: FrameSampler | None = None
        self._sound: WaveformCollector | None = None
        self._bytes = source.open()
        self._container = self._open()
        self._refuse_lists()
        jumps = source.kind is Kind.CAMERA or bool(BROADCASTS & formats(self._container))
        self._timeline = Timeline(FORWARD if jumps else HOUR)
        self._tracks = self._choose(audio_track)
        self._packets = self._placed()
        self._starts: dict[int, float] = {}  # of each track
        self._head = self._read_head()
        self._use()

    @property
    def has_video(self) -> bool:
        """Whether it holds frames."""
        return any(isinstance(track, av.VideoStream) for track in self._tracks.values())

    @property
    def has_audio(self) -> bool:
        """Whether it holds audio."""
        return any(isinstance(track, av.AudioStream) for track in self._tracks.values())

    def state(self) -> State:
        """Return how far it is; `arrived` is that of the span that was just yielded."""
        arrived = self._arrived[0] if self._arrived else self._edge
        ending = self._ending or ""
        return State(arrived, self._edge, self._edge_at, self._timeline.restarts, self.duration, str(ending))

    def spans(
        self, length: float, *, fps: float = 8.0, sizes: Collection[int] = (), audio: bool = False, margin: float = 0.0
    ) -> Iterator[Span]:
        """Decode the stream. Memory holds about one span, unless a track pauses: then SKEW seconds of the other.

        Args:
            length: Seconds per span.
            fps: Frames sampled per second.
            sizes: Side lengths in pixels of the square frames to return; empty for no frames.
            audio: Whether to return the waveform.
            margin: Seconds of waveform around each span.

        Yields:
            The spans, in order.

        Raises:
            ClipError: Nothing of a track can be decoded.
        """
        self._frames = FrameSampler(fps, sorted(sizes)) if sizes else None
        self._sound = self._collector(margin) if audio else None
        number = 0
        for packet in self._all_packets():
            self._note_arrival(packet, length)
            self._decode(packet)
            while self._ready((number + 1) * length, margin):
                yield self._span(number * length, (number + 1) * length, margin)
                self._arrived.popleft()
                number += 1
        self._finish()
        total = max(1, number, math.ceil(self.duration / length - 1e-9))
        for last in range(number, total):
            stop = min((last + 1) * length, self.duration)
            if self._frames is not None:
                self._frames.fill(stop)
            yield self._span(last * length, stop, margin, rest=last == total - 1)
            if len(self._arrived) > 1:
                self._arrived.popleft()

    def close(self) -> None:
        """Let it end soon. Another thread may be reading it, so nothing is closed that FFmpeg may be using."""
        if self._bytes is not None and self._bytes.ending is None:
            self._bytes.ending = Ending.INTERRUPTED

    # Opening

    def _open(self) -> InputContainer:
        try:
            if self._bytes is not None:
                # Nothing but the bytes themselves may be read, whatever they name.
                return av.open(self._bytes, "r", options={"protocol_whitelist": "none"}, metadata_errors="ignore")
            return av.open(
                self._source.place,
                "r",
                options={"protocol_whitelist": CAMERA_PROTOCOLS, "rtsp_transport": "tcp"},
                metadata_errors="ignore",
                timeout=(self._source.stall, self._source.stall),
            )
        except av.ExitError:
            raise ClipError(f"{self.path}: nothing came within {self._source.stall:g} s") from None
        except av.InvalidDataError:
            raise ClipError(
                f"{self.path}: is not a stream that FFmpeg can read from its start; record Matroska (.mkv), MPEG-TS "
                f"(.ts), fragmented MP4 or WAV, or convert: {REMUX}"
            ) from None
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError | av.FFmpegError) else type(error).__name__
            raise ClipError(f"{self.path}: can't be read ({reason})") from None

    def _refuse_lists(self) -> None:
        names = formats(self._container)
        if names & TEXT or names & POINTERS - CAMERAS or (names & CAMERAS and self._bytes is not None):
            self._container.close()
            what = "text, not a media stream" if names & TEXT else A_LIST
            raise ClipError(f"{self.path}: is {what}: {REMUX}")

    def _choose(self, audio_track: int | None) -> dict[int, Track]:
        """Return the tracks that may be used, by index: those that can be decoded."""
        pictures = [each for each in self._container.streams.video if each.codec_context and not is_cover(each)]
        sounds = [each for each in self._container.streams.audio if each.codec_context]
        if audio_track is not None:
            if not 1 <= audio_track <= len(sounds):
                tracks = counted(len(sounds), "audio track")
                raise ClipError(f"{self.path}: has {tracks}, so there is no number {audio_track}")
            sounds = [sounds[audio_track - 1]]
        usable: list[Track] = [*pictures, *sounds]
        return {each.index: each for each in usable if not lacks_parameters(each)}

    def _read_head(self) -> list[Packet[Any]]:
        """Return the first packets: until all tracks have begun, or FIRST seconds passed."""
        head: list[Packet[Any]] = []
        starts, size = self._starts, 0
        for packet in self._packets:
            head.append(packet)
            size += packet.size
            start = start_of(packet)
            if start is None or not has_content(packet):
                continue
            starts[packet.stream_index] = min(start, starts.get(packet.stream_index, start))
            came = self._timeline.stop - min(starts.values())
            waits = len(starts) < len(self._tracks) and came < FIRST
            if size > MAX_HEAD or (came >= SETTLED and not waits):
                break
        return head

    def _use(self) -> None:
        """Choose among the tracks that began those that players choose, and find where the stream begins."""
        found = {packet.stream_index for packet in self._head if has_content(packet)}
        begun = [track for index, track in self._tracks.items() if index in found]
        pictures = [track for track in begun if isinstance(track, av.VideoStream)]
        sounds = [track for track in begun if isinstance(track, av.AudioStream)]
        if not begun:
            raise ClipError(f"{self.path}: has neither a video nor an audio track that can be decoded")
        self._refuse_apart(begun)
        self._tracks = {}
        if pictures:
            self._use_video(default_track(pictures))
        if sounds:
            self._use_audio(default_track(sounds))
        self.origin = min((self._starts[index] for index in self._tracks if index in self._starts), default=0.0)

    def _refuse_apart(self, begun: Sequence[Track]) -> None:
        """Raise ClipError if a track that the file's index lists lies far behind the others: it would be left out."""
        kinds = {each.type for each in begun}
        for track in self._tracks.values():
            if track.duration and track.type not in kinds:
                raise ClipError(
                    f"{self.path}: its {track.type} track lies more than {FIRST:g} s behind the other one in the file; "
                    f"parse it without --follow, or bring the tracks together: {REMUX}"
                )

    def _use_audio(self, stream: av.AudioStream) -> None:
        self._tracks[stream.index] = stream
        self.rate = stream.codec_context.sample_rate
        if self.rate > HIGHEST_RATE:
            raise ClipError(f"{self.path}: claims {self.rate} samples per second, it may be damaged")
        if self._starts.get(stream.index, 0.0) < 0 and stream.time_base:  # priming samples lie before its start
            stated = float((stream.start_time or 0) * stream.time_base)
            self._starts[stream.index] = max(self._starts[stream.index], stated)

    def _use_video(self, stream: av.VideoStream) -> None:
        self._tracks[stream.index] = stream
        context = stream.codec_context
        if context.width * context.height > MAX_PIXELS:
            raise ClipError(
                f"{self.path}: has frames of {context.width} × {context.height} pixels, more than {MAX_PIXELS} in all"
            )
        context.options = {"max_pixels": str(MAX_PIXELS)}
        rate = stream.average_rate or stream.guessed_rate or 0
        context.thread_type, context.thread_count = "AUTO" if rate >= DENSE else "SLICE", THREADS

    def _collector(self, margin: float) -> WaveformCollector:
        (sound,) = (each for each in self._tracks.values() if isinstance(each, av.AudioStream))
        mixer = Mixer(1.0, LOUDEST if sound.codec_context.codec.lossless else LOUDEST_DECODED)
        return WaveformCollector(self.rate, margin, self.origin, np.array([-math.inf]), mixer)

    # Reading

    def _placed(self) -> Iterator[Packet[Any]]:
        """Yield the packets on one clock, and the empty ones for which decoders return what they hold."""
        clocks = {index: TrackClock(self._timeline) for index in self._tracks}
        empty = []
        for packet in self._demuxed():
            self._count(packet)
            if not packet.size:
                empty.append(packet)
            elif has_content(packet):
                yield from clocks[packet.stream_index].add(packet)
            else:
                yield packet
        for clock in clocks.values():
            yield from clock.flush()
        yield from empty

    def _count(self, packet: Packet[Any]) -> None:
        """Give a packet a time, if it is of a video of which the first packet has none."""
        track = self._tracks.get(packet.stream_index)
        if packet.size and isinstance(track, av.VideoStream):
            if packet.pts is None and packet.dts is None and self._timed is None:
                self._counted = FrameCount(assumed_rate(track))
            self._timed = self._counted is None
            if self._counted is not None:
                self._counted.stamp(packet)

    def _demuxed(self) -> Iterator[Packet[Any]]:
        """Yield the packets of the tracks, and go on behind what can't be read, until the stream ends."""
        failures, streams = 0, list(self._tracks.values())
        ending = Ending.ENDED
        while failures < MAX_FAILURES:
            try:
                began = time.monotonic()
                for packet in self._container.demux(*streams):
                    self._note_edge(time.monotonic() - began)
                    failures = 0
                    yield packet
                    began = time.monotonic()
                break
            except IndexError:  # PyAV doesn't know the streams that appear in the midst of a stream
                continue
            except (av.ExitError, av.TimeoutError):
                ending = Ending.STALLED
                break
            except av.FFmpegError:
                failures += 1
                ending = Ending.BROKEN if self._source.kind is Kind.CAMERA else Ending.ENDED
        if self._bytes is not None:  # else there is more that can't be read
            ending = self._bytes.ending or Ending.BROKEN
        self._ending = ending

    def _note_edge(self, waited: float) -> None:
        """Note when the source had nothing more. waited: seconds for the last packet."""
        edge = self._edge
        if self._bytes is not None:
            edge = self._bytes.edge
        elif waited > WAITED:
            edge = time.time()
        if edge > self._edge:
            self._edge, self._edge_at = edge, self._furthest

    def _all_packets(self) -> Iterator[Packet[Any]]:
        while self._head:
            yield self._head.pop(0)
        yield from self._packets

    def _note_arrival(self, packet: Packet[Any], length: float) -> None:
        """Note how far the stream is, and when the start of each span came."""
        start = start_of(packet)
        if start is None or packet.stream_index not in self._tracks:
            return
        begins, lasts = start - self.origin, duration_of(packet)
        self._furthest = max(self._furthest, begins + lasts)
        if not lasts and isinstance(self._tracks[packet.stream_index], av.VideoStream):
            self._stamps = tuple(sorted((*self._stamps, begins))[-2:])  # type: ignore[assignment]
        while self._begun * length <= self._furthest:
            self._arrived.append(time.time())
            self._begun += 1

    def _decode(self, packet: Packet[Any]) -> None:
        track = self._tracks.get(packet.stream_index)
        wanted = self._frames if isinstance(track, av.VideoStream) else self._sound
        if track is None or wanted is None:
            return
        for frame in decode(packet)[0]:
            if isinstance(frame, VideoFrame) and self._frames is not None:
                self._show(frame)
            elif isinstance(frame, AudioFrame) and self._sound is not None:
                self._sound.add(frame)

    def _show(self, frame: VideoFrame) -> None:
        assert self._frames is not None
        moment = self._shown + self._step if frame.time is None else frame.time - self.origin
        if self._counted is not None:
            moment = self._counted.moment()
        self._step = moment - self._shown if 0 < moment - self._shown < 1 else self._step
        self._shown = moment
        self._frames.add(frame, moment)

    def _ready(self, stop: float, margin: float) -> bool:
        """Return whether all content of a span has come, or is taken not to come."""
        if self._furthest < stop:
            return False
        if self._frames is not None and not self._frames.reached(stop):
            if self._furthest < stop + SKEW:
                return False
            self._refuse_undecodable(self._frames.empty, "frames")
            self._frames.fill(stop)
        if self._sound is not None and not self._sound.reached(stop + margin):
            if self._furthest < stop + margin + SKEW:
                return False
            self._refuse_undecodable(self._sound.empty, "audio")
        return True

    def _refuse_undecodable(self, empty: bool, content: str) -> None:
        if empty:
            raise ClipError(f"{self.path}: none of its {content} can be decoded, it may be damaged")

    def _finish(self) -> None:
        """Take what collectors still hold. The stream ends with its last packet."""
        if self._sound is not None:
            self._sound.flush()
            self._refuse_undecodable(self._sound.empty, "audio")
        if self._frames is not None:
            self._refuse_undecodable(self._frames.empty, "frames")
        before, last = self._stamps
        usual = last - before if math.isfinite(before) else USUAL_STEP
        self.duration = max(self._furthest, last + min(usual or USUAL_STEP, 1.0))
        if self.duration <= 0:
            raise ClipError(f"{self.path}: holds no content")
        if self._frames is not None:
            self._frames.fill_short(self.duration)

    def _span(self, start: float, stop: float, margin: float, *, rest: bool = False) -> Span:
        shown: dict[int, NDArray[np.uint8]] = {}
        times, waveform = np.zeros(0), np.zeros(0, dtype=np.float32)
        if self._frames is not None:
            shown, times = self._frames.take(stop, rest=rest)
        if self._sound is not None:
            waveform = self._sound.take(start - margin, stop + margin)
        return Span(start, stop, shown, times, waveform, self.rate, margin)
