"""A track of a clip, decoded packet by packet into a collector. What can't be decoded is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container.input import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from seehear.media.frames import FrameCollector
from seehear.media.opening import MAX_PIXELS
from seehear.media.sound import WaveformCollector
from seehear.media.tracks import Track
from seehear.modality import AUDIO, VISUAL

# Decoders that skip a frame of no use to others when they are told so for that frame alone
SKIPPING = frozenset(("h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vp9"))
# Codecs none of whose packets begins with so many zeros
NEVER_ZERO = frozenset(("aac", "ac3", "av1", "eac3", "h264", "hevc", "mp3", "mpeg2video", "mpeg4", "opus", "vorbis"))
ZEROS = bytes(16)
# From the number of a packet to the file, opened, and its packets from that one on
Enter = Callable[[int], tuple[InputContainer, Iterator[tuple["Packet[Any]", int]]]]
DENSE = 4.0  # frames per second above which the delay of a decoder with one thread per frame is short


class _Feed:
    """A track and its collector.

    Attributes:
        failed: Seconds of the track that can't be decoded.
        ended: Whether all of it is read.
    """

    modality: ClassVar[str]
    collector: FrameCollector | WaveformCollector

    def __init__(self, track: Track, enter: Enter, first: int, begin: float) -> None:
        self.track, self._enter, self._clip_begins = track, enter, begin
        self._begin(first)

    def _begin(self, first: int) -> None:
        """Begin to read at packet number `first`."""
        self._first, self.failed, self.ended = first, 0.0, False
        container, self._packets = self._enter(first)
        stream = container.streams[self.track.index]
        assert isinstance(stream, av.VideoStream | av.AudioStream)
        self._stream = stream
        self._never_zero = stream.codec_context.codec.canonical_name in NEVER_ZERO

    def read_until(self, moment: float) -> None:
        """Decode until the collector has everything before a moment, in seconds, or the track ends."""
        while not (self.ended or self.collector.reached(moment)):
            self._step()

    def _step(self) -> None:
        packet, number = next(self._packets, (None, -1))
        if packet is None:
            self._end()
        else:
            self._read(packet, number)

    def _read(self, packet: Packet[Any], number: int) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        self.ended = True

    def _decode(self, packet: Packet[Any], number: int) -> list[Any]:
        """Return the frames that a packet completes; none if it is damaged, which does not end a clip."""
        zeros = self._never_zero and number >= 0 and bytes(memoryview(packet)[:16]) == ZEROS
        frames, failed = decode(packet)
        if number >= 0 and (failed or zeros or number in self.track.corrupt) and self._is_of_clip(number):
            self.failed += max(self.track.usual_step, float(self.track.durations[number] * self.track.base))
        return frames

    def _is_of_clip(self, number: int) -> bool:
        """Return whether a packet is of the clip, not one that is decoded before a part begins."""
        end = float(self.track.stamps[number] * self.track.base) + self.track.usual_step
        return not self._first or end > self._clip_begins


class VideoFeed(_Feed):
    """The frames of a clip."""

    modality = VISUAL

    def __init__(
        self,
        track: Track,
        enter: Enter,
        times: NDArray[np.float64],
        sizes: Sequence[int],
        origin: float,
        first: int = 0,
    ) -> None:
        """Decode the frames on show at `times`, (n,) seconds of the clip, which begins at `origin` of the track.

        Decoding begins with packet number `first`, or with the file if that shows the first of these frames too late.
        """
        self.collector: FrameCollector = FrameCollector(times + origin, track.ordered, float(track.base), sizes)
        self._origin = origin
        super().__init__(track, enter, first, origin)

    def _begin(self, first: int) -> None:
        super()._begin(first)
        track, stamps = self.track, self.track.ordered
        context = self._stream.codec_context
        context.options = {"max_pixels": str(MAX_PIXELS)}
        extent = float(stamps[-1] - stamps[0]) * float(track.base)
        # A decoder with one thread per frame delays each frame by a few, which is long where frames are rare.
        context.thread_type = "AUTO" if len(stamps) > DENSE * extent else "SLICE"
        self._skips = track.timed and not track.counted and context.codec.canonical_name in SKIPPING
        self._count = 0  # frames decoded so far

    def read_until(self, moment: float) -> None:
        """Decode until every frame before a moment of the clip is there, or the track ends."""
        super().read_until(moment + self._origin)

    def take(self, stop: float) -> tuple[dict[int, NDArray[np.uint8]], NDArray[np.float64]]:
        """Return the frames sampled before second `stop` that were not taken yet, and their times."""
        frames, times = self.collector.take(stop + self._origin)
        return frames, times - self._origin

    def _read(self, packet: Packet[Any], number: int) -> None:
        if self._skips:
            # Tells the decoder to skip this frame unless another frame depends on it.
            needed = self.collector.needs(packet.pts)
            self._stream.codec_context.skip_frame = "DEFAULT" if needed else "NONREF"
        frames = self._decode(packet, number)
        if number == len(self.track.stamps) - 1:  # what the file holds behind it is of other tracks
            frames += remaining(self._stream)
            self.ended = True
        if self._first and self.collector.empty and (self.collector.is_late(frames[0]) if frames else self.ended):
            self._begin(0)
            return
        self._add(frames)
        if self.ended:
            self.collector.flush()

    def _add(self, frames: Sequence[VideoFrame]) -> None:
        for frame in frames:
            if self.track.counted:
                frame.pts = self.track.stamp_of(self._count)
                self._count += 1
            self.collector.add(frame)

    def _end(self) -> None:
        if self._first and self.collector.empty:  # nothing could be decoded from there on
            self._begin(0)
            return
        super()._end()
        self.collector.flush()


class AudioFeed(_Feed):
    """The audio of a clip."""

    modality = AUDIO

    def __init__(
        self, track: Track, enter: Enter, collector: WaveformCollector, first: int = 0, begin: float = 0.0
    ) -> None:
        """Decode into a collector, from packet number `first` on. The clip begins at second `begin` of the track."""
        self.collector: WaveformCollector = collector
        super().__init__(track, enter, first, begin)

    def _read(self, packet: Packet[Any], number: int) -> None:
        for frame in self._decode(packet, number):
            if isinstance(frame, AudioFrame):
                self.collector.add(frame)
        if number >= 0:
            self.collector.count_packet()

    def read_rest(self) -> None:
        """Decode what lies behind the last span, which may be damaged too."""
        while not self.ended:
            self._step()

    def _end(self) -> None:
        super()._end()
        self.collector.flush()


def decoded(track: Track, enter: Enter, begin: float, stop: float, first: int) -> Iterator[VideoFrame | AudioFrame]:
    """Yield the decoded frames of a track on the clip's clock, as the file has them.

    Args:
        track: The track.
        enter: Opens its file.
        begin: Seconds of the track's clock. The frame that is on show then, or audio before it, comes first.
        stop: Seconds likewise. Some frames behind it may come too.
        first: Number of the packet with which decoding begins, if it shows that frame.
    """
    container, packets = enter(first)
    stream = container.streams[track.index]
    assert isinstance(stream, av.VideoStream | av.AudioStream)
    if isinstance(stream, av.VideoStream):
        stream.codec_context.thread_type = "AUTO"
    last, count = max(first, track.last_before(stop)), 0
    for packet, number in packets:
        frames = decode(packet)[0]
        if number == last:
            frames += remaining(stream)
        for frame in frames:
            if track.counted and isinstance(frame, VideoFrame):
                frame.pts = track.stamp_of(count)
            if first and not count and isinstance(frame, VideoFrame) and (frame.time or 0.0) > begin + 1e-6:
                yield from decoded(track, enter, begin, stop, 0)
                return
            count += 1
            yield frame
        if number == last:
            break
    if first and not count:  # nothing could be decoded from there on
        yield from decoded(track, enter, begin, stop, 0)


def remaining(stream: av.VideoStream | av.AudioStream) -> list[Any]:
    """Return the frames that a decoder still holds; none if it returned all of them at the file's end."""
    with suppress(av.FFmpegError):
        return list(stream.decode(None))
    return []


def decode(packet: Packet[Any]) -> tuple[list[Any], bool]:
    """Return the frames that a packet completes, and whether it is damaged."""
    try:
        return list(packet.decode()), False
    except av.EOFError:  # the decoder has returned everything
        return [], False
    except (MemoryError, BlockingIOError):  # no memory, or no thread, can be had: the file is not to blame
        raise
    except (av.FFmpegError, ValueError, TypeError):  # PyAV refuses what it doesn't know, such as a new pixel format
        return [], True
