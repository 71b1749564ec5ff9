"""Where a stream comes from: a file that grows, a pipe, or an address. Reading waits until more comes, or none does."""

from __future__ import annotations

import http.client
import netrc
import os
import select
import stat
import struct
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from base64 import b64encode
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from seehear.errors import ClipError, SeehearError
from seehear.storage.addresses import checked, scheme_of, shown
from seehear.storage.parts import FRAGMENT
from seehear.texts import is_url, without_credentials

STDIN = "-"
ALIASES = frozenset((STDIN, "/dev/stdin"))
STALL = 30.0  # seconds without anything new after which a stream is given up
TICK = 0.1  # seconds between two looks at a file that may have grown
WAITED = 0.005  # seconds; a read from a server that takes longer had to wait for it
HEAD = 1024  # bytes by which some kinds of files that can't be streams are known
CAMERAS = frozenset(("rtsp", "rtsps"))  # protocols that FFmpeg speaks
WEB = frozenset(("http", "https"))
REMUX = "ffmpeg -i SOURCE -c copy -f mpegts - | seehear parse … - --follow"


class Ending(StrEnum):
    """Why nothing more of a stream is parsed."""

    ENDED = "ended"  # it ended by itself
    IDLE = "idle"  # the file does not grow any more
    STALLED = "stalled"  # nothing came for too long
    BROKEN = "broken"  # it broke off, or can't be read any further
    INTERRUPTED = "interrupted"  # the user ended it


class Kind(StrEnum):
    """How a stream is read."""

    FILE = "file"  # until it does not grow any more
    FIFO = "fifo"  # a named pipe, until its writer closes it
    DESCRIPTOR = "descriptor"  # an open pipe or file, until its end
    WEB = "web"
    CAMERA = "camera"  # by FFmpeg itself


@dataclass(frozen=True)
class Source:
    """A stream, as a value that JSON can hold.

    Attributes:
        kind: How it is read.
        place: A path, an address, or the number of a file descriptor.
        name: Of the stream, without credentials.
        stall: Seconds without anything new after which it is given up.
    """

    kind: Kind
    place: str
    name: str
    stall: float

    def as_json(self) -> dict[str, Any]:
        """Return a value that `json.dumps` takes, and `Source.of_json` reads."""
        return asdict(self)

    @staticmethod
    def of_json(content: dict[str, Any]) -> Source:
        """Return the stream that `as_json` described."""
        return Source(**{**content, "kind": Kind(content["kind"])})

    def open(self) -> ByteSource | None:
        """Open it, and wait for its first bytes; None if FFmpeg opens it itself.

        Raises:
            ClipError: If it can't be opened or read, or is of a kind that can't be read before its end.
        """
        opened = self._opened()
        if opened is not None:
            _check_head(opened, self.name)
        return opened

    def _opened(self) -> ByteSource | None:
        try:
            match self.kind:
                case Kind.FILE:
                    return GrowingFile(Path(self.place), self.stall)
                case Kind.FIFO:  # opening must not wait for a writer: it may never come
                    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
                    return Pipe(os.open(self.place, flags), self.stall, awaits_writer=True)
                case Kind.DESCRIPTOR:
                    return Pipe(int(self.place), self.stall)
                case Kind.WEB:
                    return Web(self.place, self.name, self.stall)
        except OSError as error:
            raise ClipError(f"{self.name}: can't be read ({error.strerror or error})") from None
        return None


def source_of(source: str | os.PathLike[str], stall: float) -> Source:
    """Return the stream that somebody names: a path, `-` for standard input, or an address.

    Args:
        source: What is named.
        stall: Seconds without anything new after which it is given up.

    Raises:
        ClipError: If there is no such file, a part of one is named, or it is of a kind that can't be followed.
        SeehearError: If the address is of an unknown kind, or `stall` is no time to wait.
    """
    if not 0 < stall < float("inf"):
        raise SeehearError(f"stall must be a number of seconds above 0, not {stall:g}")
    text = os.fspath(source)
    if text in ALIASES:
        return Source(Kind.DESCRIPTOR, "0", "standard input", stall)
    if FRAGMENT.fullmatch(text) and not os.path.lexists(os.path.expanduser(text)):
        raise ClipError(
            f"{without_credentials(text)}: names a part of a file, and a stream has no parts: follow the whole file, "
            "or parse its part without following it"
        )
    if is_url(text):
        return _elsewhere(text, stall)
    path = Path(text).expanduser()
    try:
        mode = path.stat().st_mode
    except OSError as error:
        problem = "no such file" if isinstance(error, FileNotFoundError) else f"can't be read ({error.strerror})"
        raise ClipError(f"{path}: {problem}") from None
    if stat.S_ISFIFO(mode):
        return Source(Kind.FIFO, str(path.absolute()), str(path), stall)
    if not stat.S_ISREG(mode):
        raise ClipError(f"{path}: is a folder, socket or device; follow a file, a pipe or an address, as by: {REMUX}")
    return Source(Kind.FILE, str(path.absolute()), str(path), stall)


def _elsewhere(address: str, stall: float) -> Source:
    scheme = scheme_of(address)
    if scheme in WEB:
        return Source(Kind.WEB, checked(address), shown(address), stall)
    if scheme in CAMERAS:
        return Source(Kind.CAMERA, address, shown(address), stall)
    known = ", ".join(f"{name}://" for name in sorted(WEB | CAMERAS))
    raise SeehearError(f"{shown(address)}: streams come from {known}, a file, or a pipe: {REMUX}")


class ByteSource(ABC):
    """What PyAV reads a stream from. It has no `seek`, so FFmpeg reads it from its start to its end.

    Attributes:
        ending: Why nothing more comes; None as long as more may come.
        edge: When it last had nothing more at once, as `time.time()` gives it: so far, the reader kept up.
    """

    def __init__(self, stall: float) -> None:
        self.stall, self.edge = stall, time.time()
        self.ending: Ending | None = None
        self._ahead = b""

    def peek(self, count: int) -> bytes:
        """Return the next bytes without taking them; fewer if it ends before."""
        while len(self._ahead) < count and (piece := self._more(count)):
            self._ahead += piece
        return self._ahead[:count]

    def read(self, count: int) -> bytes:
        """Return some bytes, `count` at most, as soon as there are any; none at its end."""
        if self._ahead:
            piece, self._ahead = self._ahead[:count], self._ahead[count:]
            return piece
        return self._more(count)

    def _more(self, count: int) -> bytes:
        return b"" if self.ending else self._wait(count)

    @abstractmethod
    def _wait(self, count: int) -> bytes:
        """Return some bytes. At the end, set `ending` and return none."""

    def _end(self, ending: Ending) -> bytes:
        self.ending = ending
        return b""


class GrowingFile(ByteSource):
    """A file, until it has not grown for a while."""

    def __init__(self, path: Path, stall: float) -> None:
        super().__init__(stall)
        self._stream = path.open("rb", buffering=0)

    def _wait(self, count: int) -> bytes:
        began = time.monotonic()
        while not (piece := self._stream.read(count)):
            self.edge = time.time()
            if os.fstat(self._stream.fileno()).st_size < self._stream.tell():
                return self._end(Ending.BROKEN)  # somebody cut it, or writes it anew
            if self.ending is not None:  # somebody has ended it
                return b""
            if time.monotonic() - began > self.stall:
                return self._end(Ending.IDLE)
            time.sleep(TICK)
        return piece


class Pipe(ByteSource):
    """An open pipe, until its writers close it."""

    def __init__(self, descriptor: int, stall: float, *, awaits_writer: bool = False) -> None:
        """Read from a descriptor. awaits_writer: whether it may have no writer yet."""
        super().__init__(stall)
        self._descriptor, self._awaits_writer = descriptor, awaits_writer
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:
            self._poll.register(descriptor, select.POLLIN)

    def _wait(self, count: int) -> bytes:
        began = time.monotonic()
        while (left := began + self.stall - time.monotonic()) > 0 and self.ending is None:
            if self._poll is not None and not self._poll.poll(0):
                came = self._poll.poll(left * 1000)
                self.edge = time.time()
                if not came:
                    break
            try:
                piece = os.read(self._descriptor, count)
            except BlockingIOError:  # it has a writer, and nothing to read
                continue
            if piece:
                self._awaits_writer = False
                return piece
            if not self._awaits_writer:
                return self._end(Ending.ENDED)
            time.sleep(TICK)
        return b"" if self.ending else self._end(Ending.STALLED)


class Web(ByteSource):
    """The answer of a server."""

    def __init__(self, address: str, name: str, stall: float) -> None:
        super().__init__(stall)
        request = urllib.request.Request(address, headers={"User-Agent": "seehear"})
        if login := _login(address):
            request.add_unredirected_header("Authorization", login)  # another server must not get it
        try:
            self._answer: http.client.HTTPResponse = urllib.request.build_opener(Redirects).open(request, timeout=stall)
        except urllib.error.HTTPError as error:
            raise ClipError(f"{name}: the server answers {error.code} ({error.reason})") from None
        except urllib.error.URLError as error:
            reason = error.reason.strerror if isinstance(error.reason, OSError) else None
            raise ClipError(f"{name}: can't be reached ({reason or shown(error.reason)})") from None
        except (TimeoutError, http.client.HTTPException) as error:
            raise ClipError(f"{name}: can't be reached ({type(error).__name__})") from None

    def _wait(self, count: int) -> bytes:
        began = time.monotonic()
        try:
            piece = self._answer.read1(count)
        except TimeoutError:
            return self._end(Ending.STALLED)
        except (OSError, http.client.HTTPException, ValueError):
            return self._end(Ending.BROKEN)
        if time.monotonic() - began > WAITED:
            self.edge = time.time()
        if piece:
            return piece
        return self._end(Ending.BROKEN if self._answer.length else Ending.ENDED)


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a server to another address, but not from https to an open line."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the next request. Raises HTTPError if it would be without https."""
        if scheme_of(req.full_url) == "https" and scheme_of(newurl) != "https":
            raise urllib.error.HTTPError(req.full_url, code, "leads to an address without https", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _login(address: str) -> str:
    """Return the user's login for a server, from ~/.netrc; empty without one."""
    with suppress(OSError, netrc.NetrcParseError):
        found = netrc.netrc().authenticators(urlsplit(address).hostname or "")
        if found:
            return f"Basic {b64encode(f'{found[0]}:{found[2]}'.encode()).decode()}"
    return ""


def _check_head(opened: ByteSource, name: str) -> None:
    """Raise ClipError for a stream that is empty, a list of other streams, or an MP4 that is readable at its end."""
    from seehear.media.opening import A_LIST, LISTS

    head = opened.peek(HEAD)
    if not head:
        if opened.ending is Ending.ENDED:
            raise ClipError(f"{name}: is empty (0 bytes)")
        raise ClipError(f"{name}: nothing came within {opened.stall:g} s")
    if head.startswith(LISTS):
        raise ClipError(f"{name}: is {A_LIST}: {REMUX}")
    if _needs_end(head):
        raise ClipError(
            f"{name}: is an MP4 whose index is written at its end, so it can't be read while it grows: record "
            "Matroska (.mkv), MPEG-TS (.ts) or fragmented MP4 (ffmpeg: -movflags frag_keyframe+empty_moov)"
        )


def _needs_end(head: bytes) -> bool:
    """Return whether an MP4 that begins like this has its content before its index."""
    place = 0
    while place + 8 <= len(head):
        length, kind = struct.unpack(">I4s", head[place : place + 8])
        if place == 0 and kind not in (b"ftyp", b"mdat", b"wide", b"free"):
            return False
        if kind in (b"mdat", b"moov", b"moof"):
            return bool(kind == b"mdat")
        if length < 8:
            return False
        place += length
    return False
