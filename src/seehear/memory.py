"""How much memory large arrays may take, and where they are if they take more: in temporary files, mapped."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from seehear.errors import SeehearError
from seehear.files import explained

GIB = 1 << 30
MEMORY = "SEEHEAR_MEMORY"  # environment variable: GiB
IN_MEMORY = 4 * GIB  # bytes of a data set's features that are kept in memory; larger sets stay memory-mapped
PART = 4  # a part of one network's features may take this fraction of it, since several networks share it
BLOCK = 1 << 20  # numbers that are computed with at once, where all would take too much memory: 4 MiB


def memory_limit() -> int:
    """Return how many bytes of features may be kept in memory: by $SEEHEAR_MEMORY, else IN_MEMORY.

    Raises:
        SeehearError: If the variable is not a number of GiB, 0 or more.
    """
    return bytes_of(MEMORY, IN_MEMORY, zero=True)


def bytes_of(variable: str, default: int, *, zero: bool = False) -> int:
    """Return the bytes that an environment variable states in GiB.

    Args:
        variable: Its name.
        default: Bytes if it is not set.
        zero: Whether it may be 0.

    Raises:
        SeehearError: If it is no such number.
    """
    own = os.environ.get(variable)
    if not own:
        return default
    try:
        size = int(float(own) * GIB)
    except (ValueError, OverflowError):
        size = -1
    if size < (0 if zero else 1):
        raise SeehearError(f"{variable} must be a number of GiB{', 0 or more' if zero else ' above 0'}, not {own!r}")
    return size


def zeros(shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Return zeros to be written to, such as labels per second: in memory, or in a temporary file if they are too many.

    Args:
        shape: Of the array.
        dtype: Of its numbers.

    Raises:
        DiskFullError: If the folder of temporary files is full.
    """
    count = math.prod(shape)
    size = count * np.dtype(dtype).itemsize
    if not size or size <= memory_limit() // PART:
        return np.zeros(shape, dtype=dtype)
    with explained(Path(tempfile.gettempdir())), tempfile.TemporaryFile() as file:
        piece = bytes(4 * BLOCK)  # plain writes, as a file with holes might find the disk full later
        for start in range(0, size, len(piece)):
            file.write(piece[: size - start])
        file.flush()
        return np.asarray(np.memmap(file, dtype=dtype, mode="r+", shape=shape))


def taken(array: NDArray[Any], numbers: NDArray[np.int64]) -> NDArray[Any]:
    """Return the rows of an array of any dimensions with these numbers, a copy; see `zeros`."""
    result = zeros((len(numbers), *array.shape[1:]), array.dtype)
    for part in blocks(len(numbers), math.prod(array.shape[1:])):
        result[part] = array[numbers[part]]
    return result


def on_disk(parts: Iterable[NDArray[Any]], shape: tuple[int, int], dtype: DTypeLike) -> NDArray[Any]:
    """Return rows as a memory map of a temporary file, which vanishes with it.

    Args:
        parts: The rows, some at a time.
        shape: (R, D), of all rows.
        dtype: Of their numbers.

    Raises:
        DiskFullError: If the folder of temporary files is full.
    """
    with explained(Path(tempfile.gettempdir())), tempfile.TemporaryFile() as file:
        for part in parts:  # plain writes say that the disk is full
            file.write(np.ascontiguousarray(part, dtype=dtype).data)
        file.flush()
        return np.memmap(file, dtype=dtype, mode="r", shape=shape)


def blocks(count: int, width: int) -> Iterator[slice]:
    """Yield slices that cover `count` rows of a width, BLOCK numbers at a time. The last has up to twice as many.

    A product of matrices rounds a few rows in another way than many, so there is no block of a few.
    """
    step = max(1, BLOCK // max(1, width))
    last = max(0, count // step - 1) * step
    for start in range(0, last, step):
        yield slice(start, start + step)
    if count:
        yield slice(last, count)


def free_memory() -> int | None:
    """Return how many bytes a process can still take without being killed; None if the system does not say.

    That is what Linux calls available, or what is left of the limit of the control group, such as a container's.
    """
    available = _number_after("MemAvailable:", Path("/proc/meminfo"))
    if available is None:
        return None
    group = Path("/sys/fs/cgroup")
    limit, used = _number_after("", group / "memory.max"), _number_after("", group / "memory.current")
    if limit is None or used is None:
        return 1024 * available
    given_back = _number_after("inactive_file ", group / "memory.stat") or 0  # cached files, dropped when needed
    return min(1024 * available, max(0, limit - used + given_back))


def _number_after(name: str, file: Path) -> int | None:
    """Return the number behind a name at the beginning of a line of a file of the system; None if there is none."""
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    found = [line.removeprefix(name).split() for line in lines if line.startswith(name)]
    return int(found[0][0]) if found and found[0] and found[0][0].isdecimal() else None
