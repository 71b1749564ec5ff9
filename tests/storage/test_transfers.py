"""Servers that break off, are busy, refuse, or send on elsewhere: what is repeated, and what is said."""

from __future__ import annotations

import pickle
import socket
import ssl

import numpy as np
import pytest

import seehear as sh
from seehear.errors import ClipError, SeehearError
from seehear.storage import transfers
from seehear.storage.files import fetched, locate, remote_file
from seehear.storage.remote import place_of
from storage.conftest import colours

CONTENT = bytes(range(256)) * 400


def content_of(location) -> bytes:
    with fetched(location) as file:
        return file.read_bytes()


@pytest.mark.parametrize("faults", [["cut"], ["cut", "cut", 503], [503, 503], [429, 500, 502, 504, 408]])
def test_what_may_succeed_is_repeated_and_said_once(web, capsys, faults):
    web.files |= {"/a.mp4": CONTENT, "/b.mp4": CONTENT[::-1]}
    file, other = remote_file(f"{web.address}/a.mp4"), remote_file(f"{web.address}/b.mp4")
    web.faults |= {"/a.mp4": list(faults), "/b.mp4": [503]}
    assert content_of(file) == CONTENT
    assert content_of(other) == CONTENT[::-1]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith(f"{web.address}/a.mp4: ")
    assert said[0].endswith("repeated for about 60 s")


def test_a_clip_that_broke_off_has_the_features_of_the_whole(web, clips):
    web.files["/clip0.mp4"] = (clips / "clip0.mp4").read_bytes()
    whole = sh.extract(clips / "clip0.mp4", [colours], progress=False)
    web.faults["/clip0.mp4"] = ["cut", "cut"]
    np.testing.assert_array_equal(
        sh.extract(f"{web.address}/clip0.mp4", [colours], progress=False)["colours"], whole["colours"]
    )


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, r"the right to read it is missing \(the server answered 403\)\. Credentials are yours.*\.netrc"),
        (401, "the right to read it is missing"),
        (404, "no such file"),
        (501, "can't read it: the server answered 501"),
    ],
)
def test_what_can_not_succeed_is_not_repeated(web, status, message):
    web.files["/a.mp4"] = CONTENT
    file = remote_file(f"{web.address}/a.mp4")
    web.log.clear()
    web.faults["/a.mp4"] = [status]
    with pytest.raises(ClipError, match=f"{web.address}/a.mp4: {message}"):
        content_of(file)
    assert web.log["GET", "/a.mp4"] == 1


def test_a_server_that_is_down_gets_one_try_per_request_until_it_answers(web, monkeypatch):
    monkeypatch.setattr(transfers, "PATIENCE", 0.2)
    web.files["/a.mp4"] = CONTENT
    file = remote_file(f"{web.address}/a.mp4")
    web.faults["/a.mp4"] = [503] * 99
    with pytest.raises(ClipError, match=r"the server answered 503.*run again later"):
        content_of(file)
    assert web.log["GET", "/a.mp4"] > 2
    web.log.clear()
    with pytest.raises(ClipError, match="503"):
        content_of(file)
    assert web.log["GET", "/a.mp4"] == 1
    web.faults.clear()
    assert content_of(file) == CONTENT
    web.faults["/a.mp4"] = [503]
    assert place_of(web.address).read("a.mp4") == CONTENT


def test_nobody_listens_and_no_such_host(monkeypatch):
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    monkeypatch.setattr(transfers, "PATIENCE", 0.1)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(SeehearError, match=r"can't read it \(Conn"):
            locate(f"http://127.0.0.1:{closed.getsockname()[1]}/a.mp4")
    assert transfers.fault_of(socket.gaierror(socket.EAI_AGAIN, "")) is transfers.Fault.TRANSIENT
    assert transfers.fault_of(socket.gaierror(socket.EAI_NONAME, "")) is transfers.Fault.OTHER
    assert transfers.fault_of(ssl.SSLCertVerificationError()) is transfers.Fault.OTHER
    assert transfers.fault_of(ValueError()) is transfers.Fault.OTHER


@pytest.mark.parametrize("tagged", [True, False])
def test_what_changed_since_it_was_found_is_not_used(web, tagged):
    web.files["/a.mp4"] = CONTENT
    web.tagged = tagged
    file = remote_file(f"{web.address}/a.mp4")
    web.files["/a.mp4"] = CONTENT + b"more"
    with pytest.raises(ClipError, match=r"a\.mp4: has changed since it was found: run again"):
        content_of(file)
    assert content_of(remote_file(f"{web.address}/a.mp4")) == CONTENT + b"more"


def test_without_a_tag_or_time_a_file_is_fetched_each_time(web):
    web.files["/a.mp4"], web.tagged = CONTENT, False
    first = remote_file(f"{web.address}/a.mp4")
    assert content_of(first) == CONTENT
    web.files["/a.mp4"] = CONTENT[::-1]
    assert content_of(remote_file(f"{web.address}/a.mp4")) == CONTENT[::-1]
    assert first.facts() != remote_file(f"{web.address}/a.mp4").facts()


def test_a_tag_tells_changes_within_a_second(web):
    web.files["/a.mp4"] = CONTENT
    first = remote_file(f"{web.address}/a.mp4")
    assert remote_file(f"{web.address}/a.mp4").facts() == first.facts()
    web.files["/a.mp4"] = CONTENT[::-1]
    second = remote_file(f"{web.address}/a.mp4").facts()
    assert second.size == first.size
    assert second.modified // 10**9 == first.modified // 10**9 == 10**9
    assert second != first.facts()


def test_a_server_that_announces_no_size(web, monkeypatch):
    from storage import conftest

    web.files["/a.mp4"] = CONTENT
    start = conftest.Handler.start
    monkeypatch.setattr(conftest.Handler, "start", lambda self, status, length, **more: start(self, status, "", **more))
    with pytest.raises(SeehearError, match="announces no size"):
        remote_file(f"{web.address}/a.mp4")


def test_redirects_stay_on_the_web(web, monkeypatch):
    web.files["/a.mp4"] = CONTENT
    web.locations["/b.mp4"] = "/a.mp4"
    assert content_of(remote_file(f"{web.address}/b.mp4")) == CONTENT
    web.locations["/c.mp4"] = f"http://localhost:{web.address.rpartition(':')[2]}/a.mp4"  # this computer to itself
    assert content_of(remote_file(f"{web.address}/c.mp4")) == CONTENT
    assert transfers.refused_redirect("https://host/a", "http://host/a")
    assert transfers.refused_redirect("http://host/a", "http://127.9.9.9/a")
    assert transfers.refused_redirect("https://host/a", "https://127.0.0.1/a")
    assert transfers.refused_redirect("http://host/a", "http://[::1]:80/a")
    assert not transfers.refused_redirect("https://host/a", "https://other/a")
    monkeypatch.setattr(transfers, "refused_redirect", lambda here, there: True)
    web.log.clear()
    with pytest.raises(SeehearError, match=r"b\.mp4: can't read it: the server sends on .* which is refused"):
        remote_file(f"{web.address}/b.mp4")
    assert not web.log["GET", "/a.mp4"] + web.log["HEAD", "/a.mp4"]


def test_a_file_travels_to_other_processes(web):
    web.files["/a.mp4"] = CONTENT
    file = remote_file(f"{web.address}/a.mp4?X-Amz-Signature=1")
    assert pickle.loads(pickle.dumps(file)) == file
    assert (file.name, file.stem, file.suffix, file.size) == ("a.mp4", "a", ".mp4", len(CONTENT))
