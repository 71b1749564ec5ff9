"""The layout of a store with many clips per file, for very many clips and for object storage.

    STORE/<network>/blocks/<name>.safetensors       see `seehear.features.block`

A block is written once, whole or not at all, and never changed. So several processes can fill one store without
locks, and an index of the headers stays true. Features that are written again go into a new block, which names the
blocks that had them before. A block of which everything is replaced is removed.

What is written is gathered until there is a block of it. A killed process loses what it has gathered: the clips of one
block, or of one minute.
"""

from __future__ import annotations

import os
import time
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import ClipError, SeehearError
from seehear.features.block import Block, decode, encode
from seehear.features.block_index import SETTLED, At, Index
from seehear.features.layout import TENSORS, Entry, Layout, located, vanished
from seehear.files import while_there
from seehear.storage.place import LocalPlace, Place

MOST_BYTES = 64 << 20  # of features that are gathered, of all networks
MOST_SECONDS = 60.0  # since the first that was gathered
MOST_OPEN = 16  # files


class Blocks(Layout):
    """Blocks of clips of each network."""

    remedy = "extract it again"

    def __init__(self, place: Place, size: int) -> None:
        """Use the blocks in a place.

        Args:
            place: Of the store.
            size: Clips per block.
        """
        self.place, self.size = place, size
        self._gathered: dict[str, dict[str, Entry]] = {}  # network -> clip -> features to be written
        self._bytes = 0  # of these
        self._began = 0.0  # when the first of them was gathered
        self._indexes: dict[str, Index] = {}
        self._files = _Files(place)
        self._whole: dict[str, tuple[tuple[int, int], frozenset[int]]] = {}  # see `_damaged`
        self._lock = RLock()

    # Writing

    def write(self, network: str, entry: Entry) -> None:
        """Gather the features of a clip, and write them with the others if that is a block."""
        shape = entry.features.shape
        if len(shape) != 2 or (entry.silent is not None and entry.silent.shape != shape[:1]):
            of_silent = "" if entry.silent is None else f" and silence of shape {entry.silent.shape}"
            raise SeehearError(f"clip {entry.clip}: features of shape {shape}{of_silent}, expected (T, width) and (T,)")
        with self._lock:
            if not self._gathered:
                self._began = time.monotonic()
            features, silent = entry.features.copy(), None if entry.silent is None else entry.silent.copy()
            own = self._gathered.setdefault(network, {})
            own[entry.clip] = Entry(entry.clip, features, silent, entry.facts, entry.notes)
            self._bytes += features.nbytes
            if len(own) >= self.size:
                self._flush(network)
            if self._bytes >= MOST_BYTES or time.monotonic() - self._began >= MOST_SECONDS:
                self.flush()

    def flush(self) -> None:
        """Write what is gathered as one block per network."""
        with self._lock:
            for network in list(self._gathered):
                self._flush(network)

    def _flush(self, network: str) -> None:
        """Write what is gathered of a network. What can't be written is forgotten, since the caller is told so."""
        gathered = list(self._gathered.get(network, {}).values())
        if not gathered:
            return
        try:
            if isinstance(self.place, LocalPlace):
                while_there(self.place.path / "store.json", lambda: self._write_all(network, gathered))
            elif self.place.exists("store.json"):  # without it, it would be no store
                self._write_all(network, gathered)
            else:
                raise vanished(self.place)
        except Exception as error:
            self._forget(network)
            if isinstance(error, SeehearError) and not isinstance(error, ClipError):
                raise
            raise SeehearError(  # not of one clip
                f"{self.place}: the features of {len(gathered)} clips by {network} can't be written "
                f"({type(error).__name__}: {error})"
            ) from error
        self._forget(network)

    def _write_all(self, network: str, entries: Sequence[Entry]) -> None:
        index = self._index(network)
        index.refresh()  # other processes may have written these clips too
        for _, of_width in groupby(sorted(entries, key=_width), key=_width):  # stable
            self._write(index, list(of_width))

    def _forget(self, network: str) -> None:
        self._bytes -= sum(entry.features.nbytes for entry in self._gathered.pop(network).values())
        if not self._gathered:  # also without what was given twice
            self._bytes = 0

    def _write(self, index: Index, entries: Sequence[Entry]) -> None:
        """Write a block, then remove those that have nothing current any more."""
        holders = {entry.clip: index.holders(entry.clip) for entry in entries}
        replaces = {clip: [block.name for block in blocks] for clip, blocks in holders.items()}
        name, data = encode(entries, replaces)
        file = index.file(name)
        self.place.write(file, data)
        index.add(decode(name, data[: 8 + int.from_bytes(data[:8], "little")], located(self.place, file)))
        for old in sorted({block.name for blocks in holders.values() for block in blocks}):
            if index.replaced(old):
                self._files.close(index.file(old))
                with suppress(SeehearError):  # it takes room, nothing else
                    self.place.remove(index.file(old))
                    index.discard(old)

    # Reading

    def file(self, network: str, clip: str) -> str:
        """Return the name of the file of the block that has a clip, or of the folder of blocks if none has."""
        with self._lock:
            index = self._known(network, clip)
            at = index.current(clip)
        return index.folder if at is None else index.file(at[0].name)

    def clips(self, network: str) -> frozenset[str]:
        """Return the clips that a block has."""
        with self._lock:
            self._flush(network)
            index = self._index(network)
            if isinstance(self.place, LocalPlace):
                index.refresh_if_changed()
            else:
                index.refresh()
            return index.clips()

    def has(self, network: str, clip: str) -> bool:
        """Return whether a block has a clip."""
        with self._lock:
            return self._known(network, clip).current(clip) is not None

    def prepare(self, network: str) -> None:
        """Find out which blocks there are."""
        with self._lock:
            self._index(network).refresh_if_changed()

    def facts(self, network: str, clip: str, *, whole: bool = False) -> dict[str, Any]:
        """Return the facts of a clip. whole: check its features too, if they are on this machine."""
        with self._lock:
            index = self._known(network, clip)
            at = index.current(clip)
            if at is None:
                raise FileNotFoundError(clip)
            if whole and isinstance(self.place, LocalPlace) and at[1] in self._damaged(index, at[0]):
                raise SeehearError(f"{located(self.place, index.file(at[0].name))}: damaged; {self.remedy}")
            return at[0].facts(at[1])

    def shape(self, network: str, clip: str) -> tuple[int, ...]:
        """Return the shape of a clip's features, which the index has."""
        with self._lock:
            at = self._known(network, clip).current(clip)
            if at is None:
                raise FileNotFoundError(clip)
            return at[0].shape(at[1])

    def tensors(self, network: str, clip: str, *names: str) -> dict[str, NDArray[Any]]:
        """Read tensors of a clip."""
        with self._lock:
            return self._read(network, clip, names)[0]

    def stored(self, network: str, clip: str) -> tuple[dict[str, NDArray[Any]], Any]:
        """Read all of a clip."""
        with self._lock:
            tensors, (block, position) = self._read(network, clip, TENSORS)
            return tensors, block.facts(position)

    def states(self, network: str, clips: Sequence[str]) -> Iterator[str]:
        """Yield the block and the position of each clip."""
        self.clips(network)  # as they are now
        index = self._index(network)
        self._check_doubt(index)
        for clip in clips:
            at = index.current(clip)
            if at is None:
                raise FileNotFoundError(clip)
            yield f"{clip}\0{at[0].name}\0{at[1]}\n"

    def unreadable(self, network: str) -> list[str]:
        """Return the files of blocks whose headers are damaged."""
        with self._lock:
            index = self._index(network)
            index.refresh_if_changed()
            return [index.file(name) for name in sorted(index.unreadable)]

    def _index(self, network: str) -> Index:
        if network not in self._indexes:
            self._indexes[network] = Index(self.place, f"{network}/blocks")
        return self._indexes[network]

    def _known(self, network: str, clip: str) -> Index:
        """Return the index, in which the clip is if it has features."""
        if clip in self._gathered.get(network, {}):
            self._flush(network)
        index = self._index(network)
        index.refresh_if_changed()
        return index

    def _check_doubt(self, index: Index) -> None:
        if (name := index.doubtful()) is not None:
            raise SeehearError(
                f"{located(self.place, index.file(name))}: damaged. It replaced features that older files still have, "
                "and it can't be said of which clips: delete it and extract again"
            )

    def _read(self, network: str, clip: str, names: Sequence[str]) -> tuple[dict[str, NDArray[Any]], At]:
        """Return tensors of a clip, and where they were. Raises FileNotFoundError or SeehearError."""
        index = self._known(network, clip)
        for again in (True, False):
            self._check_doubt(index)
            at = index.current(clip)
            try:
                if at is None:
                    raise FileNotFoundError(clip)
                return {name: array for name in names if (array := self._tensor(index, at, name)) is not None}, at
            except FileNotFoundError:  # another process has added or replaced it
                if not again:
                    raise
                index.refresh()
        raise AssertionError

    def _tensor(self, index: Index, at: At, name: str) -> NDArray[Any] | None:
        """Return a tensor of a clip that is as it was written; None if the clip lacks it."""
        block, position = at
        start, length, checksum = block.part(position, name)
        if checksum is None:
            return None
        file = index.file(block.name)
        data = self._files.read(file, start, length)
        if len(data) != length or zlib.crc32(data) != checksum:
            raise SeehearError(f"{located(self.place, file)}: damaged (its checksum is wrong); {self.remedy}")
        if name == "silent":
            return np.frombuffer(data, dtype=np.uint8) != 0
        return np.frombuffer(bytearray(data), dtype="<f4").reshape(-1, block.width)

    def _damaged(self, index: Index, block: Block) -> frozenset[int]:
        """Return the positions of the clips of a block whose features are damaged.

        A block of the same size and time is not read again.
        """
        file = index.file(block.name)
        stat = os.stat(self._files.path(file))
        stamp = (stat.st_size, stat.st_mtime_ns)
        known = self._whole.get(file)
        if known is not None and known[0] == stamp:
            return known[1]
        now, damaged = time.time_ns(), set()
        for position in range(len(block.clips)):
            try:
                for name in TENSORS:
                    self._tensor(index, (block, position), name)
            except SeehearError:
                damaged.add(position)
        if now - stat.st_mtime_ns > SETTLED:
            self._whole[file] = stamp, frozenset(damaged)
        return frozenset(damaged)


def _width(entry: Entry) -> int:
    return int(entry.features.shape[1])


class _Files:
    """The files of blocks that are open: few, the latest ones."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._open: OrderedDict[str, int] = OrderedDict()  # file -> its descriptor
        weakref.finalize(self, _close, self._open)

    def path(self, file: str) -> str:
        """Return where a file is on this machine."""
        return str(self.place.fetch(file))

    def read(self, file: str, start: int, length: int) -> bytes:
        """Read bytes of a file; fewer if it is shorter. Raises FileNotFoundError, or SeehearError if it can't."""
        try:
            opened = self._open.pop(file, None)
            if opened is None:
                opened = os.open(self.path(file), os.O_RDONLY | getattr(os, "O_BINARY", 0))
            self._open[file] = opened
            while len(self._open) > MOST_OPEN:
                os.close(self._open.popitem(last=False)[1])
            if start + length > os.fstat(opened).st_size:  # nothing as large as a damaged header claims
                return b""
            if hasattr(os, "pread"):  # without a position in the file, which processes share after a fork
                return os.pread(opened, length, start)
            os.lseek(opened, start, os.SEEK_SET)
            return os.read(opened, length)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise SeehearError(f"{located(self.place, file)}: can't be read ({error.strerror})") from None

    def close(self, file: str) -> None:
        """Close a file, if it is open."""
        if (opened := self._open.pop(file, None)) is not None:
            os.close(opened)


def _close(files: OrderedDict[str, int]) -> None:
    while files:
        os.close(files.popitem()[1])
