"""Clips cut from full videos, by the seconds that their names tell.

A cut is H.264 and AAC in an mp4: its first picture is the one on show at the clip's start, its sound begins at that
very sample (as exactly as the video's time stamps say: those of WebM are milliseconds). Pictures keep their moments, so
an odd or varying frame rate stays as it is; sound keeps its rate where AAC has it, and one or two channels, into which
more are mixed. Pictures that players turn are turned for good; those of odd width or height are made a pixel smaller.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container.input import InputContainer
from av.container.output import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from numpy.typing import NDArray

from seehear.datasets.spec import DataSet
from seehear.errors import ClipError, SeehearError
from seehear.files import atomic
from seehear.media import Media, is_cover, is_media
from seehear.progress import Progress
from seehear.store import Origin, content_hash

REVISION = "1"  # changes whenever a cut would come out otherwise
ALIKE = 1.0  # seconds by which a file that is the clip already may be longer or shorter than it
SHORT = 0.5  # seconds that a full video may lack at its end, as where its length was rounded up
BEFORE = 1.0  # seconds that are decoded before a cut at least: decoders of sound take a moment to settle
REORDERED = 1.0  # seconds that a stream's packets are read beyond the end, for frames that come out later
INTERLEAVED = 30.0  # seconds that one stream is read beyond the end while another has not got there
TICK = 1e-4  # seconds by which moments may be rounded
ROUNDED = 0.02  # seconds by which those of sound may be
CLOCK = Fraction(1, 90000)  # time base of pictures
# Of x264: no difference to be seen. With B-frames, an mp4 tells wrongly how long a picture of irregular rate is shown.
X264 = {"crf": "18", "preset": "veryfast", "bf": "0"}
RATES = tuple(av.Codec("aac", "w").audio_rates or ())
LAYOUTS = {1: "mono", 2: "stereo"}
AAC_FRAME = 1024  # samples
BITS = 96000  # a second and channel of sound


@dataclass
class Cuts:
    """files: clip -> its file, of all clips that have one. failed: clip -> why it has none.

    made, unchanged: how many were cut now and before. whole: how many files were the clip already.
    """

    files: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    made: int = 0
    unchanged: int = 0
    whole: int = 0


def cut_clips(dataset: DataSet, clips: Iterable[str], videos: Path, out: Path) -> Cuts:
    """Make sure that there is a file of every clip: OUT/<clip>.mp4, cut from a video in `videos` or its folders.

    videos: holds files named by the clip, by what the data set shortens it to, or by that and _full_video. A file that
    is as long as the clip is taken for the clip and linked (copied where it can't be) into OUT under the clip's name;
    clips of a data set that are files of their own stay where they are. A cut that is there and was made from the same
    video is kept, also when that video is gone by now. Raises SeehearError if `videos` is no folder or is `out`, or the
    disk is full.
    """
    if not videos.is_dir():
        raise SeehearError(f"{videos}: no such folder")
    if out.resolve() == videos.resolve():
        raise SeehearError(f"{out}: holds the videos; name another folder for the clips that are cut from them")
    found = _find_videos(videos, out)
    names = list(clips)
    cuts = Cuts()
    with Progress("cutting", len(names)) as progress:
        for clip in names:
            short = dataset.short(clip)
            stems = dict.fromkeys((clip, short, f"{short}_full_video"))
            sources = [file for stem in stems for file in found.get(stem, ())]
            try:
                _provide(clip, dataset.span(clip), sources, videos, out, cuts)
            except (ClipError, OSError) as error:  # the latter of a file that is gone since it was found
                cuts.failed[clip] = str(error)
                if sources:
                    progress.say(f"skipped: {error}")
            progress.advance(clip)
    return cuts


def _find_videos(folder: Path, out: Path) -> dict[str, list[Path]]:
    """Stem -> media files of that stem in a folder and its folders, but for `out`."""
    found: dict[str, list[Path]] = {}
    without = out.resolve()
    for file in sorted(folder.rglob("*")):
        if is_media(file) and file.parent.resolve() != without:
            found.setdefault(file.stem, []).append(file)
    return found


def _provide(
    clip: str, span: tuple[float, float] | None, sources: list[Path], videos: Path, out: Path, cuts: Cuts
) -> None:
    """Enter the clip's file into `cuts`. Raises ClipError if none of the sources gives it."""
    target = out / f"{clip}.mp4"
    if span is None:
        if not sources or sources[0].stem != clip:
            raise ClipError(f"{videos}: holds no file named {clip}")
        cuts.files[clip] = sources[0]
        cuts.whole += 1
        return
    made_by = f"cut/{REVISION}/{span[0]:g}/{span[1]:g}"
    if target.exists() and (not sources or any(_is_current(target, source, made_by) for source in sources)):
        cuts.files[clip] = target
        cuts.unchanged += 1
        return
    problems = [] if sources else [f"{videos}: holds no video of {clip}"]
    for source in sources:
        try:
            media = Media(source)
            if _is_clip(media, clip, span):
                _link(source, target)
                cuts.whole += 1
            else:
                cut(media, target, *span, comment=json.dumps(asdict(Origin.of(clip, source, made_by))))
                cuts.made += 1
            cuts.files[clip] = target
            return
        except ClipError as error:
            problems.append(str(error))
    raise ClipError("; ".join(problems))


def _is_clip(media: Media, clip: str, span: tuple[float, float]) -> bool:
    """Whether a file is the clip already, and not the full video. Raises ClipError if it is neither."""
    start, stop = span
    off = abs(media.duration - (stop - start))
    # Of a clip at the very start, either will do; else that whose length is the nearer.
    if off <= ALIKE and off <= abs(media.duration - stop) and not media.path.stem.endswith("_full_video"):
        return True
    if media.duration < stop - SHORT:
        raise ClipError(f"{media.path}: is {media.duration:.1f} s long, and {clip} reaches to second {stop:g}")
    return False


def _is_current(target: Path, source: Path, made_by: str) -> bool:
    """Whether a cut, or a link or copy of a whole clip, is what would be made again of this source."""
    stat, there = source.stat(), target.stat()
    if os.path.samestat(stat, there):
        return True
    if (stat.st_size, stat.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
        return True  # a copy
    try:
        with av.open(str(target.absolute()), metadata_errors="ignore") as container:
            origin = Origin(**json.loads(container.metadata.get("comment", "")))
    except (av.FFmpegError, OSError, ValueError, TypeError):
        return False
    if origin.made_by != made_by or origin.size != stat.st_size:
        return False
    return origin.modified == stat.st_mtime_ns or origin.content == content_hash(source)


def _link(source: Path, target: Path) -> None:
    """One file under two names where the disk can do that, else a copy."""
    with atomic(target) as temporary:
        try:
            os.link(source.resolve(), temporary)
        except OSError:
            shutil.copy2(source, temporary)


def cut(media: Media, target: Path, start: float, stop: float, *, comment: str = "") -> None:
    """Write what a media file shows and plays from second `start` to `stop`. A track that it lacks stays lacking.

    The seconds count from the file's first picture or sound. comment: kept in the cut's metadata. Raises ClipError if
    the file can't be used.
    """
    length = min(stop, media.duration) - start
    if length <= 0:
        raise ClipError(f"{media.path}: is {media.duration:.1f} s long, nothing is left of it after second {start:g}")
    with atomic(target) as temporary:
        try:
            # Once more from the very beginning where the file's index leads past the start.
            if not _copy(media, start, length, temporary, comment, seek=True):
                _copy(media, start, length, temporary, comment, seek=False)
        except av.FFmpegError as error:
            if error.errno == errno.ENOSPC:
                raise OSError(error.errno, error.strerror) from None
            raise ClipError(f"{media.path}: can't be cut ({error.strerror}): get it again, or leave it out") from None


def _copy(media: Media, start: float, length: float, target: Path, comment: str, *, seek: bool) -> bool:
    """Write `length` seconds of a file from second `start` on; whether they were found.

    seek: go to shortly before the start by the file's index, and give up where that leads past the start.
    """
    takers: dict[int, _Pictures | _Sound] = {}
    with (
        av.open(str(media.path.absolute()), metadata_errors="ignore") as container,
        av.open(str(target.absolute()), "w", format="mp4") as file,
    ):
        file.metadata["comment"] = comment
        zero = (container.start_time or 0) / av.time_base + start
        if media.has_video:
            video = next(s for s in container.streams.video if s.codec_context and not is_cover(s))
            video.codec_context.thread_type = "AUTO"
            takers[video.index] = _Pictures(file, zero, length, video.codec_context.sample_aspect_ratio)
        if media.has_audio:
            audio = next(s for s in container.streams.audio if s.codec_context and s.codec_context.sample_rate)
            takers[audio.index] = _Sound(file, zero, length, media.rate)
        if seek and start > BEFORE:
            try:
                container.seek(int((zero - BEFORE) * av.time_base))
            except av.FFmpegError:
                return False  # a file without an index
        _read(container, takers, zero + length, until_late=seek)
        if seek and any(taker.late or taker.empty for taker in takers.values()):
            return False
        if all(taker.empty for taker in takers.values()):
            what = f"nothing from second {start:g} to {start + length:g} can be decoded"
            raise ClipError(f"{media.path}: {what}, it may be damaged: get it again, or leave it out")
        packets = [packet for taker in takers.values() for packet in taker.finish()]
        for packet in sorted(packets, key=_decoded_at):
            file.mux(packet)
    return True


def _read(container: InputContainer, takers: Mapping[int, _Pictures | _Sound], end: float, *, until_late: bool) -> None:
    """Give each stream's frames to who takes them, up to second `end`, or until one comes too late."""
    streams = [stream for stream in container.streams if stream.index in takers]
    over: set[int] = set()  # streams of which all that is wanted was read
    for packet in container.demux(*streams):
        taker = takers[packet.stream_index]
        if packet.stream_index not in over:
            for frame in _frames(packet):
                taker.add(frame)
            if until_late and taker.late:
                return
        moment = packet.dts if packet.dts is not None else packet.pts
        if moment is None or packet.time_base is None:
            continue
        after = float(moment * packet.time_base) - end
        if after > REORDERED:
            over.add(packet.stream_index)
        if len(over) == len(takers) or after > INTERLEAVED:
            break
    for stream in streams:
        for frame in _held(stream):
            takers[stream.index].add(frame)


def _frames(packet: Packet[Any]) -> list[Any]:
    try:
        return list(packet.decode())
    except av.FFmpegError:
        return []  # one damaged packet does not end a clip


def _held(stream: Any) -> list[Any]:
    """The frames that a decoder still holds."""
    try:
        return list(stream.decode(None))
    except av.FFmpegError:
        return []  # it gave all at the file's end


class _Pictures:
    """Encodes the pictures of a clip as they come.

    zero: the second at which the clip begins, on the file's clock. late: whether the first picture came after it.
    aspect: of a pixel, None where it is not told.
    """

    def __init__(self, file: OutputContainer, zero: float, length: float, aspect: Fraction | None) -> None:
        self.late = False
        self._file, self._zero, self._length, self._aspect = file, zero, length, aspect
        self._shown: VideoFrame | None = None  # the last picture at or before the start
        self._stream: av.VideoStream | None = None
        self._last = -1  # time stamp of the last picture that was encoded
        self._packets: list[Packet[Any]] = []

    @property
    def empty(self) -> bool:
        return self._shown is None and self._stream is None

    def add(self, frame: VideoFrame) -> None:
        stamp = frame.pts if frame.pts is not None else frame.dts
        if stamp is None or frame.time_base is None:
            return
        at = float(stamp * frame.time_base) - self._zero
        if self._stream is None and at < TICK:
            self._shown = frame
            return
        if self._stream is None:
            self.late = self._shown is None
            self._encode(self._shown or frame, 0.0)  # what comes late is on show from the start
        if at < self._length - TICK:
            self._encode(frame, at)

    def finish(self) -> list[Packet[Any]]:
        """All packets; the last picture is on show until the clip's end."""
        if self._stream is None and self._shown is not None:
            self._encode(self._shown, 0.0)
        if self._stream is not None:
            self._packets += self._stream.encode(None)
            _last_until(self._packets, self._length)
        return self._packets

    def _encode(self, frame: VideoFrame, at: float) -> None:
        stamp = round(at / CLOCK)
        if stamp <= self._last:
            return
        self._last = stamp
        turns = round(frame.rotation / 90) % 4
        if self._stream is None:
            self._size = frame.width // 2 * 2 or 2, frame.height // 2 * 2 or 2
        picture = frame.reformat(*self._size, format="yuv420p")
        if self._stream is None:
            self._stream = self._open(picture, turns)
        picture = _turned(picture, turns)
        picture.pict_type = PictureType.NONE  # the encoder decides
        picture.time_base, picture.pts = CLOCK, stamp
        self._packets += self._stream.encode(picture)

    def _open(self, picture: VideoFrame, turns: int) -> av.VideoStream:
        stream = self._file.add_stream("libx264", options=X264)
        context = stream.codec_context
        context.width, context.height = self._size if turns % 2 == 0 else self._size[::-1]
        context.pix_fmt = "yuv420p"
        context.time_base = CLOCK
        if self._aspect:
            context.sample_aspect_ratio = self._aspect if turns % 2 == 0 else 1 / self._aspect
        for name in ("colorspace", "color_range", "color_primaries", "color_trc"):  # what the numbers mean as colours
            setattr(context, name, getattr(picture, name))
        return stream


class _Sound:
    """Collects the sound of a clip, on the file's clock; what is missing is silent.

    zero: the second at which the clip begins. late: whether the first sound came after it.
    """

    def __init__(self, file: OutputContainer, zero: float, length: float, rate: int) -> None:
        self.late = False
        self._file, self._zero, self._length = file, zero, length
        self._rate = min((known for known in RATES if known >= rate), default=max(RATES))
        self._format: tuple[str, str, int] | None = None  # what the resampler takes
        self._resampler: av.AudioResampler | None = None
        self._samples: NDArray[np.float32] | None = None  # (channels, samples)
        self._filled: int | None = None  # the sound that came ends before this sample

    @property
    def empty(self) -> bool:
        return self._filled is None

    def add(self, frame: AudioFrame) -> None:
        if self._samples is None:
            channels = 1 if len(frame.layout.channels) == 1 else 2
            self._samples = np.zeros((channels, round(self._length * self._rate)), dtype=np.float32)
        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if found != self._format:
            self._drain()
            self._format = found
            # Whole numbers make FFmpeg mix channels such that full scale stays full scale; with floats they add up.
            self._resampler = av.AudioResampler("s32p", LAYOUTS[len(self._samples)], self._rate)
        assert self._resampler is not None
        for part in self._resampler.resample(frame):
            self._place(part)

    def finish(self) -> list[Packet[Any]]:
        """All packets."""
        self._drain()
        samples = self._samples
        if samples is None:
            samples = np.zeros((1, round(self._length * self._rate)), dtype=np.float32)
        layout = LAYOUTS[len(samples)]
        stream = self._file.add_stream("aac", rate=self._rate, layout=layout)
        stream.bit_rate = BITS * len(samples)
        packets: list[Packet[Any]] = []
        for first in range(0, samples.shape[1], AAC_FRAME):
            piece = np.ascontiguousarray(samples[:, first : first + AAC_FRAME])
            frame = AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
            frame.sample_rate, frame.time_base, frame.pts = self._rate, Fraction(1, self._rate), first
            packets += stream.encode(frame)
        packets += stream.encode(None)
        _last_until(packets, self._length)
        return packets

    def _drain(self) -> None:
        if self._resampler is not None:
            for part in self._resampler.resample(None):
                self._place(part)
            self._resampler = self._format = None

    def _place(self, part: AudioFrame) -> None:
        assert self._samples is not None
        at = (self._filled or 0) if part.time is None else round((part.time - self._zero) * self._rate)
        # Time stamps are rounded to the container's clock: sound that follows closely is taken to follow at once.
        if self._filled is not None and abs(at - self._filled) <= ROUNDED * self._rate:
            at = self._filled
        if self._filled is None:
            self.late = at > ROUNDED * self._rate
        values = part.to_ndarray().astype(np.float32) / 2**31  # (channels, n)
        self._filled = at + values.shape[1]
        low, high = max(0, at), min(self._samples.shape[1], self._filled)
        if low < high:
            self._samples[:, low:high] = values[:, low - at : high - at]


def _turned(picture: VideoFrame, turns: int) -> VideoFrame:
    """A picture in yuv420p, turned by quarters counter-clockwise."""
    if not turns:
        return picture
    width, height = picture.width, picture.height
    planes = picture.to_ndarray().reshape(-1)  # Y, then U and V of half the width and height
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    parts = np.split(planes, [height * width, height * width * 5 // 4])
    turned = [np.rot90(part.reshape(shape), turns).reshape(-1) for part, shape in zip(parts, shapes, strict=True)]
    rows = (height if turns % 2 == 0 else width) * 3 // 2
    return VideoFrame.from_ndarray(np.concatenate(turned).reshape(rows, -1), format="yuv420p")


def _last_until(packets: Sequence[Packet[Any]], end: float) -> None:
    """Make the last packet of a stream last until second `end`."""
    last = max(packets, key=lambda packet: packet.pts or 0)
    assert last.pts is not None
    assert last.time_base is not None
    last.duration = max(1, round(end / last.time_base) - last.pts)


def _decoded_at(packet: Packet[Any]) -> Fraction:
    assert packet.dts is not None
    assert packet.time_base is not None
    return packet.dts * packet.time_base
