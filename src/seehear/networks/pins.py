"""Hashes of files in the cache, kept beside them: FILE.pin.json holds the size and the sha256 that FILE must have.

They show damage, and files that were replaced. Whoever can write into the cache can replace both.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from seehear.errors import SeehearError
from seehear.files import atomic_json, sha256

SUFFIX = ".pin.json"
MAX_BYTES = 1 << 16  # of a pin


@dataclass(frozen=True)
class Pin:
    """What a file must be.

    Attributes:
        size: Bytes.
        sha256: 64 hex digits.
        made_from: What it was made from; empty for a file that was fetched.
    """

    size: int
    sha256: str
    made_from: str = ""

    @classmethod
    def of(cls, file: Path, made_from: str = "") -> Pin:
        """Read a file for its pin."""
        return cls(file.stat().st_size, sha256(file), made_from)


def place(file: Path) -> Path:
    """Return where the pin of a file is kept."""
    return file.with_name(file.name + SUFFIX)


def write(file: Path, pin: Pin) -> None:
    """Keep the pin of a file."""
    atomic_json(place(file), asdict(pin))


def read(file: Path) -> Pin | None:
    """Return the pin that is kept of a file; None if there is none. Raises SeehearError if it is damaged."""
    kept = place(file)
    try:
        with kept.open("rb") as stream:
            facts = json.loads(stream.read(MAX_BYTES))
        pin = Pin(**facts)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError):
        pin = Pin(-1, "")
    if type(pin.size) is not int or type(pin.sha256) is not str or len(pin.sha256) != 64:
        raise SeehearError(f"{kept}: is damaged; delete it if you trust {file.name}, whose hash it held") from None
    return pin
