"""Clips cut from full videos, by the seconds in their names.

A cut is H.264 and AAC in an mp4. Its first frame is the one that is visible at the clip's start. Its audio begins at
that very sample, as exactly as the video's time stamps allow: they are milliseconds in WebM. Frames keep their times,
so an odd or varying frame rate stays as it is. Audio keeps its rate if AAC allows it, and one or two channels; more are
mixed down to two. Frames that players rotate are rotated permanently; an odd width or height loses one pixel.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container.output import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from numpy.typing import NDArray

from seehear.datasets.spec import DataSet
from seehear.datasets.videos import find_videos, first_usable, is_clip, seconds_and_videos, whole_file
from seehear.errors import ClipError, SeehearError
from seehear.features.store import Origin, content_hash
from seehear.files import atomic
from seehear.media.child import duration_of, open_clip, run, run_on_file
from seehear.media.frames import UPRIGHT, orientation, shown
from seehear.media.opening import REMEDY
from seehear.media.reader import Media
from seehear.media.sound import ROUNDING, Mixer, Resampler
from seehear.media.tracks import Track
from seehear.progress import Progress
from seehear.storage.parts import Part

REVISION = "2"  # changes whenever cuts change
TIME_TOLERANCE = 1e-4  # seconds by which the times of frames may be rounded
VIDEO_TIME_BASE = Fraction(1, 90000)
# Of x264: no visible loss. With B-frames, an mp4 holds wrong durations for frames of a varying rate.
X264_OPTIONS = {"crf": "18", "preset": "veryfast", "bf": "0"}
AUDIO_RATES = tuple(av.Codec("aac", "w").audio_rates or ())
LAYOUTS = {1: "mono", 2: "stereo"}
AAC_FRAME = 1024  # samples
BITS_PER_CHANNEL = 96000  # per second of audio


@dataclass
class Cuts:
    """The files of clips.

    Attributes:
        files: Clip -> its file, for clips that have one.
        failed: Clip -> why it has none.
        made: How many clips were cut now.
        unchanged: How many clips were cut before.
        whole: How many files were the clip already.
    """

    files: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    made: int = 0
    unchanged: int = 0
    whole: int = 0


def cut_clips(dataset: DataSet, clips: Iterable[str], videos: Path, out: Path) -> Cuts:
    """Make sure that every clip has a file: OUT/<clip>.mp4, cut from a video.

    A file that is as long as the clip counts as the clip: it is linked into `out` under the clip's name, or copied
    if links are impossible. Clips of a data set whose clips are files stay where they are. An existing cut from the
    same video is kept, even if that video was deleted since.

    Args:
        dataset: The data set, which maps a clip's name to its seconds of the video.
        clips: Names of clips.
        videos: Folder of videos, also in subfolders, named by the clip, by its short name in the data set, or by that
            and _full_video.
        out: Folder of the cuts.

    Returns:
        The files, and why some clips have none.

    Raises:
        SeehearError: If `videos` is not a folder or is `out`, or the disk is full.
    """
    if not videos.is_dir():
        raise SeehearError(f"{videos}: no such folder")
    if out.resolve() == videos.resolve():
        raise SeehearError(f"{out}: holds the videos; choose another folder for the clips that are cut from them")
    by_stem = find_videos(videos, out)
    names = list(clips)
    cuts = Cuts()
    with Progress("cutting", len(names)) as progress:
        for clip in names:
            span, sources, is_named = seconds_and_videos(clip, dataset, by_stem)
            try:
                _provide(clip, span, sources, videos, out, cuts, is_named)
            except (ClipError, OSError) as error:  # OSError: a file was deleted since it was listed
                cuts.failed[clip] = str(error)
                if sources:
                    progress.say(f"skipped: {error}")
            progress.advance(clip)
    return cuts


def _provide(
    clip: str,
    span: tuple[float, float] | None,
    sources: Sequence[Path],
    videos: Path,
    out: Path,
    cuts: Cuts,
    is_named: bool,
) -> None:
    """Add the clip's file to `cuts`. Raises ClipError if none of the sources yields it.

    The first three and the last arguments are as `seconds_and_videos` returns them.
    """
    target = out / f"{clip}.mp4"
    if span is None:
        cuts.files[clip] = whole_file(clip, sources, videos)
        cuts.whole += 1
        return
    made_by = f"cut/{REVISION}/{span[0]:g}/{span[1]:g}"
    if target.exists() and (not sources or any(_is_current(target, source, made_by) for source in sources)):
        cuts.files[clip] = target
        cuts.unchanged += 1
        return

    def make(source: Path) -> None:
        if is_clip(source, duration_of(source), clip, span, is_named):
            open_clip(source)  # which says why it can't be used
            _link(source, target)
            cuts.whole += 1
        else:
            origin = Origin.of(clip, source, made_by)
            cut_part(open_clip(Part(source, *span)), target, comment=json.dumps(asdict(origin)))
            cuts.made += 1
        cuts.files[clip] = target

    first_usable(clip, sources, videos, make)


def _is_current(target: Path, source: Path, made_by: str) -> bool:
    """Return whether a cut, link or copy is what this source would yield again."""
    stat, target_stat = source.stat(), target.stat()
    if os.path.samestat(stat, target_stat):
        return True
    if (stat.st_size, stat.st_mtime_ns) == (target_stat.st_size, target_stat.st_mtime_ns):
        return True  # a copy
    try:
        origin = Origin(**json.loads(run_on_file(_comment, target)))
    except (ClipError, OSError, ValueError, TypeError):
        return False
    if origin.made_by != made_by or origin.size != stat.st_size:
        return False
    return origin.modified == stat.st_mtime_ns or origin.content == content_hash(source)


def _comment(file: str) -> str:
    """Return the comment in the metadata of a media file; empty if there is none, or no such file."""
    try:
        with av.open(os.path.abspath(file), metadata_errors="ignore") as container:
            return container.metadata.get("comment", "")
    except av.FFmpegError:
        return ""


def _link(source: Path, target: Path) -> None:
    """Link the file under another name, or copy it if links are impossible."""
    with atomic(target) as temporary:
        try:
            os.link(source.resolve(), temporary)
        except OSError:
            shutil.copy2(source, temporary)


def cut(media: Media, target: Path, start: float, stop: float, *, comment: str = "") -> None:
    """Write the part of a media file from second `start` to `stop`. A track that the file lacks is not added.

    Args:
        media: The file.
        target: Where to write.
        start: Seconds from the file's first frame or sample.
        stop: Seconds from the file's first frame or sample.
        comment: Kept in the metadata of the cut.

    Raises:
        ClipError: If the file can't be used, or is shorter.
    """
    cut_part(media.part(start, stop), target, comment=comment)


def cut_part(media: Media, target: Path, *, comment: str = "") -> None:
    """Write a clip, such as a part of a file, as a file of its own; see `cut`."""
    with atomic(target) as temporary:
        run(_write, media, str(temporary), comment)


def _write(media: Media, target: str, comment: str) -> None:
    """Write a cut to `target`; the rest is as for `cut_part`."""
    try:
        with av.open(os.path.abspath(target), "w", format="mp4") as file:
            file.metadata["comment"] = comment
            encoders = [_encoded(media, track, file) for track in (media.video, media.audio) if track is not None]
            if all(encoder.empty for encoder in encoders):
                raise ClipError(f"{media.place}: nothing of it can be decoded; it may be damaged: {REMEDY}")
            packets = [packet for encoder in encoders for packet in encoder.finish()]
            for packet in sorted(packets, key=_decoded_at):
                file.mux(packet)
    except av.FFmpegError as error:
        if error.errno == errno.ENOSPC:
            raise OSError(error.errno, error.strerror) from None
        raise ClipError(f"{media.place}: can't be cut ({error.strerror}): {REMEDY}") from None


def _encoded(media: Media, track: Track, file: OutputContainer) -> _VideoEncoder | _AudioEncoder:
    """Return an encoder that has been given all frames of a track of the clip."""
    if track is not media.video:
        sound = _AudioEncoder(file, media.duration, media.rate, media.mixer())
        for _, frame in media.decoded(track):
            if isinstance(frame, AudioFrame):
                sound.add(frame)
        return sound
    with media.open() as container:
        stream = container.streams[track.index]
        assert isinstance(stream, av.VideoStream)
        aspect = stream.sample_aspect_ratio
    video = _VideoEncoder(file, media.duration, aspect)
    for at, frame in media.decoded(track):
        if isinstance(frame, VideoFrame):
            video.add(frame, at)
    return video


class _VideoEncoder:
    """Encodes the frames of a clip as they come."""

    def __init__(self, file: OutputContainer, length: float, aspect: Fraction | None) -> None:
        """Take the frames of a clip of `length` seconds. aspect: width over height of a pixel; None if unknown."""
        self._file, self._length, self._aspect = file, length, aspect
        self._first: VideoFrame | None = None  # the last frame at or before the start
        self._stream: av.VideoStream | None = None
        self._last = -1  # time stamp of the last encoded frame
        self._packets: list[Packet[Any]] = []

    @property
    def empty(self) -> bool:
        return self._first is None and self._stream is None

    def add(self, frame: VideoFrame, at: float) -> None:
        """Encode a frame that begins at a second of the clip."""
        if self._stream is None and at < TIME_TOLERANCE:
            self._first = frame
            return
        if self._stream is None:
            self._encode(self._first or frame, 0.0)  # a late frame is visible from the start
        if at < self._length - TIME_TOLERANCE:
            self._encode(frame, at)

    def finish(self) -> list[Packet[Any]]:
        """Return all packets; the last frame is visible until the clip's end."""
        if self._stream is None and self._first is not None:
            self._encode(self._first, 0.0)
        if self._stream is not None:
            self._packets += self._stream.encode(None)
            _extend_last(self._packets, self._length)
        return self._packets

    def _encode(self, frame: VideoFrame, at: float) -> None:
        stamp = round(at / VIDEO_TIME_BASE)
        if stamp <= self._last:
            return
        self._last = stamp
        turn = orientation(frame)
        if self._stream is None:
            self._size = frame.width // 2 * 2 or 2, frame.height // 2 * 2 or 2
        image = frame.reformat(*self._size, format="yuv420p")
        if self._stream is None:
            self._stream = self._open(image, turn)
        image = _turned(image, turn)
        image.pict_type = PictureType.NONE  # the encoder decides
        image.time_base, image.pts = VIDEO_TIME_BASE, stamp
        self._packets += self._stream.encode(image)

    def _open(self, image: VideoFrame, turn: NDArray[np.int64]) -> av.VideoStream:
        stream = self._file.add_stream("libx264", options=X264_OPTIONS)
        context = stream.codec_context
        on_its_side = turn[0, 0] == 0
        context.thread_count = 1  # with several, x264 now and then gives other bytes on a busy machine
        context.width, context.height = self._size[::-1] if on_its_side else self._size
        context.pix_fmt = "yuv420p"
        context.time_base = VIDEO_TIME_BASE
        if self._aspect:
            context.sample_aspect_ratio = 1 / self._aspect if on_its_side else self._aspect
        for name in ("colorspace", "color_range", "color_primaries", "color_trc"):  # how the values encode colours
            setattr(context, name, getattr(image, name))
        return stream


class _AudioEncoder:
    """Collects the audio of a clip; gaps are silent."""

    def __init__(self, file: OutputContainer, length: float, rate: int, mixer: Mixer) -> None:
        """Take the audio of a clip of `length` seconds. rate: of the file, Hz. mixer: of its channels."""
        self._file, self._length = file, length
        self._rate = min((known for known in AUDIO_RATES if known >= rate), default=max(AUDIO_RATES))
        self._mixer = mixer
        self._resampler: Resampler | None = None
        self._samples: NDArray[np.float32] | None = None  # (channels, samples)
        self._filled: int | None = None  # number of the sample after the last one

    @property
    def empty(self) -> bool:
        return self._filled is None

    def add(self, frame: AudioFrame) -> None:
        if self._samples is None:
            channels = 1 if frame.layout.nb_channels == 1 else 2
            self._samples = np.zeros((channels, round(self._length * self._rate)), dtype=np.float32)
            self._resampler = Resampler(self._rate, LAYOUTS[channels])
        assert self._resampler is not None
        if frame.samples:
            mixed = self._mixer.mix(frame, LAYOUTS[len(self._samples)])  # (channels or 1, samples)
            mixed = np.broadcast_to(mixed, (len(self._samples), mixed.shape[1]))
            for samples, time in self._resampler.add(mixed, frame):
                self._place(samples, time)

    def finish(self) -> list[Packet[Any]]:
        """Return all packets."""
        self._drain()
        samples = self._samples
        if samples is None:
            samples = np.zeros((1, round(self._length * self._rate)), dtype=np.float32)
        layout = LAYOUTS[len(samples)]
        stream = self._file.add_stream("aac", rate=self._rate, layout=layout)
        stream.bit_rate = BITS_PER_CHANNEL * len(samples)
        packets: list[Packet[Any]] = []
        for first in range(0, samples.shape[1], AAC_FRAME):
            piece = np.ascontiguousarray(samples[:, first : first + AAC_FRAME])
            frame = AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
            frame.sample_rate, frame.time_base, frame.pts = self._rate, Fraction(1, self._rate), first
            packets += stream.encode(frame)
        packets += stream.encode(None)
        _extend_last(packets, self._length)
        return packets

    def _drain(self) -> None:
        for samples, time in self._resampler.flush() if self._resampler else ():
            self._place(samples, time)

    def _place(self, values: NDArray[np.float32], time: float | None) -> None:
        assert self._samples is not None
        at = (self._filled or 0) if time is None else round(time * self._rate)
        # Time stamps are rounded to the container's clock: audio after a tiny gap follows without one.
        if self._filled is not None and abs(at - self._filled) <= ROUNDING * self._rate:
            at = self._filled
        self._filled = at + values.shape[1]
        low, high = max(0, at), min(self._samples.shape[1], self._filled)
        if low < high:
            self._samples[:, low:high] = values[:, low - at : high - at]


def _turned(image: VideoFrame, turn: NDArray[np.int64]) -> VideoFrame:
    """Return an image in yuv420p as players show it. turn: see `orientation`."""
    if np.array_equal(turn, UPRIGHT):
        return image
    width, height = image.width, image.height
    planes = np.asarray(image.to_ndarray(), dtype=np.uint8).reshape(-1)  # Y, then U and V of half the width and height
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    parts = np.split(planes, [height * width, height * width * 5 // 4])
    turned = [shown(part.reshape(shape), turn).reshape(-1) for part, shape in zip(parts, shapes, strict=True)]
    rows = (width if turn[0, 0] == 0 else height) * 3 // 2
    return VideoFrame.from_ndarray(np.concatenate(turned).reshape(rows, -1), format="yuv420p")


def _extend_last(packets: Sequence[Packet[Any]], end: float) -> None:
    """Extend the last packet of a stream to second `end`."""
    last = max(packets, key=lambda packet: packet.pts or 0)
    assert last.pts is not None
    assert last.time_base is not None
    last.duration = max(1, round(end / last.time_base) - last.pts)


def _decoded_at(packet: Packet[Any]) -> Fraction:
    assert packet.dts is not None
    assert packet.time_base is not None
    return packet.dts * packet.time_base
