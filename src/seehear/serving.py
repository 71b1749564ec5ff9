"""A folder of report pages, and the clips that they play, for the browsers on this computer and for no one else.

Nothing can be changed through it, and nothing be had but what lies in the folder, hidden files apart, and the clips
that parses there name.
"""

from __future__ import annotations

import html
import math
import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePath
from socketserver import TCPServer
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from seehear.errors import SeehearError
from seehear.files import read_json
from seehear.media import is_media
from seehear.parsed import from_json, is_parse
from seehear.progress import say

HOST = "127.0.0.1"
PORTS = range(8000, 8020)  # tried in turn where none is asked for
INDEX = "index.html"
REST = 1.0  # seconds from the end of one search of the folder to the next
MOST = 200_000  # files and folders that are looked at
LARGEST = 1 << 27  # bytes of a parse: an hour of video takes some millions

_PLAIN = {
    ".css": "text/css",
    ".csv": "text/csv",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".txt": "text/plain",
    ".vtt": "text/vtt",
    ".xml": "application/xml",
}
TYPES = {suffix: f"{kind}; charset=utf-8" for suffix, kind in _PLAIN.items()} | {
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".3gp": "video/3gpp",
    ".aac": "audio/aac",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".avi": "video/x-msvideo",
    ".flac": "audio/flac",
    ".flv": "video/x-flv",
    ".m2ts": "video/mp2t",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mpg": "video/mpeg",
    ".mts": "video/mp2t",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".ts": "video/mp2t",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".wma": "audio/x-ms-wma",
    ".wmv": "video/x-ms-wmv",
}
UNKNOWN = "application/octet-stream"

_RANGE = re.compile(r"bytes=([0-9]{0,30})-([0-9]{0,30})", re.IGNORECASE)
_TAG = re.compile(r'"[^"]*"')

_LISTING = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>:root {{ color-scheme: light dark }} body {{ font: 1rem/1.5 sans-serif; margin: 2rem }}</style>
<h1>{title}</h1>
<ul>
{items}
</ul>
</html>
"""


class Site:
    """What is to be had of a folder: its files that are not hidden, and clips elsewhere that parses in it name.

    A page reaches its clip by a relative path. Where that leads out of the folder, the browser stops at the root:
    /clips/a.mp4 is what it asks for where a page names ../clips/a.mp4.

    rest: seconds from the end of one search of the folder for parses and pages to the next.
    """

    def __init__(self, folder: Path, rest: float = REST) -> None:
        self.root = Path(os.path.realpath(folder))
        self.pages: list[str] = []  # paths from the root, with slashes
        self._rest, self._searched, self._lock = rest, -math.inf, threading.Lock()
        self._clips: dict[str, Path] = {}  # by path
        self._named: dict[Path, tuple[tuple[int, int], tuple[str, Path] | None]] = {}  # by parse: its state, its clip
        self._said: set[str] = set()

    def has_pages(self) -> bool:
        return any(file.suffix == ".html" for file in self._files())

    def find(self, path: str) -> Path | None:
        """The file at a URL's path, percent-encoded and from its first slash on; None where there is none to be had."""
        parts = _parts(path)
        if parts is None:
            return None
        file = self._inside(parts) or self._clip(parts)
        if file is None:
            self.search()
            file = self._inside(parts) or self._clip(parts)
        return file

    def search(self) -> None:
        """Look for pages and parses, unless that has just been done. Parses that have not changed aren't read again."""
        with self._lock:
            if time.monotonic() - self._searched < self._rest:
                return
            pages, named = [], {}
            for file in self._files():
                if file.suffix == ".html":
                    pages.append(file.relative_to(self.root).as_posix())
                    continue
                with suppress(OSError):  # gone meanwhile
                    stat = file.stat()
                    state, known = (stat.st_size, stat.st_mtime_ns), self._named.get(file)
                    named[file] = known if known and known[0] == state else (state, self._clip_of(file, stat.st_size))
            self.pages, self._named = sorted(pages), named
            self._clips = self._apart(clip for _, clip in named.values() if clip)
            self._searched = time.monotonic()

    def _files(self) -> Iterator[Path]:
        """The pages and JSON files of the folder and of those in it; none that are hidden or links out of it."""
        seen = 0
        for folder, folders, files in os.walk(self.root):  # doesn't follow links to folders
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            seen += len(folders) + len(files)
            if seen > MOST:
                self._say_once(f"{self.root}: holds more than {MOST} files, and not all are looked at: view one in it")
                return
            for name in sorted(files):
                if name.endswith((".html", ".json")):
                    file = Path(folder, name)
                    if self._inside(file.relative_to(self.root).parts):
                        yield file

    def _inside(self, parts: tuple[str, ...]) -> Path | None:
        """The file in the folder, links resolved; None if it is elsewhere, hidden, or no regular file."""
        if any(not part or part.startswith(".") or "\\" in part for part in parts):
            return None
        file = Path(os.path.realpath(self.root.joinpath(*parts)))
        if not file.is_relative_to(self.root):
            return None
        hidden = any(part.startswith(".") for part in file.relative_to(self.root).parts)
        return None if hidden or not os.path.isfile(file) else file

    def _clip(self, parts: tuple[str, ...]) -> Path | None:
        """The clip that a parse names, links resolved; None if it is no regular file or not called like a clip."""
        named = self._clips.get("/".join(parts))
        if named is None:
            return None
        file = Path(os.path.realpath(named))
        # What lies in the folder and was not found there is not to be had in this way either.
        return file if is_media(file) and not file.is_relative_to(self.root) else None

    def _clip_of(self, file: Path, size: int) -> tuple[str, Path] | None:
        """The clip that a parse names, and the path where a browser will ask for it; None if the file is no parse."""
        try:
            facts: Any = read_json(file) if size <= LARGEST else None
        except (SeehearError, RecursionError):
            return None
        if not is_parse(facts):
            return None
        try:
            clip = from_json(facts, file).file
            way = PurePath(os.path.relpath(clip, self.root)).parts
            return "/".join(part for part in way if part != ".."), Path(os.path.realpath(clip))
        except (SeehearError, ValueError):
            self._say_once(f"{file}: doesn't say where its clip is, which can't be played; parse it again")
            return None

    def _apart(self, named: Iterator[tuple[str, Path]]) -> dict[str, Path]:
        """path -> clip, without clips of one path, which a browser can't tell apart."""
        clips = defaultdict(set)
        for path, clip in named:
            clips[path].add(clip)
        for path, there in clips.items():
            if inside := self._inside(tuple(path.split("/"))):
                there.add(inside)
            if len(there) > 1:
                played = f"only {inside}" if inside else "none"
                self._say_once(
                    f"{' and '.join(map(str, sorted(there)))} are one to a browser, /{path}, and {played} is played: "
                    "view a folder that holds the pages and the clips"
                )
        return {path: next(iter(there)) for path, there in clips.items() if len(there) == 1}

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            say(text)


def _parts(path: str) -> tuple[str, ...] | None:
    """The names in a URL's path, decoded one by one: an encoded slash is no slash. None where a name can't be one."""
    if not path.startswith("/"):
        return None
    # http.server reads bytes as Latin-1; a file's name may be any bytes.
    names = [os.fsdecode(unquote_to_bytes(name.encode("latin-1"))) for name in path[1:].split("/")]
    if names[-1] == "":
        names[-1] = INDEX
    return None if any("/" in name or "\0" in name for name in names) else tuple(names)


def byte_range(header: str, size: int) -> range | None:
    """Which of a file's bytes a Range header asks for (RFC 9110, section 14.1.2); empty where it holds none of them.

    None where the whole file is the answer: several ranges, another unit, or what is no range.
    """
    match = _RANGE.fullmatch(header.strip())
    first, last = match.groups() if match else ("", "")
    if first:
        stop = int(last) + 1 if last else max(size, int(first) + 1)
        return range(int(first), min(stop, size)) if stop > int(first) else None
    if last and (size or not int(last)):  # the last bytes of an empty file are all of it
        return range(max(0, size - int(last)), size)
    return None


class Server(ThreadingHTTPServer):
    """Answers with what a site has, each connection in a thread of its own.

    Raises OSError where the port can't be had. port: 0 for any.
    """

    allow_reuse_address = os.name == "posix"  # elsewhere it would let two servers share a port
    request_queue_size = 256  # a page of many players asks for them all at once

    def __init__(self, site: Site, port: int) -> None:
        super().__init__((HOST, port), _Handler)
        self.site = site
        self.port = int(self.server_address[1])
        self.address = f"http://{HOST}:{self.port}/"
        # Another site can give its own name this computer's number; the browser then tells that name.
        self.hosts = {f"{name}:{self.port}" for name in (HOST, "localhost")}
        if self.port == 80:
            self.hosts |= {HOST, "localhost"}

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's asks the network what this computer is called


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "seehear", ""
    disable_nagle_algorithm = True  # a body would wait for its header to be acknowledged

    def handle(self) -> None:
        with suppress(ConnectionError):  # players hang up whenever someone seeks
            super().handle()

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body that no one reads isn't the next request
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].strip().lower() not in self.server.hosts:
            self.send_error(HTTPStatus.FORBIDDEN)
            return False
        if self.command not in ("GET", "HEAD"):
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
            return False
        return True

    def handle_expect_100(self) -> bool:
        return True  # the answer comes at once, whatever the body

    def do_GET(self) -> None:
        path = re.split("[?#]", self.path, maxsplit=1)[0]
        file = self.server.site.find(path)
        if file:
            self._send(file)
        elif self.server.site.find(f"{path}/"):
            self._whole(HTTPStatus.MOVED_PERMANENTLY, b"", TYPES[".txt"], Location=f"{path}/")
        elif path in ("/", f"/{INDEX}"):
            self._whole(HTTPStatus.OK, _listing(self.server.site).encode("utf-8", "replace"), TYPES[".html"])
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET

    def _send(self, file: Path) -> None:
        try:
            stream = file.open("rb")
        except OSError:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        with stream:
            stat = os.fstat(stream.fileno())
            size, tag = stat.st_size, f'"{stat.st_size:x}-{stat.st_mtime_ns:x}"'
            state = {"ETag": tag, "Last-Modified": self.date_time_string(int(stat.st_mtime))}
            known = self.headers.get("If-None-Match", "")
            if known.strip() == "*" or tag in _TAG.findall(known):
                self._head(HTTPStatus.NOT_MODIFIED, **state)
                return
            asked = None
            # A date in If-Range is too coarse to tell two files of one second apart; the whole is always right.
            if self.command == "GET" and self.headers.get("If-Range", tag).strip() == tag:
                asked = byte_range(", ".join(self.headers.get_all("Range", [])), size)
            part = range(size) if asked is None else asked
            facts = {**state, "Accept-Ranges": "bytes", "Content-Length": str(len(part))}
            if asked is None:
                status = HTTPStatus.OK
            elif asked:
                status = HTTPStatus.PARTIAL_CONTENT
                facts["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
            else:
                status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
                facts["Content-Range"] = f"bytes */{size}"
            self._head(status, **facts, **{"Content-Type": TYPES.get(file.suffix.lower(), UNKNOWN)})
            if self.command == "GET" and part and self.connection.sendfile(stream, part.start, len(part)) < len(part):
                self.close_connection = True  # cut short meanwhile: the browser must not wait for the rest

    def _whole(self, status: HTTPStatus, body: bytes, kind: str, **facts: str) -> None:
        self._head(status, **{"Content-Type": kind, "Content-Length": str(len(body))}, **facts)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: HTTPStatus, **facts: str) -> None:
        self.send_response(status)
        for name, value in facts.items():
            self.send_header(name, value)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")  # no other site may embed it
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        status = HTTPStatus(code)
        text = f"{status.value} {status.phrase}"
        if " /favicon.ico " not in self.requestline:  # which browsers ask for without being told to
            say(f"{self.requestline!a}: {text}")
        facts = {"Allow": "GET, HEAD"} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        self._whole(status, f"{text}\n".encode(), TYPES[".txt"], **facts)

    def log_message(self, format: str, *args: object) -> None:
        """Not a line for each request."""


def _listing(site: Site) -> str:
    """A page with a link to each page, those that are a folder's only one or its index before the others."""
    folders = [str(PurePath(page).parent) for page in site.pages]
    firsts = {page for page in site.pages if PurePath(page).name == INDEX}
    firsts |= {page for page, folder in zip(site.pages, folders, strict=True) if folders.count(folder) == 1}
    order = sorted(site.pages, key=lambda page: (page not in firsts, page.count("/"), page))
    items = [f'<li><a href="{quote(os.fsencode(page))}">{html.escape(page)}</a></li>' for page in order]
    return _LISTING.format(title=html.escape(site.root.name), items="\n".join(items))


def open_server(folder: str | Path, port: int = 0) -> Server:
    """A server of a folder's pages that listens, and answers from `serve_forever` on.

    port: 0 for the first that is free from 8000 on. Raises SeehearError for a folder without pages, and where the port
    can't be had.
    """
    site = Site(Path(folder))
    if site.root.is_file():
        raise SeehearError(f"{folder}: is a file; name its folder: {Path(folder).parent}")
    if not site.root.is_dir():
        raise SeehearError(f"{folder}: no such folder; `seehear parse --out` makes one")
    if not site.has_pages():
        raise SeehearError(f"{folder}: holds no page (*.html); parse, evaluate, select and compare write some")
    if not 0 <= port <= 65535:
        raise SeehearError(f"port {port}: must be from 1 to 65535, or 0 for any that is free")
    for number in (port,) if port else (*PORTS, 0):
        try:
            return Server(site, number)
        except OSError as error:
            problem = error.strerror
    raise SeehearError(f"port {port}: can't be had ({problem}); give another --port, or none for any that is free")
