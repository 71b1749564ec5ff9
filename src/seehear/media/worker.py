"""The process that decodes: it answers requests that it reads from its standard input; see `seehear.media.child`.

Its standard input and output are moved away before anything is decoded, so no library can read or write them.
Whatever a library prints goes to standard error. While the process works on a request, it sends how much processor
time it has used, once per second. If nobody reads that, it ends itself.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from enum import StrEnum
from importlib import import_module
from typing import Any

import av
from numpy.typing import NDArray

from seehear.errors import ClipError, SeehearError
from seehear.media.channel import Channel
from seehear.media.parts import open_part
from seehear.media.reader import Media
from seehear.media.span import Span
from seehear.media.stream import Stream
from seehear.media.stream_source import Source

PULSE = 0.2  # seconds between two messages on the processor time
LONGEST_TEXT = 2000  # characters of an error
WHILE_SHORT_OF_MEMORY = "500"  # of 1000: Linux ends this process before the one that it decodes for

Reply = tuple[dict[str, Any], list[NDArray[Any]]]


class Request(StrEnum):
    """What can be requested."""

    OPEN = "open"  # a file: its facts
    ASPECT = "aspect"  # of its frames
    SPANS = "spans"  # the first span of a file
    NEXT = "next"  # the next one
    CLOSE = "close"  # no more of them; there is no reply
    CALL = "call"  # a function


class Failure(StrEnum):
    """How a request failed."""

    CLIP = "clip"  # ClipError
    USER = "user"  # another SeehearError
    SYSTEM = "system"  # OSError of a function
    MEMORY = "memory"
    UNEXPECTED = "unexpected"


class Worker:
    """Answers requests, one after another."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self._pulse = channel, Pulse(channel)
        self._opened: tuple[list[Any], Media | Stream] | None = None  # the last file, and the request's name for it
        self._spans: Iterator[Span] | None = None
        self._media: Media | Stream | None = None  # the file of these spans

    def serve(self) -> None:
        """Answer until the other side ends."""
        while (message := self._channel.receive()) is not None:
            request = message[0]
            if request["do"] != Request.NEXT:
                self._close()
            if request["do"] == Request.CLOSE:
                continue
            with self._pulse:
                reply = self._answer(request)
            try:
                self._channel.send(*reply)
            except TypeError as error:  # nothing is sent of a result that JSON can't hold
                self._channel.send({"failure": _failure(error, request["do"])})

    def _answer(self, request: dict[str, Any]) -> Reply:
        try:
            _enter(request.get("folder"))
            match request["do"]:
                case Request.OPEN:
                    return {"facts": facts(self._open(request["media"]))}, []
                case Request.ASPECT:
                    media = self._open(request["media"])
                    return {"aspect": float(media.aspect) if isinstance(media, Media) else 1.0}, []
                case Request.SPANS:
                    self._media = self._open(request["media"])
                    self._spans = self._media.spans(**request["options"])
                    return self._next()
                case Request.NEXT:
                    return self._next()
                case Request.CALL:
                    opened = [self._open(request["media"])] if request["media"] else []
                    function = _function(request["function"])
                    return {"result": function(*opened, *request["arguments"], **request["options"])}, []
            raise ValueError(f"no request {request['do']!r}")
        except Exception as error:  # a decoder may raise anything
            return {"failure": _failure(error, request["do"])}, []

    def _open(self, media: list[Any]) -> Media | Stream:
        """Return a clip.

        Args:
            media: Its path, its audio track, a number that every opened clip has for itself, and of a part its start
                and stop, None for the end of the file. In place of its path, a stream has the source from which it
                comes.
        """
        if self._opened is None or self._opened[0] != media:
            self._opened = None
            place, track = media[:2]
            self._opened = media, _opened(place, track, *media[3:])
        return self._opened[1]

    def _next(self) -> Reply:
        assert self._spans is not None
        assert self._media is not None
        span = next(self._spans, None)
        if span is None:
            return {"facts": facts(self._media)}, []
        outline = [span.start, span.stop, span.rate, span.margin, [int(size) for size in span.frames]]
        return {"facts": facts(self._media), "span": outline}, [span.times, span.waveform, *span.frames.values()]

    def _close(self) -> None:
        if self._spans is not None:
            with suppress(Exception):
                self._spans.close()  # type: ignore[attr-defined]
        self._spans = self._media = None


class Pulse:
    """Sends the processor time that a request has used, while it is worked on."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self._began = channel, 0.0
        self._working = threading.Event()
        threading.Thread(target=self._beat, daemon=True, name="pulse").start()

    def __enter__(self) -> None:
        self._began = time.process_time()
        self._working.set()

    def __exit__(self, *_: object) -> None:
        self._working.clear()

    def _beat(self) -> None:
        while True:
            self._working.wait()
            time.sleep(PULSE)
            if self._working.is_set():
                try:
                    self._channel.send({"used": time.process_time() - self._began})
                except OSError:  # nobody waits for the result any more
                    os._exit(1)


def _opened(place: Any, track: int | None, part: list[float | None] | None = None) -> Media | Stream:
    if isinstance(place, dict):
        return Stream(Source.of_json(place), track)
    if part is None:
        return Media(place, track)
    start, stop = part
    return open_part(place, track, start or 0.0, math.inf if stop is None else stop)


def facts(media: Media | Stream) -> dict[str, Any]:
    """Return what is known of a file or stream, as a value that `json.dumps` takes."""
    state = {"state": asdict(media.state())} if isinstance(media, Stream) else {}
    return state | {
        "duration": float(media.duration),
        "has_video": bool(media.has_video),
        "has_audio": bool(media.has_audio),
        "rate": int(media.rate),
        "notes": [note.as_json() for note in media.notes],
    }


def name_of(function: Any) -> str:
    """Return a module's function as text, for `Request.CALL`."""
    return f"{function.__module__}:{function.__qualname__}"


def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)


def _enter(folder: str | None) -> None:
    """Work in the same folder as the other process, so that paths in messages are those that it knows."""
    if folder is not None:
        with suppress(OSError):
            os.chdir(folder)


def _failure(error: Exception, request: str) -> dict[str, Any]:
    text = str(error)[:LONGEST_TEXT]
    if isinstance(error, SeehearError):
        return {"kind": Failure.CLIP if isinstance(error, ClipError) else Failure.USER, "text": text}
    if isinstance(error, MemoryError):
        return {"kind": Failure.MEMORY, "text": text}
    if request == Request.CALL and isinstance(error, OSError) and not isinstance(error, av.FFmpegError):
        return {"kind": Failure.SYSTEM, "number": error.errno, "text": error.strerror or text}
    return {"kind": Failure.UNEXPECTED, "text": f"{type(error).__name__}: {text}"}


def _limit(memory: int) -> None:
    """Limit this process: its memory in bytes, no core dumps, and the first to go if the machine runs out of memory."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as stream:
        stream.write(WHILE_SHORT_OF_MEMORY)
    try:
        import resource
    except ImportError:  # Windows
        return
    # Threads reserve address space that they don't use. Linux counts without it, in RLIMIT_DATA.
    of_memory = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    for kind, limit in ((of_memory, memory + _own_memory()), (resource.RLIMIT_CORE, 0)):
        with suppress(OSError, ValueError):  # a lower limit stays
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _own_memory() -> int:
    """Return the bytes that this process takes before it has opened a clip, as Linux counts them for RLIMIT_DATA."""
    try:
        with open("/proc/self/status", encoding="utf-8") as stream:
            facts = dict(line.split(":", 1) for line in stream)
        return int(facts["VmData"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 0


def main() -> None:
    """Serve the process that started this one, until it ends. The argument is the memory for clips in bytes."""
    memory = int(sys.argv[-1])
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that this one works for
    incoming = os.fdopen(os.dup(0), "rb", buffering=0)
    outgoing = os.fdopen(os.dup(1), "wb", buffering=0)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    _limit(memory)
    channel = Channel(incoming, outgoing, max_bytes=memory)
    with suppress(OSError):  # the other side has ended
        channel.send({"ready": True})
        Worker(channel).serve()


if __name__ == "__main__":
    main()
