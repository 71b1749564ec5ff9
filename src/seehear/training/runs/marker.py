"""RUN/done: the training is finished, and these are the hashes of what it wrote.

    epoch 7, chosen by average
    <sha256>  model.safetensors
    <sha256>  run.json
    crc32 <of all lines before, eight hex digits>

Hashes are written as `sha256sum` writes them. Earlier versions wrote `model.safetensors sha256 <sha256>` or none.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from pathlib import Path

from seehear.errors import SeehearError
from seehear.files import atomic_text, sha256
from seehear.stored import exists
from seehear.texts import read_text

DONE = "done"
MAX_DONE = 1 << 16  # bytes
AGAIN = "copy the run folder again, or delete it and train again"
FIRST = re.compile(r"epoch [0-9]+, chosen by [^\n]+\n")
EARLIER = re.compile(r"(?:model\.safetensors sha256 ([0-9a-f]{64})\n)?")
HASHES = re.compile(r"((?:[0-9a-f]{64}  [^\n/]+\n)+)crc32 ([0-9a-f]{8})\n")


def write_marker(folder: Path, first: str, names: Iterable[str]) -> None:
    """Write the marker of a run in one step.

    Args:
        folder: Of the run.
        first: Which epoch was chosen by what, in one line.
        names: Of the files that a finished run needs; those that are not there are left out.
    """
    lines = [f"{sha256(folder / name)}  {name}\n" for name in names if exists(folder / name)]
    text = f"{first}\n{''.join(lines)}"
    atomic_text(folder / DONE, f"{text}crc32 {_checksum(text)}\n")


def check_file(folder: Path, name: str) -> None:
    """Check a file of a run by its hash in the marker, if there is one. Call it where the file is read.

    Raises:
        SeehearError: If the file is missing, or another than the training wrote, or the marker itself is damaged.
    """
    file, marker = folder / name, folder / DONE
    if not exists(marker) or name not in (hashes := read_hashes(marker)):
        return
    try:
        found = sha256(file)
    except FileNotFoundError:
        raise SeehearError(f"{file}: is missing, and {marker} names it: {AGAIN}") from None
    except OSError as error:
        raise SeehearError(f"{file}: can't be read: {error.strerror}") from None
    if found != hashes[name]:
        raise SeehearError(f"{file}: is not what the training wrote: its hash is not the one in {marker}; {AGAIN}")


def read_hashes(marker: Path) -> dict[str, str]:
    """Return name -> hash from a marker, as far as it has some. Raises SeehearError if it is damaged."""
    text = read_text(marker, MAX_DONE, remedy=AGAIN)
    first = FIRST.match(text)
    rest = text[first.end() :] if first else ""
    if first and (earlier := EARLIER.fullmatch(rest)):
        return {"model.safetensors": earlier[1]} if earlier[1] else {}
    found = HASHES.fullmatch(rest)
    if first is None or found is None or _checksum(first[0] + found[1]) != found[2]:
        raise SeehearError(f"{marker}: is damaged: it is not what the training wrote; {AGAIN}")
    return {name: digest for digest, name in (line.split("  ", 1) for line in found[1].splitlines())}


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
