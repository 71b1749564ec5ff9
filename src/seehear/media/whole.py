"""Whether a file holds all that its header states."""

from __future__ import annotations

import struct
from pathlib import Path

import av
from av.container.input import InputContainer

EXACT = frozenset(("mp4", "matroska"))  # formats whose header states an exact duration, without which they are cut off
STATED = frozenset(("flac", "flv"))  # formats whose header states a duration that programs may have left wrong
UNKNOWN_SIZE = 0x7FFFF000  # bytes; a larger size in a header means that it wasn't known when it was written
MP3_HEADS = (b"Xing", b"Info")  # tags that state how many frames an MP3 has; else its duration is a guess
HEAD = 1 << 16  # bytes in which such a tag is looked for


def formats(container: InputContainer) -> frozenset[str]:
    """Return the names of a file's format."""
    return frozenset(container.format.name.split(","))


def missing_end(path: Path, container: InputContainer, end: float, duration: float) -> float:
    """Return how many seconds a file lacks at its end, as its header states; 0 if it is whole or states nothing.

    Args:
        path: The file.
        container: The same, opened.
        end: Seconds of the file's clock at which it ends.
        duration: Seconds that it holds.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith((b"RIFF", b"RIFX")):
        (size,) = struct.unpack("<I" if head.startswith(b"RIFF") else ">I", head[4:8])
        held = path.stat().st_size
        return duration * (size + 8 - held) / held if held < size + 8 < UNKNOWN_SIZE else 0.0
    named = formats(container)
    if named & STATED or ("mp3" in named and any(tag in head for tag in MP3_HEADS)):
        return max(0.0, (container.duration or 0) / av.time_base - end)
    return 0.0
