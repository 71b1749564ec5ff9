"""A server that speaks S3's language, and a web server that fails as servers do."""

from __future__ import annotations

import http.server
import logging
import re
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

import numpy as np
import pytest

from make_media import movie
from seehear.networks import network
from seehear.storage import transfers

SECRET = "hunter2/wJalrXUtn+FEMI"  # an access key, as long ones have such signs
ACCOUNT = "AKIAEXAMPLEACCOUNT"


@network(name="colours", modality="visual", width=3, size=16)
def colours(frames):
    return frames.mean(axis=(1, 2)) / 255


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, and pauses that nobody notices."""
    monkeypatch.setenv("SEEHEAR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(transfers, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(transfers, "_slow", set())
    monkeypatch.setattr(transfers, "_down", set())
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def clips(tmp_path_factory) -> Path:
    """Three small clips."""
    folder = tmp_path_factory.mktemp("clips")
    for n in range(3):
        shade = np.full((16, 16, 3), 40 + 60 * n, np.uint8)
        movie(folder / f"clip{n}.mp4", 2, fps=4, picture=lambda _, shade=shade: shade)
    return folder


@pytest.fixture(scope="session")
def s3_server():
    """The address of a server that speaks S3's language."""
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'seehear[s3]'")
    moto = pytest.importorskip("moto.server", reason="moto is not installed: pip install 'moto[s3]' flask flask-cors")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch) -> str:
    """The address of an empty bucket; the credentials are in the environment, as S3's own programs have them."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    transfers.system("s3://").mkdir(bucket)
    return f"s3://{bucket}"


@dataclass
class Web:
    """A web server.

    Attributes:
        address: Of its folder.
        files: Path -> content.
        faults: Path -> what to do instead, once each: a status, or `cut` to break off in the middle of the content.
        log: Counts requests by method and path.
        ranges: Whether it sends parts of files.
        tagged: Whether it sends a tag and a time.
        locations: Path -> where to send on to.
        hides: Whether HEAD is forbidden, as by signed addresses.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[int | str]] = field(default_factory=dict)
    log: Counter[tuple[str, str]] = field(default_factory=Counter)
    ranges: bool = True
    tagged: bool = True
    locations: dict[str, str] = field(default_factory=dict)
    hides: bool = False


class Handler(http.server.BaseHTTPRequestHandler):
    web: Web

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def do_PUT(self):
        self.answer(True)  # without the content, which is only sent once it is asked for

    def answer(self, with_body: bool):
        path = self.path.partition("?")[0]
        self.web.log[self.command, path] += 1
        faults = self.web.faults.get(path, [])
        fault = faults.pop(0) if faults and (with_body or faults[0] != "cut") else None
        content = self.web.files.get(path)
        if path in self.web.locations:
            self.start(302, 0, Location=self.web.locations[path])
        elif isinstance(fault, int) or content is None or (self.web.hides and not with_body):
            self.start(fault if isinstance(fault, int) else 404 if content is None else 403, 0)
        else:
            part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if self.web.ranges else None
            data = content[int(part[1]) : int(part[2]) + 1 if part[2] else None] if part else content
            self.start(206 if part else 200, len(data), ETag=f'"{hash(content)}"' if self.web.tagged else "")
            if with_body:
                self.wfile.write(data[: len(data) // 2] if fault == "cut" else data)
                self.close_connection = True

    def start(self, status: int, length: int, **headers: str):
        self.send_response(status)
        if self.web.tagged:
            self.send_header("Last-Modified", formatdate(1e9, usegmt=True))
        for name, value in ({"Content-Length": str(length)} | headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def web():
    pytest.importorskip("aiohttp", reason="aiohttp is not installed: pip install 'seehear[https]'")
    made = Web()
    handler = type("Handler", (Handler,), {"web": made})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    made.address = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["local", "memory", "s3"])
def folder(request, tmp_path) -> str | Path:
    """An empty folder of each kind."""
    if request.param == "local":
        return tmp_path / "folder"
    if request.param == "s3":
        return f"{request.getfixturevalue('s3')}/folder"
    return f"memory://{uuid.uuid4().hex}/folder"


@pytest.fixture
def upload(s3) -> Callable[[Path, str], str]:
    """Upload a file under a name, and return its address."""

    def put(file: Path, name: str = "") -> str:
        address = f"{s3}/{name or file.name}"
        transfers.system(address).pipe_file(address.removeprefix("s3://"), file.read_bytes())
        return address

    return put
