"""A clip file, read as frames and a waveform on one clock.

The clock starts at 0 with the first frame or the first audio sample of the file.

`Media` first lists the packets of a file without decoding any. This gives the true duration and the time of every
frame, even where the header is wrong or the frame rate varies. `Media.spans` then decodes the file once, in spans
of bounded length. It decodes only the requested streams. Frames that nobody requested are not converted, and are
not decoded either, unless another frame depends on them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container.input import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from seehear.errors import ClipError
from seehear.media.notes import Note

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

HOUR = 3600.0  # seconds
MAX_PACKET_SPACING = 10.0  # seconds, on average; a long clip with fewer packets has damaged time stamps
USUAL_FRAME_DURATION = 0.04  # seconds, of a single frame whose duration the file doesn't give

REMEDY = "get the file again, or leave it out"


@dataclass(frozen=True)
class Span:
    """Decoded content of a clip from second `start` to second `stop`.

    Attributes:
        start: Seconds from the start of the clip.
        stop: Seconds from the start of the clip.
        frames: size -> (n, size, size, 3) uint8 RGB. The whole frame is squeezed into a square, rotated as shown.
        times: (n,) the second at which each frame is sampled.
        waveform: (samples,) float32 mono in [-1, 1] with `margin` extra seconds on both sides; zeros where the clip
            has no audio.
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
    """A clip file.

    Attributes:
        path: The file.
        duration: Seconds from the first frame or sample to the end of the last one.
        has_video: Whether the file holds frames.
        has_audio: Whether the file holds audio.
        rate: Audio samples per second; 0 without audio.
        notes: What is odd about the file; complete once `spans` has decoded it.
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
        self.audio_track = audio_track
        self.notes: tuple[Note, ...] = ()
        with self._open() as container:
            self._list_packets(container)

    has_video: bool
    has_audio: bool
    duration: float
    rate: int

    @cached_property
    def aspect(self) -> float:
        """Width over height of the frames as shown: rotated, with pixels that may not be square; 1 without video."""
        if not self.has_video:
            return 1.0
        with self._open() as container:
            video = self._video(container)
            try:
                for packet in container.demux(video):
                    for frame in self._decode_packet(packet, None):
                        assert isinstance(frame, VideoFrame)
                        aspect = frame.width / frame.height * float(video.codec_context.sample_aspect_ratio or 1)
                        return 1 / aspect if round(frame.rotation / 90) % 2 else aspect
            except av.FFmpegError:
                pass  # `spans` reports what is wrong
        return 1.0

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
            raise ClipError(f"{self.path}: has no video track, which a visual network needs")
        if audio and not self.has_audio:
            raise ClipError(f"{self.path}: has no audio track, which an audio network needs")
        end = self.duration if stop is None else stop
        video = _FrameCollector(self, fps, sorted(sizes), end) if sizes else None
        waveform = _WaveformCollector(self, margin) if audio else None
        starts = [n * length for n in range(max(1, math.ceil(end / length - 1e-9)))]
        pending = deque((start, min(start + length, end)) for start in starts)
        with self._open() as container:
            for _ in self._decode(container, video, waveform):
                while pending and _complete(video, waveform, pending[0][1], margin):
                    yield self._span(*pending.popleft(), video, waveform, margin)
                if not pending:
                    return
        if video is not None:
            video.flush()
        for begin, finish in pending:  # the streams end before the last span of the clip does
            yield self._span(begin, finish, video, waveform, margin)

    def _span(
        self,
        start: float,
        stop: float,
        video: _FrameCollector | None,
        audio: _WaveformCollector | None,
        margin: float,
    ) -> Span:
        frames, times = video.take(stop) if video else ({}, np.zeros(0))
        waveform = audio.take(start - margin, stop + margin) if audio else np.zeros(0, dtype=np.float32)
        return Span(start, stop, frames, times, waveform, self.rate, margin)

    def _open(self) -> InputContainer:
        try:
            if self.path.stat().st_size == 0:
                raise ClipError(f"{self.path}: is empty (0 bytes): {REMEDY}")
            container = av.open(str(self.path.absolute()), metadata_errors="ignore")
            if container.format.name == "tty":  # FFmpeg renders any text file as a video of its characters
                container.close()
                raise ClipError(f"{self.path}: is a text file, not a media file: {REMEDY}")
            return container
        except FileNotFoundError:
            raise ClipError(f"{self.path}: no such file") from None
        except av.InvalidDataError:
            raise ClipError(
                f"{self.path}: is not a media file that FFmpeg can read, or its start or end is missing: {REMEDY}"
            ) from None
        except (av.FFmpegError, OSError) as error:
            raise ClipError(f"{self.path}: can't be read ({error.strerror}): {REMEDY}") from None

    def _video(self, container: InputContainer) -> av.VideoStream:
        return next(stream for stream in container.streams.video if stream.index == self._video_index)

    def _list_packets(self, container: InputContainer) -> None:
        """Note the time of every frame and the extent of the streams. Decodes nothing."""
        video = next((s for s in container.streams.video if s.codec_context and not is_cover(s)), None)
        audio = next((s for s in container.streams.audio if s.codec_context and s.codec_context.sample_rate), None)
        self._video_index = video.index if video else -1
        self._audio_index = audio.index if audio else -1
        streams = [stream for stream in (video, audio) if stream is not None]
        if not streams:
            raise ClipError(f"{self.path}: has neither a video nor an audio track: {REMEDY}")
        packets = _read_packets(container, streams, self._video_index)
        frames, stops = packets.frames, packets.stops
        if not stops:
            raise ClipError(f"{self.path}: holds no frames and no audio, it may be cut off: {REMEDY}")
        self._expect_whole(container, streams, max(stops))
        self._timed = packets.timed
        self.has_video, self.has_audio = bool(frames), bool(packets.audio_starts)
        self.rate = audio.codec_context.sample_rate if audio and self.has_audio else 0
        self._video_base = float(video.time_base) if video and video.time_base else 1.0
        starts: list[float] = []
        if frames:
            starts.append(frames[0][0] * self._video_base)
            if not frames[-1][1]:
                gap = (frames[-1][0] - frames[-2][0]) * self._video_base if len(frames) > 1 else 0.0
                stops.append(frames[-1][0] * self._video_base + min(gap or USUAL_FRAME_DURATION, 1.0))
        if audio and self.has_audio:
            # Priming samples of audio codecs lie before the start of the stream, or before 0.
            stream_start = float(audio.start_time * audio.time_base) if audio.start_time and audio.time_base else 0.0
            starts.append(max(min(packets.audio_starts), stream_start))
        self._origin = min(starts)
        self.duration = max(stops) - self._origin
        if self.duration > HOUR and len(stops) < self.duration / MAX_PACKET_SPACING:
            raise ClipError(
                f"{self.path}: claims a duration of {self.duration / HOUR:.0f} hours and holds {len(stops)} packets, "
                f"it may be damaged: {REMEDY}"
            )
        self._video_pts = np.array([pts for pts, _ in frames], dtype=np.int64)
        # The earliest audio still to come once n audio packets were read, in seconds of the clip.
        self._next_audio = np.minimum.accumulate([math.inf, *reversed(packets.audio_starts)])[::-1] - self._origin

    def _expect_whole(
        self, container: InputContainer, streams: Sequence[av.VideoStream | av.AudioStream], end: float
    ) -> None:
        """Raise ClipError if the header states an exact duration and the packets end a second or more earlier."""
        if not {"mp4", "matroska"} & set(container.format.name.split(",")):
            return  # other formats estimate the duration from the bit rate
        ends = [float(((s.start_time or 0) + s.duration) * s.time_base) for s in streams if s.duration and s.time_base]
        declared = max(ends, default=(container.duration or 0) / av.time_base)
        if end < declared - 1:
            raise ClipError(f"{self.path}: is cut off, holding {end:.1f} of {declared:.1f} s: {REMEDY}")

    def _decode(
        self, container: InputContainer, video: _FrameCollector | None, audio: _WaveformCollector | None
    ) -> Iterator[None]:
        """Feed decoded frames to the collectors. Yield after each packet."""
        streams: list[av.VideoStream | av.AudioStream] = []
        if video is not None:
            stream = self._video(container)
            # A decoder with one thread per frame delays each frame by a few, which is long where frames are rare.
            stream.codec_context.thread_type = "AUTO" if len(self._video_pts) > 4 * self.duration else "SLICE"
            streams.append(stream)
        if audio is not None:
            streams += [stream for stream in container.streams.audio if stream.index == self._audio_index]
        unread = len(self._video_pts)
        try:
            for packet in container.demux(*streams):
                frames = self._decode_packet(packet, video)
                if video is not None and packet.stream_index == self._video_index and _is_content(packet):
                    unread -= 1
                    if not unread:  # flush the decoder now, not at the end of the audio
                        frames += self._video(container).decode(None)
                for frame in frames:
                    if isinstance(frame, VideoFrame) and video is not None:
                        video.add(frame)
                    elif isinstance(frame, AudioFrame) and audio is not None:
                        audio.add(frame)
                if audio is not None and packet.stream_index == self._audio_index and _is_content(packet):
                    audio.count_packet()
                if video is not None and not unread:
                    video.flush()
                yield
        except av.FFmpegError:
            pass  # the part of a damaged file that can be decoded is used
        if audio is not None:
            audio.flush()
        for collector, content in ((video, "frames"), (audio, "audio")):
            if collector is not None and collector.empty:
                raise ClipError(f"{self.path}: none of its {content} can be decoded, it may be damaged: {REMEDY}")
        yield

    def _decode_packet(self, packet: Packet[Any], video: _FrameCollector | None) -> list[VideoFrame | AudioFrame]:
        if video is not None and packet.stream_index == self._video_index:
            # Tells the decoder to skip this frame unless another frame depends on it.
            context = packet.stream.codec_context
            context.skip_frame = "NONREF" if self._timed and not video.needs(packet.pts) else "DEFAULT"
        try:
            return packet.decode()  # type: ignore[return-value]
        except av.FFmpegError:
            return []  # one damaged packet does not end a clip


@dataclass
class _Packets:
    """What the packets of a file say, before anything is decoded.

    Attributes:
        frames: (pts, duration) of each frame in the time base of the video; duration 0 if the file doesn't give it.
        audio_starts: Seconds at which the audio of each packet begins.
        stops: Seconds at which each packet ends.
        timed: Whether every frame has a presentation time stamp.
    """

    frames: list[tuple[int, int]] = field(default_factory=list)
    audio_starts: list[float] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    timed: bool = True


def _read_packets(
    container: InputContainer, streams: Sequence[av.VideoStream | av.AudioStream], video_index: int
) -> _Packets:
    packets = _Packets()
    try:
        for packet in container.demux(*streams):
            if not _is_content(packet):
                continue
            time = packet.pts if packet.pts is not None else packet.dts
            assert time is not None
            assert packet.time_base is not None
            if packet.stream_index == video_index:
                packets.timed = packets.timed and packet.pts is not None
                packets.frames.append((time, packet.duration or 0))
            else:
                packets.audio_starts.append(float(time * packet.time_base))
            packets.stops.append(float((time + (packet.duration or 0)) * packet.time_base))
    except av.FFmpegError:
        pass  # the readable part of a truncated file is used
    packets.frames.sort()
    return packets


class _FrameCollector:
    """Collects the frames on show at the sample times. Converts each frame once to every size."""

    def __init__(self, media: Media, fps: float, sizes: list[int], stop: float) -> None:
        self.times = media.sample_times(fps, 0.0, stop)
        self.sizes = sizes
        starts = media._video_pts * media._video_base - media._origin
        # The frame on show at time t is the last that starts at or before t; before the first frame, the first.
        index = np.clip(np.searchsorted(starts, self.times + 1e-6, side="right") - 1, 0, None)
        self._due = media._video_pts[index]  # the pts of the frame for each sample time
        self._needed = frozenset(self._due.tolist())
        self._next = 0  # sample times before this one have a frame
        self._last: VideoFrame | None = None
        self._squares: list[dict[int, NDArray[np.uint8]]] = []
        self._taken = 0

    @property
    def empty(self) -> bool:
        return self._last is None

    def needs(self, pts: int | None) -> bool:
        return pts is None or pts in self._needed

    def add(self, frame: VideoFrame) -> None:
        if frame.pts is None or not self.needs(frame.pts):
            return
        # Where a frame is lost to damage, the one before it stays on show; before the first frame, the first.
        self._fill(self._last or frame, int(np.searchsorted(self._due, frame.pts, side="left")))
        self._fill(frame, int(np.searchsorted(self._due, frame.pts, side="right")))
        self._last = frame

    def _fill(self, frame: VideoFrame, until: int) -> None:
        """Use a frame for all sample times up to number `until` that have none yet."""
        if self._next < until:
            squares = {size: _square(frame, size) for size in self.sizes}
            self._squares += [squares] * (until - self._next)
            self._next = until

    def flush(self) -> None:
        if self._last is not None:
            self._fill(self._last, len(self.times))

    def reached(self, stop: float) -> bool:
        return self._next >= len(self.times) or self.times[self._next] >= stop

    def take(self, stop: float) -> tuple[dict[int, NDArray[np.uint8]], NDArray[np.float64]]:
        """Return the frames sampled before `stop` that were not taken yet, and their times."""
        n = int(np.searchsorted(self.times[self._taken : self._taken + len(self._squares)], stop - 1e-9))
        times = self.times[self._taken : self._taken + n]
        squares, self._squares = self._squares[:n], self._squares[n:]
        self._taken += n
        if not squares:
            return {size: np.zeros((0, size, size, 3), dtype=np.uint8) for size in self.sizes}, times
        return {size: np.stack([square[size] for square in squares]) for size in self.sizes}, times


class _WaveformCollector:
    """Collects mono samples on the clock of the clip; if there are none, the waveform is zero."""

    def __init__(self, media: Media, margin: float) -> None:
        self.rate, self.margin = media.rate, margin
        self._origin, self._next_audio = media._origin, media._next_audio
        self._packets = 0  # audio packets read so far
        self._format: tuple[str, str, int] | None = None  # the input format of the resampler
        self._resampler: av.AudioResampler | None = None
        self._pieces: list[tuple[int, NDArray[np.float32]]] = []  # (number of the first sample, samples)
        self._first = -round(margin * self.rate)  # samples before this one are no longer needed
        self._end: int | None = None  # the samples decoded so far end before this one

    @property
    def empty(self) -> bool:
        return self._end is None

    def add(self, frame: AudioFrame) -> None:
        format = (frame.format.name, frame.layout.name, frame.sample_rate)
        if format != self._format:  # it may change within a clip, as in a broadcast from stereo to surround
            self.flush()
            self._format = format
            # With integers FFmpeg mixes channels so that full scale stays full scale; with floats it adds them up.
            self._resampler = av.AudioResampler(format="s32p", layout="mono", rate=self.rate)
        assert self._resampler is not None
        for mono in self._resampler.resample(frame):
            self._place(mono)

    def count_packet(self) -> None:
        self._packets += 1

    def flush(self) -> None:
        if self._resampler is not None:
            for mono in self._resampler.resample(None):
                self._place(mono)
            self._resampler = self._format = None

    def _place(self, mono: AudioFrame) -> None:
        samples = mono.to_ndarray()[0].astype(np.float32) / 2**31  # (samples,)
        start = (self._end or 0) if mono.time is None else round((mono.time - self._origin) * self.rate)
        # Containers round time stamps to their clock, so a small gap or overlap is rounding.
        if self._end is not None and abs(start - self._end) <= 0.02 * self.rate:
            start = self._end
        end = start + len(samples)
        self._end = end if self._end is None else max(self._end, end)
        if end > self._first:
            self._pieces.append((start, samples))

    def reached(self, stop: float) -> bool:
        """Return whether all audio before `stop` is decoded: later audio is here, or no more comes before `stop`."""
        if self._end is not None and self._end >= round(stop * self.rate):
            return True
        last = len(self._next_audio) - 1
        none_to_come = self._next_audio[min(self._packets, last)] >= stop
        # All packets may have been damaged; then `empty` is reported at the end.
        return bool(none_to_come) and not (self._packets >= last and self.empty)

    def take(self, start: float, stop: float) -> NDArray[np.float32]:
        """Return the samples from `start` to `stop`, and forget those before `stop` minus two margins."""
        first, end = round(start * self.rate), round(stop * self.rate)
        samples = np.zeros(end - first, dtype=np.float32)
        for place, piece in self._pieces:
            low, high = max(first, place), min(end, place + len(piece))
            if high > low:
                samples[low - first : high - first] = piece[low - place : high - place]
        self._first = max(self._first, end - round(2 * self.margin * self.rate))
        self._pieces = [(place, piece) for place, piece in self._pieces if place + len(piece) > self._first]
        return samples


def _complete(video: _FrameCollector | None, audio: _WaveformCollector | None, stop: float, margin: float) -> bool:
    """Return whether everything before `stop` is decoded."""
    return (video is None or video.reached(stop)) and (audio is None or audio.reached(stop + margin))


def count_segments(duration: float, segment: float) -> int:
    """Return the number of segments of a clip; see `Media.segments`."""
    return max(1, math.ceil(duration / segment - 0.1))


def squeeze(frames: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize frames as `Media.spans` does.

    Args:
        frames: (n, height, width, 3) uint8 RGB.
        size: Pixels.

    Returns:
        (n, size, size, 3) uint8 RGB: each whole frame, squeezed into a square.
    """
    if frames.shape[1:3] == (size, size) or not len(frames):
        return frames.reshape(len(frames), size, size, 3)
    squares = [_square(VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"), size) for frame in frames]
    return np.stack(squares)


def _square(frame: VideoFrame, size: int) -> NDArray[np.uint8]:
    """Squeeze a frame, rotated as shown, to (size, size, 3) RGB."""
    rgb = frame.reformat(width=size, height=size, format="rgb24", interpolation="BICUBIC").to_ndarray()
    # Players rotate a clip that was filmed on its side; the rotation is in degrees counter-clockwise.
    return np.ascontiguousarray(np.rot90(rgb, k=round(frame.rotation / 90) % 4))


def _is_content(packet: Packet[Any]) -> bool:
    """Return whether a packet holds content with a known time that no edit list cuts off."""
    timed = packet.time_base is not None and (packet.pts is not None or packet.dts is not None)
    return timed and packet.size > 0 and not packet.is_discard


def is_media(file: Path) -> bool:
    """Return whether a file exists and has the suffix of a video or audio file. Hidden files don't count."""
    # Some systems keep notes on clip.mp4 in ._clip.mp4.
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()


def is_cover(stream: av.VideoStream) -> bool:
    """Return whether the stream is the cover image of an audio file."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)
