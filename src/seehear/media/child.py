"""Clips decoded in another process: a decoder that crashes, hangs or takes all memory costs one clip, not the run.

`open_clip` gives a `Media` whose work is done by `seehear.media.worker`. That process lives as long as this one, and
is replaced if it ends. It starts within a tenth of a second, works on one clip at a time, and waits until the next
span is requested. So the memory of both is bounded.
"""

from __future__ import annotations

import atexit
import math
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakSet

from numpy.typing import NDArray

from seehear.errors import ClipError, SeehearError
from seehear.media.channel import BrokenChannelError, Channel
from seehear.media.notes import Note
from seehear.media.opening import REMEDY
from seehear.media.parts import open_part
from seehear.media.reader import Media
from seehear.media.span import Span
from seehear.media.whole import stated_duration
from seehear.media.worker import Failure, Request, name_of
from seehear.memory import GIB, bytes_of
from seehear.storage.files import part_of
from seehear.storage.parts import Part

ISOLATE = "SEEHEAR_ISOLATE"  # environment variable: 0 to decode in this process
MEMORY = "SEEHEAR_DECODER_MEMORY"  # environment variable: GiB
TICK = 0.2  # seconds
LEAST_PROGRESS = 0.02  # seconds of processor time; telling of it takes less
MAX_IDLE = 2  # processes that are kept for the next clip
LAST_WORDS = 1000  # bytes of standard error that are kept
PIPE = 1 << 20  # bytes: with the usual 64 KiB, two processes take turns a hundred times per span
CONVERT = "leave it out, or convert it"
CRASHES = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE")  # signals that a fault in a program causes
REPORT = "; this may be a fault of seehear or PyAV, so please report it"
# The path of modules is handed over, so that the same seehear is imported; -P keeps the working folder out of it.
START = "import sys; sys.path[:] = sys.argv[1:-1]; from seehear.media.worker import main; main()"


@dataclass(frozen=True)
class Limits:
    """What a clip may take.

    Attributes:
        memory: Bytes.
        silence: Seconds without any work being done for a request. Time in which this process doesn't run itself, as
            on a suspended machine, doesn't count.
        processor: Seconds of processor time for one request: to list a file's packets, or to decode a span.
    """

    memory: int = 4 * GIB
    silence: float = 300.0
    processor: float = 1800.0

    @staticmethod
    def of_environment() -> Limits:
        """Return the limits, with the memory that $SEEHEAR_DECODER_MEMORY gives in GiB.

        Raises:
            SeehearError: If that is not a number above 0.
        """
        return Limits(memory=bytes_of(MEMORY, Limits.memory))


class _StalledError(Exception):
    """A request has reached a limit of time."""


class Child:
    """One process that decodes. It is usable until `ask` raises something other than what the request asked for."""

    def __init__(self, limits: Limits, descriptors: Sequence[int] = ()) -> None:
        """Start the process, which inherits file descriptors. Raises SeehearError if that is impossible."""
        self._limits = limits
        arguments = [sys.executable, "-P", "-c", START, *map(str, sys.path), str(limits.memory)]
        try:
            self.process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=descriptors,
                **_own_group(),
            )
        except OSError as error:
            raise SeehearError(
                f"the process that decodes clips can't be started ({error.strerror}); {_hint()}"
            ) from None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._words, self._ready = b"", False
        self._quiet = self._used = 0.0  # seconds without work, and of processor time; of this request
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:
            self._poll.register(self.process.stdout, select.POLLIN)
        _enlarge(self.process.stdout.fileno())
        self._channel = Channel(
            self.process.stdout,  # type: ignore[arg-type]
            self.process.stdin,  # type: ignore[arg-type]
            max_bytes=limits.memory,
            before_read=self._wait,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True, name="decoder's messages")
        self._listener.start()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def ask(self, path: object, request: dict[str, Any]) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        """Send a request and return the reply.

        Args:
            path: The file, for messages.
            request: What is wanted.

        Raises:
            ClipError: If the file can't be used, or the process ended or was ended because of it.
            SeehearError: As the request does.
            OSError: As a called function does.
        """
        self._quiet = self._used = 0.0
        try:
            if not self._ready:
                self._expect_ready()
            self._channel.send(request)
            while "used" in (message := self._receive())[0]:
                self._note_progress(message[0]["used"])
        except _StalledError as stalled:
            self.kill()
            raise ClipError(f"{path}: {stalled}: {CONVERT}") from None
        except (OSError, ValueError, BrokenChannelError):  # ValueError: another thread has closed the pipes
            raise ClipError(f"{path}: its decoder {self._end()}: {CONVERT}{self._report()}") from None
        except BaseException:  # the rest of the reply would be taken for that of the next request
            self.kill()
            raise
        if "failure" in message[0]:
            self._raise(path, message[0]["failure"])
        return message

    def tell(self, request: dict[str, Any]) -> None:
        """Send a request that has no reply."""
        try:
            self._channel.send(request)
        except (OSError, ValueError):
            self.kill()

    def kill(self) -> None:
        """End the process, whatever it does."""
        with suppress(OSError):
            self.process.kill()
        with suppress(subprocess.TimeoutExpired):  # it waits for a device that doesn't answer
            self.process.wait(timeout=5)
        self.abandon()
        self._listener.join(timeout=1)

    def abandon(self) -> None:
        """Close the pipes, upon which the process ends."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _receive(self) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        message = self._channel.receive()
        if message is None:
            raise BrokenChannelError("the end")
        return message

    def _expect_ready(self) -> None:
        """Wait until the process has started. Raises SeehearError if it ends instead: no clip is to blame."""
        try:
            self._ready = self._receive()[0].get("ready", False)
        except (OSError, BrokenChannelError):
            how = self._end()
            words = self._words.decode(errors="replace").strip().splitlines()
            raise SeehearError(
                f"the process that decodes clips {how} as it started{f' ({words[-1]})' if words else ''}; {_hint()}"
            ) from None

    def _wait(self) -> None:
        """Wait until there is something to read. Raises _StalledError after too long."""
        # Waits are short, because time in which this process stood still isn't the decoder's.
        while self._poll is not None and not self._poll.poll(TICK * 1000):
            self._quiet += TICK
            if self._quiet > self._limits.silence:
                raise _StalledError(f"its decoder did nothing for {self._limits.silence:g} s")

    def _note_progress(self, used: float) -> None:
        """Note the processor time that a request has used. Raises _StalledError if that is too much."""
        if used > self._limits.processor:
            raise _StalledError(f"its decoder came to no result in {self._limits.processor:g} s of processor time")
        if used > self._used + LEAST_PROGRESS:
            self._quiet, self._used = 0.0, used

    def _raise(self, path: object, failure: dict[str, Any]) -> None:
        match failure["kind"]:
            case Failure.CLIP:
                raise ClipError(failure["text"])
            case Failure.USER:
                raise SeehearError(failure["text"])
            case Failure.SYSTEM:
                raise OSError(failure["number"], failure["text"])
            case Failure.MEMORY:
                self.kill()  # what is left of its memory may be in pieces
                raise ClipError(
                    f"{path}: takes more than {self._limits.memory / GIB:g} GiB to decode: leave it out, convert it to "
                    f"a smaller size, or set {MEMORY} to more GiB"
                )
        raise ClipError(f"{path}: can't be decoded ({failure['text']}): {REMEDY}")

    def _end(self) -> str:
        """Wait for the process to end, and return how it did."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=1)
        code = self.process.returncode
        self.kill()
        if code == -getattr(signal, "SIGKILL", 9):
            return "was killed (SIGKILL), perhaps because the machine ran out of memory"
        if code is not None and code < 0:
            return f"crashed ({_signal_name(-code)})"
        return "sent a broken answer" if code is None else f"ended with status {code}"

    def _report(self) -> str:
        """Return a request to report how the process ended, if a fault in a program ends it in this way."""
        code = self.process.returncode
        return REPORT if code is not None and code < 0 and _signal_name(-code) in CRASHES else ""

    def _listen(self) -> None:
        """Keep the end of what libraries print, so that the process never waits for somebody to read it."""
        assert self.process.stderr is not None
        with self.process.stderr as stream, suppress(OSError, ValueError):
            while words := stream.read(1 << 16):
                self._words = (self._words + words)[-LAST_WORDS:]


class Decoder:
    """Processes that decode, one for each clip that is decoded at a time."""

    def __init__(self, limits: Limits | None = None, descriptors: Sequence[int] = ()) -> None:
        """Start nothing yet.

        Args:
            limits: By default `Limits.of_environment()`.
            descriptors: Open files that the processes inherit.
        """
        self._limits, self._descriptors = limits, descriptors
        self._numbers = count()
        self._reset()
        _decoders.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._children: set[Child] = set()

    @property
    def children(self) -> tuple[Child, ...]:
        """The processes, at work or not."""
        with self._lock:
            return tuple(self._children)

    def start(self) -> None:
        """Start a process, so that the first clip needn't wait for it."""
        with self.lend():
            pass

    def open(
        self, path: str | Path, audio_track: int | None = None, part: tuple[float, float] | None = None
    ) -> IsolatedMedia:
        """Open a clip. Arguments and errors are those of `Media`; part: start and stop as for `Media.part`."""
        return IsolatedMedia(path, audio_track, decoder=self, part=part)

    def call(self, function: Callable[..., Any], path: object, *arguments: Any, **options: Any) -> Any:
        """Return `function(path, *arguments, **options)`, worked out in the process.

        Args:
            function: Of a module, not a method.
            path: The file that it reads.
            *arguments: Values that JSON can hold; so is the result.
            **options: The same.

        Raises:
            ClipError: As `Child.ask`.
            SeehearError: As the function does.
            OSError: As the function does.
        """
        return self._call(function, path, None, (str(path), *arguments), options)

    def _call(
        self,
        function: Callable[..., Any],
        path: object,
        media: list[Any] | None,
        arguments: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        request = {"do": Request.CALL, "media": media, "function": name_of(function), "folder": _folder()}
        with self.lend() as child:
            return child.ask(path, {**request, "arguments": arguments, "options": options})[0]["result"]

    @contextmanager
    def lend(self) -> Iterator[Child]:
        """Yield a process for one user alone."""
        with self._lock:
            child = self._idle.pop() if self._idle else None
        if child is not None and not child.alive:  # ended from outside while nobody used it
            self._remove(child)
            child = None
        if child is None:
            child = Child(self._limits or Limits.of_environment(), self._descriptors)
            with self._lock:
                self._children.add(child)
        try:
            yield child
        finally:
            with self._lock:
                kept = child.alive and len(self._idle) < MAX_IDLE
                if kept:
                    self._idle.append(child)
            if not kept:
                self._remove(child)

    def close(self) -> None:
        """End all processes."""
        for child in self.children:
            self._remove(child)

    def forget(self) -> None:
        """Leave all processes to the process that this one was forked from."""
        for child in self._children:
            child.abandon()
            child.process.returncode = 0
        self._reset()

    def _remove(self, child: Child) -> None:
        with self._lock:
            self._children.discard(child)
            self._idle = [other for other in self._idle if other is not child]
        child.kill()


class IsolatedMedia(Media):
    """A clip file that is decoded in another process. Everything else is as in `Media`."""

    def __init__(
        self,
        path: str | Path,
        audio_track: int | None = None,
        *,
        decoder: Decoder,
        part: tuple[float, float] | None = None,
    ) -> None:
        self.path, self.audio_track = Path(path), audio_track
        self.place = str(Part(self.path, *part)) if part else str(path)
        self._decoder = decoder
        seconds = None if part is None else [part[0], part[1] if math.isfinite(part[1]) else None]
        self._name = [str(self.path), audio_track, next(decoder._numbers), seconds]
        with decoder.lend() as child:
            self._facts = child.ask(self.place, self._request(Request.OPEN))[0]["facts"]
        self.duration, self.rate = float(self._facts["duration"]), int(self._facts["rate"])

    def part(self, start: float, stop: float = math.inf) -> IsolatedMedia:
        """Return a part of the file as a clip of its own; see `Media.part`."""
        return IsolatedMedia(self.path, self.audio_track, decoder=self._decoder, part=(start, stop))

    @property
    def has_video(self) -> bool:
        """Whether the file holds frames."""
        return bool(self._facts["has_video"])

    @property
    def has_audio(self) -> bool:
        """Whether the file holds audio."""
        return bool(self._facts["has_audio"])

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is odd about the file; complete once `spans` has decoded it."""
        return tuple(Note.from_json(note) for note in self._facts["notes"])

    @cached_property
    def aspect(self) -> float:
        """Width over height of the frames as shown: rotated, with pixels that may not be square; 1 without video."""
        if not self.has_video:
            return 1.0
        with self._decoder.lend() as child:
            return float(child.ask(self.place, self._request(Request.ASPECT))[0]["aspect"])

    def spans(self, length: float, **options: Any) -> Iterator[Span]:
        """Decode the clip once, from start to end; see `Media.spans`."""
        options["sizes"] = sorted(int(size) for size in options.get("sizes", ()))
        request = self._request(Request.SPANS) | {"options": {"length": length, **options}}
        with self._decoder.lend() as child:
            reply, arrays = child.ask(self.place, request)
            self._update(reply["facts"])
            try:
                while "span" in reply:
                    yield span_of(reply["span"], arrays)
                    del arrays  # the memory is the caller's
                    reply, arrays = child.ask(self.place, {"do": Request.NEXT})
                    self._update(reply["facts"])
            finally:
                child.tell({"do": Request.CLOSE})

    def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Return `function(media, *arguments, **options)`, worked out in the other process; see `Decoder.call`."""
        return self._decoder._call(function, self.place, self._name, arguments, options)

    def _request(self, do: Request) -> dict[str, Any]:
        return {"do": do, "media": self._name, "folder": _folder()}

    def _update(self, facts: dict[str, Any]) -> None:
        """Take over the notes. Raises ClipError if it is not the same file any more."""
        if facts | {"notes": []} != self._facts | {"notes": []}:  # another process had to open it again
            raise ClipError(f"{self.place}: has changed since it was opened: run again")
        self._facts = facts


def open_clip(path: str | Path | Part, audio_track: int | None = None) -> Media:
    """Open a clip to be decoded in another process, or in this one if $SEEHEAR_ISOLATE is 0.

    Args:
        path: A media file, or a part of one: a `Part`, or a text such as `video.mp4#t=30,40`.
        audio_track: As for `Media`.

    Raises:
        ClipError: The file can't be used.
    """
    if not isinstance(path, Part):
        named = part_of(path)
        path = Path(path) if named is None else Part(Path(named[0]), *named[1:])
    if not isinstance(path, Part):
        return DECODER.open(path, audio_track) if isolates() else Media(path, audio_track)
    if not isinstance(path.file, Path):
        raise ClipError(f"{path}: lies elsewhere, and is opened once it is fetched")
    if isolates():
        return DECODER.open(path.file, audio_track, (path.start, path.stop))
    return open_part(path.file, audio_track, path.start, path.stop)


def run(function: Callable[..., Any], media: Media, *arguments: Any, **options: Any) -> Any:
    """Return `function(media, *arguments, **options)`, worked out where the clip is decoded; see `Decoder.call`."""
    if isinstance(media, IsolatedMedia):
        return media.call(function, *arguments, **options)
    return function(media, *arguments, **options)


def run_on_file(function: Callable[..., Any], path: Path, *arguments: Any, **options: Any) -> Any:
    """Return `function(str(path), *arguments, **options)`, worked out where clips are decoded; see `Decoder.call`."""
    if isolates():
        return DECODER.call(function, path, *arguments, **options)
    return function(str(path), *arguments, **options)


def start() -> None:
    """Start the process that decodes, so that the first clip needn't wait for it."""
    if isolates():
        DECODER.start()


def isolates() -> bool:
    """Return whether clips are decoded in another process.

    Raises:
        SeehearError: If $SEEHEAR_ISOLATE is neither 0 nor 1.
    """
    own = os.environ.get(ISOLATE) or "1"
    if own not in ("0", "1"):
        raise SeehearError(f"{ISOLATE} must be 0, to decode in this process, or 1, not {own!r}")
    # In an application that brings its own Python, the executable is the application.
    return own == "1" and bool(sys.executable) and not getattr(sys, "frozen", False)


def span_of(outline: list[Any], arrays: list[NDArray[Any]]) -> Span:
    """Return a span, from the reply of the process."""
    start, stop, rate, margin, sizes = outline
    times, waveform, *frames = arrays
    return Span(start, stop, dict(zip(sizes, frames, strict=True)), times, waveform, rate, margin)


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None


def _hint() -> str:
    return f"{ISOLATE}=0 decodes without it"


def _own_group() -> dict[str, Any]:
    """Return the arguments by which Ctrl-C and Ctrl-Z don't reach the process."""
    if os.name == "nt":
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    return {"process_group": 0}


def _enlarge(pipe: int) -> None:
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)
    except (ImportError, AttributeError, OSError):  # it only saves time
        pass


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _in_forked_process() -> None:
    for decoder in list(_decoders):
        decoder.forget()


_decoders: WeakSet[Decoder] = WeakSet()
DECODER = Decoder()
atexit.register(DECODER.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_process)


def duration_of(file: Path) -> float:
    """Return the seconds of a file: as its header states it exactly, else as its packets say."""
    stated = run_on_file(stated_duration, file)
    return open_clip(file).duration if stated is None else float(stated)
