"""Files that are odd in a known way: what is shown and heard is right, or a note or an error says why it is not."""

from __future__ import annotations

import struct
import wave
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from make_media import clicks, cut_start, numbered, set_matrix, tone, write
from media import truth
from media.truth import Form, make, onsets, sample
from seehear.errors import ClipError
from seehear.media import choice, sound
from seehear.media.notes import NoteKind
from seehear.media.reader import Media

MP4 = Form(".mp4", "libx264", "aac")
TS = Form(".ts", "libx264", "aac", options={"bf": "2"})
JOINABLE = [
    TS,
    Form(".ts", "mpeg2video", "ac3"),
    Form(".ts", "libx265", "aac", options=truth.X265),
    Form(".ts", "libx264"),
    Form(".ts", "", "mp2"),
    Form(".mpg", "mpeg2video", "mp2"),
    Form(".opus", "", "libopus"),
    Form(".oga", "", "flac"),
]


def shown_at(read: truth.Sample, second: float) -> int:
    """The number of the frame that is on show nearest to a moment."""
    return read.numbers[int(np.argmin(np.abs(np.array(read.times) - second)))]


# Clocks


@pytest.mark.parametrize("form", JOINABLE, ids=str)
def test_parts_with_clocks_of_their_own_follow_one_another(form, tmp_path):
    parts = [make(tmp_path / f"part{n}", form, seconds, 1000 * n) for n, seconds in enumerate((3.0, 4.0, 2.6))]
    joined = tmp_path / f"joined{form.suffix}"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    read, alone = sample(joined), [sample(part) for part in parts]
    assert read.notes == {NoteKind.CLOCK_RESET: 3}
    assert read.duration == pytest.approx(sum(part.duration for part in alone), abs=0.15)
    starts = np.cumsum([0, *(part.duration for part in alone)])
    heard = [start + time for start, part in zip(starts, alone, strict=False) for time in part.heard]
    assert read.heard == pytest.approx(heard, abs=0.1)
    for start, part in zip(starts, alone, strict=False):
        for time, number in zip(part.times[1:-1], part.numbers[1:-1], strict=True):
            assert abs(shown_at(read, start + time) - number) <= 5, (start, time)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4a", ".flv", ".wav", ".wmv"])
def test_a_second_recording_that_no_player_reads_is_noted(suffix, tmp_path):
    form = {
        ".wav": Form(".wav", "", "pcm_s16le"),
        ".m4a": Form(".m4a", "", "aac"),
        ".wmv": Form(".wmv", "wmv2", "wmav2", rate=44100),
    }.get(suffix, replace(MP4, suffix=suffix))
    path = make(tmp_path / "clip", form)
    assert not sample(path).notes
    whole = path.read_bytes()
    path.write_bytes(whole + whole)
    read = sample(path)
    assert read.notes == {NoteKind.UNREAD: pytest.approx(len(whole), rel=0.1)}
    assert read.duration == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("content", [
    "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{other}\n#EXT-X-ENDLIST\n",
    "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n",
    "ffconcat version 1.0\nfile '{other}'\n",
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
])  # fmt: skip
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_list_of_other_files_is_refused(content, suffix, tmp_path):
    other = make(tmp_path / "other", TS)
    path = tmp_path / f"clip{suffix}"
    path.write_text(content.format(other=other))
    with pytest.raises(
        ClipError, match=r"clip\.(mp4|mkv|ts): (is a list of other files|is not a media file|can't be read)"
    ):
        Media(path)


def test_frames_that_share_a_time_are_noted(tmp_path):
    path = make(tmp_path / "clip", Form(".mpg", "mpeg2video", "mp2", fps=25, options={"bf": "2"}))
    with av.open(str(path)) as file:
        times = [packet.pts for packet in file.demux(file.streams.video[0]) if packet.size]
    twice = len(times) - len(set(times))
    assert sample(path).notes == ({NoteKind.AMBIGUOUS_TIMES: twice} if twice else {})


def test_a_part_without_audio_is_silent(tmp_path):
    heard, mute = make(tmp_path / "a", TS), make(tmp_path / "b", replace(TS, sound=""), first=1000)
    (tmp_path / "ab.ts").write_bytes(heard.read_bytes() + mute.read_bytes())
    read = sample(tmp_path / "ab.ts")
    assert read.duration == pytest.approx(6, abs=0.1)
    assert read.notes == {NoteKind.CLOCK_RESET: 2}
    assert len(read.heard) == 3
    assert read.numbers[-1] >= 1080


@pytest.mark.parametrize("before", [0.5, 1.5, 2.9, 70.0])
def test_a_clock_that_wraps_around_goes_on(before, tmp_path):
    offset = {"output_ts_offset": str(2**33 / 90000 - before)}
    plain, wrapped = make(tmp_path / "plain", TS), make(tmp_path / "wrapped", replace(TS, container=offset))
    assert sample(wrapped).numbers == sample(plain).numbers
    assert sample(wrapped).heard == pytest.approx(sample(plain).heard, abs=1e-3)
    assert not sample(wrapped).notes


@pytest.mark.parametrize("seconds", [0.4, 1.0])
def test_an_edit_list_cuts_the_start_off(seconds, tmp_path):
    path = cut_start(make(tmp_path / "clip", Form(".mp4", "libx264", options={"bf": "0"})), seconds)
    read = sample(path, 10)
    assert read.duration == pytest.approx(3 - seconds, abs=0.05)
    assert read.numbers[0] == pytest.approx(30 * (seconds + 0.05), abs=1.1)


@pytest.mark.parametrize("late", [0.7, 2.0, 8.0])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts", ".flv", ".webm"])
def test_audio_that_begins_late(suffix, late, tmp_path):
    sound = "libopus" if suffix == ".webm" else "aac"
    path = write(
        tmp_path / f"late{suffix}",
        times=np.arange(100) / 10,
        fps=10,
        codec="libvpx" if suffix == ".webm" else "libx264",
        options=truth.VPX if suffix == ".webm" else None,
        sound=clicks([0.5], 1.5, 48000),
        rate=48000,
        sound_codec=sound,
        sound_starts=late,
    )
    read = sample(path)
    assert read.heard == pytest.approx([late + 0.5], abs=0.03)
    assert read.duration == pytest.approx(10, abs=0.1)
    assert shown_at(read, 5.0625) == 50
    assert not read.notes


@pytest.mark.parametrize("fps", ["1/7", "1/5", "1/2"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts", ".avi"])
def test_rare_frames_are_no_damage(suffix, fps, tmp_path):
    rate = float(Fraction(fps))
    codec = "mpeg4" if suffix == ".avi" else "libx264"
    path = write(tmp_path / f"slow{suffix}", times=np.arange(4) / rate, fps=rate, codec=codec, options={"bf": "0"})
    read = sample(path, 1)
    assert sorted(set(read.numbers)) == [0, 1, 2, 3]
    assert not read.notes


@pytest.mark.parametrize("suffix", [".gif", ".apng", ".mp4", ".mov"])
def test_a_pause_of_an_animation_is_no_damage(suffix, tmp_path):
    codec, pixels = {".gif": ("gif", "rgb8"), ".apng": ("apng", "rgb24")}.get(suffix, ("libx264", "yuv420p"))
    options = {"bf": "0"} if codec == "libx264" else None
    times = np.concatenate([np.arange(10), np.arange(10) + 40]) / 10
    path = write(tmp_path / f"clip{suffix}", times=times, fps=10, codec=codec, pixels=pixels, options=options)
    read = sample(path, 4)
    assert not read.notes
    assert (shown_at(read, 2.5), shown_at(read, 4.125)) == (9, 11)


@pytest.mark.parametrize("container", [{"movflags": "frag_keyframe+empty_moov"}, {"live": "1"}, {"flvflags": "2"}])
def test_no_duration_in_the_header(container, tmp_path):
    suffix = {"movflags": ".mp4", "live": ".mkv", "flvflags": ".flv"}[next(iter(container))]
    form = replace(MP4, suffix=suffix, container=container, options={"g": "15"})
    read = sample(make(tmp_path / "clip", form))
    assert read.duration == pytest.approx(3, abs=0.1)
    assert len(read.heard) == 3
    assert not read.notes


def test_frames_without_any_time_are_noted(tmp_path):
    source = make(tmp_path / "clip", Form(".mp4", "libx264", fps=25, options={"bf": "2"}))
    raw = tmp_path / "raw.h264"
    with av.open(str(source)) as file, av.open(str(raw), "w") as out:
        stream = out.add_stream_from_template(file.streams.video[0])
        for packet in file.demux(file.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    read = sample(raw, 5)
    assert read.notes == {NoteKind.ASSUMED_RATE: 25}
    assert read.numbers == [int(time * 25 + 1e-6) for time in read.times]


# Pictures


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_every_display_matrix(quarters, mirrored, tmp_path):
    """What is shown is the stored picture, mirrored if so and then turned, as the matrix of the file says."""
    grey = np.array([[40, 90], [140, 200]], dtype=np.uint8).repeat(32, axis=0).repeat(32, axis=1)
    path = write(tmp_path / "clip.mp4", times=[0, 0.1, 0.2], fps=10, picture=lambda n: np.dstack([grey] * 3))
    turn = np.linalg.matrix_power(np.array([[0, 1], [-1, 0]]), quarters)  # a quarter clockwise: (x, y) -> (-y, x)
    matrix = (np.diag([-1, 1]) if mirrored else np.eye(2, dtype=int)) @ turn
    set_matrix(path, matrix.astype(int).tolist())
    shown = next(iter(Media(path).spans(1, fps=10, sizes=[8]))).frames[8][0].mean(axis=2)[1::4, 1::4]
    picture = np.array([[40, 90], [140, 200]])
    expected = np.rot90(picture[:, ::-1] if mirrored else picture, -quarters)
    np.testing.assert_allclose(shown, expected, atol=12)


def tracks(path, *, stills: int = 0, films: int = 1, sounds: int = 1, default: int | None = None):
    """A Matroska file of several tracks: frames of film n begin at number 1000 n, and audio n clicks n × 0.1 s late."""
    flags = av.stream.Disposition
    with av.open(str(path), "w") as file:
        packets = []
        for n in range(stills + films):
            still = n < stills
            stream = file.add_stream("mjpeg" if still else "libx264", rate=25)
            stream.width = stream.height = 64
            stream.pix_fmt = "yuvj420p" if still else "yuv420p"
            for frame_number in range(1 if still else 75):
                frame = av.VideoFrame.from_ndarray(
                    numbered(9999 if still else 1000 * (n - stills) + frame_number), "rgb24"
                )
                frame.pts, frame.time_base = frame_number, Fraction(1, 25)
                packets += stream.encode(frame)
            packets += stream.encode(None)
        for n in range(sounds):
            stream = file.add_stream("flac", rate=16000, layout="mono")
            stream.disposition = flags.default if n == default else flags(0)
            wave_form = clicks([0.5 + 0.1 * n], 3, 16000)
            for start in range(0, len(wave_form), 4096):
                piece = (wave_form[None, start : start + 4096] * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(piece, "s16", "mono")
                frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
                packets += stream.encode(frame)
            packets += stream.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            file.mux(packet)
    return path


@pytest.mark.parametrize("stills", [1, 2])
def test_the_film_is_taken_not_the_still(stills, tmp_path):
    read = sample(tracks(tmp_path / "clip.mkv", stills=stills))
    assert read.numbers == [int(time * 25 + 1e-6) for time in read.times]
    assert not read.notes


def test_several_films_are_noted(tmp_path):
    read = sample(tracks(tmp_path / "clip.mkv", films=3))
    assert read.numbers[0] == 1
    assert read.notes == {NoteKind.SEVERAL_TRACKS: 3}


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("default", [None, 0, 1])
def test_the_default_audio_track_is_taken_and_the_others_are_noted(count, default, tmp_path):
    path = tracks(tmp_path / "clip.mkv", sounds=count, default=default)
    read = sample(path)
    assert read.heard == pytest.approx([0.5 + 0.1 * (default or 0)], abs=2e-3)
    assert read.notes == {NoteKind.SEVERAL_TRACKS: count}
    for n in range(count):
        chosen = sample(path, audio_track=n + 1)
        assert chosen.heard == pytest.approx([0.5 + 0.1 * n], abs=2e-3)
        assert not chosen.notes
    with pytest.raises(ClipError, match=f"has {count} audio tracks, so there is no number {count + 1}"):
        Media(path, audio_track=count + 1)


# Sound


def write_wav(path, channels: np.ndarray, rate: int = 16000):
    """A WAV of (samples,) or (samples, channels) float32, without a layout."""
    values = np.asarray(channels, dtype="<f4").reshape(len(channels), -1)
    count, data = values.shape[1], values.tobytes()
    form = struct.pack("<HHIIHH", 3, count, rate, rate * 4 * count, 4 * count, 32)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def heard(path) -> tuple[np.ndarray, dict[NoteKind, float]]:
    media = Media(path)
    samples = np.concatenate([span.waveform for span in media.spans(0.7, audio=True)])
    return samples, {note.kind: note.amount for note in media.notes}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 24, 32])
def test_each_of_any_number_of_channels_is_heard(count, tmp_path):
    for channel in {0, count // 2, count - 1}:
        values = np.zeros((16000, count), dtype=np.int16)
        values[8000:8032, channel] = 30000
        with wave.open(str(tmp_path / "clip.wav"), "wb") as file:
            file.setparams((count, 2, 16000, 0, "NONE", ""))
            file.writeframes(values.tobytes())
        samples, notes = heard(tmp_path / "clip.wav")
        assert onsets(samples, 16000) == pytest.approx([0.5], abs=1e-3)
        assert notes.get(NoteKind.ASSUMED_LAYOUT, 0) in ((0, count) if count in (1, 2, 3, 4, 5, 6, 7, 8) else (count,))


LAYOUTS = {"stereo": 2, "2.1": 3, "quad": 4, "5.1": 6, "6.1": 7, "7.1": 8}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        *((".mp4", "aac"), (".mka", "libopus"), (".mka", "flac"), (".mka", "ac3"), (".mka", "pcm_s24le")),
        *((".mov", "pcm_s16le"), (".caf", "pcm_s16le"), (".wav", "pcm_f32le")),
    ],
)
def test_channels_of_any_layout_are_heard(suffix, codec, layout, tmp_path):
    """Planar or not, in the usual order or in one of their own: each but that of low frequencies."""
    count = LAYOUTS[layout]
    low = next((n for n, channel in enumerate(av.AudioLayout(layout).channels) if channel.name == "LFE"), -1)
    for channel in {0, count // 2, count - 1} - {low}:
        values = np.zeros((count, 48000), dtype=np.float32)
        values[channel, 24000:24096] = 0.9
        try:
            path = write(tmp_path / f"clip{suffix}", sound=values, rate=48000, layout=layout, sound_codec=codec)
        except (av.FFmpegError, ValueError, IndexError):
            pytest.skip(f"{codec} is not written in {suffix} with {layout}")
        samples, notes = heard(path)
        assert onsets(samples, 48000)[0] == pytest.approx(0.5, abs=0.03)
        assert notes.keys() <= {NoteKind.ASSUMED_LAYOUT}


def test_the_channel_of_low_frequencies_alone_is_silence_not_opposite_phase(tmp_path):
    values = np.zeros((6, 32000), dtype=np.float32)
    values[3] = tone(60, 2)
    path = write(tmp_path / "clip.mka", sound=values, layout="5.1", sound_codec="flac")
    assert heard(path)[1].keys() == {NoteKind.SILENT}


def test_samples_that_are_not_finite_are_silent(tmp_path):
    values = tone(440, 2)
    values[100:200], values[300:350], values[400] = np.nan, np.inf, -1e30
    samples, notes = heard(write_wav(tmp_path / "clip.wav", values))
    assert notes == {NoteKind.NOT_FINITE: 151}
    good = np.isfinite(values) & (np.abs(values) < 1)
    np.testing.assert_allclose(samples[good], values[good], atol=1e-6)
    assert not samples[~good].any()


@pytest.mark.parametrize("times", [1.5, 3, 32768, 2.0**31])
def test_samples_beyond_full_scale_are_scaled_not_clipped(times, tmp_path):
    values = tone(440, 2) / 0.4
    samples, notes = heard(write_wav(tmp_path / "clip.wav", values * times))
    assert list(notes) == [NoteKind.TOO_LOUD]
    assert notes[NoteKind.TOO_LOUD] == pytest.approx(times, rel=0.01)
    np.testing.assert_allclose(samples, values, atol=0.01)


@pytest.mark.parametrize("codec", ["pcm_f32le", "aac", "mp3", "libopus", "flac"])
def test_channels_that_cancel_each_other_out_are_heard(codec, tmp_path):
    values = tone(440, 2, 48000)
    suffix = {"pcm_f32le": ".wav", "mp3": ".mp3"}.get(codec, ".mka")
    path = write(
        tmp_path / f"clip{suffix}", sound=np.stack([values, -values]), rate=48000, layout="stereo", sound_codec=codec
    )
    samples, notes = heard(path)
    assert notes.keys() == {NoteKind.OPPOSITE_PHASE}
    assert notes[NoteKind.OPPOSITE_PHASE] == pytest.approx(2, abs=0.1)
    assert samples.std() == pytest.approx(values.std(), rel=0.08)


def test_clipped_samples_are_noted(tmp_path):
    samples, notes = heard(write_wav(tmp_path / "clip.wav", np.clip(5 * tone(440, 2), -1, 1)))
    assert list(notes) == [NoteKind.CLIPPED]
    assert 0.5 < notes[NoteKind.CLIPPED] < 2
    assert samples.max() == 1


@pytest.mark.parametrize("codec", ["pcm_s16le", "aac", "flac", "libopus"])
def test_a_silent_track_is_noted(codec, tmp_path):
    suffix = ".wav" if codec == "pcm_s16le" else ".mka"
    path = write(tmp_path / f"clip{suffix}", sound=np.zeros(96000, dtype=np.float32), rate=48000, sound_codec=codec)
    assert heard(path)[1] == {NoteKind.SILENT: 1}


@pytest.mark.parametrize("rate", [1, 10, 50, 88, 1000, 768000])
def test_any_rate_of_samples(rate, tmp_path):
    samples, _ = heard(write_wav(tmp_path / "clip.wav", np.full(2 * rate, 0.5), rate))
    assert samples[: 2 * rate] == pytest.approx(0.5)


def test_a_rate_that_cannot_be_is_refused(tmp_path):
    path = write_wav(tmp_path / "clip.wav", tone(440, 0.1))
    data = bytearray(path.read_bytes())
    data[24:28] = struct.pack("<I", 2**31 - 1)
    path.write_bytes(data)
    with pytest.raises(ClipError, match="claims 2147483647 samples per second"):
        Media(path)


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".flv", ".webm", ".mp4", ".mov"])
def test_a_pause_of_the_recording_is_no_damage(suffix, tmp_path):
    """All packets are there and can be decoded; both tracks have nothing for four seconds."""
    codecs = ("libvpx", "libopus") if suffix == ".webm" else ("libx264", "aac")
    options = truth.VPX if suffix == ".webm" else {"bf": "0", "g": "15"}
    whole, paused = make(tmp_path / "whole", Form(suffix, *codecs, options=options)), tmp_path / f"paused{suffix}"
    with av.open(str(whole)) as file, av.open(str(paused), "w") as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in file.streams}
        for packet in file.demux():
            if packet.dts is not None:
                if float(packet.pts * packet.time_base) >= 1.5:
                    packet.pts += round(4 / packet.time_base)
                    packet.dts += round(4 / packet.time_base)
                packet.stream = streams[packet.stream_index]
                out.mux(packet)
    read = sample(paused)
    assert read.duration == pytest.approx(7, abs=0.1)
    assert read.notes.keys() <= {NoteKind.GAP}
    assert [time > 5 for time in read.heard] == [False, False, True]


def test_a_packet_that_is_decoded_to_noise_is_damage():
    """Frames of a codec that rounds may exceed full scale a little; far more comes of a damaged packet."""
    mixer = sound.Mixer(loudest=sound.LOUDEST_DECODED)

    def mixed(peak: float) -> np.ndarray:
        frame = av.AudioFrame.from_ndarray(np.full((1, 100), peak, dtype=np.float32), "fltp", "mono")
        return mixer.mix(frame)[0]

    assert mixed(1.5) == pytest.approx(1.5)
    assert mixed(90.0) == pytest.approx(0)
    assert mixer.findings.garbled == 100


# Damage

WHOLE = [
    *(replace(MP4, suffix=suffix, options={"g": "15"}) for suffix in (".mp4", ".mkv", ".mov", ".ts", ".flv")),
    Form(".avi", "mpeg4", "mp3"),
    Form(".webm", "libvpx", "libopus", fps=10, options={**truth.VPX, "g": "5"}),
    Form(".mpg", "mpeg2video", "mp2"),
    Form(".wmv", "wmv2", "wmav2", rate=44100, options={"g": "15"}),
    *(Form(suffix, "", codec) for suffix, codec in ((".mp3", "mp3"), (".aac", "aac"), (".ac3", "ac3"))),
    *(Form(suffix, "", codec) for suffix, codec in ((".opus", "libopus"), (".flac", "flac"), (".m4a", "aac"))),
]


@pytest.mark.parametrize("form", WHOLE, ids=str)
def test_damage_in_the_middle_is_noted(form, tmp_path):
    path = make(tmp_path / "clip", form, 12.0, at=np.arange(0.5, 12, 0.5))
    assert not sample(path).notes
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as file:  # not the index, without which nothing can be read
        places = [packet.pos for packet in file.demux() if packet.size and packet.pos is not None]
    first, last = (int(np.quantile(places, share)) for share in (0.4, 0.65))
    data[first:last] = bytes(last - first)
    path.write_bytes(data)
    read = sample(path)
    assert 0.5 < read.notes.get(NoteKind.DAMAGED, 0) < 9
    assert len(read.heard) > 6  # the rest is heard


@pytest.mark.parametrize(
    "form", [form for form in WHOLE if form.suffix not in (".mp4", ".mov", ".m4a", ".flac")], ids=str
)
def test_a_file_that_is_cut_off_is_noted_where_its_header_says_so(form, tmp_path):
    path = make(tmp_path / "clip", form, 12.0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    if form.suffix in (".mkv", ".webm"):
        with pytest.raises(ClipError, match="is cut off, holding"):
            Media(path)
        return
    notes = sample(path).notes
    stated = form.suffix in (".flv", ".avi", ".mp3")
    assert notes.get(NoteKind.CUT_OFF, 6) == pytest.approx(6, abs=1.5)
    assert (NoteKind.CUT_OFF in notes) == stated


@pytest.mark.parametrize("suffix", [".flac", ".wav"])
def test_half_of_a_file_without_compression(suffix, tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 96000).astype(np.float32)
    codec = {".flac": "flac", ".wav": "pcm_s16le"}[suffix]
    path = write(tmp_path / f"clip{suffix}", sound=noise, sound_codec=codec)
    assert not sample(path).notes
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert sample(path).notes == {NoteKind.CUT_OFF: pytest.approx(3, abs=0.3)}


def test_frames_too_large_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(choice, "MAX_PIXELS", 64 * 64 - 1)
    with pytest.raises(ClipError, match="has frames of 64 × 64 pixels, more than 4095"):
        Media(make(tmp_path / "clip", MP4))
