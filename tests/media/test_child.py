"""Clips decoded in another process: the same content, and one clip lost, not the run, when that process ends."""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import seehear as sh
from make_media import damage, movie, tone, write
from seehear.datasets.cutting import cut, cut_part
from seehear.errors import ClipError, SeehearError
from seehear.features.jobs import Job, load_networks, run_jobs
from seehear.features.segments import Settings
from seehear.media import child
from seehear.media.channel import BrokenChannelError, Channel
from seehear.media.child import DECODER, GIB, Decoder, IsolatedMedia, Limits, open_clip
from seehear.media.overview import Overview
from seehear.media.reader import Media
from seehear.media.span import Span

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends signals")

WHOLE = {"fps": 4.0, "sizes": [16, 24], "audio": True, "margin": 0.3}
PUBLIC = ("path", "audio_track", "duration", "rate", "has_video", "has_audio", "notes", "aspect")
ENDLESS = {"number": 10**12}  # times that `timeit` repeats


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    """Processes of this test alone."""
    own = Decoder(Limits())
    yield own
    own.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return movie(tmp_path_factory.mktemp("clips") / "film.mp4", 6.0)


def same(one: Span, other: Span) -> bool:
    assert (one.start, one.stop, one.rate, one.margin) == (other.start, other.stop, other.rate, other.margin)
    assert list(one.frames) == list(other.frames)
    pairs = [(one.times, other.times), (one.waveform, other.waveform)]
    pairs += [(one.frames[size], other.frames[size]) for size in one.frames]
    return all(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in pairs)


def ended(pid: int) -> bool:
    """Whether a process ends within a while; a zombie has ended."""
    for _ in range(400):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def kill_when_working(decoder: Decoder, how: signal.Signals) -> threading.Thread:
    """Send a signal to the process of a decoder as soon as it works on a request."""

    def strike() -> None:
        end = time.monotonic() + 60
        while not (working := [each for each in decoder.children if each._ready]) and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.1)
        working[0].process.send_signal(how)

    thread = threading.Thread(target=strike)
    thread.start()
    return thread


FORMATS = {
    "mp4": lambda path: movie(path, 5.0),
    "mkv": lambda path: movie(path, 5.0, codec="ffv1", pixels="yuv444p", sound_codec="flac"),
    "avi": lambda path: movie(path, 5.0, codec="mpeg4", sound_codec="mp3"),
    "wav": lambda path: write(path, sound=tone(300, 5.0), sound_codec="pcm_s16le"),
    "webm": lambda path: movie(path, 5.0, codec="libvpx", sound=None),
    "ts": lambda path: damage(movie(path, 5.0, codec="mpeg2video"), 0.5, 0.6),
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_content_is_the_same_to_the_bit(tmp_path, decoder, suffix):
    path = FORMATS[suffix](tmp_path / f"clip.{suffix}")
    media, plain = decoder.open(path), Media(path)
    options = WHOLE | ({} if plain.has_video else {"sizes": ()}) | {"audio": plain.has_audio}
    both = zip(media.spans(2.0, **options), plain.spans(2.0, **options), strict=True)
    assert [same(*pair) for pair in both] == [True, True, True]
    for name in PUBLIC:
        assert getattr(media, name) == getattr(plain, name), name
    assert media.segments(2.0) == plain.segments(2.0)
    assert media.sample_times(3.0).tolist() == plain.sample_times(3.0).tolist()


def test_errors_are_the_same(tmp_path, decoder, film):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("words " * 100)
    for name in ("empty.mp4", "text.mp4", "missing.mp4"):
        with pytest.raises(ClipError) as plain:
            Media(tmp_path / name)
        with pytest.raises(ClipError) as isolated:
            decoder.open(tmp_path / name)
        assert str(isolated.value) == str(plain.value)
    silent = write(tmp_path / "silent.mp4", times=[0.0, 0.5])
    with pytest.raises(ClipError, match="no audio track"):
        list(decoder.open(silent).spans(1.0, audio=True))
    assert len(decoder.children) == 1  # a bad file doesn't cost the process


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGKILL], ids=lambda s: s.name)
def test_a_crash_costs_one_clip(decoder, film, how):
    spans = decoder.open(film).spans(1.0, **WHOLE)
    next(spans)
    (victim,) = decoder.children
    victim.process.send_signal(how)
    with pytest.raises(
        ClipError, match=rf"film\.mp4: its decoder .*{how.name}.*: leave it out, or convert it"
    ) as raised:
        list(spans)
    assert ended(victim.process.pid)
    assert ("please report it" in str(raised.value)) == (how != signal.SIGKILL)
    whole = zip(decoder.open(film).spans(1.0, **WHOLE), Media(film).spans(1.0, **WHOLE), strict=True)
    assert all(same(*pair) for pair in whole)
    assert len(decoder.children) == 1


def test_a_crash_in_the_midst_of_work(decoder, film):
    thread = kill_when_working(decoder, signal.SIGSEGV)
    with pytest.raises(ClipError, match="SIGSEGV"):
        decoder.call(timeit.timeit, "pass", **ENDLESS)
    thread.join()
    assert decoder.open(film).duration == pytest.approx(6.0, abs=0.1)


def test_a_process_that_ends_while_idle_costs_nothing(decoder, film):
    decoder.open(film)
    (victim,) = decoder.children
    victim.process.kill()
    victim.process.wait()
    media = decoder.open(film)
    assert len(list(media.spans(2.0, **WHOLE))) == 3


def test_an_open_clip_survives_its_process(decoder, film):
    media = decoder.open(film)
    decoder.close()
    assert all(same(*pair) for pair in zip(media.spans(2.0, **WHOLE), Media(film).spans(2.0, **WHOLE), strict=True))


def test_a_file_that_changed_meanwhile_is_not_mixed(tmp_path, decoder):
    path = movie(tmp_path / "clip.mp4", 3.0)
    media = decoder.open(path)
    decoder.close()
    movie(path, 4.0)
    with pytest.raises(ClipError, match="has changed since it was opened"):
        list(media.spans(2.0, **WHOLE))


def stop(decoder: Decoder) -> None:
    """Work until the process of the decoder is stopped, and longer."""
    thread = kill_when_working(decoder, signal.SIGSTOP)
    try:
        decoder.call(timeit.timeit, "pass", **ENDLESS)
    finally:
        thread.join()


STALLS: dict[str, tuple[Limits, Callable[[Decoder], object], str]] = {
    "stopped": (Limits(silence=1.0), stop, "did nothing for 1 s"),
    "waits": (
        Limits(silence=1.5),
        lambda decoder: decoder.call(timeit.timeit, "import time; time.sleep(600)", number=1),
        "did nothing for 1.5 s",
    ),
    "never lets others run": (
        Limits(silence=1.0),
        lambda decoder: decoder.call(timeit.timeit, "math.factorial(10**7)", setup="import math", number=9),
        "did nothing for 1 s",
    ),
    "never ends": (
        Limits(processor=0.5),
        lambda decoder: decoder.call(timeit.timeit, "pass", **ENDLESS),
        "came to no result in 0.5 s of processor time",
    ),
}


@pytest.mark.parametrize("name", STALLS)
def test_a_decoder_that_hangs_is_ended(film, name):
    limits, hang, message = STALLS[name]
    decoder = Decoder()
    decoder.open(film)
    (one,) = decoder.children
    one._limits = limits  # now that it has started, which takes seconds on a busy machine
    with pytest.raises(ClipError, match=message):
        hang(decoder)
    assert not decoder.children
    assert decoder.open(film).has_video
    decoder.close()


def test_work_that_takes_longer_than_silence_may_is_not_a_hang(decoder, film):
    decoder.open(film)
    (one,) = decoder.children
    one._limits, one._quiet = Limits(silence=1.0), 0.0

    class Quiet:
        def __init__(self, ticks: int) -> None:
            self.ticks = ticks

        def poll(self, _: float) -> bool:
            self.ticks -= 1
            return self.ticks < 0

    for used in (0.1, 0.2, 0.3, 0.4):  # each within four quiet ticks of 0.2 s
        one._poll = Quiet(4)
        one._wait()
        one._note_progress(used)
    one._poll = Quiet(4)
    one._wait()
    one._note_progress(0.401)  # that is not work
    one._poll = Quiet(4)
    with pytest.raises(Exception, match="did nothing for 1 s"):
        one._wait()


def test_a_clip_that_takes_all_memory_costs_one_clip(tmp_path, film):
    huge = write(
        tmp_path / "huge.mp4", times=[0.0, 0.5], picture=lambda n: np.zeros((8000, 8000, 3), np.uint8), codec="mpeg4"
    )
    decoder = Decoder(Limits(memory=GIB // 6))
    with pytest.raises(ClipError, match=r"huge\.mp4: takes more than 0\.166667 GiB"):
        list(decoder.open(huge).spans(1.0, fps=2, sizes=[16]))
    assert len(list(decoder.open(film).spans(2.0, **WHOLE))) == 3
    with pytest.raises(ClipError, match=r"takes more than 0\.166667 GiB to decode: .* or set SEEHEAR_DECODER_MEMORY"):
        list(decoder.open(film).spans(6.0, fps=8, sizes=[2500]))
    decoder.close()


def test_the_environment_decides(monkeypatch, film, tmp_path):
    monkeypatch.setenv("SEEHEAR_ISOLATE", "0")
    assert type(open_clip(film)) is Media
    assert child.run_on_file(os.path.basename, film) == "film.mp4"
    monkeypatch.setenv("SEEHEAR_ISOLATE", "1")
    assert type(open_clip(film)) is IsolatedMedia
    monkeypatch.setenv("SEEHEAR_ISOLATE", "no")
    with pytest.raises(SeehearError, match="SEEHEAR_ISOLATE must be 0"):
        open_clip(film)
    for wrong in ("much", "-1", "0", "nan", "inf"):
        monkeypatch.setenv("SEEHEAR_DECODER_MEMORY", wrong)
        with pytest.raises(SeehearError, match="SEEHEAR_DECODER_MEMORY must be a number of GiB above 0"):
            Limits.of_environment()
    monkeypatch.setenv("SEEHEAR_DECODER_MEMORY", "1.5")
    assert Limits.of_environment().memory == 3 * GIB // 2


def test_a_process_that_cannot_start_is_no_fault_of_a_clip(monkeypatch, film):
    monkeypatch.setattr(child, "START", "raise SystemExit('no decoder here')")
    with pytest.raises(SeehearError, match=r"ended with status 1 as it started \(no decoder here\); SEEHEAR_ISOLATE=0"):
        Decoder(Limits()).open(film)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(SeehearError, match=r"can't be started \(No such file"):
        Decoder(Limits()).open(film)


def test_what_libraries_print_is_not_taken_for_a_reply(decoder, film, capfd):
    assert decoder.call(print, "noise") is None
    assert decoder.call(os.system, "echo noise; cat; echo noise >&2") == 0
    assert decoder.call(timeit.timeit, "sys.stderr.write('n' * 100000)", setup="import sys", number=20) > 0
    assert decoder.open(film).has_audio
    assert capfd.readouterr() == ("", "")


def test_unexpected_errors_name_the_clip(decoder):
    with pytest.raises(ClipError, match=r"^clip 7: can't be decoded \(ValueError: invalid literal .*\): get the file"):
        decoder.call(int, "clip 7")
    with pytest.raises(FileNotFoundError):
        decoder.call(os.listdir, "/nowhere")
    with pytest.raises(ClipError, match="TypeError"):  # a result that can't be sent
        decoder.call(timeit.Timer, "pass")
    assert decoder.call(os.path.basename, "/a/b") == "b"
    assert len(decoder.children) == 1


def test_several_clips_at_once(decoder, film, tmp_path):
    other = movie(tmp_path / "other.mp4", 6.0, hertz=1000)
    together = list(zip(*(decoder.open(path).spans(2.0, **WHOLE) for path in (film, other, film)), strict=True))
    for path, spans in zip((film, other, film), zip(*together, strict=True), strict=True):
        assert all(same(*pair) for pair in zip(spans, Media(path).spans(2.0, **WHOLE), strict=True))
    results: list[int] = []
    work = [threading.Thread(target=lambda: results.append(len(list(decoder.open(film).spans(2.0))))) for _ in range(6)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert results == [3] * 6
    assert len(decoder.children) <= child.MAX_IDLE


def test_a_clip_can_be_left_early(decoder, film):
    for _ in range(5):
        spans = decoder.open(film).spans(1.0, **WHOLE)
        next(spans)
        spans.close()
    assert len(list(decoder.open(film).spans(2.0))) == 3
    assert len(decoder.children) == 1


def test_an_interrupted_request_is_not_answered_later(decoder, film, monkeypatch):
    media = decoder.open(film)
    (first,) = decoder.children
    poll = first._poll

    class Interrupting:
        def poll(self, *_: object) -> None:
            raise KeyboardInterrupt

    first._poll = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        next(media.spans(2.0, **WHOLE))
    first._poll = poll
    assert same(next(media.spans(2.0, **WHOLE)), next(Media(film).spans(2.0, **WHOLE)))
    assert first not in decoder.children


def test_relative_paths_are_those_of_the_moment(decoder, tmp_path, monkeypatch):
    for name, seconds in (("a", 2.0), ("b", 3.0)):
        movie(tmp_path / name / "clip.mp4", seconds)
        monkeypatch.chdir(tmp_path / name)
        media = decoder.open("clip.mp4")
        assert media.path == Path("clip.mp4")
        assert media.duration == pytest.approx(seconds, abs=0.1)
    with pytest.raises(ClipError, match=r"^missing\.mp4: no such file"):
        decoder.open("missing.mp4")


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors by /proc")
def test_nothing_is_left_behind(tmp_path, decoder):
    path = write(tmp_path / "tone.wav", sound=tone(300, 1.0), sound_codec="pcm_s16le")
    decoder.open(path)
    before, threads = descriptors(), threading.active_count()
    for n in range(100):
        spans = decoder.open(path).spans(1.0, audio=True)
        next(spans)
        if n % 40 == 0:  # and after crashes too
            decoder.children[0].process.send_signal(signal.SIGSEGV)
            with pytest.raises(ClipError):
                list(spans)
        del spans
    decoder.open(path)
    assert descriptors() == before
    assert threading.active_count() == threads
    pids = [each.process.pid for each in decoder.children]
    decoder.close()
    assert [ended(pid) for pid in pids] == [True]
    with pytest.raises(ChildProcessError):  # no zombie either
        os.waitpid(pids[0], os.WNOHANG)
    assert descriptors() < before


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads by /proc")
def test_converted_frames_do_not_pile_up(tmp_path):
    path = movie(tmp_path / "clip.mp4", 30.0, fps=8)
    gc.disable()  # each frame that is converted has threads until it is freed
    try:
        counts = [len(os.listdir("/proc/self/task")) for _ in Media(path).spans(2.0, fps=8.0, sizes=[16, 24])]
    finally:
        gc.enable()
    assert counts[-1] <= counts[0] + 4


KILLED = """
import sys, threading, time, timeit
from seehear.media.child import DECODER
DECODER.open(sys.argv[1])
if sys.argv[2] == "working":
    threading.Thread(target=DECODER.call, args=(timeit.timeit, "pass"), kwargs={"number": 10**12}).start()
print(DECODER.children[0].process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("state", ["idle", "working"])
def test_the_process_ends_with_the_one_it_works_for(film, state):
    command = [sys.executable, "-c", KILLED, str(film), state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert os.getpgid(pid) != os.getpgid(parent.pid)  # Ctrl-C reaches a whole group
        parent.kill()
    assert ended(pid)


UNGUARDED = """
import sys
sys.path.insert(0, {extra!r})
import seehear as sh
import lonely  # importable by the changed path only
from seehear.media.child import DECODER

features = sh.extract({film!r}, lonely.level, progress=False)
print(features.shape if hasattr(features, "shape") else "made", DECODER.call(lonely.twice, "ab"), len(DECODER.children))
"""
LONELY = """
import numpy as np
import seehear as sh

@sh.network(name="level", modality="audio", width=1, rate=8000)
def level(waves):
    return np.abs(waves).max(axis=1)[:, None]

def twice(text):
    return text * 2
"""


@pytest.mark.parametrize("how", ["file", "standard input", "argument"])
def test_a_script_without_a_guard(tmp_path, film, how):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "lonely.py").write_text(LONELY)
    (tmp_path / "json.py").write_text("raise ImportError('the wrong json')")  # in the working folder
    source = UNGUARDED.format(extra=str(tmp_path / "modules"), film=str(film))
    script = tmp_path / "scripts" / "script.py"
    script.parent.mkdir()
    script.write_text(source)
    arguments = {"file": [str(script)], "standard input": ["-P", "-"], "argument": ["-P", "-c", source]}[how]
    given = source if how == "standard input" else ""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[-2:] == ["abab", "1"]


def test_a_forked_process_has_its_own(decoder, film):
    media = decoder.open(film)
    spans = media.spans(2.0, **WHOLE)
    first = next(spans)
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            length = len(list(media.spans(2.0, **WHOLE)))
            os.write(writing, str(length).encode())
            decoder.close()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        assert stream.read() == "3"
    os.waitpid(pid, 0)
    assert all(same(*pair) for pair in zip([first, *spans], Media(film).spans(2.0, **WHOLE), strict=True))


def test_overviews_and_cuts_are_the_same(tmp_path, decoder, film):
    one, other = (Overview.of(media, 3, 32) for media in (decoder.open(film), Media(film)))
    assert one.spectrogram.tobytes() == other.spectrogram.tobytes()
    assert np.stack(one.thumbnails).tobytes() == np.stack(other.thumbnails).tobytes()
    cuts = tmp_path / "one.mp4", tmp_path / "other.mp4"
    for media, target in zip((decoder.open(film), Media(film)), cuts, strict=True):
        cut(media, target, 1.0, 3.0, comment="cut")
    same_spans = zip(*(Media(path).spans(8.0, **WHOLE) for path in cuts), strict=True)
    assert all(same(*pair) for pair in same_spans)


def test_a_crash_while_cutting_leaves_nothing(tmp_path, decoder):
    media = decoder.open(movie(tmp_path / "long.mp4", 90.0, fps=30), part=(0.0, 90.0))
    thread = kill_when_working(decoder, signal.SIGSEGV)
    with pytest.raises(ClipError, match=r"long\.mp4#t=0,90: its decoder crashed \(SIGSEGV\)"):
        cut_part(media, tmp_path / "out" / "cut.mp4")
    thread.join()
    assert list((tmp_path / "out").iterdir()) == []


def test_extraction_goes_on_after_a_crash(tmp_path):
    spec = sh.network(name="mean", modality="visual", width=1, size=16)(
        lambda frames: frames.mean(axis=(1, 2, 3))[:, None]
    )
    jobs = [Job(name, movie(tmp_path / f"{name}.mp4", 60.0, fps=2), (spec.name,)) for name in "abcd"]
    done = run_jobs(jobs, load_networks([spec], "cpu"), Settings())
    first = next(done)  # the next clip is read ahead, but not to its end
    for decoding in DECODER.children:  # earlier tests may have left idle ones
        decoding.process.send_signal(signal.SIGSEGV)
    results = {each.job.clip: each for each in (first, *done)}
    assert [len(each.features) for each in results.values()] == [1, 0, 1, 1]
    assert "b.mp4: its decoder crashed (SIGSEGV)" in results["b"].problems[0]


# The channel


def channel_of(data: bytes, limit: int = 10**6) -> Channel:
    return Channel(io.BytesIO(data), io.BytesIO(), max_bytes=limit)


def message(header: object, payload: bytes = b"") -> bytes:
    encoded = json.dumps(header).encode()
    return struct.pack(">I", len(encoded)) + encoded + payload


ARRAYS = st.tuples(
    st.sampled_from(["uint8", "float32", "float64"]), st.lists(st.integers(0, 4), min_size=1, max_size=4), st.booleans()
)
TEXT = st.text(st.characters() | st.characters(categories=["Cs"]), max_size=5)


@given(
    header=st.dictionaries(TEXT.filter(lambda key: key != "arrays"), TEXT | st.floats(allow_nan=False)),
    given=st.lists(ARRAYS),
)
def test_messages_arrive_as_they_were_sent(header, given):
    rng = np.random.default_rng(0)
    arrays = [(rng.random(shape) * 99).astype(name) for name, shape, _ in given]
    arrays = [array.T if turned else array for array, (_, _, turned) in zip(arrays, given, strict=True)]
    sent = io.BytesIO()
    Channel(io.BytesIO(), sent, max_bytes=0).send(header, arrays)
    channel = channel_of(sent.getvalue())
    received = channel.receive()
    assert received is not None
    assert received[0] == header
    for one, other in zip(received[1], arrays, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)
    assert channel.receive() is None
    for length in range(1, len(sent.getvalue())):
        if length < 200:
            with pytest.raises(BrokenChannelError):
                channel_of(sent.getvalue()[:length]).receive()


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 2) + b"{}",
        struct.pack(">I", 1) + b"\xff",
        struct.pack(">I", 10**6) + b"[" * 10**6,
        message({"arrays": [["object", [1]]]}, b"12345678"),
        message({"arrays": [["uint8", [-1]]]}),
        message({"arrays": [["uint8", [1.5]]]}),
        message({"arrays": [["uint8", [10**9]]]}),
        message({"arrays": [["uint8", [10**9, 10**9, 10**9]]]}),
        message({"arrays": [["uint8", [1] * 64]]}, b"1"),
        message({"arrays": [["uint8", [True]]]}, b"1"),
        message({"arrays": [[["uint8"], [1]]]}, b"1"),
        message({"arrays": 5}),
        message({"arrays": [["uint8"]]}),
    ],
)
def test_what_is_no_message_is_refused(data):
    with pytest.raises(BrokenChannelError):
        channel_of(data).receive()
