"""Parts of files: the frames and samples that the whole file has there, in every form of file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from make_media import number_of, numbered, write
from media.truth import FORMS, SIZE, Form
from seehear.media.reader import Media

SECONDS = 8.0
FPS = 8.0
EXACT = ("pcm", "flac", "alac", "wavpack", "tta")
# Of full scale, by which the rounding decoders may differ: those that add noise, or whose packets lean on all before
BOUND = 2e-2
PARTS = ((0.0, 2.0), (3.0, 5.5), (6.25, 8.0))
# Codecs whose packets last unequally long, or formats that tell nothing exact: samples lie where times put them.
LOOSE = 2e-3  # seconds


def noise(seconds: float, rate: int) -> np.ndarray:
    """Noise without high frequencies, which any codec keeps: (samples,)."""
    rng = np.random.default_rng(0)
    white = rng.normal(size=round(seconds * rate))
    smooth = np.convolve(white, np.hanning(max(3, rate // 1500)), "same")
    return (0.5 * smooth / np.abs(smooth).max()).astype(np.float32)


def make(path: Path, form: Form, seconds: float = SECONDS) -> Path:
    options = {**form.options, **({"g": "20"} if form.codec not in ("", "gif", "apng", "png") else {})}
    return write(
        path.with_suffix(form.suffix),
        times=np.arange(round(seconds * form.fps)) / form.fps if form.codec else (),
        picture=lambda n: numbered(n, form.size, form.size),
        codec=form.codec,
        fps=form.fps,
        pixels=form.pixels,
        sound=noise(seconds, form.rate) if form.sound else None,
        rate=form.rate,
        sound_codec=form.sound,
        options=options,
        container=form.container,
    )


def read(media: Media, margin: float = 0.0) -> tuple[list[float], list[int], np.ndarray]:
    """Times and numbers of the frames, and the waveform."""
    times: list[float] = []
    numbers: list[int] = []
    sound = [np.zeros(0, dtype=np.float32)]
    for span in media.spans(1.0, fps=FPS, sizes=[SIZE] if media.has_video else [], audio=media.has_audio):
        times += span.times.tolist()
        numbers += [number_of(frame) for frame in span.frames.get(SIZE, ())]
        sound.append(span.waveform)
    return times, numbers, np.concatenate(sound)


def compare(path: Path, form: Form, whole: tuple, start: float, stop: float) -> None:
    part = Media(path).part(start, stop)
    times, numbers, sound = read(part)
    if form.codec:
        shown = dict(zip(np.round(np.array(whole[0]), 6).tolist(), whole[1], strict=True))
        here = [shown.get(round(time + start, 6)) for time in times]
        inner = [n for n, frame in enumerate(here) if frame is not None]  # the last, shorter period may differ
        assert len(inner) >= len(times) - 1
        assert [numbers[n] for n in inner] == [here[n] for n in inner]
    if form.sound:
        first = round(start * part.rate)
        expected_sound = whole[2][first : first + len(sound)]
        assert len(expected_sound) == pytest.approx(len(sound), abs=1)
        sound = sound[: len(expected_sound)]
        bound = 1e-6 if form.sound.startswith(EXACT) else BOUND
        error = np.abs(sound - expected_sound)
        assert error.max() <= bound, (start, stop, float(error.max()), int(np.argmax(error)))


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form(form, tmp_path):
    path = make(tmp_path / "clip", form)
    whole = read(Media(path))
    for start, stop in PARTS:
        compare(path, form, whole, start, stop)
