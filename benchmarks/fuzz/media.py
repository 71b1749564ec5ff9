"""Media files: containers and codecs as people have them, read, shown and cut.

They are read in the worker process itself: what `seehear.media.child` catches is to be seen here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fuzz.target import Target

SECONDS, FPS = 1.4, 10
SIZE = 24  # pixels
# suffix, what it holds; None for a track that it lacks
FORMATS: tuple[tuple[str, str | None, str | None, dict[str, Any]], ...] = (
    ("mp4", "libx264", "aac", {}),
    ("mp4", "libx264", "aac", {"container": {"movflags": "frag_keyframe+empty_moov"}}),
    ("mp4", "libsvtav1", "libopus", {"rate": 48000, "options": {"preset": "12"}}),
    ("mov", "prores_ks", "pcm_s16le", {"pixels": "yuv422p10le"}),
    ("mov", "libx265", "aac", {"options": {"x265-params": "log-level=none", "preset": "ultrafast"}}),
    ("mkv", "ffv1", "flac", {"pixels": "yuv444p"}),
    ("mkv", "mjpeg", "ac3", {"rate": 48000, "pixels": "yuvj420p"}),
    ("webm", "libvpx-vp9", "libopus", {"rate": 48000, "options": {"cpu-used": "8", "deadline": "realtime"}}),
    ("webm", "libvpx", "libopus", {"rate": 48000, "options": {"cpu-used": "8", "deadline": "realtime"}}),
    ("avi", "mpeg4", "libmp3lame", {}),
    ("avi", "msmpeg4v2", "adpcm_ms", {}),
    ("flv", "flv", "libmp3lame", {"rate": 44100}),
    ("flv", "libx264", "aac", {}),
    ("ts", "mpeg2video", "mp2", {"rate": 48000, "fps": 25}),
    ("m2ts", "libx264", "ac3", {"rate": 48000}),
    ("mpg", "mpeg2video", "mp2", {"rate": 48000, "fps": 25}),
    ("wmv", "wmv2", "libmp3lame", {"rate": 44100}),
    ("ogv", "libvpx", "flac", {"options": {"cpu-used": "8", "deadline": "realtime"}}),
    ("3gp", "h263", "aac", {"side": (176, 144), "fps": 30}),
    ("gif", "gif", None, {"pixels": "rgb8"}),
    ("ogg", None, "flac", {}),
    ("opus", None, "libopus", {"rate": 48000}),
    ("mp3", None, "libmp3lame", {}),
    ("m4a", None, "alac", {}),
    ("aac", None, "aac", {}),
    ("flac", None, "flac", {}),
    ("wav", None, "pcm_s16le", {}),
    ("wav", None, "pcm_f32le", {}),
    ("aiff", None, "pcm_s16be", {}),
    ("wma", None, "libmp3lame", {"rate": 44100}),
    ("mka", None, "eac3", {"rate": 48000}),
    ("mxf", "mpeg2video", "pcm_s16le", {"rate": 48000, "fps": 25}),
    ("nut", "huffyuv", "pcm_s24le", {"pixels": "yuv422p"}),
)


def _maker(suffix: str, video: str | None, audio: str | None, settings: dict[str, Any]) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        from make_media import numbered, tone, write

        options = dict(settings)
        fps, rate = options.pop("fps", FPS), options.pop("rate", 16000)
        width, height = options.pop("side", (64, 64))
        if video is not None:
            times = np.arange(round(SECONDS * fps)) / fps
            options |= {"codec": video, "times": times, "picture": lambda n: numbered(n, width, height), "fps": fps}
        if audio is not None:
            options |= {"sound_codec": audio, "sound": tone(440, SECONDS, rate), "rate": rate}
        write(folder / f"clip.{suffix}", **options)

    make.__name__ = f"{suffix}-{video}-{audio}" + ("-fragments" if "container" in settings else "")
    return make


def read(folder: Path, file: Path) -> None:
    """Open a clip, decode it, draw its overview, and cut it."""
    from seehear.datasets.cutting import cut
    from seehear.media.overview import Overview
    from seehear.media.reader import Media
    from seehear.media.sound import LOUDEST_DECODED

    os.environ["SEEHEAR_ISOLATE"] = "0"
    media = Media(file)
    sizes = [SIZE] if media.has_video else []
    assert media.duration > 0
    assert np.isfinite(media.duration)
    loudest = 0.0
    for span in media.spans(2.0, fps=4, sizes=sizes, audio=media.has_audio, margin=0.2):
        _check(span)
        loudest = max(loudest, float(np.abs(span.waveform).max(initial=0)))
    assert all(str(note) for note in media.notes)
    overview = Overview.of(media, 3, SIZE)
    assert np.isfinite(overview.spectrogram).all()
    assert 0 < overview.aspect < np.inf
    target = folder / "out" / "cut.mp4"
    start = min(0.3, media.duration / 3)
    try:
        cut(media, target, start, min(media.duration, start + 1.0))
        for span in Media(target).spans(2.0, audio=True) if media.has_audio else ():
            _check(span)
    finally:
        left = list(target.parent.glob("*")) if target.parent.exists() else []
        target.unlink(missing_ok=True)
    if left not in ([], [target]):
        raise AssertionError(f"{left}: left behind")
    assert loudest <= 2 * LOUDEST_DECODED, f"the waveform reaches {loudest:g}"  # resampling may overshoot as well


def _check(span: Any) -> None:
    """Check that what a span holds is what it promises."""
    assert span.stop >= span.start >= 0
    assert np.isfinite(span.waveform).all()
    assert (np.diff(span.times) > 0).all()
    for size, frames in span.frames.items():
        assert frames.shape == (len(span.times), size, size, 3)


def _target(suffix: str, video: str | None, audio: str | None, settings: dict[str, Any]) -> Target:
    make = _maker(suffix, video, audio, settings)
    name = make.__name__.replace("None-", "").replace("-None", "").replace("lib", "")
    return Target(f"media-{name}", make, (f"clip.{suffix}",), read, seconds=20.0, memory=600, share=0.5)


TARGETS = tuple(_target(*each) for each in FORMATS)
