"""Report pages and clips over HTTP: which files are served, in which parts, and which are not."""

import html.parser
import http.client
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
from contextlib import closing, contextmanager, suppress
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from running import running
from seehear.errors import SeehearError
from seehear.media.suffixes import SUFFIXES
from seehear.pages.server import PageServer, Site, open_server
from seehear.parsing import folder as parsed
from seehear.parsing.clip import ParsedClip
from seehear.serving import local
from seehear.serving.files import TYPES, byte_range
from seehear.serving.local import PORTS

SECRET, PAGE, INNER = b"a secret", b"<p>a page", b"<p>a page in a folder"
CLIP, INSIDE = bytes(range(256)) * 4, b"a clip in the folder"
LONG = 64 << 20  # bytes of a file that no one should hold in memory
SIZES = (0, 1, 37)


@contextmanager
def served(folder, rest=0.0):
    """A running server of a folder, which it searches whenever something unknown is requested."""
    with running(PageServer(Site(folder, rest))) as server:
        yield server


def ask(server, target, method="GET", connection=None, **headers):
    """Status, headers and body."""
    connection = connection or http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request(method, target, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def raw(server, text):
    """All that comes back for these bytes, until the server hangs up."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as stream:
            return stream.read()


def parse_of(clip, folder, name="a"):
    """What `seehear parse` writes of a clip."""
    return parsed.write(ParsedClip(name, str(clip), 1.0, 1.0, ("audio",), "global", (), {}), folder)


def make(files):
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A folder of pages among files that must not be served."""
    top = tmp_path_factory.mktemp("tree")
    out = top / "out"
    make(
        {
            top / "secret.txt": SECRET,
            top / "secret.html": SECRET,
            top / "outside" / "secret.mp4": SECRET,
            top / "clips" / "a b%#?é.mp4": CLIP,
            top / "clips" / "b.mp4": CLIP,
            out / "page.html": PAGE,
            out / "a..b.html": PAGE,
            out / "sub" / "index.html": INNER,
            out / "sub" / "in.mp4": INSIDE,
            out / ".hidden.html": SECRET,
            out / ".git" / "config.html": SECRET,
            out / "sub" / ".hidden.mp4": SECRET,
            out / "back\\slash.html": SECRET,
        }
        | {out / f"{size}.bin": CLIP[:size] for size in SIZES}
    )
    (out / "out.html").symlink_to("../secret.html")
    (out / "absolute.html").symlink_to(top / "secret.html")
    (out / "up").symlink_to("..")
    (out / "unhidden.html").symlink_to(".hidden.html")
    (out / "loop.html").symlink_to("loop.html")
    (out / "near.html").symlink_to("page.html")
    os.mkfifo(out / "pipe.html")
    with (out / "long.bin").open("wb") as stream:
        stream.truncate(LONG)
    parse_of(top / "clips" / "a b%#?é.mp4", out)
    parse_of(top / "clips" / "b.mp4", out / "sub" / "deep", "b")
    return top


@pytest.fixture(scope="module")
def server(tree):
    with served(tree / "out") as server:
        yield server


# What is served


@pytest.mark.parametrize(
    ("target", "body", "kind"),
    [
        ("/page.html", PAGE, "text/html; charset=utf-8"),
        ("/page.html?a=../b#c", PAGE, "text/html; charset=utf-8"),
        ("/near.html", PAGE, "text/html; charset=utf-8"),
        ("/a..b.html", PAGE, "text/html; charset=utf-8"),
        ("/%70age.html", PAGE, "text/html; charset=utf-8"),
        ("/sub/", INNER, "text/html; charset=utf-8"),
        ("/sub/index.html", INNER, "text/html; charset=utf-8"),
        ("/sub/in.mp4", INSIDE, "video/mp4"),
        ("/37.bin", CLIP[:37], "application/octet-stream"),
        ("/0.bin", b"", "application/octet-stream"),
        ("/clips/b.mp4", CLIP, "video/mp4"),
        (quote("/clips/a b%#?é.mp4"), CLIP, "video/mp4"),
    ],
)
def test_files_and_clips(server, capsys, target, body, kind):
    status, headers, found = ask(server, target)
    assert (status, found, headers["Content-Type"]) == (200, body, kind)
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Referrer-Policy"] == "no-referrer"
    head = ask(server, target, "HEAD")
    assert (head[0], head[2], head[1]["Content-Length"]) == (200, b"", str(len(body)))
    assert capsys.readouterr().err == ""


def test_names_in_raw_utf8_and_bytes_that_are_none(server):
    ask_for = b"GET /clips/a%20b%25%23%3F\xc3\xa9.mp4 HTTP/1.1\r\nConnection: close\r\nHost: localhost:%d\r\n\r\n"
    assert raw(server, ask_for.replace(b"%d", b"%d" % server.port)).endswith(b"\r\n\r\n" + CLIP)
    assert ask(server, "/%ff%fe.html")[0] == 404


def test_every_kind_of_clip_has_a_type():
    assert {TYPES[suffix].partition("/")[0] for suffix in SUFFIXES - {".gif", ".webp"}} == {"audio", "video"}
    assert all(re.fullmatch("text/.*|application/json|application/xml", TYPES[suffix].partition(";")[0])
               for suffix in TYPES if "charset" in TYPES[suffix])  # fmt: skip


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]


def test_a_listing_of_the_pages_where_there_is_no_index(tmp_path):
    names = ["a.html", "<b>&amp;\"'.html", "javascript:1.html", "deep/er/{0}%2F.html", "c d\n.html"]
    make({tmp_path / "out" / name: name.encode() for name in names})
    make({tmp_path / "x.html": SECRET, tmp_path / "out" / ".h.html": b"", tmp_path / "out" / ".d" / "a.html": b""})
    (tmp_path / "out" / "x.html").symlink_to("../x.html")
    (tmp_path / "out" / "y").symlink_to("..")
    with served(tmp_path / "out") as server:
        status, headers, body = ask(server, "/")
        page = Links()
        page.feed(body.decode())
        page.links.remove("data:,")  # an icon that isn't requested
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "<b>" not in body.decode()
        assert page.tags <= {"html", "meta", "title", "style", "link", "h1", "ul", "li", "a"}
        assert sorted(map(unquote, page.links)) == sorted(names)
        for link in page.links:
            assert ask(server, f"/{link}")[2] == unquote(link).encode()
        make({tmp_path / "out" / "index.html": PAGE})
        assert ask(server, "/")[2] == PAGE


def test_connections_are_kept_and_left_where_a_body_comes(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.connect()
    used = connection.sock
    answers = [ask(server, f"/{name}", connection=connection)[0] for name in ("page.html", "none", "page.html")]
    assert answers == [200, 404, 200]
    assert connection.sock is used
    smuggled = f"GET /page.html HTTP/1.1\r\nHost: {server.address[7:-1]}\r\n\r\n"
    for method in ("GET", "POST"):
        status, headers, _ = ask(server, "/none", method, Content_Length="0")
        assert status == (404 if method == "GET" else 405)
        assert headers["Connection"] == "close"
        request = f"{method} /none HTTP/1.1\r\nHost: {server.address[7:-1]}\r\nContent-Length: {len(smuggled)}\r\n"
        answer = raw(server, f"{request}Expect: 100-continue\r\n\r\n{smuggled}".encode())
        assert answer.startswith(b"HTTP/1.1 4")
        assert answer.count(b"HTTP/1.1") == 1


# Parts of files


def answer_to(header, data):
    """Status and body by the letter of RFC 9110, from slices of the bytes."""
    unit, _, span = header.strip().partition("=")
    first, dash, last = span.partition("-")
    if unit.lower() != "bytes" or not dash or any(sign not in "0123456789" for sign in first + last):
        return 200, data
    if first and last and int(last) < int(first):
        return 200, data
    if first:
        part = data[int(first) :][: int(last) - int(first) + 1 if last else None]
        return (206, part) if part else (416, b"")
    if not last or (not data and int(last)):
        return 200, data
    return (206, data[-int(last) :]) if int(last) else (416, b"")


NUMBER = st.one_of(st.just(""), st.integers(0, 45).map(str), st.integers(0, 10**25).map("{:04d}".format))
HEADER = st.one_of(
    st.builds("{}={}-{}".format, st.sampled_from(["bytes", "bytes", "Bytes", "lines", ""]), NUMBER, NUMBER),
    st.text("bytes=-0123456789, +_x\u00b2", max_size=16),
)
EXAMPLES = ["bytes=0-0", "bytes=-1", "bytes=-0", "bytes=0-", "bytes=36-", "bytes=37-", "bytes=5-4", "bytes=0-1,3-4",
            "bytes=-", "bytes=--1", "bytes=1_0-", "bytes=+1-", "bytes=0-99999999999999999999", "bytes=٣-"]  # fmt: skip


@given(HEADER, st.binary(max_size=40))
def test_ranges_are_slices(header, data):
    part = byte_range(header, len(data))
    status = 200 if part is None else 206 if part else 416
    body = data if part is None else data[part.start : part.stop] if part else b""
    assert (status, body) == answer_to(header, data)


@pytest.mark.parametrize("header", EXAMPLES)
@pytest.mark.parametrize("size", SIZES)
def test_the_edges_of_ranges(header, size):
    part = byte_range(header, size)
    status, body = answer_to(header, CLIP[:size])
    assert status == (200 if part is None else 206 if part else 416)
    assert body == (CLIP[:size] if part is None else CLIP[:size][part.start : part.stop] if part else b"")


@settings(max_examples=60)
@given(HEADER, st.sampled_from(SIZES))
@example("bytes=0-0", 37)
@example("bytes=37-", 37)
@example("bytes=" + "9" * 5000 + "-", 37)
def test_parts_over_http(server, header, size):
    data = CLIP[:size]
    status, headers, body = ask(server, f"/{size}.bin", Range=header.encode("latin-1"))
    expected = answer_to(header, data) if len(header) < 5000 else (200, data)
    assert (status, body) == expected
    assert headers["Content-Length"] == str(len(body))
    if status == 200:
        assert "Content-Range" not in headers
    elif status == 416:
        assert headers["Content-Range"] == f"bytes */{size}"
    else:
        first, last, of = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers["Content-Range"]).groups())
        assert (body, of) == (data[first : last + 1], size)
    head = ask(server, f"/{size}.bin", "HEAD", Range=header.encode("latin-1"))
    assert (head[0], head[1]["Content-Length"]) == (200, str(size))  # ranges are of GET alone


def test_parts_of_clips_elsewhere_and_two_headers(server):
    status, headers, body = ask(server, "/clips/b.mp4", Range="bytes=1000-")
    assert (status, body, headers["Content-Range"]) == (206, CLIP[1000:], "bytes 1000-1023/1024")
    twice = (
        f"GET /37.bin HTTP/1.1\r\nHost: localhost:{server.port}\r\nConnection: close\r\n" + "Range: bytes=0-0\r\n" * 2
    )
    assert raw(server, twice.encode() + b"\r\n").endswith(CLIP[:37])


def test_parts_beyond_four_gigabytes(tmp_path):
    size = (5 << 30) + 3
    with (tmp_path / "long.mp4").open("wb") as stream:  # all but the end takes no room
        stream.seek(size - 3)
        stream.write(b"end")
    with served(tmp_path) as server:
        status, headers, body = ask(server, "/long.mp4", Range=f"bytes={size - 5}-")
        assert (status, body) == (206, b"\0\0end")
        assert headers["Content-Range"] == f"bytes {size - 5}-{size - 1}/{size}"
        assert ask(server, "/long.mp4", "HEAD")[1]["Content-Length"] == str(size)


def test_long_files_are_not_held_in_memory(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    buffer, length = bytearray(1 << 18), 0
    tracemalloc.start()
    try:
        connection.request("GET", "/long.bin")
        answer = connection.getresponse()
        while n := answer.readinto(buffer):
            length += n
        assert tracemalloc.get_traced_memory()[1] < LONG / 8
    finally:
        tracemalloc.stop()
    assert length == LONG


def test_a_file_that_is_cut_short_meanwhile_ends_the_answer(tmp_path):
    """The browser must not wait for the rest."""
    make({tmp_path / "page.html": PAGE})
    with (tmp_path / "long.bin").open("wb") as stream:
        stream.truncate(LONG)
    with served(tmp_path) as server, idle(server, 1)[0] as connection:
        connection.sendall(f"GET /long.bin HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 200"
        os.truncate(tmp_path / "long.bin", LONG // 2)
        assert LONG // 2 <= len(closed(connection)) < LONG


def test_a_browser_asks_again_only_for_what_changed(tmp_path):
    file = tmp_path / "page.html"
    make({file: PAGE})
    with served(tmp_path) as server:
        _, headers, _ = ask(server, "/page.html")
        tag, date = headers["ETag"], headers["Last-Modified"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            status, again, body = ask(server, "/page.html", If_None_Match=known, Range="bytes=0-1")
            assert (status, body, again["ETag"]) == (304, b"", tag)
        assert ask(server, "/page.html", If_None_Match='"other"')[0] == 200
        assert ask(server, "/page.html", Range="bytes=0-1", If_Range=tag)[::2] == (206, PAGE[:2])
        for other in ('"other"', f"W/{tag}", date):  # a date doesn't tell apart what was written in one second
            assert ask(server, "/page.html", Range="bytes=0-1", If_Range=other)[::2] == (200, PAGE)
        stat = file.stat()
        for content, later in ((PAGE + b"!", 0), (PAGE[::-1], 1)):  # another size; another time
            file.write_bytes(content)
            os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + later))
            status, headers, body = ask(server, "/page.html", If_None_Match=tag)
            assert (status, body) == (200, content)
            assert headers["ETag"] != tag


# Who may ask, and how


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"])
def test_nothing_but_reading(server, method):
    status, headers, _ = ask(server, "/page.html", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "host",
    [
        "{}", "evil.example:{}", "localhost", "127.0.0.1", "localhost:1", "127.0.0.1:{}.evil", "localhost:{}, evil",
        "0.0.0.0:{}", "localhost.:{}", "a@localhost:{}", "",
    ],
)  # fmt: skip
def test_other_names_of_this_computer_are_refused(server, host):
    status, _, body = ask(server, "/page.html", Host=host.format(server.port))
    assert status == 403
    assert PAGE not in body


def test_its_own_names_are_not(server):
    for host in ("localhost", "LocalHost", "127.0.0.1"):
        assert ask(server, "/page.html", Host=f"{host}:{server.port}")[0] == 200
    for hosts in ("", f"Host: localhost:{server.port}\r\n" * 2):
        assert raw(server, f"GET /page.html HTTP/1.1\r\n{hosts}\r\n".encode()).startswith(b"HTTP/1.1 400 ")
    assert raw(server, b"GET /page.html HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 403 ")


@pytest.mark.skipif(sys.platform != "linux", reason="this computer has one such address here")
def test_other_addresses_of_this_computer_are_not_served(server):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port))


@pytest.mark.parametrize(
    "text",
    [
        b"", b"\r\n", b"\0\0\0", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /page.html\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"GET /" + b"a" * 70000,
    ],
)  # fmt: skip
def test_what_is_no_request(server, capsys, text):
    assert PAGE not in raw(server, text)
    assert ask(server, "/page.html")[2] == PAGE
    assert "Traceback" not in capsys.readouterr().err


# What is not served

UNHAD = [
    "/../secret.txt", "/%2e%2e/secret.txt", "/%2E./secret.html", "/..%2fsecret.html", "/..%5csecret.html",
    "/sub/../../secret.html", "/sub/..%2f..%2fsecret.html", "/./page.html", "//page.html/", "/sub//index.html",
    "/%5c..%5csecret.html", "/\\..\\secret.html", "/up/secret.html", "/out.html", "/absolute.html",
    "/unhidden.html", "/loop.html", "/pipe.html", "/.hidden.html", "/%2ehidden.html", "/.git/config.html", "/.git/",
    "/sub/.hidden.mp4", "/up/", "/page.html/", "/page.html%00", "/page.html%00.mp4", "/%00",
    "/back%5cslash.html", "/%c0%ae%c0%ae/secret.html", "/%252e%252e/secret.html", "/..%c0%afsecret.html",
    "/page.html%20", "/" + "a" * 5000, "/" + "a/" * 5000, "/%zz", "/%", "/outside/secret.mp4", "/clips/",
    "/clips%2fb.mp4", "/clips/../clips/b.mp4", "/clips/../../clips/b.mp4", "/../clips/b.mp4", "/a.mp4",
    "page.html", "*",
]  # fmt: skip


@pytest.mark.parametrize("target", UNHAD)
def test_no_way_out(server, tree, target):
    for path in (target, target.replace("secret.html", "secret.txt")):
        status, _, body = ask(server, path)
        assert (status, body) == (404, b"404 Not Found\n")
    assert ask(server, quote(str(tree / "secret.html")))[0] == 404


PIECES = [
    "..", ".", "%2e", "/", "/", "/", "%2f", "\\", "%5c", "secret.html", "secret.txt", "out", "up", "sub", "%00",
    "page.html", ".hidden.html", ".git", "clips", "b.mp4", "outside", "secret.mp4", "%c0%ae", "~", "C:",
]  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_no_way_out_by_chance(server, path):
    status, head, body = ask(server, f"/{path}")
    assert status in (200, 301, 404)
    if status == 301:  # to a folder that has an index, and never to another host
        assert (head["Location"], body) == (f"/{path.lstrip('/')}/", b"")
    if status == 200 and b"<ul>" not in body:
        assert body in (PAGE, INNER, CLIP)
    assert SECRET not in body


def test_names_of_no_clips_in_parses(tmp_path, capsys):
    out, other = tmp_path / "out", tmp_path / "other"
    make({out / "page.html": PAGE, other / "secret.txt": SECRET, other / ".a.mp4": SECRET, other / "b.mp4": CLIP})
    make({other / "d.mp4" / "x": b"", other / "e.mp4": SECRET, out / ".f" / "f.mp4": SECRET, out / ".g.mp4": SECRET})
    (other / "c.mp4").symlink_to("secret.txt")
    os.mkfifo(other / "pipe.mp4")
    (out / "h.mp4").symlink_to("../other/secret.txt")
    facts = json.loads(parse_of(other / "b.mp4", out, "b").read_text())
    named = {"secret.txt", ".a.mp4", "c.mp4", "d.mp4", "pipe.mp4", "none.mp4", "d.mp4/x", "b.mp4/"}
    files = {f"../other/{name}": f"/other/{name}" for name in named} | {
        ".f/f.mp4": "/.f/f.mp4", ".g.mp4": "/.g.mp4", "h.mp4": "/h.mp4", "..": "/", "": "/", "/": "/other",
        "../../../../../../../../../../etc/passwd": "/etc/passwd",
    }  # fmt: skip
    for n, file in enumerate(files):
        make({out / f"{n}.json": json.dumps({**facts, "file": file}).encode()})
    # What looks like a parse but is none of ours: another format, a hidden one, one that is linked to from outside.
    other_form = json.dumps({**facts, "format": "another", "file": "../other/e.mp4"}).encode()
    same_form = json.dumps({**facts, "file": "../other/e.mp4"}).encode()
    make({out / "form.json": other_form, out / ".json" / "a.json": same_form, out / ".a.json": same_form})
    make({other / "linked.json": same_form})
    (out / "linked.json").symlink_to("../other/linked.json")
    broken = [{**facts, "file": 3}, {**facts, "file": "\0.mp4"}, {**facts, "events": 7}, {**facts, "events": [[]]},
              {"format": parsed.FORMAT, "file": "../other/e.mp4"}]  # fmt: skip
    for n, wrong in enumerate(broken):
        make({out / f"broken-{n}.json": json.dumps(wrong).encode()})
    make({out / "nest.json": b"[" * 100_000, out / "bytes.json": b"\xff\xfe", out / "list.json": b"[]"})
    make(
        {out / "half.json": b'{"format"', out / "surrogate.json": json.dumps({**facts, "file": "\ud800.mp4"}).encode()}
    )
    with served(out) as server:
        assert ask(server, "/other/b.mp4")[2] == CLIP  # the one that is right is there whatever is beside it
        for target in {*files.values(), "/other/e.mp4"} - {"/"}:
            assert ask(server, quote(target))[::2] == (404, b"404 Not Found\n"), target
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    for n in range(len(broken)):
        assert printed.count(f"broken-{n}.json: does not name its clip") == 1


# Clips elsewhere


def test_clips_of_one_address_are_not_mixed_up(tmp_path, capsys):
    out = tmp_path / "deep" / "out"
    near, far, inside = tmp_path / "deep" / "clips", tmp_path / "clips", out / "clips"
    make({out / "page.html": PAGE, near / "a.mp4": b"near a", far / "a.mp4": b"far a"})
    make({near / "b.mp4": b"near b", inside / "b.mp4": b"inside b"})
    make({near / "c.mp4": b"near c", near / "d.mp4": b"near d"})
    for name, clip in {"a1": near / "a.mp4", "a2": far / "a.mp4", "b": near / "b.mp4"}.items():
        parse_of(clip, out, name)
    for folder in (out, out / "sub", out / "sub" / "sub"):  # one clip in three parses is still one
        parse_of(near / "c.mp4", folder, "c")
    parse_of(near / "d.mp4", out, "d")
    parse_of(inside / "d.mp4", out, "gone")  # its page must not play the other one
    with served(out) as server:
        assert ask(server, "/clips/a.mp4")[0] == 404
        assert ask(server, "/clips/b.mp4")[2] == b"inside b"
        assert ask(server, "/clips/c.mp4")[2] == b"near c"
        assert ask(server, "/clips/d.mp4")[0] == 404
    printed = capsys.readouterr().err
    assert printed.count(f"{far / 'a.mp4'} and {near / 'a.mp4'} have one address, /clips/a.mp4, and none is") == 1
    assert f"have one address, /clips/b.mp4, and only {inside / 'b.mp4'} is played" in printed
    assert "c.mp4" not in printed
    # A folder that holds them all has an address for each.
    with served(tmp_path) as server:
        for file in (near / "a.mp4", far / "a.mp4", near / "b.mp4", inside / "b.mp4"):
            assert ask(server, f"/{file.relative_to(tmp_path)}")[2] == file.read_bytes()


def test_clips_through_links(tmp_path):
    """A parse names the clip, not what it is a link to; the pages may be reached through a link themselves."""
    make({tmp_path / "data" / "a.mp4": CLIP, tmp_path / "far" / "out" / "page.html": PAGE})
    (tmp_path / "out").symlink_to("far/out")
    (tmp_path / "clip.mp4").symlink_to("data/a.mp4")
    file = parse_of(tmp_path / "clip.mp4", tmp_path / "out")
    assert json.loads(file.read_text())["file"] == "../../clip.mp4"
    with served(tmp_path / "out") as server:
        assert ask(server, "/clip.mp4")[2] == CLIP


def test_what_is_parsed_meanwhile_is_found(tmp_path):
    make({tmp_path / "out" / "page.html": PAGE, tmp_path / "a.mp4": b"a", tmp_path / "b.mp4": b"b"})
    with served(tmp_path / "out") as server, served(tmp_path / "out", float("inf")) as tired:
        assert [ask(each, "/a.mp4")[0] for each in (server, tired)] == [404, 404]
        parse = parse_of(tmp_path / "a.mp4", tmp_path / "out")
        assert [ask(each, "/a.mp4")[0] for each in (server, tired)] == [200, 404]
        stat = parse.stat()
        parse_of(tmp_path / "b.mp4", tmp_path / "out")  # the same file says something else
        os.utime(parse, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
        assert [ask(server, target)[0] for target in ("/b.mp4", "/a.mp4")] == [200, 404]
        parse.unlink()
        ask(server, "/unknown")
        assert ask(server, "/b.mp4")[0] == 404


def test_parses_that_stay_are_not_read_again(tmp_path):
    make({tmp_path / "out" / "page.html": PAGE, tmp_path / "a.mp4": b"a"})
    parse = parse_of(tmp_path / "a.mp4", tmp_path / "out")
    stat = parse.stat()
    with served(tmp_path / "out") as server:
        assert ask(server, "/unknown")[0] == 404
        parse.write_bytes(b" " * stat.st_size)
        os.utime(parse, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert ask(server, "/unknown")[0] == 404
        assert ask(server, "/a.mp4")[0] == 200


# Many at once, and those that leave


def test_hundreds_of_seeks_at_once(tmp_path):
    data = random.Random(0).randbytes(1 << 20)
    make({tmp_path / "out" / "page.html": PAGE, tmp_path / "a.mp4": data})
    parse_of(tmp_path / "a.mp4", tmp_path / "out")
    starts = [random.Random(n).randrange(len(data)) for n in range(300)]
    right = []
    together = threading.Barrier(len(starts))
    with served(tmp_path / "out", 1.0) as server:

        def seek(start):
            together.wait()
            status, _, body = ask(server, "/a.mp4", Range=f"bytes={start}-{start + 9999}")
            right.append((status, body) == (206, data[start : start + 10000]))

        threads = [threading.Thread(target=seek, args=(start,)) for start in starts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert right == [True] * len(starts)


def test_players_hang_up(server, capsys):
    for _ in range(5):
        connection = socket.create_connection(("127.0.0.1", server.port))
        connection.sendall(f"GET /long.bin HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
        assert connection.recv(9) == b"HTTP/1.1 "
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # at once
        connection.close()
    assert ask(server, "/page.html")[0] == 200
    assert capsys.readouterr().err == ""


def test_only_errors_are_printed_and_no_missing_icons(server, capsys):
    for target in ("/page.html", "/favicon.ico", "/clips/b.mp4", "/none%1b.mp4"):
        ask(server, target)
    assert capsys.readouterr().err == "'GET /none%1b.mp4 HTTP/1.1': 404 Not Found\n"
    raw(server, f"GET /\x1b[2J HTTP/1.1\r\nConnection: close\r\nHost: localhost:{server.port}\r\n\r\n".encode())
    assert "\x1b" not in capsys.readouterr().err


# The command


def test_folders_and_ports_that_will_not_do(tmp_path):
    with pytest.raises(SeehearError, match="none: no such folder"):
        open_server(tmp_path / "none")
    make({tmp_path / "out" / "a.json": b"{}", tmp_path / "out" / ".a.html": PAGE, tmp_path / "a.html": PAGE})
    (tmp_path / "out" / "up").symlink_to("..")
    with pytest.raises(SeehearError, match=r"out: holds no page .*parse, evaluate"):
        open_server(tmp_path / "out")
    for port in (-1, 65536):
        with pytest.raises(SeehearError, match="must be from 1 to 65535"):
            open_server(tmp_path, port)
    with closing(open_server(tmp_path)) as server:
        with pytest.raises(SeehearError, match=f"port {server.port}: is not available .*in use"):
            open_server(tmp_path, server.port)
        with closing(open_server(tmp_path)) as other:
            assert other.port != server.port
            assert {server.port, other.port} <= set(PORTS)


VIEW = """
import json, signal, sys
from seehear.cli.view import view
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is started without
result = view(sys.argv[1], no_browser=json.loads(sys.argv[2]))
print(result.text(), json.dumps(result.as_json()))
sys.exit(result.exit_code)
"""


@contextmanager
def viewing(folder, no_browser, **environment):
    """The command, running, and the address that it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", VIEW, str(folder), json.dumps(no_browser)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        printed = process.stderr.readline()
        yield process, re.search(r" at (http://127\.0\.0\.1:(\d+)/) until ", printed)
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_ends_it_well_even_amid_an_answer(tmp_path):
    make({tmp_path / "page.html": PAGE})
    with (tmp_path / "long.bin").open("wb") as stream:
        stream.truncate(LONG)
    with viewing(tmp_path, True) as (process, address):
        port = int(address[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(f"GET /long.bin HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            assert connection.recv(12) == b"HTTP/1.1 200"
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    facts = {"folder": str(tmp_path), "address": address[1]}
    assert out == f"stopped serving {tmp_path} at {address[1]} {json.dumps(facts)}\n"


def test_a_browser_is_opened(tmp_path):
    make({tmp_path / "page.html": PAGE})
    os.mkfifo(tmp_path / "opened")
    script = tmp_path / "browser.sh"
    script.write_text(f"printf %s \"$1\" > '{tmp_path / 'opened'}'\n")
    with viewing(tmp_path, False, BROWSER=f"sh {script} %s") as (process, address):
        assert (tmp_path / "opened").read_text() == address[1]
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 0


def test_a_folder_without_its_slash_leads_to_its_index(tmp_path):
    make({tmp_path / "pages" / "clips & co" / "index.html": PAGE, tmp_path / "pages" / "a.html": PAGE})
    with served(tmp_path / "pages") as server:
        status, head, _ = ask(server, "/clips%20&%20co")
        assert (status, head["Location"]) == (301, "/clips%20&%20co/")
        assert ask(server, "/nothing")[0] == 404
        listing = ask(server, "/")[2].decode()
    assert listing.index("clips%20%26%20co/index.html") < len(listing)


def test_the_listing_begins_with_what_leads_on(tmp_path):
    pages = (
        "evaluation/clips/a.html",
        "evaluation/clips/index.html",
        "evaluation/evaluation.html",
        "one/selection.html",
    )
    make({tmp_path / page: PAGE for page in pages})
    with served(tmp_path) as server:
        listing = ask(server, "/")[2].decode()
    found = re.findall(r'<li><a href="([^"]*)"', listing)
    assert found == ["evaluation/evaluation.html", "one/selection.html", pages[1], pages[0]]


# Limits


def test_unused_connections_are_kept_for_as_long_as_browsers_keep_them(server):
    assert min(local.IDLE, server._server.config.timeout_keep_alive) > 300  # seconds


def idle(server, count):
    return [socket.create_connection(("127.0.0.1", server.port)) for _ in range(count)]


def closed(connection):
    """Wait until the server closes a connection; what it sent before."""
    connection.settimeout(20)
    with connection, connection.makefile("rb") as stream:
        return stream.read()


def test_idle_connections_do_not_keep_others_out(tree, monkeypatch):
    """Many more than may be open at once, and none of them asks for anything, or for more after its first answer."""
    monkeypatch.setattr(local, "MAX_CONNECTIONS", 8)
    monkeypatch.setattr(local, "SETTLED", 0.02)
    with served(tree / "out") as server:
        kept = http.client.HTTPConnection("127.0.0.1", server.port)
        assert ask(server, "/page.html", connection=kept)[2] == PAGE
        waiting = idle(server, 60)
        for connection in waiting[::2]:
            connection.sendall(b"GET /page.html HT")
        assert [ask(server, "/page.html")[2] for _ in range(10)] == [PAGE] * 10
        assert closed(waiting[0]) == b""
        for connection in waiting:
            connection.close()


def test_slow_answers_do_not_keep_others_out(tree, monkeypatch):
    """Browsers that ask for a long file and then take nothing of it."""
    monkeypatch.setattr(local, "MAX_CONNECTIONS", 4)
    monkeypatch.setattr(local, "SETTLED", 0.02)
    with served(tree / "out") as server:
        slow = idle(server, 6)
        for connection in slow:
            connection.sendall(f"GET /long.bin HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
        assert [ask(server, "/page.html")[2] for _ in range(5)] == [PAGE] * 5
        for connection in slow:
            connection.close()


def test_an_answer_that_nobody_takes_is_given_up(tree, monkeypatch):
    monkeypatch.setattr(local, "STALLED", 0.1)
    with served(tree / "out") as server:
        for seconds in (0.5, 1, 2, 4, 8):  # how long it takes on a busy machine
            (connection,) = idle(server, 1)
            connection.sendall(f"GET /long.bin HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
            threading.Event().wait(seconds)
            found = 0
            with connection, connection.makefile("rb") as stream, suppress(ConnectionError):
                while found < LONG and (part := stream.read(1 << 20)):
                    found += len(part)
            if found < LONG:
                break
        assert found < LONG


def test_an_answer_that_is_taken_slowly_is_not_given_up(tree, monkeypatch):
    monkeypatch.setattr(local, "STALLED", 0.5)
    with served(tree / "out") as server, idle(server, 1)[0] as connection:
        connection.sendall(f"GET /long.bin HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
        with connection.makefile("rb") as stream:
            for _ in range(20):
                assert len(stream.read(LONG // 20)) == LONG // 20
                threading.Event().wait(0.1)


@pytest.mark.parametrize("drip", [b"", b"G", b"a: b\r\n"])
def test_requests_that_do_not_come_are_given_up(tree, monkeypatch, drip):
    """Nothing, or a bit of a head every now and then without an end."""
    monkeypatch.setattr(local, "IDLE", 0.1)
    with served(tree / "out") as server:
        kept = http.client.HTTPConnection("127.0.0.1", server.port)
        assert ask(server, "/page.html", connection=kept)[2] == PAGE
        (slow,) = idle(server, 1)
        slow.sendall(b"GET /page.html HTTP/1.1\r\n" if b":" in drip else b"")
        closed_at = None
        with slow, suppress(ConnectionError):
            for closed_at in range(1000):
                slow.sendall(drip or b"G" * (closed_at > 100))
                threading.Event().wait(0.01)
        assert closed_at < 999
        assert closed(kept.sock) == b""  # one that was answered, and asks for nothing more


@pytest.mark.parametrize(
    "head",
    [
        b"GET /page.html?" + b"a" * 65600 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /page.html HTTP/1.1\r\n" + b"a: " + b"b" * 70_000 + b"\r\n\r\n",
        b"GET /page.html HTTP/1.1\r\n" + (b"a: " + b"b" * 30_000 + b"\r\n") * 3 + b"\r\n",
        b"GET /page.html HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"G" * 200_000,
    ],
)
def test_heads_are_bounded(server, head):
    with idle(server, 1)[0] as connection:
        connection.settimeout(20)
        answer = b""
        with suppress(ConnectionError):  # it hangs up before it has read all
            connection.sendall(head)
            answer = connection.recv(4096)
        assert PAGE not in answer
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert ask(server, "/page.html")[2] == PAGE


ALL_TAKEN = """
import errno, os, resource, sys, threading
from seehear.pages.server import open_server
server = open_server(sys.argv[1])
thread = threading.Thread(target=server.run)
thread.start()
print(server.port, flush=True)
sys.stdin.readline()
many = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, many[1]))
taken = []
try:
    while True:
        taken.append(os.open(os.devnull, os.O_RDONLY))
except OSError as error:
    assert error.errno == errno.EMFILE
print("taken", flush=True)
sys.stdin.readline()
before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
threading.Event().wait(0.5)
busy = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
resource.setrlimit(resource.RLIMIT_NOFILE, many)  # at once: with one descriptor, it could accept and open no file
print(busy < 0.25, flush=True)
sys.stdin.readline()
server.stop()
thread.join()
"""


@contextmanager
def started(program, folder):
    """A program that serves a folder."""
    command = [sys.executable, "-c", program, str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(os.name != "posix", reason="file descriptors are limited in another way here")
def test_without_file_descriptors_it_pauses_and_goes_on(tree):
    with started(ALL_TAKEN, tree / "out") as process:
        server = type("Started", (), {"port": int(process.stdout.readline())})
        assert ask(server, "/page.html")[2] == PAGE
        print(file=process.stdin, flush=True)
        assert process.stdout.readline() == "taken\n"
        (waiting,) = idle(server, 1)  # it can't be accepted now
        waiting.settimeout(20)
        waiting.sendall(f"GET /page.html HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
        print(file=process.stdin, flush=True)
        assert process.stdout.readline() == "True\n"
        # On a busy machine it may be accepted with the last descriptor, and then there is none for the file.
        assert waiting.recv(9) == b"HTTP/1.1 "
        waiting.close()
        assert ask(server, "/page.html")[2] == PAGE
        out, errors = process.communicate("\n", timeout=30)
        assert out == ""
        assert errors in ("", "'GET /page.html HTTP/1.1': 503 Service Unavailable\n")


LIMITED = """
import resource, sys, threading
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from seehear.pages.server import open_server
server = open_server(sys.argv[1])
print(server.port, flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), server.stop()), daemon=True).start()
server.run()
"""


@pytest.mark.skipif(os.name != "posix", reason="file descriptors are limited in another way here")
def test_more_connections_than_file_descriptors(tree):
    with started(LIMITED, tree / "out") as process:
        server = type("Started", (), {"port": int(process.stdout.readline())})
        waiting = idle(server, 64 + 90)
        for _ in range(3):
            assert ask(server, "/page.html")[2] == PAGE
        for connection in waiting:
            connection.close()
        _, errors = process.communicate("", timeout=30)
        assert errors == ""
        assert process.returncode == 0


def test_few_descriptors_still_allow_some_connections(monkeypatch):
    resource = pytest.importorskip("resource")
    for limits, count in ((20, 2), (64, 16), (1024, 64), (resource.RLIM_INFINITY, 64)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limits=limits: (limits, limits))
        assert local._max_connections() == count


def test_a_failure_is_one_line(tree, monkeypatch, capsys):
    def broken(*_):
        raise ValueError("any")

    with served(tree / "out") as server:
        monkeypatch.setattr(server.site, "find", broken)
        assert ask(server, "/")[0] == 500
    assert capsys.readouterr().err == "a request could not be answered: ValueError('any')\n"


# What pages may do


def policy(header):
    """Directive -> its values."""
    return {name: values for name, *values in map(str.split, header.split("; "))}


def test_documents_have_a_policy(tmp_path):
    make({tmp_path / f"a.{suffix}": b"<svg/>" for suffix in ("html", "svg", "xml", "mp4", "json", "pdf", "txt", "bin")})
    with served(tmp_path) as server:
        for target in ("/a.html", "/", "/a.svg", "/a.xml"):
            status, headers, _ = ask(server, target)
            found = policy(headers["Content-Security-Policy"])
            assert (status, found["default-src"], found["frame-ancestors"]) == (200, ["'none'"], ["'none'"])
            # Nothing may come from or go to another place: only what is in the page, and what this server has.
            allowed = {source for sources in found.values() for source in sources}
            assert allowed <= {"'none'", "'self'", "'unsafe-inline'", "data:", "blob:"}
            assert "connect-src" not in found
            assert ("script-src" in found) == (target in ("/a.html", "/"))
            assert ("sandbox" in found) == (target in ("/a.svg", "/a.xml"))
        for target in ("/a.mp4", "/a.json", "/a.pdf", "/a.txt", "/a.bin"):
            assert "Content-Security-Policy" not in ask(server, target)[1]
        for target in ("/a.html", "/a.svg", "/a.mp4", "/a.bin", "/none"):
            assert ask(server, target)[1]["X-Content-Type-Options"] == "nosniff"
