"""A stream that is decoded in a process of its own, as files are; see `seehear.media.child`."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from seehear.errors import ClipError, SeehearError
from seehear.media.child import Decoder, Limits, isolates, span_of
from seehear.media.span import Span
from seehear.media.stream import State, Stream
from seehear.media.stream_source import STDIN, Kind, Source, source_of
from seehear.media.worker import Request

PIECE = 1 << 16  # bytes that are read at once from an object
SLOW = 300.0  # seconds without any work, beyond those that the source may keep quiet


class Readable(Protocol):
    """An open binary file, or whatever gives bytes as one does."""

    def read(self, size: int, /) -> bytes:
        """Return some bytes; none at the end."""


AnySource = str | os.PathLike[str] | Readable


class OpenStream:
    """A stream that is being read. Close it, else its process waits for more.

    Attributes:
        path: Its name, without credentials.
        has_video: Whether it holds frames.
        has_audio: Whether it holds audio.
        state: How far it is.
    """

    def __init__(self, source: AnySource, stall: float, audio_track: int | None = None) -> None:
        """Wait until its tracks have begun.

        Args:
            source: A path, `-` for standard input, an address, or an open binary file.
            stall: Seconds without anything new after which it is given up.
            audio_track: Which of its audio tracks to use, from 1; by default the one that players choose.

        Raises:
            ClipError: If it can't be used.
            SeehearError: If an argument is wrong.
        """
        self._descriptors: tuple[int, ...] = ()
        self._faults: list[Exception] = []  # of the object that is read
        place = self._connected(source, stall)
        self.path = place.name
        self._decoder: Decoder | None = None
        self._stream: Stream | None = None
        try:
            self._open(place, audio_track)
        except BaseException:
            self.close()
            raise

    def _open(self, place: Source, audio_track: int | None) -> None:
        if not isolates():
            self._stream = Stream(place, audio_track)
            self.has_video, self.has_audio = self._stream.has_video, self._stream.has_audio
            self.state = self._stream.state()
            return
        limits = Limits.of_environment()
        self._decoder = Decoder(replace(limits, silence=place.stall + SLOW), self._descriptors)
        self._name = [place.as_json(), audio_track, 0]
        with self._decoder.lend() as child:
            self._child = child  # for good: another process would not have what this one has read
            self._close_descriptors()
            facts = child.ask(self.path, {"do": Request.OPEN, "media": self._name})[0]["facts"]
        self.has_video, self.has_audio = bool(facts["has_video"]), bool(facts["has_audio"])
        self.state = State(**facts["state"])

    def spans(self, length: float, **options: Any) -> Iterator[tuple[Span, State]]:
        """Yield the spans of the stream, each with how far the stream was; see `Stream.spans`.

        Afterwards, `state` says how it ended.
        """
        yield from self._decoded(length, options)
        if self._faults:
            error = self._faults[0]
            raise ClipError(f"{self.path}: reading it failed with {type(error).__name__}: {error}") from error

    def _decoded(self, length: float, options: dict[str, Any]) -> Iterator[tuple[Span, State]]:
        if self._stream is not None:
            for span in self._stream.spans(length, **options):
                yield span, self._stream.state()
            self.state = self._stream.state()
            return
        options["sizes"] = sorted(int(size) for size in options.get("sizes", ()))
        request = {"do": Request.SPANS, "media": self._name, "options": {"length": length, **options}}
        reply, arrays = self._child.ask(self.path, request)
        while "span" in reply:
            yield span_of(reply["span"], arrays), State(**reply["facts"]["state"])
            del arrays  # the memory is the caller's
            reply, arrays = self._child.ask(self.path, {"do": Request.NEXT})
        self.state = State(**reply["facts"]["state"])

    def close(self) -> None:
        """End its process."""
        if self._decoder is not None:
            self._decoder.close()
        if self._stream is not None:
            self._stream.close()
            if not self.state.ending:  # a thread may still be reading
                return
        self._close_descriptors()

    def _connected(self, source: AnySource, stall: float) -> Source:
        """Return where the stream comes from. Opens what its process inherits."""
        named = isinstance(source, str | os.PathLike)
        if not named and not callable(getattr(source, "read", None)):
            raise SeehearError(f"follow takes a path, an address or an open binary file, not {type(source).__name__}")
        place = source_of(STDIN if not named else source, stall)  # type: ignore[arg-type]
        if place.kind is not Kind.DESCRIPTOR:
            return place
        if os.name == "nt" and isolates():
            raise SeehearError("pipes can't be followed on Windows: give the name of a file that grows, or an address")
        if named:
            if sys.stdin is None or sys.stdin.isatty():
                raise SeehearError("standard input is a terminal: give it a stream, as by: ffmpeg … -f mpegts - | …")
            descriptor, name = os.dup(0), place.name
        else:
            descriptor, name = _pumped(source, self._faults), getattr(source, "name", type(source).__name__)  # type: ignore[arg-type]
        self._descriptors = (descriptor,)
        return replace(place, place=str(descriptor), name=str(name))

    def _close_descriptors(self) -> None:
        for descriptor in self._descriptors:
            with suppress(OSError):
                os.close(descriptor)
        self._descriptors = ()


def _pumped(source: Readable, faults: list[Exception]) -> int:
    """Return a pipe that a thread fills from an open file, as fast as it is read. What the file raises is added."""
    outgoing, incoming = os.pipe()
    read = getattr(source, "read1", source.read)  # `read` of a buffered file waits for all bytes

    def pump() -> None:
        with os.fdopen(incoming, "wb", buffering=0) as pipe, suppress(BrokenPipeError):  # nobody reads any more
            try:
                while piece := read(PIECE):
                    pipe.write(piece)
            except BrokenPipeError:
                raise
            except Exception as error:  # an object of the user may raise anything
                faults.append(error)

    threading.Thread(target=pump, daemon=True, name="stream").start()
    return outgoing
