"""The files that a network reads while it is loaded, so that it can be loaded on a machine that has nothing else.

There its weights are neither fetched nor converted. So neither their publisher's formats nor torch are needed.

    files = files_of(spec)              # name -> path, on a machine that has the weights
    network = load_from(spec, files)    # elsewhere, with copies of these files
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from seehear.errors import SeehearError
from seehear.networks.spec import Network, NetworkSpec
from seehear.networks.weights import fetch

T = TypeVar("T")


class _Files(dict[str, Path]):
    """Files by name, and which of them were asked for."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        super().__init__(files)
        self.read: dict[str, Path] = {}

    def __getitem__(self, name: str) -> Path:
        if name not in self:
            raise SeehearError(f"the file {name!r} of a network is missing")
        return self.read.setdefault(name, super().__getitem__(name))


_carried: ContextVar[_Files | None] = ContextVar("carried", default=None)  # of the network that is being loaded
_converted: ContextVar[dict[str, Path] | None] = ContextVar("converted", default=None)  # what it converted


def files_of(spec: NetworkSpec) -> dict[str, Path]:
    """Return the files that loading a network reads, by name, of this machine. Weights are fetched if needed.

    Raises:
        SeehearError: As `networks.load`.
    """
    weights = _Files(fetch(spec.weights))
    with _during(_converted, {}) as converted:
        spec.load(weights, "cpu")
    return weights.read | converted


def load_from(spec: NetworkSpec, files: Mapping[str, Path], device: str = "auto") -> Network:
    """Load a network from the files that `files_of` gave, or copies of them.

    Args:
        spec: The network.
        files: Name -> path.
        device: auto, cpu or cuda.

    Raises:
        SeehearError: If one is missing, or can't be used.
    """
    carried = _Files(files)
    with _during(_carried, carried):
        return spec.load(carried, device)


def carried(name: str) -> Path | None:
    """Return the converted file of this name that the network being loaded brought along; None if it brought none."""
    files = _carried.get()
    return None if files is None else files[name]


def note_converted(name: str, path: Path) -> None:
    """Note that the network being loaded reads a converted file, for `files_of`."""
    converted = _converted.get()
    if converted is not None:
        converted[name] = path


@contextmanager
def _during(variable: ContextVar[T | None], value: T) -> Iterator[T]:
    """Give a variable a value during the block."""
    token = variable.set(value)
    try:
        yield value
    finally:
        variable.reset(token)
