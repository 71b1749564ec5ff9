"""A clip file, read as pictures and sound on one clock that starts at 0 with the file's first picture or sound.

`Media` first lists the packets of a file without decoding any, which gives the true length and the moment of
every picture, also where the header lies or the frame rate varies. `spans` then decodes the file once, in
spans of bounded length: only the streams that are asked for, and pictures that no one asked for are neither
decoded (where no other picture is built on them) nor converted.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
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

SUFFIXES = frozenset(
    [
        ".3gp",
        ".aac",
        ".aif",
        ".aiff",
        ".avi",
        ".flac",
        ".flv",
        ".m2ts",
        ".m4a",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp3",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".ogg",
        ".ogv",
        ".opus",
        ".ts",
        ".wav",
        ".webm",
        ".wmv",
    ]
)


@dataclass(frozen=True)
class Span:
    """What is seen and heard from second `start` to second `stop` of a clip.

    pictures: size -> (n, size, size, 3) uint8 RGB, the whole picture squeezed into a square, rotated as shown.
    at: (n,) float, the second at which each picture is sampled.
    sound: (samples,) float32 mono in about [-1, 1] at `rate`, with `margin` seconds more on either side;
    silent where the clip has no sound.
    """

    start: float
    stop: float
    pictures: dict[int, NDArray[np.uint8]]
    at: NDArray[np.float64]
    sound: NDArray[np.float32]
    rate: int
    margin: float


class Media:
    """A clip file.

    duration: seconds from its first to the end of its last picture or sound.
    Raises ClipError for a file that can't be used.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self._open() as container:
            self._list_packets(container)

    has_video: bool
    has_audio: bool
    duration: float
    rate: int  # of the sound, samples a second; 0 without sound

    @cached_property
    def aspect(self) -> float:
        """Width over height of the picture as shown: rotated, its pixels not necessarily square. 1 without one."""
        if self.has_video:
            with self._open() as container:
                video = next(s for s in container.streams.video if s.index == self._video_index)
                for frame in container.decode(video):
                    assert isinstance(frame, VideoFrame)
                    aspect = frame.width / frame.height * float(video.codec_context.sample_aspect_ratio or 1)
                    return 1 / aspect if round(frame.rotation / 90) % 2 else aspect
        return 1.0

    def segments(self, segment: float = 1.0) -> int:
        """T, the number of whole or part segments of `segment` seconds, at least 1.

        A last part shorter than a tenth of a segment is the rounding of codecs to their frames, not content.
        """
        return max(1, math.ceil(self.duration / segment - 0.1))

    def sample_times(self, fps: float, start: float = 0.0, stop: float | None = None) -> NDArray[np.float64]:
        """The seconds at which pictures are sampled in [start, stop): the middles of 1/fps each."""
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
        sound: bool = False,
        margin: float = 0.0,
        stop: float | None = None,
    ) -> Iterator[Span]:
        """The clip from start to end in spans of `length` seconds, decoded once.

        fps: pictures sampled a second. sizes: pixels a side of the squares that are wanted, none for no pictures.
        sound: whether sound is wanted. margin: seconds of sound wanted around each span.
        stop: where to end, seconds; the clip's end unless given.
        Memory: a span's pictures and sound, however long the clip.
        """
        if sizes and not self.has_video:
            raise ClipError(f"{self.path}: has no video track, which a visual network needs")
        if sound and not self.has_audio:
            raise ClipError(f"{self.path}: has no audio track, which an audio network needs")
        end = self.duration if stop is None else stop
        pictures = _Pictures(self, fps, sorted(sizes), end) if sizes else None
        waveform = _Sound(self.rate, margin) if sound else None
        starts = [n * length for n in range(max(1, math.ceil(end / length - 1e-9)))]
        pending = iter(starts)
        start = next(pending)
        finish = min(start + length, end)
        with self._open() as container:
            for _ in self._decode(container, pictures, waveform):
                while (pictures is None or pictures.reached(finish)) and (
                    waveform is None or waveform.reached(finish + margin)
                ):
                    yield self._span(start, finish, pictures, waveform, margin)
                    following = next(pending, None)
                    if following is None:
                        return
                    start, finish = following, min(following + length, end)
        if pictures is not None:
            pictures.flush()
        while True:  # the streams end before the clip's last span does
            yield self._span(start, finish, pictures, waveform, margin)
            following = next(pending, None)
            if following is None:
                return
            start, finish = following, min(following + length, end)

    def _span(
        self, start: float, stop: float, pictures: _Pictures | None, waveform: _Sound | None, margin: float
    ) -> Span:
        images, at = pictures.take(stop) if pictures else ({}, np.zeros(0))
        samples = waveform.take(start - margin, stop + margin) if waveform else np.zeros(0, dtype=np.float32)
        return Span(start, stop, images, at, samples, self.rate, margin)

    def _open(self) -> InputContainer:
        try:
            if self.path.stat().st_size == 0:
                raise ClipError(f"{self.path}: is empty (0 bytes)")
            return av.open(str(self.path), metadata_errors="ignore")
        except FileNotFoundError:
            raise ClipError(f"{self.path}: no such file") from None
        except av.FFmpegError as error:
            raise ClipError(
                f"{self.path}: is not a media file that FFmpeg can read, or is cut off ({error.strerror})"
            ) from None
        except OSError as error:
            raise ClipError(f"{self.path}: can't be read: {error.strerror}") from None

    def _list_packets(self, container: InputContainer) -> None:
        """Note every picture's moment and the streams' extents, decoding nothing but the first picture."""
        video = next((s for s in container.streams.video if s.codec_context and not _is_cover(s)), None)
        audio = next((s for s in container.streams.audio if s.codec_context and s.codec_context.sample_rate), None)
        self.has_video, self.has_audio = video is not None, audio is not None
        self.rate = audio.codec_context.sample_rate if audio else 0
        self._video_index = video.index if video else -1
        self._audio_index = audio.index if audio else -1
        streams = [stream for stream in (video, audio) if stream is not None]
        if not streams:
            raise ClipError(f"{self.path}: has neither a video nor an audio track")
        pts: list[int] = []
        starts: list[float] = []
        stops: list[float] = []
        self._timed = True
        try:
            for packet in container.demux(*streams):
                if packet.size == 0:
                    continue
                time = packet.pts if packet.pts is not None else packet.dts
                if packet.stream_index == self._video_index:
                    if packet.pts is None:
                        self._timed = False
                    if time is None:
                        continue
                    pts.append(time)
                elif time is None:
                    continue
                base = packet.time_base or packet.stream.time_base
                if base is None or packet.is_discard:
                    continue
                starts.append(float(time * base))
                stops.append(float((time + (packet.duration or 0)) * base))
        except av.FFmpegError:
            pass  # what can be read of a truncated file is used
        if not starts:
            raise ClipError(f"{self.path}: holds no picture and no sound, it may be cut off")
        # Priming samples of audio codecs lie before 0; a clip's clock starts no later than its first picture.
        self._origin = max(0.0, min(starts)) if min(starts) < 0 else min(starts)
        self.duration = max(stops) - self._origin
        if video is not None and len(pts) > 1:
            pts.sort()
            self._video_pts = np.array(pts, dtype=np.int64)
            last = float(pts[-1] * video.time_base) if video.time_base else 0.0
            gap = float((pts[-1] - pts[-2]) * video.time_base) if video.time_base else 0.0
            self.duration = max(self.duration, min(last + gap, last + 1.0) - self._origin)
        else:
            self._video_pts = np.array(pts, dtype=np.int64)
        if self.has_video and not len(self._video_pts):
            self.has_video = False
        self._video_base = float(video.time_base) if video is not None and video.time_base else 1.0

    def _decode(self, container: InputContainer, pictures: _Pictures | None, waveform: _Sound | None) -> Iterator[None]:
        """Feed decoded frames to those that want them, yielding after each packet."""
        streams = []
        if pictures is not None:
            video = container.streams[self._video_index]
            video.codec_context.thread_type = "AUTO"
            streams.append(video)
        if waveform is not None:
            streams.append(container.streams[self._audio_index])
        decoded = 0
        try:
            for packet in container.demux(*streams):
                for frame in self._frames(packet, pictures):
                    decoded += 1
                    if isinstance(frame, VideoFrame) and pictures is not None:
                        pictures.add(frame)
                    elif isinstance(frame, AudioFrame) and waveform is not None:
                        waveform.add(frame, self._origin)
                yield
        except av.FFmpegError as error:
            if not decoded:
                raise ClipError(f"{self.path}: can't be decoded ({error.strerror}), it may be damaged") from None
        if waveform is not None:
            waveform.flush(self._origin)
            yield

    def _frames(self, packet: Packet[Any], pictures: _Pictures | None) -> list[VideoFrame | AudioFrame]:
        if pictures is not None and packet.stream_index == self._video_index:
            # Tells the decoder to leave out this picture if no other is built on it.
            context = packet.stream.codec_context
            context.skip_frame = "NONREF" if self._timed and not pictures.wants(packet.pts) else "DEFAULT"
        try:
            return packet.decode()  # type: ignore[return-value]
        except av.InvalidDataError:
            return []  # one damaged packet does not end a clip


class _Pictures:
    """Collects the pictures on show at the sample times, each converted once to every size."""

    def __init__(self, media: Media, fps: float, sizes: list[int], stop: float) -> None:
        self.times = media.sample_times(fps, 0.0, stop)
        self.sizes = sizes
        self._base, self._origin = media._video_base, media._origin
        shown = media._video_pts * self._base - self._origin
        # The picture on show at time t is the last that starts at or before t; before the first, the first.
        which = np.clip(np.searchsorted(shown, self.times + 1e-6, side="right") - 1, 0, None)
        self._wanted = frozenset(media._video_pts[which].tolist())
        self._next = 0  # sample times before this one are served
        self._last: VideoFrame | None = None
        self._squares: list[dict[int, NDArray[np.uint8]]] = []
        self._taken = 0

    def wants(self, pts: int | None) -> bool:
        return pts is None or pts in self._wanted

    def add(self, frame: VideoFrame) -> None:
        if frame.pts is None or not self.wants(frame.pts):
            return
        begins = frame.pts * self._base - self._origin
        self._serve(begins)
        self._last = frame

    def _serve(self, before: float) -> None:
        """Give the last picture to all sample times before the next one begins."""
        if self._last is None:
            return
        squares = None
        while self._next < len(self.times) and self.times[self._next] + 1e-6 < before:
            squares = squares or {size: _square(self._last, size) for size in self.sizes}
            self._squares.append(squares)
            self._next += 1

    def flush(self) -> None:
        self._serve(math.inf)

    def reached(self, stop: float) -> bool:
        return self._next >= len(self.times) or self.times[self._next] >= stop

    def take(self, stop: float) -> tuple[dict[int, NDArray[np.uint8]], NDArray[np.float64]]:
        """The pictures sampled before `stop` that were not taken yet."""
        n = int(np.searchsorted(self.times[self._taken : self._taken + len(self._squares)], stop - 1e-9))
        at = self.times[self._taken : self._taken + n]
        mine, self._squares = self._squares[:n], self._squares[n:]
        self._taken += n
        empty = {size: np.zeros((0, size, size, 3), dtype=np.uint8) for size in self.sizes}
        return ({size: np.stack([s[size] for s in mine]) for size in self.sizes} if mine else empty), at


class _Sound:
    """Collects mono sound on the clip's clock; what is missing is silent."""

    def __init__(self, rate: int, margin: float) -> None:
        self.rate, self.margin = rate, margin
        self._resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate)
        self._buffer = np.zeros(0, dtype=np.float32)
        self._first = -round(margin * rate)  # sample number of the buffer's first
        self._filled = self._first  # samples before this one are known

    def add(self, frame: AudioFrame, origin: float) -> None:
        for mono in self._resampler.resample(frame):
            self._place(mono, origin)

    def flush(self, origin: float) -> None:
        for mono in self._resampler.resample(None):
            self._place(mono, origin)

    def _place(self, mono: AudioFrame, origin: float) -> None:
        samples = mono.to_ndarray()[0]  # (samples,)
        at = self._filled if mono.time is None else round((mono.time - origin) * self.rate)
        # Time stamps are rounded to the container's clock: sound that follows closely is taken to follow at once.
        if abs(at - self._filled) <= 0.02 * self.rate and self._filled > self._first:
            at = self._filled
        end = at + len(samples)
        if end <= self._first:
            return
        samples = samples[max(0, self._first - at) :]
        at = max(at, self._first)
        missing = end - self._first - len(self._buffer)
        if missing > 0:
            self._buffer = np.concatenate([self._buffer, np.zeros(missing, dtype=np.float32)])
        self._buffer[at - self._first : end - self._first] = samples
        self._filled = max(self._filled, end)

    def reached(self, stop: float) -> bool:
        return self._filled >= round(stop * self.rate)

    def take(self, start: float, stop: float) -> NDArray[np.float32]:
        """Samples from `start` to `stop`; those before `stop` less two margins are forgotten."""
        a, b = round(start * self.rate), round(stop * self.rate)
        samples = np.zeros(b - a, dtype=np.float32)
        lo, hi = max(a, self._first), min(b, self._first + len(self._buffer))
        if hi > lo:
            samples[lo - a : hi - a] = self._buffer[lo - self._first : hi - self._first]
        keep = min(max(self._first, b - round(2 * self.margin * self.rate)), self._first + len(self._buffer))
        self._buffer, self._first = self._buffer[keep - self._first :], keep
        return samples


def _square(frame: VideoFrame, size: int) -> NDArray[np.uint8]:
    """The picture as shown, squeezed to (size, size, 3) RGB."""
    rgb = frame.reformat(width=size, height=size, format="rgb24", interpolation="BICUBIC").to_ndarray()
    # The rotation that players apply to a clip filmed on its side: degrees counter-clockwise.
    return np.ascontiguousarray(np.rot90(rgb, k=round(frame.rotation / 90) % 4))


def _is_cover(stream: av.VideoStream) -> bool:
    """Whether the stream is a still picture on the cover of a sound file."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)
