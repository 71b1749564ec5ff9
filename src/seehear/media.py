"""A clip file, read as pictures and sound on one clock that starts at 0 with the file's first picture or sound.

`Media` first lists the packets of a file without decoding any, which gives the true length and the moment of
every picture, also where the header lies or the frame rate varies. `spans` then decodes the file once, in
spans of bounded length: only the streams that are asked for, and pictures that no one asked for are neither
decoded (where no other picture is built on them) nor converted.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
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

FILMS = ".3gp .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv"
SOUNDS = ".aac .aif .aiff .flac .m4a .mp3 .ogg .opus .wav .wma"
SUFFIXES = frozenset(f"{FILMS} {SOUNDS}".split())

HOUR = 3600.0  # seconds
SPARSEST = 10.0  # seconds between packets on average, beyond which the time stamps of a long clip are not believed

LEAVE_OUT = "get the file again, or leave it out"


@dataclass(frozen=True)
class Span:
    """What is seen and heard from second `start` to second `stop` of a clip.

    pictures: size -> (n, size, size, 3) uint8 RGB, the whole picture squeezed into a square, rotated as shown.
    at: (n,) float, the second at which each picture is sampled.
    sound: (samples,) float32 mono in [-1, 1] at `rate`, with `margin` seconds more on either side;
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
        if not self.has_video:
            return 1.0
        with self._open() as container:
            video = self._video(container)
            try:
                for packet in container.demux(video):
                    for frame in self._frames(packet, None):
                        assert isinstance(frame, VideoFrame)
                        aspect = frame.width / frame.height * float(video.codec_context.sample_aspect_ratio or 1)
                        return 1 / aspect if round(frame.rotation / 90) % 2 else aspect
            except av.FFmpegError:
                pass  # `spans` tells what is wrong
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
        waveform = _Sound(self, margin) if sound else None
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
                raise ClipError(f"{self.path}: is empty (0 bytes): {LEAVE_OUT}")
            container = av.open(str(self.path.absolute()), metadata_errors="ignore")
            if container.format.name == "tty":  # FFmpeg makes films of letters of any text file
                container.close()
                raise ClipError(f"{self.path}: is a text file, not a media file: {LEAVE_OUT}")
            return container
        except FileNotFoundError:
            raise ClipError(f"{self.path}: no such file") from None
        except av.InvalidDataError:
            raise ClipError(
                f"{self.path}: is not a media file that FFmpeg can read, or its start or end is missing: {LEAVE_OUT}"
            ) from None
        except (av.FFmpegError, OSError) as error:
            raise ClipError(f"{self.path}: can't be read ({error.strerror}): {LEAVE_OUT}") from None

    def _video(self, container: InputContainer) -> av.VideoStream:
        return next(stream for stream in container.streams.video if stream.index == self._video_index)

    def _list_packets(self, container: InputContainer) -> None:
        """Note every picture's moment and the streams' extents, decoding nothing."""
        video = next((s for s in container.streams.video if s.codec_context and not is_cover(s)), None)
        audio = next((s for s in container.streams.audio if s.codec_context and s.codec_context.sample_rate), None)
        self._video_index = video.index if video else -1
        self._audio_index = audio.index if audio else -1
        streams = [stream for stream in (video, audio) if stream is not None]
        if not streams:
            raise ClipError(f"{self.path}: has neither a video nor an audio track: {LEAVE_OUT}")
        shown: list[tuple[int, int]] = []  # when each picture begins and how long it lasts, 0 if the file doesn't say
        heard: list[float] = []  # when the sound of each packet begins
        stops: list[float] = []
        self._timed = True
        try:
            for packet in container.demux(*streams):
                if not _is_content(packet):
                    continue
                time = packet.pts if packet.pts is not None else packet.dts
                assert time is not None
                assert packet.time_base is not None
                if packet.stream_index == self._video_index:
                    self._timed = self._timed and packet.pts is not None
                    shown.append((time, packet.duration or 0))
                else:
                    heard.append(float(time * packet.time_base))
                stops.append(float((time + (packet.duration or 0)) * packet.time_base))
        except av.FFmpegError:
            pass  # what can be read of a truncated file is used
        if not stops:
            raise ClipError(f"{self.path}: holds no picture and no sound, it may be cut off: {LEAVE_OUT}")
        self._expect_whole(container, streams, max(stops))
        self.has_video, self.has_audio = bool(shown), bool(heard)
        self.rate = audio.codec_context.sample_rate if audio and heard else 0
        self._video_base = float(video.time_base) if video and video.time_base else 1.0
        starts: list[float] = []
        if shown:
            shown.sort()
            starts.append(shown[0][0] * self._video_base)
            if not shown[-1][1]:
                gap = (shown[-1][0] - shown[-2][0]) * self._video_base if len(shown) > 1 else 0.0
                stops.append(shown[-1][0] * self._video_base + min(gap or 0.04, 1.0))
        if audio and heard:
            # Priming samples of audio codecs lie before the stream's start, or before 0.
            begins = float(audio.start_time * audio.time_base) if audio.start_time and audio.time_base else 0.0
            starts.append(max(min(heard), begins))
        self._origin = min(starts)
        self.duration = max(stops) - self._origin
        if self.duration > HOUR and len(stops) < self.duration / SPARSEST:
            raise ClipError(
                f"{self.path}: says it is {self.duration / HOUR:.0f} hours long and holds {len(stops)} packets, "
                f"it may be damaged: {LEAVE_OUT}"
            )
        self._video_pts = np.array([time for time, _ in shown], dtype=np.int64)
        # The earliest sound that is still to come once n packets of sound were read, on the clip's clock.
        self._still_heard = np.minimum.accumulate([math.inf, *reversed(heard)])[::-1] - self._origin

    def _expect_whole(
        self, container: InputContainer, streams: Sequence[av.VideoStream | av.AudioStream], end: float
    ) -> None:
        """Raise ClipError if a file whose header says exactly how long it is ends a second or more before that."""
        if not {"mp4", "matroska"} & set(container.format.name.split(",")):
            return  # others guess from the bit rate
        says = [float(((s.start_time or 0) + s.duration) * s.time_base) for s in streams if s.duration and s.time_base]
        declared = max(says, default=(container.duration or 0) / av.time_base)
        if end < declared - 1:
            raise ClipError(f"{self.path}: is cut off, holding {end:.1f} of {declared:.1f} s: {LEAVE_OUT}")

    def _decode(self, container: InputContainer, pictures: _Pictures | None, waveform: _Sound | None) -> Iterator[None]:
        """Feed decoded frames to those that want them, yielding after each packet."""
        streams: list[av.VideoStream | av.AudioStream] = []
        if pictures is not None:
            video = self._video(container)
            # Decoders with a thread a picture give each some pictures late, which is long where few are shown.
            video.codec_context.thread_type = "AUTO" if len(self._video_pts) > 4 * self.duration else "SLICE"
            streams.append(video)
        if waveform is not None:
            streams += [stream for stream in container.streams.audio if stream.index == self._audio_index]
        unread = len(self._video_pts)
        try:
            for packet in container.demux(*streams):
                frames = self._frames(packet, pictures)
                if pictures is not None and packet.stream_index == self._video_index and _is_content(packet):
                    unread -= 1
                    if not unread:  # what the decoder still holds, lest it wait for the end of the sound
                        frames += self._video(container).decode(None)
                for frame in frames:
                    if isinstance(frame, VideoFrame) and pictures is not None:
                        pictures.add(frame)
                    elif isinstance(frame, AudioFrame) and waveform is not None:
                        waveform.add(frame)
                if waveform is not None and packet.stream_index == self._audio_index and _is_content(packet):
                    waveform.passed()
                if pictures is not None and not unread:
                    pictures.flush()
                yield
        except av.FFmpegError:
            pass  # what can be decoded of a damaged file is used
        if waveform is not None:
            waveform.flush()
        if (pictures is not None and pictures.empty) or (waveform is not None and waveform.empty):
            what = "pictures" if pictures is not None and pictures.empty else "sound"
            raise ClipError(f"{self.path}: none of its {what} can be decoded, it may be damaged: {LEAVE_OUT}")
        yield

    def _frames(self, packet: Packet[Any], pictures: _Pictures | None) -> list[VideoFrame | AudioFrame]:
        if pictures is not None and packet.stream_index == self._video_index:
            # Tells the decoder to leave out this picture if no other is built on it.
            context = packet.stream.codec_context
            context.skip_frame = "NONREF" if self._timed and not pictures.wants(packet.pts) else "DEFAULT"
        try:
            return packet.decode()  # type: ignore[return-value]
        except av.FFmpegError:
            return []  # one damaged packet does not end a clip


class _Pictures:
    """Collects the pictures on show at the sample times, each converted once to every size."""

    def __init__(self, media: Media, fps: float, sizes: list[int], stop: float) -> None:
        self.times = media.sample_times(fps, 0.0, stop)
        self.sizes = sizes
        shown = media._video_pts * media._video_base - media._origin
        # The picture on show at time t is the last that starts at or before t; before the first, the first.
        which = np.clip(np.searchsorted(shown, self.times + 1e-6, side="right") - 1, 0, None)
        self._due = media._video_pts[which]  # the pts of the picture for each sample time
        self._wanted = frozenset(self._due.tolist())
        self._next = 0  # sample times before this one are served
        self._last: VideoFrame | None = None
        self._squares: list[dict[int, NDArray[np.uint8]]] = []
        self._taken = 0

    @property
    def empty(self) -> bool:
        return self._last is None

    def wants(self, pts: int | None) -> bool:
        return pts is None or pts in self._wanted

    def add(self, frame: VideoFrame) -> None:
        if frame.pts is None or not self.wants(frame.pts):
            return
        # Where damage swallowed a picture, the one before it stays on show; before the first, the first.
        self._serve(self._last or frame, int(np.searchsorted(self._due, frame.pts, side="left")))
        self._serve(frame, int(np.searchsorted(self._due, frame.pts, side="right")))
        self._last = frame

    def _serve(self, frame: VideoFrame, until: int) -> None:
        """Give a picture to the sample times that have none yet, up to number `until`."""
        if self._next < until:
            squares = {size: _square(frame, size) for size in self.sizes}
            self._squares += [squares] * (until - self._next)
            self._next = until

    def flush(self) -> None:
        if self._last is not None:
            self._serve(self._last, len(self.times))

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

    def __init__(self, media: Media, margin: float) -> None:
        self.rate, self.margin = media.rate, margin
        self._origin, self._still = media._origin, media._still_heard
        self._passed = 0  # packets of sound that were read
        self._format: tuple[str, str, int] | None = None  # what the resampler takes
        self._resampler: av.AudioResampler | None = None
        self._pieces: list[tuple[int, NDArray[np.float32]]] = []  # (number of the first sample, samples) each
        self._first = -round(margin * self.rate)  # samples before this one are no longer asked for
        self._filled: int | None = None  # the sound that came ends before this sample

    @property
    def empty(self) -> bool:
        return self._filled is None

    def add(self, frame: AudioFrame) -> None:
        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if found != self._format:  # also within a clip, as where a broadcast goes from stereo to surround
            self.flush()
            self._format = found
            # Whole numbers make FFmpeg mix channels such that full scale stays full scale; with floats they add up.
            self._resampler = av.AudioResampler(format="s32p", layout="mono", rate=self.rate)
        assert self._resampler is not None
        for mono in self._resampler.resample(frame):
            self._place(mono)

    def passed(self) -> None:
        """One more packet of sound was read."""
        self._passed += 1

    def flush(self) -> None:
        if self._resampler is not None:
            for mono in self._resampler.resample(None):
                self._place(mono)
            self._resampler = self._format = None

    def _place(self, mono: AudioFrame) -> None:
        samples = mono.to_ndarray()[0].astype(np.float32) / 2**31  # (samples,)
        at = (self._filled or 0) if mono.time is None else round((mono.time - self._origin) * self.rate)
        # Time stamps are rounded to the container's clock: sound that follows closely is taken to follow at once.
        if self._filled is not None and abs(at - self._filled) <= 0.02 * self.rate:
            at = self._filled
        end = at + len(samples)
        self._filled = end if self._filled is None else max(self._filled, end)
        if end > self._first:
            self._pieces.append((at, samples))

    def reached(self, stop: float) -> bool:
        """Whether all sound before `stop` is here, because later sound is, or because none comes before it any more."""
        if self._filled is not None and self._filled >= round(stop * self.rate):
            return True
        last = len(self._still) - 1
        none_to_come = self._still[min(self._passed, last)] >= stop
        return bool(none_to_come) and not (self._passed >= last and self.empty)  # which may all be damaged

    def take(self, start: float, stop: float) -> NDArray[np.float32]:
        """Samples from `start` to `stop`; those before `stop` less two margins are forgotten."""
        a, b = round(start * self.rate), round(stop * self.rate)
        samples = np.zeros(b - a, dtype=np.float32)
        for at, piece in self._pieces:
            lo, hi = max(a, at), min(b, at + len(piece))
            if hi > lo:
                samples[lo - a : hi - a] = piece[lo - at : hi - at]
        self._first = max(self._first, b - round(2 * self.margin * self.rate))
        self._pieces = [(at, piece) for at, piece in self._pieces if at + len(piece) > self._first]
        return samples


def _square(frame: VideoFrame, size: int) -> NDArray[np.uint8]:
    """The picture as shown, squeezed to (size, size, 3) RGB."""
    rgb = frame.reformat(width=size, height=size, format="rgb24", interpolation="BICUBIC").to_ndarray()
    # The rotation that players apply to a clip filmed on its side: degrees counter-clockwise.
    return np.ascontiguousarray(np.rot90(rgb, k=round(frame.rotation / 90) % 4))


def _is_content(packet: Packet[Any]) -> bool:
    """Whether a packet holds something that is shown or heard at a known time, and no edit list cuts it off."""
    timed = packet.time_base is not None and (packet.pts is not None or packet.dts is not None)
    return timed and packet.size > 0 and not packet.is_discard


def is_media(file: Path) -> bool:
    """Whether a file is there that is named as films and sounds are."""
    # Some systems keep notes on clip.mp4 in ._clip.mp4.
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()


def is_cover(stream: av.VideoStream) -> bool:
    """Whether the stream is a still picture on the cover of a sound file."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)
