"""What is fuzzed: a target is a maker of sound files, and a reader of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    """One kind of file.

    Attributes:
        name: Of the kind, such as `store.json`.
        make: Writes the sound files into a folder. Targets that share a maker share its files.
        damaged: Patterns of the files that are damaged, relative to the folder.
        read: Reads the folder as a user would, given the folder and the damaged file. Whatever it raises must be a
            SeehearError.
        writes: Whether reading writes into the folder, which is then copied anew for every input.
        seconds: Of the processor, that reading one input may take.
        memory: MiB that reading one input may take.
        share: How many inputs it gets, compared with other targets.
    """

    name: str
    make: Callable[[Path], None]
    damaged: tuple[str, ...]
    read: Callable[[Path, Path], object]
    writes: bool = False
    seconds: float = 10.0
    memory: int = 1024
    share: float = 1.0
