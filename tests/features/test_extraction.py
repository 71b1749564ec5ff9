"""From a file to features, against loops that do the same from what was written into it."""

from __future__ import annotations

import itertools
import math
import threading
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from make_media import clicks, movie, number_of, tone, write
from seehear.errors import ClipError, SeehearError
from seehear.features import extraction, jobs, segments
from seehear.features.arrays import Extraction
from seehear.features.jobs import Done, Job, run_jobs
from seehear.features.prefetch import prefetch
from seehear.features.required import check_required
from seehear.features.segments import Collector, Settings
from seehear.features.store import NetworkInfo, Store
from seehear.files import DiskFullError
from seehear.media.clips import find_clips
from seehear.media.reader import Media
from seehear.media.span import count_segments
from seehear.networks import REGISTRY, load, network

RATE = 8000
SECONDS = 5.4


def level(waves: np.ndarray) -> np.ndarray:
    """What tells windows apart: their middle sample, and how their samples lie."""
    ramp = np.linspace(-1, 1, waves.shape[1]) / waves.shape[1] ** 0.5
    return np.stack([waves[:, waves.shape[1] // 2], waves @ ramp], axis=1)


def loudest(waves: np.ndarray) -> np.ndarray:
    """Where in the window its loudest sample lies, from 0 to 1."""
    return np.abs(waves).argmax(axis=1)[:, None] / waves.shape[1]


@network(name="where", modality="audio", width=2, rate=RATE, window=1.0)
def where(waves):
    return level(waves)


@network(name="click", modality="audio", width=1, rate=RATE, window=1.0)
def click(waves):
    return loudest(waves)


@network(name="long-click", modality="audio", width=1, rate=RATE, window=3.1)
def long_click(waves):
    return loudest(waves)


@network(name="long", modality="audio", width=2, rate=RATE, window=3.1)
def long(waves):
    return level(waves)


@network(name="often", modality="audio", width=2, rate=RATE, window=0.5, hop=0.25)
def often(waves):
    return level(waves)


@network(name="other-rate", modality="audio", width=2, rate=12000, window=1.0, hop=0.5)
def other_rate(waves):
    return np.stack([waves.mean(axis=1), waves.std(axis=1)], axis=1)


@network(name="number", modality="visual", width=1, size=32)
def number(pictures):
    return np.array([[number_of(picture)] for picture in pictures])


@network(name="number-again", modality="visual", width=1, size=48)
def number_again(pictures):
    return number_of_each(pictures)


def number_of_each(pictures):
    return np.array([[number_of(picture)] for picture in pictures])


@network(name="fails", modality="visual", width=1, size=16)
def fails(pictures):
    raise ValueError("no idea")


@network(name="fails-later", modality="audio", width=1, rate=RATE)
def fails_later(waves):
    if np.abs(waves).max() > 0.8:
        raise ZeroDivisionError("a click")
    return waves[:, :1]


@network(name="not-a-number", modality="visual", width=1, size=16)
def not_a_number(pictures):
    return np.full((len(pictures), 1), np.nan)


def together(*specs):
    return [(spec, load(spec, "cpu")) for spec in specs]


def features(path, specs, how=None) -> Done:
    (done,) = run_jobs([Job("clip", path, tuple(spec.name for spec in specs))], together(*specs), how or Settings())
    return done


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.9, 0.9, round(seconds * RATE)).astype(np.float32)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Numbered frames at 20 per second, and noise that no codec changes but to 16 bits."""
    path = tmp_path_factory.mktemp("clips") / "clip.mkv"
    times = np.arange(round(SECONDS * 20)) / 20
    return write(path, times=times, fps=20, sound=noise(SECONDS), rate=RATE, sound_codec="flac")


def heard(sound: np.ndarray, spec, segment: float) -> np.ndarray:
    """The oracle: cut each window out of the whole audio, run the network, average."""
    n_segments = max(1, math.ceil(len(sound) / RATE / segment - 0.1))
    each = max(1, round(segment / spec.input.hop))
    padded = np.pad(sound, 10 * RATE)
    rows = []
    for t in range(n_segments):
        made = []
        for n in range(each):
            centre = (t + (n + 0.5) / each) * segment
            first = 10 * RATE + round((centre - spec.input.window / 2) * RATE)
            made.append(level(padded[first : first + spec.input.samples][None])[0])
        rows.append(np.mean(made, axis=0))
    return np.array(rows)


def seen(duration: float, fps: float, segment: float) -> np.ndarray:
    """The oracle: which frame is on show at each sample time, averaged over each segment."""
    n_segments = max(1, math.ceil(duration / segment - 0.1))
    times = [(n + 0.5) / fps for n in range(math.ceil(duration * fps)) if (n + 0.5) / fps < duration - 1e-9]
    times = times or [duration / 2]
    rows: list[float] = []
    for t in range(n_segments):
        mine = [math.floor(time * 20 + 1e-5) for time in times if t <= time / segment + 1e-9 < t + 1]
        rows.append(float(np.mean(mine)) if mine else rows[-1] if rows else math.nan)
    known = [row for row in rows if not math.isnan(row)]
    return np.array([[known[0] if math.isnan(row) else row] for row in rows])


@pytest.mark.parametrize("span", [1.0, 8.0])
@pytest.mark.parametrize("segment", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("spec", [where, long, often], ids=lambda spec: spec.name)
def test_windows_lie_around_their_segments(clip, monkeypatch, spec, segment, span):
    monkeypatch.setattr(segments, "SPAN", span)
    made = features(clip, [spec], Settings(segment=segment)).features[spec.name]
    np.testing.assert_allclose(made, heard(noise(SECONDS), spec, segment), atol=1e-4)


def test_a_click_is_found_in_its_second(tmp_path):
    path = write(tmp_path / "clip.wav", sound=clicks([2.25], 4, RATE), rate=RATE, sound_codec="pcm_s16le")
    made = features(path, [click, long_click]).features
    assert made["click"][:, 0] == pytest.approx([0, 0, 0.25, 0], abs=0.003)
    # Windows of 3.1 s begin 1.05 s before their second.
    assert made["long-click"][:, 0] == pytest.approx([0, 2.3 / 3.1, 1.3 / 3.1, 0.3 / 3.1], abs=0.003)


def test_resampled_audio_does_not_depend_on_the_spans(tmp_path, monkeypatch):
    path = write(tmp_path / "clip.wav", sound=noise(12), rate=RATE, sound_codec="pcm_s16le")
    whole = features(path, [other_rate], Settings()).features["other-rate"]
    assert whole.shape == (12, 2)
    for span in (1.0, 3.0, 100.0):
        monkeypatch.setattr(segments, "SPAN", span)
        np.testing.assert_allclose(features(path, [other_rate]).features["other-rate"], whole, atol=2e-4)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fps=st.sampled_from([0.05, 0.2, 0.3, 0.5, 1, 2.5, 8, 20, 30]),
    segment=st.sampled_from([0.2, 0.5, 1.0, 1.5, 2.0]),
    span=st.sampled_from([0.2, 1.0, 2.0, 8.0]),
)
def test_frames_of_a_segment_are_averaged(clip, fps, segment, span):
    before = segments.SPAN
    segments.SPAN = span
    try:
        made = features(clip, [number, number_again], Settings(fps=fps, segment=segment)).features
    finally:
        segments.SPAN = before
    np.testing.assert_allclose(made["number"], seen(SECONDS, fps, segment), rtol=1e-5)
    np.testing.assert_array_equal(made["number"], made["number-again"])


def test_all_networks_from_one_pass_are_those_from_passes_of_their_own(clip):
    specs = [where, long, often, other_rate, number]
    made = features(clip, specs)
    assert made.problems == ()
    assert made.duration == pytest.approx(SECONDS, abs=0.05)
    for spec in specs:
        assert made.features[spec.name].shape == (6, spec.width)
        assert made.features[spec.name].dtype == np.float32
        np.testing.assert_allclose(
            made.features[spec.name], features(clip, [spec]).features[spec.name], atol=2e-4, err_msg=spec.name
        )


def test_collector_takes_what_parsing_decodes(clip):
    how = Settings()
    media = Media(clip)
    collector = Collector(together(where, number), how)
    for span in segments.spans(media, [where, number], how, size=64, audio=True):
        assert set(span.frames) == {32, 64}
        collector.add(span)
    made = collector.features(media)
    alone = features(clip, [where, number]).features
    for name in ("where", "number"):
        np.testing.assert_array_equal(made[name], alone[name])


def test_a_network_that_fails_does_not_stop_the_others(clip):
    done = features(clip, [fails, where, not_a_number, number])
    assert set(done.features) == {"where", "number"}
    assert len(done.problems) == 2
    assert all(problem.startswith(f"{clip}: ") for problem in done.problems)
    assert "fails failed with ValueError: no idea" in done.problems[0]
    assert "not-a-number gave numbers that are not finite" in done.problems[1]


def test_a_clip_that_fails_does_not_stop_the_others(tmp_path):
    quiet = movie(tmp_path / "quiet.mp4", 2)
    loud = movie(tmp_path / "loud.mp4", 10, sound=clicks([9.5], 10, 16000))  # in its second span
    mute = movie(tmp_path / "mute.mp4", 2, sound=None)
    blind = movie(tmp_path / "blind.wav", 2, times=(), sound_codec="pcm_s16le")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    specs = (fails_later, number)
    jobs = [
        Job(path.stem, path, tuple(spec.name for spec in specs)) for path in (mute, empty, loud, blind, empty, quiet)
    ]
    done = list(run_jobs(jobs, together(*specs), Settings()))
    assert [one.job for one in done] == jobs
    found = [(sorted(one.features), len(one.problems)) for one in done]
    both = ["fails-later", "number"]
    assert found == [(["number"], 1), ([], 1), (["number"], 1), (["fails-later"], 1), ([], 1), (both, 0)]
    for one in done:  # each tells of itself alone
        assert all(problem.startswith(f"{one.job.path}: ") for problem in one.problems)
    assert "has no audio track: no features of fails-later" in done[0].problems[0]
    assert "ZeroDivisionError" in done[2].problems[0]
    assert "has no video track: no features of number" in done[3].problems[0]
    assert [len(one.lacking) for one in done] == [1, 0, 0, 1, 0, 0]


def test_only_the_networks_of_a_job_are_run(clip):
    (done,) = run_jobs([Job("clip", clip, (number.name,))], together(number, where, fails), Settings())
    assert set(done.features) == {"number"}


def test_a_network_of_the_wrong_width_is_reported(clip):
    @network(name="wide", modality="visual", width=3, size=16)
    def wide(pictures):
        return pictures.mean(axis=(1, 2))[:, :2]

    with pytest.raises(SeehearError, match="wide gave features of shape"):
        features(clip, [wide])


def test_what_made_a_feature():
    assert Settings(fps=8).made_by(where) == Settings(fps=4).made_by(where)
    assert Settings(fps=8).made_by(number) != Settings(fps=4).made_by(number)
    assert Settings(segment=1).made_by(where) != Settings(segment=2).made_by(where)
    assert Settings().made_by(where) != Settings().made_by(long)


FORMS = (int, float, np.float32, np.float64, np.int64)


@pytest.mark.parametrize("form", FORMS)
@given(fps=st.integers(1, 60), segment=st.integers(1, 30))
def test_every_form_of_a_number_makes_one_fingerprint(form, fps, segment):
    exact = Settings(float(fps), float(segment))
    assert Settings(form(fps), form(segment)) == exact
    assert repr(Settings(form(fps), form(segment))) == repr(exact)
    for spec in (where, number):
        assert Settings(form(fps), form(segment)).made_by(spec) == exact.made_by(spec)


@given(tenths=st.integers(1, 600))
def test_single_precision_stands_for_the_decimal_number(tenths):
    exact = Settings(tenths / 10, tenths / 10)
    assert Settings(np.float32(tenths / 10), np.float32(tenths / 10)).made_by(number) == exact.made_by(number)


def test_the_fingerprint_is_that_of_the_command_line():
    facts = ["2", number.fingerprint, 1.0, 2.0]  # `--fps 2` is read as 2.0
    assert Settings(2, 1).made_by(number) == sha256(repr(facts).encode()).hexdigest()[:16]


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", [int, np.float32, np.int64])
def test_stores_of_one_rate_are_equal_byte_for_byte(clip, tmp_path, form):
    one, other = tmp_path / "one", tmp_path / "other"
    extraction.extract(clip, [number, where], store=one, fps=2.0, segment=1.0, progress=False)
    extraction.extract(clip, [number, where], store=other, fps=form(2), segment=form(1), progress=False)
    assert content(one) == content(other)
    again = extraction.extract(clip, [number, where], store=one, fps=form(2), segment=form(1), progress=False)
    assert (again.made, again.unchanged) == (0, 2)


def of_whole(spec, fps):
    """The fingerprint that features by fps=2 had before, where 2.0 had another."""
    return sha256(repr(["2", spec.fingerprint, 1.0, fps]).encode()).hexdigest()[:16]


def test_features_by_a_whole_number_from_before_are_current(clip, tmp_path, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(Settings, "made_by", lambda self, spec: of_whole(spec, int(self.fps)))
        before.setattr(Settings, "made_alike", lambda self, spec: ())
        extraction.extract(clip, [number], store=tmp_path, fps=2, progress=False)
    old = content(tmp_path)
    done = extraction.extract(clip, [number], store=tmp_path, fps=2.0, progress=False)
    assert (done.made, done.unchanged) == (0, 1)
    assert content(tmp_path) == old

    other = clip.with_name("other.mkv")
    other.write_bytes(clip.read_bytes())
    more = extraction.extract([clip, other], [number], store=tmp_path, fps=2.0, progress=False)
    kept = Store(tmp_path)
    assert (more.made, more.unchanged) == (1, 1)
    assert kept.origin("number", "other").made_by == kept.origin("number", clip.stem).made_by


def test_a_note_is_printed_once(clip, tmp_path, capsys):
    extraction.extract(clip, [number], store=tmp_path, fps=2, progress=False)
    changed = extraction.extract(clip, [number], store=tmp_path, fps=4)
    (note,) = changed.notes
    assert "made with other settings" in note
    assert (capsys.readouterr().err + changed.text()).count(note) == 1
    quiet = extraction.extract(clip, [number], store=tmp_path, fps=2, progress=False)
    assert quiet.text().startswith(quiet.notes[0])


def test_a_model_takes_features_by_either_form_of_a_rate():
    spec = REGISTRY["efficientnet-lite0"]

    def info(made_by, fps):
        return NetworkInfo(spec.name, spec.modality, spec.width, made_by, fps, spec.name)

    old, new = info(of_whole(spec, 2), 2), info(Settings(2.0).made_by(spec), 2.0)
    for model, features in ((old, new), (new, old)):
        check_required([model], 1.0, {spec.name: features}, 1.0, "STORE", "RUN")
    for other in (info(of_whole(spec, 4), 4), info(of_whole(spec, 4), 2), info("0" * 16, 2.0)):
        with pytest.raises(SeehearError, match="other settings or weights"):
            check_required([old], 1.0, {spec.name: other}, 1.0, "STORE", "RUN")


@pytest.mark.parametrize("wrong", ["2", True, None, [2]])
def test_a_rate_is_a_number(clip, wrong):
    with pytest.raises(SeehearError, match="fps must be a number"):
        extraction.extract(clip, [number], fps=wrong)


def test_clips_are_found_in_folders(tmp_path):
    for name in ("b.mp4", "deep/er/a.MKV", "deep/._a.mkv", ".hidden.mp4", "notes.txt", "deep/c d.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.mp4").mkdir()
    found = find_clips([tmp_path])
    assert found == {"b": tmp_path / "b.mp4", "a": tmp_path / "deep/er/a.MKV", "c d": tmp_path / "deep/c d.wav"}
    assert find_clips([tmp_path / "notes.txt", tmp_path / "b.mp4", tmp_path / "b.mp4"]).keys() == {"notes", "b"}


def test_names_that_cannot_be_kept(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for path in (tmp_path / "a.mp4", other / "a.mp4"):
        path.touch()
    with pytest.raises(SeehearError, match=r"would be one clip, 'a'.*rename one"):
        find_clips([tmp_path])
    with pytest.raises(SeehearError, match=r"none\.mp4: no such file"):
        find_clips([tmp_path / "none.mp4"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(SeehearError, match="no media files in this folder"):
        find_clips([tmp_path / "empty"])
    long_name = other / ("ü" * 125 + ".wav")
    long_name.touch()
    with pytest.raises(SeehearError, match="longer than 240 bytes: rename it"):
        find_clips([long_name])
    latin = other / "caf\udce9.wav"  # as an old disk wrote it
    latin.touch()
    with pytest.raises(SeehearError, match=r"not in UTF-8.*rename it") as caught:
        find_clips([latin])
    str(caught.value).encode()


def test_prefetch_gives_the_same_in_order():
    assert list(prefetch(range(100))) == list(range(100))
    assert list(prefetch([])) == []
    assert list(prefetch([None, None])) == [None, None]


def test_prefetch_passes_errors_on_after_what_came_before():
    def items():
        yield 1
        yield 2
        raise ClipError("broken")

    got = []
    with pytest.raises(ClipError, match="broken"):
        got.extend(prefetch(items()))
    assert got == [1, 2]


def test_prefetch_stays_a_few_ahead_and_ends_with_its_reader():
    made = []
    released = threading.Event()

    def items():
        try:
            for n in itertools.count():
                made.append(n)
                yield n
        finally:
            released.set()

    others = set(threading.enumerate())
    reader = prefetch(items(), depth=2)
    assert [next(reader) for _ in range(3)] == [0, 1, 2]
    (thread,) = set(threading.enumerate()) - others
    reader.close()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert len(made) <= 3 + 2 + 2
    del reader
    assert released.wait(timeout=30)  # the file it reads is closed


def test_prefetch_ends_where_its_reader_fails():
    others = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError):
        list(1 // (3 - item) for item in prefetch(itertools.count()))
    for thread in set(threading.enumerate()) - others:
        thread.join(timeout=30)
        assert not thread.is_alive()


def test_tone_in_stereo_is_the_tone(tmp_path):
    mono = write(tmp_path / "mono.wav", sound=tone(440, 2), sound_codec="pcm_s16le")
    stereo = write(
        tmp_path / "stereo.wav", sound=np.tile(tone(440, 2), (2, 1)), sound_codec="pcm_s16le", layout="stereo"
    )
    np.testing.assert_allclose(
        features(mono, [other_rate]).features["other-rate"],
        features(stereo, [other_rate]).features["other-rate"],
        atol=1e-4,
    )


@pytest.mark.parametrize("name", ["open_clip", "spans", "Collector.add", "Collector.features", "Collector.silent"])
@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), OSError(5, "broken"), MemoryError("little")])
def test_any_exception_costs_one_clip(tmp_path, monkeypatch, name, error):
    _fail_at(monkeypatch, name, error)
    files = [movie(tmp_path / f"{clip}.mkv", 2, sound_codec="flac") for clip in "abc"]
    done = list(run_jobs([Job(path.stem, path, (number.name,)) for path in files], together(number), Settings()))
    assert [(one.job.clip, sorted(one.features)) for one in done] == [("a", ["number"]), ("b", []), ("c", ["number"])]
    (message,) = done[1].problems
    assert message.startswith(f"{files[1]}: failed with {type(error).__name__}: {error} (")
    assert "report it" in message


@pytest.mark.parametrize("name", ["open_clip", "spans", "Collector.add", "Collector.features"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), DiskFullError("full"), SeehearError("a mistake")])
def test_what_concerns_all_clips_ends_the_extraction(tmp_path, monkeypatch, name, error):
    _fail_at(monkeypatch, name, error)
    files = [movie(tmp_path / f"{clip}.mkv", 2, sound_codec="flac") for clip in "ab"]
    with pytest.raises(type(error)) as raised:
        list(run_jobs([Job(path.stem, path, (number.name,)) for path in files], together(number), Settings()))
    assert raised.value is error


def _fail_at(monkeypatch, name, error):
    """Make a function of the extraction raise an error for the second clip."""
    owner = jobs
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    real, clips = getattr(owner, last), []

    def function(first, *arguments, **options):
        if all(first is not each for each in clips):
            clips.append(first)
        if len(clips) == 2:
            raise error
        return real(first, *arguments, **options)

    monkeypatch.setattr(owner, last, function)


@pytest.mark.parametrize(
    ("seconds", "segment", "count"),
    [
        (0.00006, 1, 1),
        (1.1, 1, 1),
        (1.11, 1, 2),
        (3.1, 1, 3),
        (3.11, 1, 4),
        (3.0, 1, 3),
        (3.05, 0.5, 6),
        (3.06, 0.5, 7),
    ],
)
def test_seconds_become_segments_as_the_guide_says(seconds, segment, count):
    assert count_segments(seconds, segment) == count


def test_missing_tracks_are_grouped_if_they_are_many():
    found = Extraction(("ears", "eyes"))
    for n in range(30):
        message = f"c{n}: has no video track: no features of eyes"
        found.failed[f"c{n}"] = [message]
        found.lacking.setdefault("eyes", {})[f"c{n}"] = message
        found.add(f"c{n}", "ears", np.zeros((1, 1), np.float32))
    found.failed["c0"].append("c0: ears failed")
    found.failed["zero"] = ["zero: is empty"]
    lines = found.text().splitlines()
    assert lines[lines.index("31 clips with something left out:") :] == [
        "31 clips with something left out:",
        "  zero: is empty",
        "  c0: ears failed",
        "  no track for eyes, 30 clips:",
        *(f"    c{n}: has no video track: no features of eyes" for n in range(3)),
        "    … and 27 more",
    ]
    assert found.exit_code == 1


def test_a_damaged_file_that_is_made_again_is_noted(tmp_path):
    clip, store = movie(tmp_path / "a.mkv", 2, sound_codec="flac"), tmp_path / "store"
    assert extraction.extract([clip], number, store=store, progress=False).notes == []
    file = Store(store).file("number", "a")
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    again = extraction.extract([clip], number, store=store, progress=False)
    assert again.notes == [f"damaged: 1 file in {store}, for example {file}; made again"]
    assert again.made == 1
    assert file.read_bytes() == data
    assert extraction.extract([clip], number, store=store, progress=False).notes == []
