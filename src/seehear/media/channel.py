"""Messages between a process and the one that decodes for it: JSON with arrays, over pipes.

A message is the length of its header (4 bytes, big-endian), the header (JSON in UTF-8), and the bytes of its arrays
in C order. The header gives the type and shape of each array. Nothing in a message is code.
"""

from __future__ import annotations

import json
import math
import struct
import threading
from collections.abc import Callable, Sequence
from io import RawIOBase
from typing import Any

import numpy as np
from numpy.typing import NDArray

ARRAYS = "arrays"  # key of the header: [type, shape] of each array
TYPES = frozenset(("uint8", "float32", "float64"))
MAX_HEADER = 1 << 24  # bytes
MAX_DIMENSIONS = 4
LENGTH = struct.Struct(">I")

Message = tuple[dict[str, Any], list[NDArray[Any]]]


class BrokenChannelError(Exception):
    """The other side has ended within a message, or sent something that is no message."""


class Channel:
    """Two pipes to another process."""

    def __init__(
        self,
        incoming: RawIOBase,
        outgoing: RawIOBase,
        *,
        max_bytes: int,
        before_read: Callable[[], None] = lambda: None,
    ) -> None:
        """Use two open pipes.

        Args:
            incoming: Unbuffered, to read from.
            outgoing: Unbuffered, to write to.
            max_bytes: The largest sum of the arrays of a message.
            before_read: Called before every read, to wait until there is something to read, or to raise.
        """
        self._incoming, self._outgoing = incoming, outgoing
        self._max_bytes, self._before_read = max_bytes, before_read
        self._writing = threading.Lock()  # a message is written whole

    def send(self, header: dict[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> None:
        """Write a message. Raises OSError if the other side has ended."""
        whole = [np.ascontiguousarray(array) for array in arrays]
        described = {**header, ARRAYS: [[array.dtype.name, array.shape] for array in whole]}
        encoded = json.dumps(described, default=_plain).encode()
        with self._writing:
            self._write(memoryview(LENGTH.pack(len(encoded)) + encoded))
            for array in whole:
                if array.size:
                    self._write(array.data.cast("B"))

    def receive(self) -> Message | None:
        """Return the next message; None if the other side has ended.

        Raises:
            BrokenChannelError: If it has ended within a message, or the message is malformed.
        """
        size = bytearray(LENGTH.size)
        if not self._fill(memoryview(size), may_end=True):
            return None
        length = LENGTH.unpack(size)[0]
        if length > MAX_HEADER:
            raise BrokenChannelError(f"a header of {length} bytes")
        encoded = bytearray(length)
        self._fill(memoryview(encoded))
        try:
            header = json.loads(encoded)
            shapes = [(name, tuple(shape)) for name, shape in header.pop(ARRAYS)]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise BrokenChannelError(f"a malformed header ({type(error).__name__})") from None
        self._check_shapes(shapes)
        arrays = [np.empty(shape, dtype=name) for name, shape in shapes]
        for array in arrays:
            if array.size:
                self._fill(array.data.cast("B"))
        return header, arrays

    def _check_shapes(self, shapes: Sequence[tuple[Any, tuple[Any, ...]]]) -> None:
        total = 0
        for name, shape in shapes:
            natural = len(shape) <= MAX_DIMENSIONS and all(type(side) is int and side >= 0 for side in shape)
            if not isinstance(name, str) or name not in TYPES or not natural:
                raise BrokenChannelError("an array of an unexpected type or shape")
            total += math.prod(shape) * np.dtype(name).itemsize
        if total > self._max_bytes:
            raise BrokenChannelError(f"arrays of {total} bytes")

    def _fill(self, view: memoryview, *, may_end: bool = False) -> bool:
        """Read as many bytes as the view has. Return False if `may_end` and there are none any more."""
        done = 0
        while done < len(view):
            self._before_read()
            count = self._incoming.readinto(view[done:])
            if not count:
                if may_end and not done:
                    return False
                raise BrokenChannelError("a message that is cut off")
            done += count
        return True

    def _write(self, view: memoryview) -> None:
        while len(view):
            view = view[self._outgoing.write(view) :]


def _plain(value: Any) -> Any:
    """Return a number of NumPy as one of Python."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} can't be sent")
