"""The page's routes over a real socket: who may ask, how much, and what is answered."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from running import running
from seehear.errors import SeehearError
from seehear.labelling import ClipLabels, Session
from seehear.labelling.app import open_server
from seehear.labels import read_weak
from seehear.serving import local
from seehear.serving.guard import MAX_BODY

from .made import CLASSES, clips, suggester

DATA = bytes(range(256)) * 8
GOOD = {"labels": {"Dog": None}, "done": True, "events": [], "timed": False}


@contextmanager
def served(session, suggester=None):
    with running(open_server(session, suggester)) as server:
        yield server


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    place = tmp_path_factory.mktemp("app")
    folder = clips(place / "clips", 5)
    (folder / "a b%#?é.mp4").write_bytes(DATA)
    (place / "secret.mp4").write_bytes(b"secret")
    return Session(place / "labels", folder, classes=CLASSES, by="ann")


@pytest.fixture(scope="module")
def server(session):
    with served(session) as server:
        yield server


def ask(server, target, body=None, *, method=None, token=True, **headers):
    """Status, headers, and the body, read as JSON where it is."""
    own = {"Host": f"127.0.0.1:{server.port}"}
    if token:
        own["Cookie"] = f"{server.guard.cookie}={server.guard.token}"
    data = body
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        own |= {"Origin": f"http://127.0.0.1:{server.port}", "Content-Type": "application/json"}
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request(method or ("GET" if body is None else "POST"), target, data, own)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    is_json = answer.headers["Content-Type"] == "application/json"
    return answer.status, answer.headers, json.loads(content) if is_json and content else content


TARGETS = ["/", "/label.js", "/label.css", "/api/state", "/api/clips", "/api/next", "/media/clip_000", "/none"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("cookie", ["", "wrong", "é"])
def test_without_the_token_nothing_is_answered(server, target, cookie):
    for where in (target, f"{target}?token={quote(cookie) or 'x'}"):
        status, headers, body = ask(server, where, token=False, Cookie=f"{server.guard.cookie}={cookie}".encode())
        assert (status, headers["Set-Cookie"]) == (403, None)
        assert b"token" in body
        assert server.guard.token.encode() not in body
    status, _, _ = ask(server, "/api/undo", {}, token=False)
    assert status == 403


def test_the_token_counts_in_the_first_address_alone(server):
    status, headers, _ = ask(server, f"/?token={server.guard.token}", token=False)
    assert (status, headers["Location"]) == (303, "/")
    cookie = headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert ask(server, "/", token=False, Cookie=cookie.split(";")[0])[0] == 200
    for target in ("/api/state", "/media/clip_000", "/label.js"):
        assert ask(server, f"{target}?token={server.guard.token}", token=False)[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil:{}", "[::1]:{}", ""])
def test_other_names_of_this_computer_are_refused(server, host):
    """A site that maps its own name to this computer."""
    for target in ("/", "/api/state", f"/?token={server.guard.token}"):
        assert ask(server, target, Host=host.format(server.port))[0] == 403
    assert ask(server, "/api/state", Host=f"LOCALHOST:{server.port}")[0] == 200


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "https://127.0.0.1:{}", "http://127.0.0.1", ""])
def test_changes_that_another_site_sends_are_refused(server, session, origin):
    body = {"version": 0, "choice": "person", "state": GOOD}
    for target in ("/api/clip/clip_000", "/api/undo", "/api/classes"):
        assert ask(server, target, body, Origin=origin.format(server.port))[0] == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert ask(server, "/api/undo", {}, Content_Type=kind)[0] == 415
    assert ask(server, "/api/undo", {}, Sec_Fetch_Site="cross-site")[0] == 403
    assert session["clip_000"].version == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(server, method):
    assert ask(server, "/api/state", method=method)[0] == 405


def test_every_answer_has_the_policy(server):
    for target in (*TARGETS, "/api/clip/none"):
        _, headers, _ = ask(server, target)
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert {source for sources in policy.values() for source in sources.split()} <= {"'none'", "'self'", "data:"}
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Access-Control-Allow-Origin"] is None


def test_clips_are_served_in_parts_and_no_other_file(server):
    target = f"/media/{quote('a b%#?é', safe='')}"
    assert ask(server, target)[::2] == (200, DATA)
    status, headers, body = ask(server, target, Range="bytes=100-199")
    assert (status, body, headers["Content-Range"]) == (206, DATA[100:200], f"bytes 100-199/{len(DATA)}")
    assert ask(server, target, Range=f"bytes={len(DATA)}-")[0] == 416
    assert headers["Content-Type"] == "video/mp4"
    for name in ("secret", "..%2Fsecret", "../secret", "%2e%2e/secret.mp4", "clip_000.mp4", "none", "", "%00"):
        assert ask(server, f"/media/{name}")[0] in (404, 400)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"nul", b"[" * 1000, b"1", b'{"version":' + b"9" * 99])
def test_bodies_that_are_no_objects_are_refused(server, body):
    status, _, answer = ask(server, "/api/clip/clip_000", body)
    assert status == 400
    assert answer["error"]


@pytest.mark.parametrize(
    "change",
    [
        {"version": "0"},
        {"version": True},
        {"version": None},
        {"choice": "mine"},
        {"state": None},
        {"state": {"labels": []}},
        {"state": {**GOOD, "labels": {"a,b": None}}},
        {"state": {**GOOD, "labels": {"Dog": "smelt"}}},
        {"state": {**GOOD, "labels": {f"c{n}": None for n in range(300)}}},
        {"state": {**GOOD, "events": [{"modality": "audio", "label": "Dog", "onset": 2, "offset": 1}]}},
        {"state": {**GOOD, "events": [{"modality": "audio", "label": "Dog", "onset": -1, "offset": 1}]}},
        {"state": {**GOOD, "events": [{"modality": "audio", "label": "Dog", "onset": 0, "offset": 1e99}]}},
        {"state": {**GOOD, "done": 1}},
    ],
)
def test_changes_that_can_not_be_are_refused(server, session, change):
    body = {"version": 0, "choice": "person", "state": GOOD, **change}
    status, _, answer = ask(server, "/api/clip/clip_000", body)
    assert status == 400
    assert answer["error"]
    assert session["clip_000"].version == 0


def test_bodies_are_bounded(server):
    assert ask(server, "/api/undo", b" " * (MAX_BODY + 1))[0] == 413
    head = (
        f"POST /api/undo HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: http://127.0.0.1:{server.port}\r\n"
        f"Cookie: {server.guard.cookie}={server.guard.token}\r\nContent-Type: application/json\r\n"
    )
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        try:
            for _ in range(MAX_BODY // 0x10000 + 1):
                connection.sendall(chunk)
            answer = connection.recv(100)
        except ConnectionError:
            answer = b"HTTP/1.1 413 "
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert ask(server, "/api/state")[0] == 200
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        try:
            connection.sendall(b"GET /?" + b"a" * (4 << 20))
            answer = connection.recv(100)
        except ConnectionError:
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


def test_idle_connections_do_not_keep_others_out(server):
    waiting = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    for _ in range(3):
        assert ask(server, "/api/state")[0] == 200
    for connection in waiting:
        connection.close()


def test_connections_without_a_request_are_closed(session, monkeypatch):
    monkeypatch.setattr(local, "IDLE", 0.1)
    with served(session) as server:
        waiting = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        waiting[0].sendall(b"GET / HTTP/1.1\r\nHost")
        for connection in waiting:
            connection.settimeout(20)
            assert connection.recv(100) == b""
            connection.close()
        assert ask(server, "/api/state")[0] == 200


def test_a_change_is_in_the_table_once_it_is_answered(tmp_path):
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 3), classes=CLASSES, by="ann")
    with served(session) as server:
        body = {"version": 0, "choice": "unsure", "state": GOOD}
        status, _, answer = ask(server, "/api/clip/clip_000", body)
        assert (status, answer["version"], answer["status"], answer["by"]) == (200, 1, "labelled", "ann")
        assert read_weak(tmp_path / "labels" / "weak.csv").labels == {"clip_000": ("Dog",)}
        status, _, answer = ask(server, "/api/undo", {})
        assert (answer["clip"], answer["labels"], answer["version"]) == ("clip_000", None, 2)
        assert ask(server, "/api/undo", {})[2] == {"clip": None}
        assert ask(server, "/api/classes", {"label": "Bird"})[2]["names"] == [*CLASSES, "Bird"]
        assert ask(server, "/api/classes", {"label": "a,b"})[0] == 400


def test_a_change_to_an_earlier_version_is_refused_with_the_current_one(tmp_path):
    """Two tabs, and another process."""
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 3), classes=CLASSES, by="ann")
    other = Session(tmp_path / "labels", tmp_path / "clips", by="bob")
    with served(session) as server:
        assert ask(server, "/api/clip/clip_000")[2]["version"] == 0
        other.label("clip_000", ["Cat"])
        status, _, answer = ask(server, "/api/clip/clip_000", {"version": 0, "choice": "person", "state": GOOD})
        assert status == 409
        assert "changed by bob" in answer["error"]
        assert (answer["current"]["labels"], answer["current"]["version"]) == ({"Cat": None}, 1)
        status, _, answer = ask(server, "/api/clip/clip_000", {"version": 1, "choice": "person", "state": GOOD})
        assert (status, answer["version"]) == (200, 2)


def test_ten_thousand_clips_are_listed_some_at_a_time(tmp_path):
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 10_000), classes=CLASSES)
    session.label("clip_5000", ["Dog"])
    session.label("clip_5001", [])
    with served(session) as server:
        found = []
        for offset in range(0, 10_000, 200):
            answer = ask(server, f"/api/clips?offset={offset}&limit=1000000")[2]
            assert (answer["total"], len(answer["rows"])) == (10_000, 200)
            found += [row["clip"] for row in answer["rows"]]
        assert found == list(session.clips)

        def listed(**query):
            answer = ask(server, "/api/clips?" + "&".join(f"{name}={value}" for name, value in query.items()))[2]
            return answer["total"], [row["clip"] for row in answer["rows"]]

        assert listed(status="labelled") == (1, ["clip_5000"])
        assert listed(status="nothing") == (1, ["clip_5001"])
        assert listed(label="Dog") == (1, ["clip_5000"])
        assert listed(label="Cat") == (0, [])
        assert listed(status="unlabelled")[0] == 9998
        assert listed(text="CLIP_77", limit=2) == (110, ["clip_770", "clip_7700"])
        chance = [clip for clip in session.clips if session.chooser.is_random(clip)]
        assert listed(status="random", limit=5) == (len(chance), chance[:5])
        for wrong in ("offset=-1", "offset=x", "limit=1e3", "status=mine", f"offset={'9' * 50}"):
            assert ask(server, f"/api/clips?{wrong}")[0] == 400


def test_suggestions_and_the_round_of_a_run(tmp_path):
    found = {f"clip_00{n}": {"Cat": 0.6, "Dog": 0.9} for n in range(3)}
    own = suggester(found)
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 4), classes=CLASSES, suggester=own, every=1)
    for _ in range(2):
        clip, choice = session.next()
        session.change(clip, ClipLabels({"Dog": None}, True), choice=choice)
    with served(session, own) as server:
        session.suggestions._thread.join()
        answer = ask(server, "/api/clip/clip_000")[2]
        assert [one["label"] for one in answer["suggestions"]] == ["Dog", "Cat"]
        assert ask(server, "/api/clip/clip_003")[2]["failure"].endswith("can't be decoded")
        state = ask(server, "/api/state")[2]
        assert (state["failures"], state["suggests"], state["labelled"]) == (1, True, 2)
        while (answer := ask(server, "/api/round")[2])["scoring"]:
            pass
        assert answer["round"]["text"].startswith("first round: ")


def test_a_failure_is_one_line_and_no_traceback(tmp_path, monkeypatch, capsys):
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 1), classes=CLASSES)
    with served(session) as server:
        monkeypatch.setattr(session, "summary", lambda: 1 / 0)
        assert ask(server, "/api/state")[0] == 500
    error = capsys.readouterr().err
    assert error == "a request could not be answered: ZeroDivisionError('division by zero')\n"


def test_a_port_that_is_taken_is_named(server, session):
    with pytest.raises(SeehearError, match=f"port {server.port}: is not available"):
        open_server(session, port=server.port)
    with pytest.raises(SeehearError, match="port 70000"):
        open_server(session, port=70_000)
