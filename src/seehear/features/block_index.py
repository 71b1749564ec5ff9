"""The index of a network's blocks in memory: which block holds the current features of a clip."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from seehear.errors import SeehearError
from seehear.features.block import MAX_BLOCK, REPLACING, SUFFIX, Block, decode, is_header, read_header
from seehear.features.layout import located
from seehear.files import atomic_bytes
from seehear.networks.weights import cache_folder
from seehear.storage.place import LocalPlace, Place
from seehear.stored import entries

READERS = 16  # headers that are read from object storage at once
SETTLED = 100_000_000  # nanoseconds after which a further change gets another time, on the coarsest clock of a kernel

At = tuple[Block, int]  # a block, and a clip's position in it


class Index:
    """Which block holds the current features of each clip of one network.

    A clip may be in several blocks. Each block names those that had the clip when it was written, so the current
    features are in the block that no other one replaces. Of several, which processes wrote at once, it is the one with
    the smallest name.

    Attributes:
        folder: Of the blocks, in the place of the store.
        unreadable: The names of blocks whose headers are damaged.
    """

    def __init__(self, place: Place, folder: str) -> None:
        self.place, self.folder = place, folder
        self._path = str(place.path / folder) if isinstance(place, LocalPlace) else ""
        self._cache = None if self._path else _cache(place, folder)
        self.unreadable: set[str] = set()
        self._blocks: dict[int, Block] = {}
        self._numbers: dict[str, int] = {}  # name -> number of a block
        # clip -> number of a block × MAX_BLOCK + position in it; several if several blocks have the clip
        self._rows: dict[str, int | tuple[int, ...]] = {}
        self._next = 0
        # When the folder had changed, as it was listed; None if it may have since. 0 once it was listed elsewhere.
        self._seen: int | None = None

    def file(self, name: str) -> str:
        """Return the name of a block's file in the place."""
        return f"{self.folder}/{name}{SUFFIX}"

    def clips(self) -> frozenset[str]:
        """Return the clips that have features."""
        return frozenset(self._rows)

    def current(self, clip: str) -> At | None:
        """Return where the current features of a clip are, None if it has none."""
        found = self._rows.get(clip)
        if found is None:
            return None
        if isinstance(found, int):
            return self._at(found)
        at = [self._at(row) for row in found]
        replaced = {name for block, _ in at for name in block.replaces.get(clip, ())}
        return min((each for each in at if each[0].name not in replaced), key=lambda each: each[0].name)

    def holders(self, clip: str) -> list[Block]:
        """Return the blocks that have features of a clip, current or not."""
        found = self._rows.get(clip, ())
        return [self._at(row)[0] for row in ((found,) if isinstance(found, int) else found)]

    def replaced(self, name: str) -> bool:
        """Return whether everything in a block is replaced by others."""
        block = self._blocks[self._numbers[name]]
        return all(
            any(name in other.replaces.get(clip, ()) for other in self.holders(clip) if other is not block)
            for clip in block.clips
        )

    def doubtful(self) -> str | None:
        """Return the name of a damaged block that replaced features of others, so that theirs may be out of date."""
        return min((name for name in self.unreadable if name.endswith(REPLACING)), default=None)

    def refresh(self) -> None:
        """Read the headers of new blocks, and forget those that were removed. Raises SeehearError if it can't."""
        seen, now = self._changed(), time.time_ns()
        names = {name.removesuffix(SUFFIX) for name in self.place.names(self.folder) if name.endswith(SUFFIX)}
        for name in self._numbers.keys() - names:
            self.discard(name)
        self.unreadable = set()
        new = sorted(names - self._numbers.keys())
        for name, header in zip(new, self._headers(new), strict=True):
            if header is None:
                continue
            try:
                self.add(decode(name, header, located(self.place, self.file(name))))
            except SeehearError:
                self.unreadable.add(name)
        if self._path:
            self._seen = seen if seen is not None and now - seen > SETTLED else None
        else:
            self._seen = 0
            self._tidy(names)

    def refresh_if_changed(self) -> None:
        """Refresh, unless it is sure without listing the folder that nothing has changed.

        In object storage nothing is sure, so it is refreshed once here, and otherwise where it has to be.
        """
        if self._path:
            if self._seen is None or self._changed() != self._seen:
                self.refresh()
        elif self._seen is None:
            self.refresh()

    def _changed(self) -> int | None:
        """Return when a file was last added to the folder or removed, in nanoseconds; None if that is not known."""
        if not self._path:
            return None
        try:
            return os.stat(self._path).st_mtime_ns
        except OSError:
            return None

    def _headers(self, names: Sequence[str]) -> Iterator[bytes | None]:
        """Yield the header of each block, None if it was removed meanwhile."""
        if isinstance(self.place, LocalPlace) or len(names) < 2:
            yield from map(self._header, names)
            return
        with ThreadPoolExecutor(READERS) as pool:
            yield from pool.map(self._header, names)

    def _header(self, name: str) -> bytes | None:
        """Return the header of a block, None if it was removed; that of a block elsewhere is kept in the cache."""
        if self._cache is not None:
            with suppress(OSError):
                header = (self._cache / name).read_bytes()
                if is_header(name, header):
                    return header
        try:
            header = read_header(self.place, self.file(name))
        except FileNotFoundError:
            return None
        if self._cache is not None and is_header(name, header):
            with suppress(SeehearError, OSError):  # such as a full disk: it is read again next time
                atomic_bytes(self._cache / name, header, durable=False)
        return header

    def _tidy(self, names: set[str]) -> None:
        """Remove headers of blocks that are no more from the cache."""
        with suppress(SeehearError, OSError):
            for file in entries(self._cache) if self._cache is not None else ():
                if file.name not in names:
                    file.unlink(missing_ok=True)

    def add(self, block: Block) -> None:
        """Add a block, unless it is there."""
        if block.name in self._numbers:
            return
        number, self._next = self._next, self._next + 1
        self._blocks[number], self._numbers[block.name] = block, number
        for row, clip in enumerate(block.clips, number * MAX_BLOCK):
            old = self._rows.get(clip, ())
            self._rows[clip] = (*((old,) if isinstance(old, int) else old), row) if old != () else row

    def discard(self, name: str) -> None:
        """Forget a block, if it is there."""
        number = self._numbers.pop(name, None)
        if number is None:
            return
        for clip in self._blocks.pop(number).clips:
            old = self._rows.pop(clip)
            left = [row for row in ((old,) if isinstance(old, int) else old) if row // MAX_BLOCK != number]
            if left:
                self._rows[clip] = left[0] if len(left) == 1 else tuple(left)

    def _at(self, row: int) -> At:
        return self._blocks[row // MAX_BLOCK], row % MAX_BLOCK


def _cache(place: Place, folder: str) -> Path | None:
    """Return where the headers of blocks in object storage are kept on this machine, None if nowhere."""
    with suppress(SeehearError):
        return cache_folder() / "blocks" / hashlib.sha256(f"{place}/{folder}".encode()).hexdigest()[:16]
    return None
