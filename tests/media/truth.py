"""Videos of which everything is known: frames that carry their number, and clicks at known seconds.

`sample` reads one as a network would be shown it and hear it. `expected` decodes every packet of the file in one go and
places frames and samples by the time stamps that FFmpeg gives them, as ffprobe prints them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from make_media import clicks, number_of, write
from seehear.media.notes import NoteKind
from seehear.media.reader import Media

SIZE = 32
SECONDS = 3.0
CLICKS = (0.5, 1.25, 2.5)
RATE = 48000


@dataclass(frozen=True)
class Form:
    """A way to store a video: a file's suffix, the codecs in it, and what the codecs need."""

    suffix: str
    codec: str = ""
    sound: str = ""
    fps: float = 30
    rate: int = RATE
    pixels: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict, hash=False)
    container: dict[str, str] = field(default_factory=dict, hash=False)
    size: int = 64

    def __str__(self) -> str:
        return f"{self.codec or 'no video'} and {self.sound or 'no audio'} at {self.fps:g} in {self.suffix}"


@dataclass
class Sample:
    """What was read: the number of the frame on show at each time, and when clicks are heard."""

    duration: float
    times: list[float]
    numbers: list[int]
    heard: list[float]
    notes: dict[NoteKind, float]


def make(path: Path, form: Form, seconds: float = SECONDS, first: int = 0, at: Sequence[float] = CLICKS) -> Path:
    """Write a video in some form. first: number of its first frame. at: seconds of the clicks."""
    from make_media import numbered

    for codec in filter(None, (form.codec, form.sound)):
        if codec not in av.codecs_available:
            raise LookupError(f"this FFmpeg has no encoder {codec}")
    return write(
        path.with_suffix(form.suffix),
        times=np.arange(round(seconds * form.fps)) / form.fps if form.codec else (),
        picture=lambda n: numbered(first + n, form.size, form.size),
        codec=form.codec,
        fps=form.fps,
        pixels=form.pixels,
        sound=clicks(at, seconds, form.rate) if form.sound else None,
        rate=form.rate,
        sound_codec=form.sound,
        options=form.options,
        container=form.container,
    )


def sample(path: Path, fps: float = 8.0, audio_track: int | None = None) -> Sample:
    """Read a file as networks do."""
    media = Media(path, audio_track)
    times: list[float] = []
    numbers: list[int] = []
    sound = []
    for span in media.spans(2.0, fps=fps, sizes=[SIZE] if media.has_video else [], audio=media.has_audio):
        times += span.times.tolist()
        numbers += [number_of(picture) for picture in span.frames.get(SIZE, ())]
        sound.append(span.waveform)
    waveform = np.concatenate(sound)
    notes = {note.kind: note.amount for note in media.notes}
    return Sample(media.duration, times, numbers, onsets(waveform, media.rate), notes)


def onsets(waveform: np.ndarray, rate: int) -> list[float]:
    """When each click begins, seconds."""
    loud = np.flatnonzero(np.abs(waveform) > 0.4 * np.abs(waveform).max(initial=1e-9))
    first = loud[np.diff(loud, prepend=-rate) > rate // 20] if rate else loud
    return [float(n / rate) for n in first]


def expected(path: Path, times: Sequence[float], picture: int = 0) -> tuple[list[int], list[float]]:
    """The oracle: number of the frame on show at each time, and when clicks are heard, by FFmpeg's time stamps.

    picture: which of the video tracks.
    """
    shown: list[tuple[float, int]] = []
    heard: list[tuple[float, np.ndarray]] = []
    with av.open(str(path)) as file:
        video = file.streams.video[picture] if file.streams.video else None
        rate = file.streams.audio[0].codec_context.sample_rate if file.streams.audio else 0
        starts = [stream.start_time * stream.time_base for stream in file.streams if stream.start_time is not None]
        for packet in file.demux():
            with suppress(av.FFmpegError):
                for frame in packet.decode():
                    if isinstance(frame, av.AudioFrame):
                        values = frame.to_ndarray()
                        channels = 1 if frame.format.is_planar else frame.layout.nb_channels
                        first = values[0, ::channels].astype(float)
                        if values.dtype.kind != "f":
                            first = (first - 128 * (values.dtype == np.uint8)) / np.iinfo(values.dtype).max
                        follows = heard[-1][0] + len(heard[-1][1]) / rate if heard else 0.0
                        heard.append((follows if frame.time is None else frame.time, first))
                    elif isinstance(frame, av.VideoFrame) and packet.stream is video:
                        shown.append((frame.time, number_of(frame.to_ndarray(format="rgb24"))))
    # Frames come in the order in which they are shown; AVI gives the times of some codecs in the order of decoding.
    shown = list(zip(sorted(time for time, _ in shown), [number for _, number in shown], strict=True))
    start = min([*map(float, starts), *(time for time, _ in shown[:1]), *(time for time, _ in heard)])
    numbers = []
    for time in times:
        before = [number for begins, number in shown if begins - start <= time + 1e-6]
        numbers.append(before[-1] if before else shown[0][1])
    waveform = np.zeros(round(rate * 60) if heard else 0)
    for time, values in heard:
        first = max(0, round((time - start) * rate))
        waveform[first : first + len(values)] = values[: len(waveform) - first]
    return numbers, onsets(waveform, rate)


# Each codec in each container that takes it. Sizes and options are what encoders insist on.
X265 = {"preset": "ultrafast", "x265-params": "log-level=none:bframes=3"}
VPX = {"cpu-used": "8", "deadline": "realtime"}
AV1 = {"preset": "9", "crf": "4"}
FORMS = [
    *(
        Form(suffix, "libx264", "aac", options={"bf": "3"})
        for suffix in (".mp4", ".mkv", ".mov", ".ts", ".flv", ".m4v")
    ),
    *(Form(suffix, "libx265", "aac", options=X265) for suffix in (".mp4", ".mkv", ".ts")),
    *(Form(suffix, "libsvtav1", "libopus", options=AV1, size=128) for suffix in (".mp4", ".mkv", ".webm")),
    Form(".webm", "libvpx", "libopus", options={**VPX, "auto-alt-ref": "1", "lag-in-frames": "16"}),
    *(Form(suffix, "libvpx-vp9", "libopus", options=VPX) for suffix in (".webm", ".mp4", ".mkv")),
    Form(".webm", "libvpx-vp9", "libopus", options={"cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "16"}),
    *(Form(suffix, "mpeg4", "mp3", options={"bf": "2"}) for suffix in (".avi", ".mp4", ".mkv")),
    Form(".avi", "libx264", "mp3"),
    *(Form(suffix, "mpeg2video", "mp2", options={"bf": "2"}) for suffix in (".mpg", ".ts", ".mkv", ".vob")),
    *(Form(suffix, "mpeg2video", "ac3") for suffix in (".ts", ".mpg")),
    *(Form(suffix, "mjpeg", "pcm_s16le", pixels="yuvj420p") for suffix in (".mov", ".avi", ".mkv")),
    Form(".mkv", "ffv1", "flac"),
    Form(".mov", "prores_ks", "pcm_s24le", pixels="yuv422p10le"),
    Form(".flv", "flv", "mp3", rate=44100),
    Form(".wmv", "wmv2", "wmav2", rate=44100),
    Form(".asf", "msmpeg4", "wmav2", rate=44100),
    Form(".3gp", "mpeg4", "aac"),
    Form(".avi", "huffyuv", "pcm_s16le", pixels="yuv422p"),
    Form(".mov", "png", "alac", pixels="rgb24"),
    Form(".nut", "rawvideo", "pcm_s16le"),
    Form(".mxf", "mpeg2video", "pcm_s16le", fps=25, options={"bf": "2"}),
    Form(".gif", "gif", fps=25, pixels="rgb8"),
    Form(".apng", "apng", fps=25, pixels="rgb24"),
    *(
        Form(suffix, "", codec, rate=rate)
        for suffix, codec, rate in (
            *((".wav", "pcm_s16le", 16000), (".wav", "pcm_f32le", 44100), (".wav", "pcm_u8", 8000)),
            *((".wav", "pcm_s32le", 96000), (".wav", "pcm_f64le", 22050), (".wav", "adpcm_ima_wav", 22050)),
            *((".aiff", "pcm_s16be", 44100), (".flac", "flac", 44100), (".m4a", "aac", 32000), (".m4a", "alac", 44100)),
            *((".mp3", "mp3", 44100), (".opus", "libopus", 48000), (".mka", "libopus", 48000), (".ac3", "ac3", 48000)),
            *((".aac", "aac", 44100), (".wma", "wmav2", 44100), (".mp2", "mp2", 48000), (".au", "pcm_s16be", 16000)),
            *((".caf", "pcm_s16le", 44100), (".w64", "pcm_s16le", 44100), (".eac3", "eac3", 48000)),
            *((".wv", "wavpack", 44100), (".tta", "tta", 44100), (".oga", "flac", 44100)),
        )
    ),
]
RATES = (1, 10, 23.976, 25, 29.97, 50, 60)
