"""Clips cut from full videos: the very pictures and sound, whatever the file is like."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import make_media
from seehear import datasets
from seehear.datasets.cutting import cut, cut_clips
from seehear.datasets.videos import find_videos
from seehear.errors import ClipError, SeehearError
from seehear.media.reader import Media

LLP = datasets.get("llp")
ID = "-a_b-c_d-_e"
RATE = 8000
SECONDS = 12


def hertz(second: int) -> float:
    return 300 + 40.0 * second


def changing(seconds: float = SECONDS, rate: int = RATE) -> np.ndarray:
    """A tone that changes every second; (samples,)."""
    second = np.floor(np.arange(round(seconds * rate)) / rate)
    return (0.4 * np.sin(2 * np.pi * np.cumsum(300 + 40.0 * second) / rate)).astype(np.float32)


def film(path: Path, fps: float = 10, seconds: float = SECONDS, **settings) -> Path:
    """Numbered pictures, and the tone that changes."""
    times = np.arange(round(seconds * fps)) / fps
    settings = {"times": times, "sound": changing(seconds), "rate": RATE, **settings}
    return make_media.write(path, fps=fps, **settings)


def shown(path: Path, fps: float = 10) -> list[int]:
    """The numbers of the pictures."""
    return [
        make_media.number_of(picture)
        for span in Media(path).spans(60, fps=fps, sizes=[64])
        for picture in span.frames[64]
    ]


def played(path: Path) -> np.ndarray:
    return np.concatenate([span.waveform for span in Media(path).spans(60, audio=True)])


def pitch(sound: np.ndarray, rate: int = RATE) -> float:
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 16))
    return float(np.argmax(power)) * rate / (1 << 16)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return film(tmp_path_factory.mktemp("full") / f"{ID}.mp4", options={"g": "250"})


def test_frames_and_audio_of_each_second(full, tmp_path):
    cut(Media(full), tmp_path / "out.mp4", 2, 12)
    clip = Media(tmp_path / "out.mp4")
    assert (clip.duration, clip.segments()) == (pytest.approx(10, abs=1e-3), 10)
    assert shown(tmp_path / "out.mp4") == list(range(20, 120))
    sound = played(tmp_path / "out.mp4")
    for second in range(10):
        middle = sound[round((second + 0.1) * RATE) : round((second + 0.9) * RATE)]
        assert pitch(middle) == pytest.approx(hertz(2 + second), abs=2)


@pytest.mark.parametrize("start", [0.0, 3.7, 9.05])
def test_audio_begins_at_the_very_sample(full, tmp_path, start):
    cut(Media(full), tmp_path / "out.mp4", start, start + 2)
    before, after = played(full)[round(start * RATE) :][: 2 * RATE], played(tmp_path / "out.mp4")
    inner = slice(1000, 2 * RATE - 1000)
    fit = [float(np.dot(before[inner], np.roll(after, lag)[inner])) for lag in range(-20, 21)]
    assert int(np.argmax(fit)) - 20 == 0
    assert shown(tmp_path / "out.mp4", 40)[0] == int(start * 10 + 1e-6)  # which may have been on show for a while


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("a.mkv", {"fps": 29.97, "options": {"bf": "3"}}),
        ("a.ts", {}),
        ("a.avi", {"codec": "mpeg4", "sound_codec": "libmp3lame"}),
        ("a.mov", {"codec": "mjpeg", "pixels": "yuvj420p"}),
        ("odd.mkv", {"pixels": "yuv444p", "picture": lambda n: make_media.numbered(n, 68, 68)[1:, 1:]}),
        ("slow.mp4", {"fps": 3}),
    ],
)  # fmt: skip
def test_files_of_other_kinds(tmp_path, name, settings):
    file = film(tmp_path / name, seconds=9, **settings)
    cut(Media(file), tmp_path / "out.mp4", 4, 8)
    assert Media(tmp_path / "out.mp4").duration == pytest.approx(4, abs=0.002)
    assert shown(tmp_path / "out.mp4") == shown(file)[40:80]
    assert len(set(shown(file)[40:80])) > 10
    assert pitch(played(tmp_path / "out.mp4")[RATE // 10 : RATE]) == pytest.approx(hertz(4), abs=2)


def test_a_varying_frame_rate_stays(tmp_path):
    times = np.concatenate([np.arange(0, 4, 0.1), np.arange(4, 6, 0.5), np.arange(6, 9, 0.04)])
    film(tmp_path / "a.mp4", times=times, seconds=9)
    cut(Media(tmp_path / "a.mp4"), tmp_path / "out.mp4", 3.5, 6.5)
    at = 3.5 + Media(tmp_path / "out.mp4").sample_times(20)
    assert shown(tmp_path / "out.mp4", 20) == (np.searchsorted(times, at + 1e-3, side="right") - 1).tolist()


def test_both_channels_and_the_rate_stay(tmp_path):
    sound = np.stack([changing(6, 44100), 0.25 * changing(6, 44100)])
    film(tmp_path / "a.mp4", seconds=6, sound=sound, rate=44100, layout="stereo")
    cut(Media(tmp_path / "a.mp4"), tmp_path / "out.mp4", 3, 6)
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert (file.streams.audio[0].layout.name, file.streams.audio[0].sample_rate) == ("stereo", 44100)
        left, right = np.concatenate([frame.to_ndarray() for frame in file.decode(audio=0)], axis=1)
    assert np.abs(right).mean() == pytest.approx(0.25 * np.abs(left).mean(), rel=0.05)


def test_surround_is_mixed_no_louder(tmp_path):
    film(tmp_path / "a.mp4", seconds=8, sound=np.stack([changing(8)] * 6), layout="5.1")
    cut(Media(tmp_path / "a.mp4"), tmp_path / "out.mp4", 5, 8)
    loudest = np.abs(played(tmp_path / "a.mp4")[5 * RATE : 8 * RATE]).max()
    assert np.abs(played(tmp_path / "out.mp4")).max() == pytest.approx(loudest, rel=0.05)


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_a_rotated_video_is_upright(tmp_path, clockwise):
    make_media.rotate(film(tmp_path / "a.mp4", seconds=3), clockwise)
    cut(Media(tmp_path / "a.mp4"), tmp_path / "out.mp4", 1, 3)
    (before,) = Media(tmp_path / "a.mp4").spans(60, fps=10, sizes=[64])
    (after,) = Media(tmp_path / "out.mp4").spans(60, fps=10, sizes=[64])
    difference = before.frames[64][10:].astype(float) - after.frames[64]
    assert np.abs(difference).mean() < 5


@pytest.mark.parametrize(
    "says", ["", "colormatrix=bt709:colorprim=bt709:transfer=bt709", "colormatrix=bt709:fullrange=on"]
)
def test_colours_and_shape_stay(tmp_path, says):
    colours = np.zeros((64, 64, 3), dtype=np.uint8) + np.array([220, 120, 30], dtype=np.uint8)
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=10, width=64, height=64, options={"x264-params": says} if says else {})
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for n in range(20):
            frame = av.VideoFrame.from_ndarray(colours, format="rgb24")
            frame.pts, frame.time_base = n, Fraction(1, 10)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    cut(Media(tmp_path / "a.mp4"), tmp_path / "out.mp4", 0.5, 1.5)
    before, after = Media(tmp_path / "a.mp4"), Media(tmp_path / "out.mp4")
    (first,), (second,) = (media.spans(60, fps=10, sizes=[64], stop=1.0) for media in (before, after))
    difference = first.frames[64].astype(float) - second.frames[64]
    assert np.abs(difference).mean() < 1.5
    assert after.aspect == before.aspect == pytest.approx(4 / 3)


def test_a_missing_track_stays_missing(tmp_path):
    film(tmp_path / "silent.mp4", sound=None)
    make_media.write(tmp_path / "blind.m4a", sound=changing(), rate=RATE)
    for name, tracks in (("silent.mp4", (True, False)), ("blind.m4a", (False, True))):
        cut(Media(tmp_path / name), tmp_path / "out.mp4", 5, 8)
        clip = Media(tmp_path / "out.mp4")
        assert (clip.has_video, clip.has_audio) == tracks
        assert clip.duration == pytest.approx(3, abs=0.002)


def test_a_track_that_ends_before_the_clip_does(tmp_path):
    film(tmp_path / "a.mp4", sound=changing(6))
    cut(Media(tmp_path / "a.mp4"), tmp_path / "out.mp4", 5, 8)
    sound = played(tmp_path / "out.mp4")
    assert np.abs(sound[: RATE * 9 // 10]).max() > 0.3
    assert np.abs(sound[RATE * 11 // 10 :]).max() < 0.01
    film(tmp_path / "b.mp4", times=np.arange(60) / 10)
    cut(Media(tmp_path / "b.mp4"), tmp_path / "out.mp4", 8, 11)  # the last picture stays on show
    assert set(shown(tmp_path / "out.mp4")) == {59}
    assert Media(tmp_path / "out.mp4").duration == pytest.approx(3, abs=0.002)


# A folder of videos


def test_cut_once_and_kept(full, tmp_path):
    clips = [f"{ID}_5_8", f"{ID}_2.5_4.5"]
    first = cut_clips(LLP, clips, full.parent, tmp_path)
    assert first.files == {clip: tmp_path / f"{clip}.mp4" for clip in clips}
    assert (first.made, first.unchanged, first.failed) == (2, 0, {})
    assert shown(first.files[clips[1]]) == list(range(25, 45))
    before = {clip: file.stat().st_mtime_ns for clip, file in first.files.items()}
    second = cut_clips(LLP, clips, full.parent, tmp_path)
    assert (second.made, second.unchanged, second.files) == (0, 2, first.files)
    assert {clip: file.stat().st_mtime_ns for clip, file in second.files.items()} == before
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_a_touched_video_changes_nothing_and_another_is_cut_again(full, tmp_path):
    videos = tmp_path / "videos"
    videos.mkdir()
    copy = videos / f"{ID}_full_video.mp4"
    copy.write_bytes(full.read_bytes())
    clip = f"{ID}_5_8"
    assert cut_clips(LLP, [clip], videos, tmp_path / "out").made == 1
    os.utime(copy, (1, 1))
    assert cut_clips(LLP, [clip], videos, tmp_path / "out").unchanged == 1
    film(copy, picture=lambda n: make_media.numbered(n + 1000))
    again = cut_clips(LLP, [clip], videos, tmp_path / "out")
    assert again.made == 1
    assert shown(again.files[clip])[0] == 1050
    copy.unlink()
    assert cut_clips(LLP, [clip], videos, tmp_path / "out").unchanged == 1


def test_a_file_that_is_the_clip_already_is_linked(tmp_path):
    videos = tmp_path / "videos"
    official = film(videos / "deeper" / f"{ID}.mp4", seconds=9.6)
    clip = f"{ID}_101.8_111.8"
    cuts = cut_clips(LLP, [clip], videos, tmp_path / "out")
    assert (cuts.whole, cuts.made) == (1, 0)
    assert cuts.files[clip].read_bytes() == official.read_bytes()
    again = cut_clips(LLP, [clip], videos, tmp_path / "out")
    assert (again.unchanged, again.whole) == (1, 0)


def test_a_short_full_video_is_not_mistaken_for_its_clip(tmp_path):
    film(tmp_path / "videos" / f"{ID}_full_video.mp4", seconds=10.5)
    film(tmp_path / "videos" / "0123456789a.mp4", seconds=10.8)
    clips = [f"{ID}_0.5_10.5", "0123456789a_0.8_10.8"]
    cuts = cut_clips(LLP, clips, tmp_path / "videos", tmp_path / "out")
    assert cuts.made == 2
    assert [shown(cuts.files[clip])[0] for clip in clips] == [5, 8]


def test_bad_videos_are_named_and_the_others_cut(full, tmp_path):
    videos = tmp_path / "videos"
    film(videos / "tooshort___.mp4", seconds=7)
    (videos / "broken_____.mp4").write_bytes(b"no video at all" * 99)
    (videos / f"{ID}.mp4").write_bytes(full.read_bytes())
    clips = ["tooshort____5_15", "broken______5_15", "nowhere_____5_15", f"{ID}_5_7"]
    cuts = cut_clips(LLP, clips, videos, tmp_path / "out")
    assert list(cuts.files) == clips[-1:]
    short, broken, nowhere = (cuts.failed[clip] for clip in clips[:-1])
    assert short == f"{videos / 'tooshort___.mp4'}: is 7.0 s long, but tooshort____5_15 ends at second 15"
    assert str(videos / "broken_____.mp4") in broken
    assert nowhere == f"{videos}: holds no video of nowhere_____5_15"


def test_the_next_file_is_used_if_the_first_is_broken(full, tmp_path):
    (tmp_path / f"{ID}.webm").write_bytes(b"broken")
    (tmp_path / f"{ID}_full_video.mp4").write_bytes(full.read_bytes())
    assert cut_clips(LLP, [f"{ID}_5_7"], tmp_path, tmp_path / "out").made == 1


def test_several_files_of_one_name_are_named(tmp_path, capsys):
    for name in ("a/x.mp4", "b/x.mkv", "b/y.mkv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(find_videos(tmp_path)["x"]) == [tmp_path / "a/x.mp4", tmp_path / "b/x.mkv"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"1 name is that of several files, such as {tmp_path}/a/x.mp4 and {tmp_path}/b/x.mkv: ")
    find_videos(tmp_path / "b")
    assert not capsys.readouterr().err


def test_an_unwritable_folder_raises_an_error(full, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(SeehearError, match="can't be written"):
        cut_clips(LLP, [f"{ID}_5_7"], full.parent, tmp_path / "file" / "out")


def test_clips_that_are_files_stay_where_they_are(tmp_path):
    file = film(tmp_path / "videos" / "any.mp4", seconds=2)
    cuts = cut_clips(datasets.get("folder"), ["any", "none"], tmp_path / "videos", tmp_path / "out")
    assert cuts.files == {"any": file}
    assert "holds no file named none" in cuts.failed["none"]
    assert not (tmp_path / "out").exists()


def test_wrong_folders(tmp_path):
    with pytest.raises(SeehearError, match="no such folder"):
        cut_clips(LLP, [], tmp_path / "none", tmp_path)
    with pytest.raises(SeehearError, match="choose another folder"):
        cut_clips(LLP, [], tmp_path, tmp_path)


def test_a_clip_after_the_end_of_its_video(full, tmp_path):
    with pytest.raises(ClipError, match=r"12\.0 s long, but the part begins at second 25"):
        cut(Media(full), tmp_path / "out.mp4", 25, 35)
    assert not list(tmp_path.iterdir())
