"""An HTTP server of a folder of pages, and of the clips that they play, for browsers on this computer alone.

It changes nothing. It serves the files in the folder, except hidden ones, and the clips that parse files there name.
Connections are bounded in number and time. Pages may come from anyone: by their policy they load nothing from elsewhere
and send nothing.
"""

from __future__ import annotations

import html
import math
import os
import re
import selectors
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, LineTooLong
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePath
from socketserver import TCPServer
from typing import IO, Any
from urllib.parse import quote, unquote_to_bytes

from seehear.errors import SeehearError
from seehear.media.reader import AUDIO_SUFFIXES, VIDEO_SUFFIXES, is_media
from seehear.parsing.folder import from_json, is_parse
from seehear.progress import say
from seehear.texts import read_json

HOST = "127.0.0.1"
PORTS = range(8000, 8020)  # tried in turn unless a port is given
INDEX = "index.html"
REST = 1.0  # seconds from the end of one search of the folder to the next
MAX_FILES = 200_000  # files and folders that a search visits
MAX_PARSE = 1 << 27  # bytes of a parse file: an hour of video takes some millions

MAX_CONNECTIONS = 64  # at once; a browser opens six
DESCRIPTORS = 32  # of the process's file descriptors, those that are left for everything but connections
# Seconds until the head of a request must have come, whole. Browsers keep unused connections for up to 300 s; one that
# the server closed first could be used at that moment, and the request would fail. Others don't wait: see `_make_room`.
IDLE = 330.0
STALLED = 60.0  # seconds in which a browser takes nothing of an answer; a player that pauses asks again later
SETTLED = 0.25  # seconds for which a connection isn't closed to make room for another
PAUSE = 0.1  # seconds until the next try if no connection can be accepted
MAX_HEAD = 1 << 16  # bytes of a request's line and headers

# Faults of a request that was read whole; after others, the connection can't be used any more.
ANSWERED = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)

# What a page may do: run what is written in it, show images and play clips of this server, and nothing else. Pages that
# seehear wrote narrow it down to their own script.
PAGE_POLICY = (
    "default-src 'none'; img-src 'self' data:; media-src 'self' blob:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Other documents that a browser shows, such as drawings, run nothing.
DRAWING_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"

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
_MEDIA = {suffix: f"video/x-{suffix[1:]}" for suffix in VIDEO_SUFFIXES}
_MEDIA |= {suffix: f"audio/x-{suffix[1:]}" for suffix in AUDIO_SUFFIXES}
TYPES = {suffix: f"{kind}; charset=utf-8" for suffix, kind in _PLAIN.items()} | _MEDIA
TYPES |= {
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
POLICIES = {TYPES[".html"]: PAGE_POLICY, TYPES[".svg"]: DRAWING_POLICY, TYPES[".xml"]: DRAWING_POLICY}

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
    """The files that can be served: those in a folder that are not hidden, and clips elsewhere that parse files name.

    A page reaches its clip by a relative path. If that leads out of the folder, the browser stops at the root: it
    requests /clips/a.mp4 for a page that names ../clips/a.mp4.

    Attributes:
        root: The folder, links resolved.
        pages: Paths of its pages from the root, with slashes, as of the last search.
    """

    def __init__(self, folder: Path, rest: float = REST) -> None:
        """rest: seconds from the end of one search of the folder for pages and parse files to the next."""
        self.root = Path(os.path.realpath(folder))
        self.pages: list[str] = []
        self._rest, self._searched, self._lock = rest, -math.inf, threading.Lock()
        self._clips: dict[str, Path] = {}  # request path -> clip
        self._parses: dict[Path, tuple[tuple[int, int], tuple[str, Path] | None]] = {}  # file -> its state, its clip
        self._warnings: set[str] = set()

    def has_pages(self) -> bool:
        """Whether the folder, or one in it, holds a page."""
        return any(file.suffix == ".html" for file in self._files())

    def find(self, path: str) -> Path | None:
        """The file for a URL's path, percent-encoded and from its first slash on; None if there is none to serve."""
        parts = _parts(path)
        if parts is None:
            return None
        file = self._inside(parts) or self._clip(parts)
        if file is None:
            self.search()
            file = self._inside(parts) or self._clip(parts)
        return file

    def search(self) -> None:
        """Look for pages and parse files, at most every `rest` seconds. Unchanged parse files aren't read again."""
        with self._lock:
            if time.monotonic() - self._searched < self._rest:
                return
            pages, parses = [], {}
            for file in self._files():
                if file.suffix == ".html":
                    pages.append(file.relative_to(self.root).as_posix())
                    continue
                with suppress(OSError):  # gone meanwhile
                    stat = file.stat()
                    state, known = (stat.st_size, stat.st_mtime_ns), self._parses.get(file)
                    parses[file] = known if known and known[0] == state else (state, self._clip_of(file, stat.st_size))
            self.pages, self._parses = sorted(pages), parses
            self._clips = self._unambiguous(clip for _, clip in parses.values() if clip)
            self._searched = time.monotonic()

    def _files(self) -> Iterator[Path]:
        """The pages and JSON files in the folder and its subfolders, without hidden ones and links out of it."""
        visited = 0
        for folder, folders, files in os.walk(self.root):  # doesn't follow links to folders
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            visited += len(folders) + len(files)
            if visited > MAX_FILES:
                self._warn_once(
                    f"{self.root}: holds more than {MAX_FILES} files, where the search for pages stopped; view one of "
                    "its folders instead"
                )
                return
            for name in sorted(files):
                if name.endswith((".html", ".json")):
                    file = Path(folder, name)
                    if self._inside(file.relative_to(self.root).parts):
                        yield file

    def _inside(self, parts: tuple[str, ...]) -> Path | None:
        """The file in the folder, links resolved; None if it lies elsewhere, is hidden, or is no regular file."""
        if any(not part or part.startswith(".") or "\\" in part for part in parts):
            return None
        file = Path(os.path.realpath(self.root.joinpath(*parts)))
        if not file.is_relative_to(self.root):
            return None
        hidden = any(part.startswith(".") for part in file.relative_to(self.root).parts)
        return None if hidden or not os.path.isfile(file) else file

    def _clip(self, parts: tuple[str, ...]) -> Path | None:
        """The clip that a parse file names, links resolved; None if it is no regular media file."""
        clip = self._clips.get("/".join(parts))
        if clip is None:
            return None
        file = Path(os.path.realpath(clip))
        # A file in the folder that `_inside` refused isn't served in this way either.
        return file if is_media(file) and not file.is_relative_to(self.root) else None

    def _clip_of(self, file: Path, size: int) -> tuple[str, Path] | None:
        """The path at which a browser will request a parse file's clip, and the clip; None if it is no parse file."""
        try:
            content: Any = read_json(file) if size <= MAX_PARSE else None
        except (SeehearError, RecursionError):
            return None
        if not is_parse(content):
            return None
        try:
            clip = from_json(content, file).file
            steps = PurePath(os.path.relpath(clip, self.root)).parts
            return "/".join(step for step in steps if step != ".."), Path(os.path.realpath(clip))
        except (SeehearError, ValueError):
            self._warn_once(f"{file}: does not name its clip, which can't be played; parse the clip again")
            return None

    def _unambiguous(self, named: Iterator[tuple[str, Path]]) -> dict[str, Path]:
        """Request path -> clip, without paths that several clips share."""
        clips = defaultdict(set)
        for path, clip in named:
            clips[path].add(clip)
        for path, same in clips.items():
            if inside := self._inside(tuple(path.split("/"))):
                same.add(inside)
            if len(same) > 1:
                played = f"only {inside}" if inside else "none"
                self._warn_once(
                    f"{' and '.join(map(str, sorted(same)))} have one address, /{path}, and {played} is played: "
                    "view a folder that holds the pages and the clips"
                )
        return {path: next(iter(same)) for path, same in clips.items() if len(same) == 1}

    def _warn_once(self, text: str) -> None:
        if text not in self._warnings:
            self._warnings.add(text)
            say(text)


def _parts(path: str) -> tuple[str, ...] | None:
    """The names in a URL's path, decoded one by one. None if one is no file name: an encoded slash is no separator."""
    if not path.startswith("/"):
        return None
    # http.server reads bytes as Latin-1; a file's name may be any bytes.
    names = [os.fsdecode(unquote_to_bytes(name.encode("latin-1"))) for name in path[1:].split("/")]
    if names[-1] == "":
        names[-1] = INDEX
    return None if any("/" in name or "\0" in name for name in names) else tuple(names)


def byte_range(header: str, size: int) -> range | None:
    """The bytes of a file that a Range header requests (RFC 9110, section 14.1.2).

    Args:
        header: The header's value.
        size: Bytes of the file.

    Returns:
        The bytes, none if the file is shorter. None if the answer is the whole file: for several ranges, for another
        unit, and for what is no range.
    """
    match = _RANGE.fullmatch(header.strip())
    first, last = match.groups() if match else ("", "")
    if first:
        stop = int(last) + 1 if last else max(size, int(first) + 1)
        return range(int(first), min(stop, size)) if stop > int(first) else None
    if last and (size or not int(last)):  # of an empty file, the last bytes are the whole
        return range(max(0, size - int(last)), size)
    return None


@dataclass(eq=False)
class _Connection:
    """A connection that was accepted: whether it waits for a request, and since when it waits or is answered."""

    socket: socket.socket
    waits: bool = True
    since: float = field(default_factory=time.monotonic)

    def now(self, *, waits: bool) -> None:
        self.since = time.monotonic()  # first: one that waits must never have the age of its last answer
        self.waits = waits

    def is_read(self) -> bool:
        """Whether its thread has read all that came."""
        with selectors.DefaultSelector() as selector, suppress(OSError, ValueError):  # if it is closed meanwhile
            selector.register(self.socket, selectors.EVENT_READ)
            return not selector.select(0)
        return True

    def cut(self) -> None:
        """End what its thread reads or writes, so that the thread closes it."""
        with suppress(OSError):  # the browser has left meanwhile
            self.socket.shutdown(socket.SHUT_RDWR)


class Server(ThreadingHTTPServer):
    """Serves the files of a site to this computer, each connection in a thread of its own.

    A connection that stays without a whole request is closed. If there are too many, one that waits the longest makes
    room, or else the one that is answered the longest; players ask again for what they miss.
    """

    allow_reuse_address = os.name == "posix"  # elsewhere it would let two servers share a port
    request_queue_size = 256  # a page with many players requests all clips at once

    def __init__(self, site: Site, port: int) -> None:
        """port: 0 for any. Raises OSError if the port is taken."""
        self._limit = _max_connections()
        self._connections: dict[socket.socket, _Connection] = {}
        self._changed = threading.Condition()  # guards the connections
        super().__init__((HOST, port), _Handler)
        self.site = site
        self.port = int(self.server_address[1])
        self.address = f"http://{HOST}:{self.port}/"
        # Another site can map its own name to this computer's address (DNS rebinding); browsers then send that name.
        self.hosts = {f"{name}:{self.port}" for name in (HOST, "localhost")}
        if self.port == 80:
            self.hosts |= {HOST, "localhost"}

    def server_bind(self) -> None:
        """Bind the socket, without a look-up of this computer's name in the network."""
        TCPServer.server_bind(self)  # HTTPServer's own looks the name up

    def connection(self, of: socket.socket) -> _Connection:
        """Return the connection of a socket."""
        return self._connections.get(of) or _Connection(of)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection once there is room. Raises OSError if there is none yet; the caller tries again."""
        if not self._make_room():
            raise OSError("too many connections")
        try:
            return super().get_request()
        except OSError:  # such as no file descriptors: the loop would try again at once
            self._make_room(0)
            time.sleep(PAUSE)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread of its own."""
        with self._changed:
            self._connections[request] = _Connection(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._changed:  # before it is closed: its number may soon be another's
            self._connections.pop(request, None)
            self._changed.notify_all()
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Close the connections whose request doesn't come; called a few times per second."""
        latest = time.monotonic() - IDLE
        with self._changed:
            for connection in self._connections.values():
                if connection.waits and connection.since < latest:
                    connection.cut()

    def server_close(self) -> None:
        """Stop listening, and close all connections."""
        with self._changed:
            for connection in self._connections.values():
                connection.cut()
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print one line for what no answer could be made to."""
        say(f"a request could not be answered: {sys.exception()!r}")

    def _make_room(self, limit: int | None = None) -> bool:
        """Wait until there are fewer connections than the limit, and close one for that. Returns whether there are."""
        limit = self._limit if limit is None else limit
        with self._changed:
            if len(self._connections) >= limit:
                settled = time.monotonic() - SETTLED
                old = [connection for connection in self._connections.values() if connection.since < settled]
                old.sort(key=lambda connection: (not connection.waits, connection.since))
                for connection in old:
                    if not connection.waits or connection.is_read():  # otherwise it waits for its thread
                        connection.cut()
                        break
                self._changed.wait_for(lambda: len(self._connections) < self._limit, PAUSE)
            return len(self._connections) < self._limit


def _max_connections() -> int:
    """How many connections the file descriptors of this process allow: each takes one, and one for its file."""
    try:
        import resource
    except ImportError:  # on Windows
        return MAX_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else (soft - DESCRIPTORS) // 2
    return max(2, min(MAX_CONNECTIONS, free))


class _Head:
    """The stream of a connection, which gives MAX_HEAD bytes per request: a request is its line and headers."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.left = MAX_HEAD

    def readline(self, size: int = -1) -> bytes:
        """Read a line. Raises LineTooLong beyond what is left for the request."""
        line = self._stream.readline(self.left + 1 if size < 0 else min(size, self.left + 1))
        self.left -= len(line)
        if self.left < 0:
            raise LineTooLong("request")
        return line

    def close(self) -> None:
        self._stream.close()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "seehear", ""
    disable_nagle_algorithm = True  # a body would wait for its header to be acknowledged

    def setup(self) -> None:
        super().setup()
        self._head_stream = _Head(self.rfile)
        self.rfile: Any = self._head_stream
        self._connection = self.server.connection(self.request)

    def handle(self) -> None:
        with suppress(ConnectionError, TimeoutError):  # players close connections whenever someone seeks
            super().handle()

    def handle_one_request(self) -> None:
        self._head_stream.left = MAX_HEAD
        self.request.settimeout(None)  # the server cuts those that wait too long
        self._connection.now(waits=True)
        self.close_connection = True  # until a whole request has come
        try:
            super().handle_one_request()
        except HTTPException:
            self.requestline, self.request_version, self.command = "", self.protocol_version, "GET"
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        self._connection.now(waits=False)
        self.request.settimeout(STALLED)
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # an unread body must not be taken for the next request
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].strip().lower() not in self.server.hosts:
            self.send_error(HTTPStatus.FORBIDDEN)
            return False
        if self.command not in ("GET", "HEAD"):
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
            return False
        return True

    def handle_expect_100(self) -> bool:
        return True  # the answer doesn't depend on the body

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
            requested = None
            # A date in If-Range can't distinguish two versions of one second; the whole file is always right.
            if self.command == "GET" and self.headers.get("If-Range", tag).strip() == tag:
                requested = byte_range(", ".join(self.headers.get_all("Range", [])), size)
            part = range(size) if requested is None else requested
            headers = {**state, "Accept-Ranges": "bytes", "Content-Length": str(len(part))}
            if requested is None:
                status = HTTPStatus.OK
            elif requested:
                status = HTTPStatus.PARTIAL_CONTENT
                headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
            else:
                status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
                headers["Content-Range"] = f"bytes */{size}"
            self._head(status, **headers, **{"Content-Type": TYPES.get(file.suffix.lower(), UNKNOWN)})
            if self.command == "GET" and part and self.connection.sendfile(stream, part.start, len(part)) < len(part):
                self.close_connection = True  # the file was cut short meanwhile: the browser must not wait for the rest

    def _whole(self, status: HTTPStatus, body: bytes, kind: str, **headers: str) -> None:
        self._head(status, **{"Content-Type": kind, "Content-Length": str(len(body))}, **headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: HTTPStatus, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if policy := POLICIES.get(headers.get("Content-Type", "")):
            self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")  # no other site may embed it
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        status = HTTPStatus(code)
        if status not in ANSWERED:
            self.close_connection = True  # the rest of what came is no request
        text = f"{status.value} {status.phrase}"
        if " /favicon.ico " not in self.requestline:  # which browsers request by themselves
            say(f"{self.requestline!a}: {text}")
        headers = {"Allow": "GET, HEAD"} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        self._whole(status, f"{text}\n".encode(), TYPES[".txt"], **headers)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing per request."""


def _listing(site: Site) -> str:
    """A page that links to each page; a folder's index or only page comes before the others."""
    folders = [str(PurePath(page).parent) for page in site.pages]
    firsts = {page for page in site.pages if PurePath(page).name == INDEX}
    firsts |= {page for page, folder in zip(site.pages, folders, strict=True) if folders.count(folder) == 1}
    order = sorted(site.pages, key=lambda page: (page not in firsts, page.count("/"), page))
    items = [f'<li><a href="{quote(os.fsencode(page))}">{html.escape(page)}</a></li>' for page in order]
    return _LISTING.format(title=html.escape(site.root.name), items="\n".join(items))


def open_server(folder: str | Path, port: int = 0) -> Server:
    """A server of a folder's pages that listens; it answers once `serve_forever` is called.

    Args:
        folder: Where pages lie, also in subfolders.
        port: 0 for the first free one from 8000 on.

    Returns:
        The server.

    Raises:
        SeehearError: The folder holds no page, or the port is taken.
    """
    site = Site(Path(folder))
    if site.root.is_file():
        raise SeehearError(f"{folder}: is a file; name its folder: {Path(folder).parent}")
    if not site.root.is_dir():
        raise SeehearError(f"{folder}: no such folder; `seehear parse --out` makes one")
    if not site.has_pages():
        raise SeehearError(f"{folder}: holds no page (*.html); parse, evaluate, select and compare write pages")
    if not 0 <= port <= 65535:
        raise SeehearError(f"port {port}: must be from 1 to 65535, or 0 for any free port")
    for number in (port,) if port else (*PORTS, 0):
        try:
            return Server(site, number)
        except OSError as error:
            problem = error.strerror
    raise SeehearError(
        f"port {port}: is not available ({problem}); choose another --port, or leave it out to use any free one"
    )
