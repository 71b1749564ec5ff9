"""A network from a plain function: the shortest way to add your own.

@network(name="loudness", modality="audio", width=1, rate=16000, window=1.0, licence="CC0")
def loudness(waves):  # (n, 16000) in [-1, 1]
    return (waves**2).mean(axis=1, keepdims=True) ** 0.5
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.names import valid_network_name
from seehear.networks.spec import AudioInput, Batch, ImageInput, Network, NetworkSpec

Function = Callable[[Any], Any]  # from a batch to (n, width)


class FunctionNetwork(Network):
    """Runs a function, and checks the shape of its result."""

    def __init__(self, function: Function, name: str, width: int) -> None:
        self._function, self._name, self._width = function, name, width

    def features(self, batch: Batch) -> NDArray[np.float32]:
        """Return the function's features (n, width). Raises SeehearError for another shape."""
        features = np.asarray(self._function(batch), np.float32)
        if features.shape != (len(batch), self._width):
            raise SeehearError(
                f"the network {self._name} gave features of shape {features.shape}, not {(len(batch), self._width)}"
            )
        return features


def network(
    *,
    name: str,
    modality: Literal["audio", "visual"],
    width: int,
    rate: int = 16000,
    window: float = 1.0,
    hop: float = 1.0,
    size: int = 224,
    licence: str = "not stated",
    domain: str = "your own",
    origin: str = "your own",
    paper: str = "",
    revision: str = "",
) -> Callable[[Function], NetworkSpec]:
    """Decorate a function from a batch to features (n, width); the result is a NetworkSpec.

    The fingerprint of the features covers the source of the function, and the functions, classes and plain constants
    of its file that it uses. It does not cover what the function imports or reads from disk: change `revision` when
    that changes.

    Args:
        name: Of the network.
        modality: audio: the batch is (n, round(window * rate)) float32 in [-1, 1]. visual: the batch is
            (n, size, size, 3) uint8 RGB.
        width: Numbers in a feature.
        rate: Audio samples per second.
        window: Seconds of audio that one feature depends on.
        hop: The largest number of seconds between the centres of windows.
        size: Of frames, in pixels.
        licence: For people.
        domain: What the network was trained on, for people.
        origin: Its authors, for people.
        paper: For people.
        revision: Any text; features are made again when it changes.

    Returns:
        A decorator.

    Raises:
        SeehearError: The modality or the name is wrong, or the source of the function can't be read.
    """
    valid_network_name(name)
    if modality not in ("audio", "visual"):
        raise SeehearError(f"the modality of {name} must be audio or visual, not {modality!r}")
    declared = AudioInput(rate, window, hop) if modality == "audio" else ImageInput(size)

    def decorate(function: Function) -> NetworkSpec:
        digest = hashlib.sha256("\0".join([revision, *_sources(function)]).encode()).hexdigest()[:16]
        return NetworkSpec(
            name=name,
            input=declared,
            width=width,
            domain=domain,
            origin=origin,
            paper=paper,
            licence=licence,
            load=lambda paths, device: FunctionNetwork(function, name, width),
            revision=digest,
        )

    return decorate


def _sources(function: Function) -> list[str]:
    """Return the source of a function and of everything it uses from its own module, in a fixed order."""
    sources: dict[str, str] = {}
    module = function.__module__
    waiting: list[Any] = [function]
    while waiting:
        item = waiting.pop()
        if item.__qualname__ in sources:
            continue
        try:
            sources[item.__qualname__] = inspect.getsource(item)
        except (OSError, TypeError) as error:
            raise SeehearError(f"can't read the source of {item.__qualname__}; put it into a file") from error
        for name, value in _uses(item):
            if inspect.isroutine(value) or inspect.isclass(value):
                value = inspect.unwrap(value) if inspect.isroutine(value) else value
                if getattr(value, "__module__", None) == module and hasattr(value, "__qualname__"):
                    waiting.append(value)
            elif _is_plain(value):
                sources[name] = repr(value)
    return [f"{name}\n{source}" for name, source in sorted(sources.items())]


def _is_plain(value: Any) -> bool:
    """Return whether the repr of a value describes it completely, and is the same in every process."""
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return isinstance(value, bool | int | float | complex | str | bytes | None)


def _uses(item: Any) -> Iterator[tuple[str, Any]]:
    """Yield the globals and closed-over variables that a function, or the methods of a class, refer to."""
    functions = [item] if isinstance(item, FunctionType) else [v for v in vars(item).values() if inspect.isfunction(v)]
    for function in functions:
        for name in _names(function.__code__):
            if name in function.__globals__:
                yield name, function.__globals__[name]
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            yield name, cell.cell_contents


def _names(code: CodeType) -> set[str]:
    """Return the global names in the code of a function and of the functions inside it."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*map(_names, inner))
