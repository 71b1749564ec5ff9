"""Parts of files: the frames and samples that the whole file has there, in every form of file."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from make_media import number_of, numbered, write
from media.truth import FORMS, RATE, SIZE, Form, expected
from seehear.errors import ClipError, SeehearError
from seehear.media.notes import NoteKind
from seehear.media.reader import Media

SECONDS = 8.0
FPS = 8.0
EXACT = ("pcm", "flac", "alac", "wavpack", "tta")
# Of full scale, by which the rounding decoders may differ: those that add noise, or whose packets lean on all before
BOUND = 2e-2
PARTS = ((0.0, 2.0), (3.0, 5.5), (6.25, 8.0))


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


LONG = 14.0
MIXED = [
    form
    for form in FORMS
    if (form.suffix, form.sound) in ((".mp4", "aac"), (".mkv", "flac"), (".webm", "libopus"), (".ts", "mp2"))
    or (form.suffix, form.sound) in ((".avi", "mp3"), (".wav", "pcm_s16le"), (".mp3", "mp3"), (".mpg", "ac3"))
]


@pytest.mark.parametrize("form", [*{(form.suffix, form.sound): form for form in MIXED}.values()], ids=str)
def test_random_parts_of_a_longer_file(form, tmp_path):
    """Parts that begin anywhere, against FFmpeg's own time stamps of the whole file."""
    path = make(tmp_path / "clip", form, LONG)
    whole = Media(path)
    rng = np.random.default_rng(len(str(form)))
    sound, moments, frames = read(whole)[2], list[float](), list[int]()
    for _ in range(4):
        start = float(rng.uniform(0, LONG - 1))
        stop = float(min(start + rng.uniform(0.3, 4), whole.duration))
        part = whole.part(start, stop)
        times, numbers, heard = read(part)
        assert part.duration == pytest.approx(stop - start)
        moments += [time + start for time in times]
        frames += numbers
        first = round(start * part.rate)
        there = sound[first : first + len(heard)]
        bound = 1e-6 if form.sound.startswith(EXACT) else BOUND
        assert np.abs(heard[: len(there)] - there).max() <= bound
    if form.codec:
        allowed = 2 if NoteKind.AMBIGUOUS_TIMES in {note.kind for note in whole.notes} else 0
        shown = expected(path, moments)[0]
        assert max(abs(a - b) for a, b in zip(frames, shown, strict=True)) <= allowed


# What lies around a part, and at its ends


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    form = Form(".mkv", "libx264", "flac", options={"bf": "3"})
    return make(tmp_path_factory.mktemp("film") / "film", form)


def test_the_margins_of_a_part_are_empty_as_those_of_a_file(film):
    (span,) = Media(film).part(3, 5).spans(2.0, audio=True, margin=0.5)
    edge = span.rate // 2
    assert not span.waveform[:edge].any()
    assert not span.waveform[-edge:].any()
    assert np.abs(span.waveform[edge:-edge]).max() > 0.1
    spans = list(Media(film).part(3, 5).spans(1.0, audio=True, margin=0.25))  # within the part they hold what is there
    assert spans[0].waveform[-1] != 0
    np.testing.assert_array_equal(spans[0].waveform[-RATE // 4 :], spans[1].waveform[RATE // 4 : RATE // 2])


def test_the_frame_that_is_on_show_when_a_part_begins(tmp_path):
    """Frames that stay for two seconds: a part that begins between two shows the one before."""
    path = write(tmp_path / "still.mp4", times=np.arange(6) * 2.0, fps=0.5, options={"g": "2"})
    times, numbers, _ = read(Media(path).part(3.5, 6.5))
    assert numbers == [1 if time + 3.5 < 4 else 2 if time + 3.5 < 6 else 3 for time in times]


def test_the_last_frame_stays_and_audio_is_silent_behind_the_end_of_a_track(tmp_path):
    path = write(tmp_path / "a.mkv", times=np.arange(40) / 10, fps=10, sound=noise(8, RATE), rate=RATE)
    times, numbers, _ = read(Media(path).part(6, 8))
    assert set(numbers) == {39}
    path = write(tmp_path / "b.mkv", times=np.arange(80) / 10, fps=10, sound=noise(4, RATE), rate=RATE)
    times, numbers, heard = read(Media(path).part(6, 8))
    assert numbers == [int((time + 6) * 10 + 1e-6) for time in times]
    assert len(heard) == 2 * RATE
    assert not heard.any()


def test_ends(film):
    whole = Media(film)
    assert Media(film).part(0).duration == whole.duration
    assert read(whole.part(0))[1] == read(whole)[1]
    assert not whole.part(2, whole.duration).notes
    (note,) = whole.part(2, whole.duration + 0.3).notes
    assert note.kind is NoteKind.ENDS_EARLY
    assert note.amount == pytest.approx(0.3)
    with pytest.raises(ClipError, match=r"film\.mkv#t=2,9: is 8\.0 s long, but the part ends at second 9"):
        whole.part(2, 9)
    with pytest.raises(ClipError, match=r"film\.mkv#t=8\.5: is 8\.0 s long, but the part begins at second 8\.5"):
        whole.part(8.5)


def test_notes_are_those_of_the_part(tmp_path):
    """A gap, silence and clipping elsewhere in a file are none of a part's."""
    sound = noise(9, RATE)
    sound[:RATE] = np.clip(sound[:RATE] * 9, -1, 1)
    sound[6 * RATE :] = 0
    path = write(tmp_path / "a.mkv", times=np.arange(90) / 10, fps=10, sound=sound, rate=RATE, sound_codec="flac")

    def kinds(start: float, stop: float) -> set[NoteKind]:
        part = Media(path).part(start, stop)
        read(part)
        return {note.kind for note in part.notes}

    assert kinds(0, 2) == {NoteKind.CLIPPED}
    assert kinds(1.5, 5) == set()
    assert kinds(6.5, 8) == {NoteKind.SILENT}
    assert kinds(6.5, 9) == {NoteKind.SILENT}


def test_frames_long_before_a_part_are_not_decoded(film, monkeypatch):
    from seehear.media import feeds

    seen = []
    decode = feeds.decode
    monkeypatch.setattr(feeds, "decode", lambda packet: (seen.append(packet.stream.type), decode(packet))[1])
    read(Media(film).part(6, 7))
    assert seen.count("video") < 30 * 2.5  # of 240


def test_an_index_that_leads_elsewhere_is_not_followed(film, monkeypatch):
    from seehear.media.tracks import Track

    straight = read(Media(film).part(5, 7))
    monkeypatch.setattr(Track, "sought", lambda *_: None)
    around = read(Media(film).part(5, 7))
    assert straight[1] == around[1]
    np.testing.assert_array_equal(straight[2], around[2])


def test_a_key_frame_that_shows_too_late_is_not_begun_with(film, monkeypatch):
    from seehear.media.tracks import Track

    right = read(Media(film).part(5, 6))[1]
    monkeypatch.setattr(Track, "entry", lambda track, moment: int(np.flatnonzero(track.keys)[-1]))
    assert read(Media(film).part(5, 6))[1] == right


def test_a_part_has_no_parts_and_no_odd_seconds(film):
    part = Media(film).part(2, 4)
    with pytest.raises(SeehearError):
        part.part(0, 1)
    for start, stop in ((-1, 2), (3, 3), (4, 2), (math.nan, 2), (math.inf, math.inf)):
        with pytest.raises(SeehearError, match="no part of a file"):
            Media(film).part(start, stop)
