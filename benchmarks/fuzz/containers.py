"""Damage to media files: as disks, transfers and careless programs do it, and to the numbers in their structure."""

from __future__ import annotations

import struct
from random import Random

SECTOR = 512
HEAD = 600  # bytes in which most formats keep what they say of themselves
NUMBERS = {
    1: (0, 1, 0x7F, 0x80, 0xFF),
    2: (0, 1, 0x7FFF, 0x8000, 0xFFFF),
    4: (0, 1, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 48000, 0x01000000),
    8: (0, 1, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1),
}
CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


def _place(data: bytes, rng: Random) -> int:
    """Return a place, half of the time at the beginning or the end, where indexes are."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randrange(min(HEAD, len(data)))
    if kind == 1:
        return rng.randrange(max(0, len(data) - 2 * HEAD), len(data))
    return rng.randrange(len(data))


def number(data: bytes, rng: Random) -> bytes:
    """Put a number at the edge of its range, in either order of bytes, or one near to what is there."""
    result = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        size = rng.choice((1, 2, 4, 4, 8))
        at = min(_place(data, rng), len(data) - size)
        code = rng.choice("<>") + CODES[size]
        old = struct.unpack(code, result[at : at + size])[0]
        new = rng.choice(NUMBERS[size]) if rng.random() < 0.7 else old + rng.choice((-1, 1, 2, 16, 255))
        result[at : at + size] = struct.pack(code, new % 256**size)
    return bytes(result)


def tag(data: bytes, rng: Random) -> bytes:
    """Damage what follows, or precedes, a name of four letters: the size or the content of a box or chunk."""
    names = [at for at in range(4, len(data) - 12) if data[at : at + 4].isalnum() and data[at : at + 4].isascii()]
    result, at = bytearray(data), rng.choice(names)
    new = rng.choice(NUMBERS[4])
    place = at + rng.choice((-4, 4, 8, 0))
    result[place : place + 4] = struct.pack(rng.choice("<>") + "I", new)
    return bytes(result)


def zeros(data: bytes, rng: Random) -> bytes:
    """Overwrite sectors with zeros, or with 255s or noise."""
    start = rng.randrange(len(data)) // SECTOR * SECTOR
    stop = min(len(data), start + SECTOR * rng.choice((1, 1, 2, 8)))
    fill = rng.choice((b"\0", b"\xff", b""))
    return data[:start] + (fill * (stop - start) if fill else rng.randbytes(stop - start)) + data[stop:]


def swap(data: bytes, rng: Random) -> bytes:
    """Exchange two pieces."""
    size = rng.choice((4, 16, 188, SECTOR))
    a, b = sorted((rng.randrange(len(data)), rng.randrange(len(data))))
    return data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]


def lose(data: bytes, rng: Random) -> bytes:
    """Lose the beginning, or a piece in the middle."""
    start = rng.choice((0, rng.randrange(len(data))))
    return data[:start] + data[start + rng.choice((1, 7, 188, SECTOR, len(data) // 4)) :]


def join(data: bytes, rng: Random) -> bytes:
    """Append the file, or its first or last part, to itself."""
    half = rng.randrange(len(data))
    return data + rng.choice((data, data[:half], data[half:]))


MUTATORS = [number, number, number, tag, zeros, swap, lose, join]
