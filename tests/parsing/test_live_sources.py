"""Where streams come from, how they end, and what goes wrong on the way."""

from __future__ import annotations

import http.server
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import pytest

from make_media import movie, tone, write
from parsing.streams import Levels, recording
from seehear.decoding import Decoding
from seehear.errors import ClipError, SeehearError
from seehear.media import stream
from seehear.media.notes import NoteKind
from seehear.media.stream import State
from seehear.media.stream_child import OpenStream
from seehear.media.stream_source import Ending, GrowingFile, Redirects, source_of
from seehear.parsing.live_events import Begun, Ended, Finished, Restarted

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes and signals")

SHORT = 11.3  # seconds


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return recording(tmp_path_factory.mktemp("sources") / "film.ts", SHORT)


@pytest.fixture(scope="module")
def whole(film):
    return Levels().parse(film)


def shown(events):
    return sorted((each.modality, each.label, round(each.onset, 3), round(each.offset, 3)) for each in events)


def finished(told):
    return shown([each.parsed() for each in told if isinstance(each, Finished)])


def pieces(data: bytes, number: int = 20) -> Iterator[bytes]:
    size = len(data) // number + 1
    yield from (data[start : start + size] for start in range(0, len(data), size))


@contextmanager
def writing(work) -> Iterator[None]:
    """Do the work of whoever writes a stream."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join()


# Files, pipes, servers


@pytest.mark.parametrize("isolate", ["1", "0"])
def test_a_file_that_grows(tmp_path, monkeypatch, film, whole, isolate):
    monkeypatch.setenv("SEEHEAR_ISOLATE", isolate)
    data, growing = film.read_bytes(), tmp_path / "growing.ts"
    growing.write_bytes(data[:1])

    def grow() -> None:
        with growing.open("ab") as file:
            for piece in pieces(data[1:]):
                file.write(piece)
                file.flush()
                time.sleep(0.02)

    with writing(grow):
        told = list(Levels().follow(growing, stall=1.5))
    assert finished(told) == shown(whole.events)
    assert told[-1] == Ended(Ending.IDLE, pytest.approx(whole.duration))
    assert told[0].source == str(growing)


def test_a_file_that_is_cut(tmp_path, film):
    (tmp_path / "film.ts").write_bytes(film.read_bytes())
    source = GrowingFile(tmp_path / "film.ts", 30)
    assert source.read(1 << 30)
    os.truncate(tmp_path / "film.ts", 10)
    assert source.read(10) == b""
    assert source.ending is Ending.BROKEN


@pytest.mark.parametrize("isolate", ["1", "0"])
def test_a_named_pipe_without_a_writer_yet(tmp_path, monkeypatch, film, whole, isolate):
    monkeypatch.setenv("SEEHEAR_ISOLATE", isolate)
    os.mkfifo(tmp_path / "pipe")

    def fill() -> None:
        time.sleep(0.3)
        (tmp_path / "pipe").write_bytes(film.read_bytes())

    with writing(fill):
        told = list(Levels().follow(tmp_path / "pipe"))
    assert finished(told) == shown(whole.events)
    assert told[-1].reason is Ending.ENDED


def test_a_pipe_that_nobody_writes(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ClipError, match=r"pipe: nothing came within 0\.2 s"):
        Levels().follow(tmp_path / "pipe", stall=0.2)


def test_a_pipe_that_stalls(film):
    outgoing, incoming = os.pipe()
    with (
        os.fdopen(outgoing, "rb", buffering=0) as reader,
        os.fdopen(incoming, "wb", buffering=0) as writer,
        writing(lambda: writer.write(film.read_bytes())),  # and no end
    ):
        told = list(Levels().follow(Slow(reader), stall=0.5))
    assert told[-1].reason is Ending.STALLED
    begun = sum(isinstance(each, Begun) for each in told)
    assert begun == sum(isinstance(each, Finished) for each in told) > 0  # all are closed


class Slow:
    """A file without a name."""

    def __init__(self, file) -> None:
        self.read = file.read


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    data, behaviour, seen = b"", "", []

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers))
        if self.behaviour.startswith("http"):
            self.send_response(302)
            self.send_header("Location", self.behaviour)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.behaviour == "missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for n, piece in enumerate(pieces(self.data)):
            if self.behaviour == "breaks" and n == 15:
                self.close_connection = True
                return
            if self.behaviour == "stalls" and n == 15:
                time.sleep(1.5)
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(data: bytes, behaviour: str = "") -> Iterator[str]:
    handler = type("Own", (Server,), {"data": data, "behaviour": behaviour, "seen": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    serving.seen = handler.seen
    yield f"http://127.0.0.1:{server.server_port}/live.ts?token=SECRET"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("behaviour", "reason"), [("", Ending.ENDED), ("breaks", Ending.BROKEN), ("stalls", Ending.STALLED)]
)
def test_a_server(film, whole, behaviour, reason):
    with serving(film.read_bytes(), behaviour) as address:
        told = list(Levels().follow(address, stall=30 if not behaviour else 0.5))
    assert told[-1].reason is reason
    assert (finished(told) == shown(whole.events)) is not bool(behaviour)
    assert "SECRET" not in json.dumps([each.as_json() for each in told])
    assert told[0].source.endswith("/live.ts")


def test_a_server_without_the_stream():
    with (
        serving(b"", "missing") as address,
        pytest.raises(ClipError, match=r"live\.ts: the server answers 404") as error,
    ):
        Levels().follow(address)
    assert "SECRET" not in str(error.value)
    with pytest.raises(ClipError, match="can't be reached"):
        Levels().follow("http://127.0.0.1:9/x.ts")


def test_a_login_goes_to_its_server_alone(tmp_path, monkeypatch, film):
    (tmp_path / ".netrc").write_text("machine localhost login me password SECRET\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving(film.read_bytes()) as address:
        final = serving.seen
        with serving(b"", address) as moved:
            first = serving.seen
            assert list(Levels().follow(moved.replace("127.0.0.1", "localhost")))
    assert [headers.get("Authorization") for headers in first] == ["Basic bWU6U0VDUkVU"]
    assert [headers.get("Authorization") for headers in final] == [None]


def test_a_server_may_not_lead_to_an_open_line():
    request = urllib.request.Request("https://example.org/a.ts")
    with pytest.raises(urllib.error.HTTPError, match="leads to an address without https"):
        Redirects().redirect_request(request, None, 302, "", {}, "http://example.org/a.ts")


def test_a_camera_is_opened_by_ffmpeg(monkeypatch):
    """No camera is at hand: FFmpeg gets its address, and says that nobody answers there."""
    monkeypatch.setenv("SEEHEAR_ISOLATE", "0")
    opened = []
    plain = stream.av.open
    monkeypatch.setattr(stream.av, "open", lambda *a, **o: opened.append((a, o)) or plain(*a, **o))
    with pytest.raises(ClipError) as error:
        Levels().follow("rtsp://user:SECRET@127.0.0.1:9/door", stall=2)
    ((place, _), options) = opened[0]
    assert place == "rtsp://user:SECRET@127.0.0.1:9/door"
    assert options["timeout"] == (2, 2)
    assert options["options"]["rtsp_transport"] == "tcp"
    assert str(error.value).startswith("rtsp://127.0.0.1:9/door: ")
    assert "SECRET" not in str(error.value)


# What can't be followed


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.ts", "missing.ts: no such file"),
        (".", "is a folder, socket or device"),
        ("udp://239.0.0.1:1234", "streams come from http://"),
        ("s3://bucket/a.ts", "streams come from http://"),
        ("http://me:SECRET@host/a.ts", "must not hold a user name or password"),
        (5, "follow takes a path, an address or an open binary file, not int"),
    ],
)
def test_sources_that_are_none(tmp_path, monkeypatch, source, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SeehearError, match=message) as error:
        Levels().follow(source)
    assert "SECRET" not in str(error.value)


def test_content_that_is_no_stream(tmp_path):
    movie(tmp_path / "a.mp4", 2.0)
    (tmp_path / "empty.ts").touch()
    (tmp_path / "words.ts").write_text("words " * 2000)
    (tmp_path / "list.ts").write_text("#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n" + "#\n" * 600)
    for name, message in {
        "a.mp4": "an MP4 whose index is written at its end",
        "empty.ts": "nothing came within 0.2 s",
        "words.ts": "is not a stream that FFmpeg can read from its start",
        "list.ts": "a list of other files",
    }.items():
        with pytest.raises(ClipError, match=f"{name}: .*{message}"):
            Levels().follow(tmp_path / name, stall=0.2)
    with pytest.raises(ClipError, match="is empty"):
        Levels().follow(io.BytesIO())
    with pytest.raises(SeehearError, match="stall must be a number of seconds above 0"):
        Levels().follow(tmp_path / "a.mp4", stall=-1)


def test_a_stream_without_the_parsers_modalities(tmp_path):
    class Deaf(Levels):
        collocation = {"visual": ["shade"]}  # noqa: RUF012
        reader = type(Levels.reader)([pair for pair in Levels.reader.networks if pair[0].name == "shade"],
                                     Levels.reader.settings)  # fmt: skip

    write(tmp_path / "a.wav", sound=tone(300, 3), sound_codec="pcm_s16le")
    with pytest.raises(ClipError, match="has no video track, which shade needs"):
        Deaf().follow(tmp_path / "a.wav", stall=0.2)


def test_an_object_that_fails(film):
    class Failing(io.BytesIO):
        def read1(self, size=-1):
            if self.tell() > 20_000:
                raise RuntimeError("the cable is out")
            return super().read1(min(size, 5000))

    with pytest.raises(ClipError, match="reading it failed with RuntimeError: the cable is out"):
        list(Levels().follow(Failing(film.read_bytes())))


# Streams that change


@pytest.mark.parametrize(
    "change", [{}, {"rate": 22050}, {"width": 48}, {"sound": "silence"}, {"codec": "mpeg2video", "fps": 25}]
)
def test_recordings_one_after_another(tmp_path, change):
    """The clock starts anew, and with it the size of frames, the rate of samples, or a codec."""
    first = recording(tmp_path / "first.ts", 8.0)
    options = dict(change)
    if "width" in options:
        side = options.pop("width")
        options["picture"] = lambda n: np.full((side, side, 3), 30 + 2 * n, np.uint8)
    if "rate" in options:
        options["sound"] = tone(300, 8.0, options["rate"])
    elif "sound" in options:
        options["sound"] = np.zeros(8 * 16000, np.float32)
    second = recording(tmp_path / "second.ts", 8.0, **options)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes() + first.read_bytes())
    decoding = Decoding("none", 0.55)
    whole = Levels().parse(joined, decoding=decoding)
    told = list(Levels().follow(joined, decoding=decoding, stall=0.2))
    assert finished(told) == shown(whole.events)
    assert told[-1].duration == pytest.approx(whole.duration, abs=0.1)
    (parts,) = [note.amount for note in whole.notes if note.kind is NoteKind.CLOCK_RESET]
    assert 1 <= sum(isinstance(each, Restarted) for each in told) <= parts - 1  # two at once are told once


@pytest.mark.parametrize("share", [0.35, 0.62, 0.9])
def test_a_stream_that_breaks_off_within_a_packet(tmp_path, film, share):
    data = film.read_bytes()
    cut = tmp_path / "cut.ts"
    cut.write_bytes(data[: int(len(data) * share) // 188 * 188 + 77])
    decoding = Decoding("none", 0.55)
    whole = Levels().parse(cut, decoding=decoding)
    told = list(Levels().follow(io.BytesIO(cut.read_bytes()), decoding=decoding))
    assert finished(told) == shown(whole.events)
    assert told[-1].reason is Ending.ENDED


def test_a_track_that_pauses_holds_nothing_up(tmp_path):
    """The picture stands still for 14 s: what is heard is told meanwhile."""
    times = np.concatenate([np.arange(20) / 5, 18 + np.arange(40) / 5])
    file = recording(tmp_path / "film.mkv", 26.0, times=times, codec="ffv1", pixels="yuv444p", sound_codec="flac",
                     picture=lambda n: np.full((16, 16, 3), 4 * n, np.uint8))  # fmt: skip
    decoding = Decoding("none", 0.55)
    told = list(Levels().follow(file, decoding=decoding, stall=0.2))
    assert finished(told) == shown(Levels().parse(file, decoding=decoding).events)


# How far behind


def test_the_lag_is_what_came_and_was_not_read():
    state = State(arrived=0.0, edge=100.0, edge_at=50.0, restarts=0)
    assert state.lag(position=50.0, now=100.0) == 0
    assert state.lag(position=60.0, now=130.0) == 20
    assert state.lag(position=90.0, now=130.0) == 0  # it catches up


def test_a_machine_that_is_too_slow_says_so(film, monkeypatch):
    """The clock of this test goes on by three seconds whenever somebody looks at it."""
    live = Levels().follow(io.BytesIO(film.read_bytes()))
    clock = count(time.time(), 3)
    monkeypatch.setattr("seehear.parsing.live.time.time", lambda: next(clock))
    lags = [each.lag for each in live if each.type == "lag"]
    assert lags
    assert all(later >= 2 * earlier for earlier, later in pairwise(lags))


# Processes


def test_stop_ends_the_process_and_the_events(film):
    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            self.data = io.BytesIO(film.read_bytes())

        def read(self, size=-1):
            if not (piece := self.data.read(size)):
                self.data.seek(0)
                piece = self.data.read(size)
            return piece

    live = Levels().follow(Endless())
    for each in live:
        if isinstance(each, Begun):
            break
    (child,) = live._stream._decoder.children
    left = live.stop()
    assert isinstance(left[-1], Ended)
    assert left[-1].reason is Ending.INTERRUPTED
    assert (each.label, each.modality) in {(other.label, other.modality) for other in left[:-1]}
    assert child.process.poll() is not None
    assert live.stop() == []


@pytest.mark.parametrize("noticed", [True, False])
def test_a_decoder_that_is_killed_is_told(film, noticed):
    tap = Slow(open(film, "rb"))  # noqa: SIM115
    live = Levels().follow(tap)
    assert next(live) == live.started
    (child,) = live._stream._decoder.children
    child.process.kill()
    if noticed:
        child.process.wait()  # no other process goes on, which would have lost what this one had read
    with pytest.raises(ClipError, match="its decoder was killed"):
        list(live)
    assert [each.type for each in live.stop(Ending.BROKEN)] == ["end"]


def test_no_process_is_left_if_it_can_not_be_opened(film):
    opened = OpenStream(io.BytesIO(film.read_bytes()), 5)
    (child,) = opened._decoder.children
    opened.close()
    assert child.process.poll() is not None
    assert source_of("-", 5).name == "standard input"


# The command


def command(*arguments: object, **options: object) -> subprocess.Popen:
    line = [sys.executable, "-m", "seehear", "parse", *map(str, arguments)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_the_command_prints_lines(place, film, more):
    done = command(place.run / "seed-3", film, "--follow", "--stall", "0.3", "--trust-code", *more)
    out, said = done.communicate()
    told = lines(out)
    assert done.returncode == 0, said
    assert [told[0]["type"], told[-1]["type"], told[-1]["reason"]] == ["start", "end", "idle"]
    assert f"following {film}" in said
    assert "the file does not grow any more" in said


@pytest.fixture
def endless(film) -> Iterator[subprocess.Popen]:
    """Writes a stream that never ends."""
    code = "import sys; data = open(sys.argv[1], 'rb').read()\nwhile True: sys.stdout.buffer.write(data)"
    feeder = subprocess.Popen([sys.executable, "-c", code, film], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    yield feeder
    feeder.kill()
    feeder.wait()
    feeder.stdout.close()


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid: int) -> bool:
    """Whether a process ends within a while; a zombie has ended."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_decoder_outlives_the_command(place, endless, how):
    """Ctrl-C closes what was begun and exits with 130; kill -9 leaves nothing behind."""
    done = command(place.run / "seed-3", "-", "--follow", "--trust-code", "--threshold", "0", "--filter", "none",
                   stdin=endless.stdout)  # fmt: skip
    first = [json.loads(done.stdout.readline()) for _ in range(4)]
    assert [each["type"] for each in first] == ["start", "begin", "begin", "begin"]
    decoders = children(done.pid)
    assert decoders
    done.send_signal(how)
    out, said = done.stdout.read(), done.stderr.read()  # `communicate` would lose what `readline` has buffered
    done.wait()
    assert all(map(gone, decoders))
    if how != signal.SIGKILL:
        assert done.returncode == 130, said
        told = [*first, *lines(out)]
        assert told[-1]["reason"] == "interrupted"
        begun = [(each["label"], each["modality"], each["onset"]) for each in told if each["type"] == "begin"]
        ended = [(each["label"], each["modality"], each["onset"]) for each in told if each["type"] == "event"]
        assert sorted(begun) == sorted(ended)
        assert "Traceback" not in said


def test_a_reader_that_closes_ends_it(place, endless):
    done = command(place.run / "seed-3", "-", "--follow", "--trust-code", "--threshold", "0.5", stdin=endless.stdout)
    done.stdout.readline()
    done.stdout.close()
    said = done.stderr.read()
    assert done.wait() == 0, said


def test_the_command_says_what_it_can_not_do(place, film, tmp_path):
    run = place.run / "seed-3"
    for arguments, message in [
        ([film, film], "one stream at a time"),
        ([film, "--out", tmp_path / "out"], "leave out --out"),
        ([film, "--workers", 2], "leave out --engine"),
        ([tmp_path / "none.ts"], "none.ts: no such file"),
    ]:
        done = command(run, *arguments, "--follow", "--trust-code")
        out, said = done.communicate()
        assert (done.returncode, out) == (1, "")
        assert message in said
    assert not (tmp_path / "out").exists()


def test_tracks_that_lie_apart_in_a_file_are_no_stream():
    """All its sound lies behind all its pictures: nothing of both could be said before its end."""
    film = Path(__file__).parents[2] / "demo/long.mp4"
    with pytest.raises(ClipError, match=r"long\.mp4: its audio track lies more than 10 s behind the other one"):
        Levels().follow(film)
