"""Frames and audio of real files, against what was written into them and against a plain decode of everything."""

from __future__ import annotations

import math
from contextlib import suppress
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from make_media import (
    clicks,
    cut_start,
    damage,
    damage_packets,
    movie,
    number_of,
    numbered,
    rotate,
    tone,
    with_cover,
    write,
)
from seehear.errors import ClipError
from seehear.media import feeds
from seehear.media.frames import FrameCollector
from seehear.media.reader import Media
from seehear.media.sound import WaveformCollector

SIZE = 32
EVERY_30TH = np.arange(90) / 30
# Long gaps, single quick frames, and a clip that goes on for a while after its last change.
VARYING = np.cumsum([0, 0.04, 0.04, 1.7, 0.02, 0.5, 0.5, 0.03, 2.4, 0.05, 0.01, 0.4])


def pictures(media: Media, fps: float, length: float = 8.0) -> tuple[list[int], list[float]]:
    """The numbers of the frames that come out, and when they are sampled."""
    numbers, at = [], []
    for span in media.spans(length, fps=fps, sizes=[SIZE]):
        assert len(span.frames[SIZE]) == len(span.times)
        assert all(span.start - 1e-9 <= time < span.stop + 1e-9 for time in span.times)
        numbers += [number_of(picture) for picture in span.frames[SIZE]]
        at += span.times.tolist()
    return numbers, at


def on_show(path, times) -> list[int]:
    """The oracle: decode every frame; on show is the last that begins at or before a time, else the first."""
    with av.open(str(path)) as file:
        file.streams.video[0].thread_type = "NONE"
        shown = []
        heard = []
        for packet in file.demux():
            with suppress(av.InvalidDataError):
                for frame in packet.decode():
                    if packet.stream.type == "audio":
                        heard.append(frame.time)
                    else:
                        shown.append((frame.time, number_of(frame.to_ndarray(format="rgb24"))))
    shown.sort()
    start = min([shown[0][0], *heard])
    found = []
    for time in times:
        before = [number for begins, number in shown if begins - start <= time + 1e-6]
        found.append(before[-1] if before else shown[0][1])
    return found


def audio(media: Media, length: float = 8.0, margin: float = 0.0) -> np.ndarray:
    """All audio, from spans whose margins are taken off."""
    edge = round(margin * media.rate)
    parts = [span.waveform[edge : len(span.waveform) - edge] for span in media.spans(length, audio=True, margin=margin)]
    return np.concatenate(parts)


def onsets(samples: np.ndarray, rate: int) -> list[float]:
    """When each click begins, seconds."""
    loud = np.flatnonzero(np.abs(samples) > 0.5 * np.abs(samples).max())
    first = loud[np.diff(loud, prepend=-rate) > rate // 20]
    return (first / rate).tolist()


FORMATS = {
    "h264 with B-frames": ("clip.mp4", {"codec": "libx264", "options": {"bf": "3", "g": "30"}}),
    "h264 in matroska": ("clip.mkv", {"codec": "libx264", "options": {"bf": "2", "g": "250"}}),
    "h264 in a transport stream": ("clip.ts", {"codec": "libx264", "options": {"bf": "2"}}),
    "h265": (
        "clip.mp4",
        {"codec": "libx265", "options": {"preset": "ultrafast", "x265-params": "log-level=none:bframes=3"}},
    ),
    "mpeg4 in avi": ("clip.avi", {"codec": "mpeg4", "options": {"q": "2"}}),
    "mpeg4 in avi with B-frames": ("clip.avi", {"codec": "mpeg4", "options": {"bf": "2"}}),
    "mpeg2": ("clip.mkv", {"codec": "mpeg2video", "options": {"bf": "2"}}),
    "vp9": ("clip.webm", {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}}),
    "mjpeg": ("clip.mov", {"codec": "mjpeg", "pixels": "yuvj420p"}),
    "ffv1": ("clip.mkv", {"codec": "ffv1"}),
}


@pytest.fixture(scope="module", params=FORMATS)
def steady(request, tmp_path_factory):
    """A clip of 30 frames per second in each format."""
    name, how = FORMATS[request.param]
    try:
        av.Codec(how["codec"], "w")
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this FFmpeg has no encoder {how['codec']}")
    return write(tmp_path_factory.mktemp("steady") / name, times=EVERY_30TH, **how)


@pytest.mark.parametrize("fps", [1, 8, 30, 50])
def test_the_frame_on_show_is_sampled(steady, fps):
    media = Media(steady)
    numbers, at = pictures(media, fps)
    assert len(numbers) == pytest.approx(media.duration * fps, abs=0.51)
    np.testing.assert_allclose(at, (np.arange(len(at)) + 0.5) / fps)
    assert numbers == on_show(steady, at)
    assert len(set(numbers)) >= min(len(numbers), 80)  # and they do move


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
@pytest.mark.parametrize("fps", [2, 8, 100])
def test_frames_of_a_variable_rate_stay_until_the_next(tmp_path, name, fps):
    path = write(tmp_path / name, times=VARYING, options={"bf": "2"})
    numbers, at = pictures(Media(path), fps)
    assert numbers == on_show(path, at)
    expected = np.searchsorted(VARYING, np.array(at) + 0.0011, side="right") - 1  # matroska counts milliseconds
    distance = np.abs(np.array(at)[:, None] - VARYING).min(axis=1)
    assert [n for n, d in zip(numbers, distance, strict=True) if d > 0.0011] == expected[distance > 0.0011].tolist()


def test_a_long_still_does_not_lengthen_the_clip(tmp_path):
    # Frames at 0, 5 and 10 s: the last lasts as long as the file says, not as long as the one before it.
    path = write(tmp_path / "slides.mp4", times=[0, 5, 10], fps=30, options={"bf": "0"})
    assert Media(path).duration == pytest.approx(10.03, abs=0.03)
    assert Media(path).segments() == 10


def test_skipping_frames_changes_nothing(tmp_path, monkeypatch):
    path = write(tmp_path / "clip.mp4", times=EVERY_30TH, options={"bf": "3", "b-pyramid": "none"})
    skipping = [span.frames[SIZE] for span in Media(path).spans(2, fps=4, sizes=[SIZE])]
    decoded = []
    add = FrameCollector.add
    monkeypatch.setattr(
        FrameCollector, "add", lambda pictures, frame: (decoded.append(frame.pts), add(pictures, frame))
    )
    list(Media(path).spans(2, fps=4, sizes=[SIZE]))
    assert 12 <= len(decoded) < 60  # of 90
    decoded.clear()
    monkeypatch.setattr(feeds, "SKIPPING", frozenset())
    everything = [span.frames[SIZE] for span in Media(path).spans(2, fps=4, sizes=[SIZE])]
    assert len(decoded) == 90
    np.testing.assert_array_equal(np.concatenate(skipping), np.concatenate(everything))


@pytest.fixture(scope="module")
def talkie(tmp_path_factory):
    """Five seconds of numbered frames and noise."""
    noise = np.random.default_rng(0).normal(0, 0.2, 5 * 8000).astype(np.float32)
    path = tmp_path_factory.mktemp("talkie") / "clip.mkv"
    return Media(write(path, times=np.arange(100) / 20, fps=20, sound=noise, rate=8000, sound_codec="flac"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    length=st.floats(0.11, 12), fps=st.sampled_from([0.3, 1, 2.5, 8, 25]), margin=st.sampled_from([0, 0.2, 0.7, 1.6])
)
def test_spans_of_any_length_add_up(talkie, length, fps, margin):
    whole, at = pictures(talkie, fps, length=100)
    expected = audio(talkie, 100)
    parts = list(talkie.spans(length, fps=fps, sizes=[SIZE], audio=True, margin=margin))
    assert [number_of(picture) for span in parts for picture in span.frames[SIZE]] == whole
    assert [time for span in parts for time in span.times] == at
    assert parts[0].start == 0
    assert parts[-1].stop == pytest.approx(talkie.duration)
    padded = np.pad(expected, 2 * 8000)
    for span in parts:
        start = round((span.start - margin) * 8000) + 2 * 8000
        np.testing.assert_array_equal(span.waveform, padded[start : start + len(span.waveform)])
        assert len(span.waveform) == pytest.approx((span.stop - span.start + 2 * margin) * 8000, abs=1.01)


def test_several_sizes_are_the_same_frames(talkie):
    (span,) = talkie.spans(100, fps=4, sizes=[16, 48, 40])
    numbers = [[number_of(picture) for picture in span.frames[size]] for size in (16, 40, 48)]
    assert numbers[0] == numbers[1] == numbers[2]
    assert [span.frames[size].shape[1:] for size in (16, 40, 48)] == [(16, 16, 3), (40, 40, 3), (48, 48, 3)]


SOUNDS = {
    "aac in mp4": ("clip.mp4", "aac", 44100, "stereo"),
    "aac at 8 kHz": ("clip.mp4", "aac", 8000, "mono"),
    "aac 5.1": ("clip.mkv", "aac", 48000, "5.1"),
    "opus": ("clip.webm", "libopus", 48000, "stereo"),
    "mp3": ("clip.mp3", "libmp3lame", 44100, "stereo"),
    "pcm": ("clip.wav", "pcm_s16le", 16000, "stereo"),
    "pcm 5.1": ("clip.wav", "pcm_s16le", 16000, "5.1"),
    "pcm at 96 kHz": ("clip.wav", "pcm_s16le", 96000, "stereo"),
    "flac": ("clip.flac", "flac", 22050, "mono"),
    "opus in ogg": ("clip.ogg", "libopus", 48000, "mono"),
}


@pytest.mark.parametrize("kind", SOUNDS)
def test_audio_lands_where_it_was(tmp_path, kind):
    name, codec, rate, layout = SOUNDS[kind]
    times = [0.25, 0.9, 1.75]
    samples = clicks(times, 2.0, rate)
    channels = np.tile(samples, (av.AudioLayout(layout).nb_channels, 1))
    with_pictures = {"times": np.arange(20) / 10, "fps": 10} if name.endswith((".mp4", ".mkv")) else {}
    path = write(tmp_path / name, sound=channels, sound_codec=codec, rate=rate, layout=layout, **with_pictures)
    media = Media(path)
    assert media.rate == rate
    found = audio(media, 0.7, 0.3)
    np.testing.assert_allclose(onsets(found, rate), times, atol=0.003)
    assert 0.5 < np.abs(found).max() <= 1


@pytest.mark.parametrize("channel", range(6))
def test_every_channel_is_decoded(tmp_path, channel):
    if channel == 3:
        return  # of low frequencies, which mixing down leaves out
    samples = np.zeros((6, 16000), np.float32)
    samples[channel] = tone(300, 1)
    media = Media(write(tmp_path / "clip.wav", sound=samples, sound_codec="pcm_s16le", layout="5.1"))
    assert np.abs(audio(media)).max() > 0.03


@pytest.mark.parametrize(("name", "codec", "rate"), [("late.mp4", "aac", 44100), ("late.mkv", "flac", 16000)])
def test_audio_that_starts_late_and_ends_early(tmp_path, name, codec, rate):
    path = write(
        tmp_path / name,
        times=np.arange(60) / 10,
        fps=10,
        sound=clicks([0.5], 1.5, rate),  # from 1.5 to 3 s of the clip's 6
        sound_starts=1.5,
        sound_codec=codec,
        rate=rate,
    )
    media = Media(path)
    assert media.duration == pytest.approx(6.0, abs=0.05)
    found = audio(media, 0.8, 0.4)
    assert len(found) == pytest.approx(6 * rate, rel=0.01)
    np.testing.assert_allclose(onsets(found, rate), [2.0], atol=0.003)
    assert np.abs(found[: round(1.4 * rate)]).max() < 1e-3
    assert np.abs(found[round(3.2 * rate) :]).max() < 1e-3


def test_a_hole_in_the_audio_is_silent(tmp_path):
    whole = write(tmp_path / "whole.mkv", sound=tone(440, 6), sound_codec="flac", times=[0, 3], fps=1)
    path = tmp_path / "hole.mkv"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        streams = [target.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is None or (packet.stream.type == "audio" and 2 < packet.pts * packet.time_base < 4):
                continue
            packet.stream = streams[packet.stream_index]
            target.mux(packet)
    before, after = audio(Media(whole), 1), audio(Media(path), 1, 0.5)
    hole = np.flatnonzero(np.convolve(np.abs(after), np.ones(80), "same") == 0)
    assert 1.7 < len(hole) / 16000 < 2.3
    assert 1.9 < hole[0] / 16000 < 2.4
    outside = np.setdiff1d(np.arange(len(before)), np.arange(hole[0] - 200, hole[-1] + 200))
    np.testing.assert_allclose(after[outside], before[outside], atol=1e-3)


def test_audio_that_changes_its_channels(tmp_path):
    # As broadcasts do between programmes; frames of raw AAC say it themselves.
    parts = [
        write(tmp_path / f"{n}.aac", sound=np.tile(tone(440, 1), (channels, 1)), layout=layout)
        for n, (layout, channels) in enumerate([("stereo", 2), ("mono", 1), ("stereo", 2)])
    ]
    path = tmp_path / "joined.aac"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    found = audio(Media(path), 1)
    assert len(found) / 16000 == pytest.approx(3.1, abs=0.2)
    for middle in (0.6, 1.7, 2.8):  # of each part, as loud in all
        assert np.abs(found[round((middle - 0.1) * 16000) :][:3200]).max() == pytest.approx(0.4, abs=0.05)


def test_full_scale_stays_full_scale_whatever_the_channels(tmp_path):
    wave = tone(300, 1) / 0.4
    loudest = {}
    for layout, channels in (("mono", 1), ("stereo", 2), ("5.1", 6)):
        path = write(
            tmp_path / f"{channels}.wav", sound=np.tile(wave, (channels, 1)), sound_codec="pcm_f32le", layout=layout
        )
        loudest[layout] = np.abs(audio(Media(path))).max()
    assert loudest == pytest.approx(dict.fromkeys(loudest, 1.0), abs=1e-3)


def corners(n: int) -> np.ndarray:
    """Red at the top left, green at the top right, blue at the bottom left, 96 × 64."""
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:32, :48, 0] = picture[:32, 48:, 1] = picture[32:, :48, 2] = 230
    return picture


def test_frames_filmed_on_the_side_are_upright(tmp_path):
    kinds = {"red": (0, 0), "green": (0, -1), "blue": (-1, 0), "black": (-1, -1)}
    upright = {}
    for clockwise in (0, 90, 180, 270):
        path = write(tmp_path / f"{clockwise}.mp4", times=np.arange(4) / 10, fps=10, picture=corners)
        media = Media(rotate(path, clockwise) if clockwise else path)
        (span,) = media.spans(8, fps=2, sizes=[SIZE])
        picture = span.frames[SIZE][0][4:-4, 4:-4].astype(int)
        upright[clockwise] = {
            name: ["red", "green", "blue"][int(picture[at].argmax())] if picture[at].max() > 120 else "black"
            for name, at in kinds.items()
        }
        assert media.aspect == pytest.approx(96 / 64 if clockwise in (0, 180) else 64 / 96)
    order = ["red", "green", "black", "blue"]  # clockwise from the top left
    places = ["red", "green", "black", "blue"]
    for turns, clockwise in enumerate((0, 90, 180, 270)):
        assert [upright[clockwise][place] for place in places] == order[-turns:] + order[:-turns] if turns else order


def test_aspect(tmp_path):
    path = write(tmp_path / "portrait.mp4", times=[0, 0.1], picture=lambda n: numbered(n, 64, 128))
    assert Media(path).aspect == pytest.approx(0.5)
    assert Media(write(tmp_path / "sound.wav", sound=tone(440, 1), sound_codec="pcm_s16le")).aspect == 1
    numbers, _ = pictures(Media(path), 20)
    assert numbers == on_show(path, (np.arange(len(numbers)) + 0.5) / 20)


@pytest.mark.parametrize(
    ("seconds", "segments"), [(0.4, 1), (0.05, 1), (1.0, 1), (9.8, 10), (10.0, 10), (10.03, 10), (10.2, 11)]
)
def test_number_of_segments(tmp_path, seconds, segments):
    clip = movie(tmp_path / "clip.mp4", seconds, fps=20, rate=16000)  # AAC fills its last 64 ms
    assert Media(clip).segments() == segments
    spans = list(Media(clip).spans(8, fps=8, sizes=[SIZE], audio=True))
    assert sum(len(span.times) for span in spans) >= 1
    assert Media(clip).duration == pytest.approx(seconds, abs=0.08)
    assert Media(clip).segments(0.5) == pytest.approx(seconds * 2, abs=1.05)


def test_the_longer_of_frame_and_audio_counts(tmp_path):
    long_sound = Media(movie(tmp_path / "s.mp4", 2.0, sound=tone(440, 5)))
    long_picture = Media(movie(tmp_path / "p.mp4", 5.0, sound=tone(440, 2)))
    assert long_sound.segments() == long_picture.segments() == 5
    numbers, at = pictures(long_sound, 2, 1)
    assert len(at) == 10
    assert numbers[-5:] == [19] * 5  # the last frame stays
    assert len(pictures(long_picture, 2, 1)[0]) == 10
    assert np.abs(audio(long_picture, 1)[round(2.3 * 16000) :]).max() < 1e-3


@pytest.mark.parametrize("name", ["clip.ts", "clip.mkv", "clip.mp4"])
def test_the_clock_starts_with_the_file(tmp_path, name):
    path = write(
        tmp_path / name,
        times=5.0 + np.arange(30) / 10,
        fps=10,
        sound=clicks([1.0], 3, 16000),
        sound_starts=5.0,
        container={"mpegts_copyts": "1"} if name.endswith(".ts") else {"avoid_negative_ts": "disabled"},
    )
    media = Media(path)
    with av.open(str(path)) as file:
        first = min(float(p.pts * p.time_base) for p in file.demux() if p.pts is not None)
        assert first > 1 or name.endswith(".mp4")  # whose edit list begins at 0
    lead = 0.0 if first > 1 else 5.0  # an mp4 says that nothing is shown for 5 s
    assert media.duration == pytest.approx(3.0 + lead, abs=0.1)
    np.testing.assert_allclose(onsets(audio(media, 1), 16000), [1.0 + lead], atol=0.07)  # and 64 ms of priming in .ts
    numbers, at = pictures(media, 5, 1)
    assert numbers == on_show(path, at)


def test_what_lies_before_zero_is_not_shown(tmp_path):
    path = write(
        tmp_path / "clip.mp4",
        times=np.arange(45) / 30 - 0.5,
        sound=clicks([0.25, 0.9], 1.5, 44100),
        sound_starts=-0.5,
        rate=44100,
    )
    media = Media(path)
    assert media.duration == pytest.approx(1.0, abs=0.05)
    numbers, at = pictures(media, 15)
    assert numbers == on_show(path, at)
    assert numbers[0] in (15, 16)
    np.testing.assert_allclose(onsets(audio(media), 44100), [0.4], atol=0.003)


@pytest.mark.parametrize("seconds", [0.4, 0.41])
def test_an_edit_list_cuts_the_start_off(tmp_path, seconds):
    path = cut_start(write(tmp_path / "clip.mp4", times=EVERY_30TH, options={"bf": "2"}), seconds)
    media = Media(path)
    numbers, at = pictures(media, 30)
    assert media.duration == pytest.approx(3 - seconds, abs=0.05)
    assert numbers == on_show(path, at)
    assert numbers[0] in (12, 13)
    assert numbers[-1] == 89


def test_video_without_audio_and_audio_without_video(tmp_path):
    silent = Media(movie(tmp_path / "silent.mp4", sound=None))
    assert (silent.has_video, silent.has_audio, silent.rate) == (True, False, 0)
    blind = Media(movie(tmp_path / "blind.wav", times=(), sound_codec="pcm_s16le"))
    assert (blind.has_video, blind.has_audio, blind.rate) == (False, True, 16000)
    with pytest.raises(ClipError, match=r"silent\.mp4: has no audio track"):
        next(silent.spans(8, audio=True))
    with pytest.raises(ClipError, match=r"blind\.wav: has no video track"):
        next(blind.spans(8, sizes=[SIZE]))
    (span,) = silent.spans(8, sizes=[SIZE], fps=2)
    assert len(span.waveform) == 0
    assert len(span.times) == 6


def test_a_cover_is_no_video(tmp_path):
    import io

    picture = io.BytesIO()
    with av.open(picture, "w", format="image2pipe") as file:
        stream = file.add_stream("png", rate=1)
        stream.width = stream.height = 64
        stream.pix_fmt = "rgb24"
        frame = av.VideoFrame.from_ndarray(numbered(7), format="rgb24")
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    path = write(tmp_path / "song.mp3", sound=tone(440, 2, 44100), rate=44100, sound_codec="libmp3lame")
    with_cover(path, picture.getvalue())
    with av.open(str(path)) as file:
        assert len(file.streams.video) == 1
    media = Media(path)
    assert (media.has_video, media.has_audio) == (False, True)
    assert media.segments() == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.mp4", b"", "is empty"),
        ("letter.mp4", b"Dear all,\nthis is no film.\n" * 50, "not a media file"),
        ("letter.txt", b"Dear all,\nthis is no film.\n" * 50, "not a media file|can't be read"),
        ("noise.mkv", bytes(np.random.default_rng(0).bytes(20000)), "not a media file"),
        ("zeros.avi", bytes(5000), "not a media file"),
        ("header.wav", b"RIFF\x24\x00\x00\x00WAVE", "can't be read|not a media file|holds no"),
    ],
)
def test_files_that_are_no_media(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ClipError, match=message) as caught:
        Media(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "leave it out" in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(ClipError, match=r"none\.mp4: no such file"):
        Media(tmp_path / "none.mp4")


def test_cut_off_before_its_index(tmp_path):
    path = movie(tmp_path / "clip.mp4")
    data = path.read_bytes()
    assert data.index(b"moov") > len(data) // 2
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ClipError, match="its start or end is missing"):
        Media(path)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts", "clip.avi"])
def test_cut_off_after_its_index(tmp_path, name):
    codec = "mpeg4" if name.endswith(".avi") else "libx264"
    noise = np.random.default_rng(0).normal(0, 0.2, 6 * 16000).astype(np.float32)
    path = movie(
        tmp_path / name,
        6,
        codec=codec,
        sound=noise,
        sound_codec="libmp3lame" if codec == "mpeg4" else "aac",
        container={"movflags": "+faststart"} if name.endswith(".mp4") else {},
    )
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    if name in ("clip.mp4", "clip.mkv"):  # whose headers say how long they are
        with pytest.raises(ClipError, match=r"is cut off, holding \d\.\d of 6\.\d s: get the file again"):
            Media(path)
        return
    media = Media(path)
    assert 1.5 < media.duration < 4.5
    numbers, at = pictures(media, 5)
    assert numbers[: len(at) - 3] == on_show(path, at)[: len(at) - 3]
    assert len(audio(media)) == pytest.approx(media.duration * 16000, abs=1)


def test_damage_in_the_middle_leaves_the_rest(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.2, 6 * 16000).astype(np.float32)
    path = movie(tmp_path / "clip.ts", 6, sound=noise, options={"g": "5"})
    whole = audio(Media(path), 1)
    before, _ = pictures(Media(path), 4)
    media = Media(damage(path, 0.45, 0.55))
    after, _ = pictures(media, 4, 1)
    assert len(after) == pytest.approx(24, abs=1)
    assert after[:8] == before[:8]
    assert after[-6:] == before[-6:]
    heard = audio(media, 1)
    np.testing.assert_allclose(heard[:32000], whole[:32000], atol=1e-4)
    np.testing.assert_allclose(heard[-20000:-3000], whole[-20000:-3000], atol=1e-4)


@pytest.mark.parametrize(("kind", "what"), [("video", "frames"), ("audio", "audio")])
def test_when_nothing_can_be_decoded(tmp_path, kind, what):
    path = movie(tmp_path / "clip.mp4", 5, sound=tone(440, 3), sound_codec="aac")
    damage_packets(path, kind)
    media = Media(path)
    assert media.aspect == 1
    with pytest.raises(ClipError, match=rf"clip\.mp4: none of its {what} can be decoded.*leave it out"):
        list(media.spans(1, sizes=[SIZE], audio=True))
    (span,) = media.spans(8, sizes=[SIZE] if kind == "audio" else [], audio=kind == "video")  # the other is whole
    assert len(span.times) or span.waveform.any()


def test_a_single_frame(tmp_path):
    media = Media(write(tmp_path / "still.mkv", times=[0], codec="mjpeg", pixels="yuvj420p"))
    assert media.segments() == 1
    numbers, _ = pictures(media, 8)
    assert numbers == [0]


def held(monkeypatch) -> tuple[list[int], list[int]]:
    """The number of frames and of samples that are in memory whenever a span is complete."""
    frames, samples = [], []
    take, hear = FrameCollector.take, WaveformCollector.take
    monkeypatch.setattr(
        FrameCollector, "take", lambda self, stop: (frames.append(len(self._squares)), take(self, stop))[1]
    )
    monkeypatch.setattr(
        WaveformCollector,
        "take",
        lambda self, *span: (samples.append(sum(len(piece) for _, piece in self._pieces)), hear(self, *span))[1],
    )
    return frames, samples


@pytest.mark.parametrize("heard", ["all along", "at the start", "at the end"])
def test_memory_is_bounded_by_a_span(tmp_path, monkeypatch, heard):
    seconds, rate = 240, 8000
    noise = np.random.default_rng(0).normal(0, 0.1, rate * (seconds if heard == "all along" else 3)).astype(np.float32)
    path = write(
        tmp_path / "long.mkv",
        times=np.arange(seconds),
        fps=1,
        sound=noise,
        rate=rate,
        sound_codec="flac",
        sound_starts=seconds - 4 if heard == "at the end" else 0,
    )
    held_pictures, held_sound = held(monkeypatch)
    spans = list(Media(path).spans(8, fps=2, sizes=[16], audio=True, margin=1))
    assert len(spans) == seconds // 8
    # A decoder with threads gives its frames some packets late; the packets of FLAC are of half a second.
    assert max(held_pictures) <= 2 * (8 + 24)
    assert max(held_sound) <= rate * (8 + 2 + 24)
    assert sum(held_pictures) >= 2 * seconds


def test_memory_is_bounded_where_frames_end_early(tmp_path, monkeypatch):
    seconds, rate = 200, 8000
    noise = np.random.default_rng(0).normal(0, 0.1, rate * seconds).astype(np.float32)
    path = write(tmp_path / "radio.mkv", times=[0, 1, 2], fps=1, sound=noise, rate=rate, sound_codec="flac")
    _, held_sound = held(monkeypatch)
    for span in Media(path).spans(8, fps=2, sizes=[16], audio=True, margin=1):
        assert len(span.times) == 16
    assert max(held_sound) <= rate * (8 + 2 + 24)


@given(
    st.fractions(Fraction(1, 4), 30, max_denominator=4),
    st.floats(0.01, 40),
    st.floats(0.05, 20),
)
def test_sample_times_are_the_middles(fps, duration, step):
    media = Media.__new__(Media)
    media.duration = duration
    times = media.sample_times(float(fps))
    expected = [(n + 0.5) / float(fps) for n in range(math.ceil(duration * fps) + 1)]
    expected = [time for time in expected if time < duration - 1e-9 / float(fps)]
    np.testing.assert_allclose(times, expected or [duration / 2])
    cuts = np.arange(0, duration, step)
    parts = [media.sample_times(float(fps), a, min(a + step, duration)) for a in cuts]
    if expected:
        whole = np.concatenate([part for part in parts if len(part)])
        assert np.isin(np.round(times, 6), np.round(whole, 6)).all()
