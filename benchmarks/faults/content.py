"""What commands left in a folder, compared with what they leave undisturbed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMED = "seconds"  # part of the names of JSON values that differ from run to run
DONE, CRC = "done", b"crc32 "  # the marker of a run has the hash of its history, which holds seconds


@dataclass(frozen=True)
class Difference:
    """Files of a folder that are not as they are in another.

    Attributes:
        strays: Files that should not be there.
        lost: Files that are missing.
        differing: Files of other content.
    """

    strays: tuple[str, ...]
    lost: tuple[str, ...]
    differing: tuple[str, ...]

    @staticmethod
    def between(found: Mapping[str, str], expected: Mapping[str, str], ignored: Set[str] = frozenset()) -> Difference:
        """Compare contents. ignored: files whose content differs from run to run."""
        both = found.keys() & expected.keys()
        return Difference(
            tuple(sorted(found.keys() - expected.keys())),
            tuple(sorted(expected.keys() - found.keys())),
            tuple(sorted(name for name in both - ignored if found[name] != expected[name])),
        )

    def __bool__(self) -> bool:
        return bool(self.strays or self.lost or self.differing)


def content(folder: Path) -> dict[str, str]:
    """Return the path of each file in a folder -> the hash of what it holds, without the seconds that it took."""
    return {str(file.relative_to(folder)): _digest(file) for file in sorted(folder.rglob("*")) if not file.is_dir()}


def _digest(file: Path) -> str:
    data = file.read_bytes()
    if file.suffix == ".json" or file.name.startswith("."):
        with suppress(ValueError):
            data = json.dumps(_without_times(json.loads(data)), sort_keys=True).encode()
    if file.suffix == ".safetensors":
        data = _without_time_of_clip(data)
    if file.name == DONE:
        data = b"\n".join(line for line in data.splitlines() if not line.endswith(b"history.json") and CRC not in line)
    return hashlib.sha256(data).hexdigest()


def _without_time_of_clip(data: bytes) -> bytes:
    """Return a feature file without the time at which its clip was written: a clip that is cut again is a new one."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    metadata = header.get("__metadata__", {})
    if "origin" in metadata:
        metadata["origin"] = {**json.loads(metadata["origin"]), "modified": 0}
    return json.dumps(header, sort_keys=True).encode() + data[8 + length :]


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(each) for key, each in value.items() if TIMED not in key}
    return [_without_times(each) for each in value] if isinstance(value, list) else value
