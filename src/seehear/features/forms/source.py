"""Where the arrays of clips are: a folder with a file per clip, a file with an entry per clip, or one array for all."""

from __future__ import annotations

import hashlib
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.features.forms.arrays import FILES, Array, ArrayFile, Member, key_hint, open_arrays, require, some_names
from seehear.features.forms.spec import Form, SharedForm
from seehear.features.origin import Origin, content_hash
from seehear.names import clip_name, normal
from seehear.results import counted
from seehear.storage.files import facts
from seehear.stored import entries, reasonable
from seehear.texts import read_lines

SAME = 1e-3  # of the largest number: rows of one video that were computed twice differ in their last digits
COLUMNS = ("filename", "videoid", "video_id")  # of a header above the names of clips


@dataclass(frozen=True)
class Entry:
    """The array of a clip.

    Attributes:
        where: The file, and the place in it, for messages.
        file: The file that holds it.
        array: Its numbers, or those of several clips.
        rows: Which of an array for all clips, each with this clip's name; None if the array is this clip's.
        content: Hash of what it is in a file for several clips; empty for a file of its own.
    """

    where: str
    file: Path
    array: Array
    rows: tuple[int, ...] | None = None
    content: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the clip's array."""
        return tuple(self.array.shape[1:] if self.rows is not None else self.array.shape)

    def misfit(self, form: Form) -> str:
        """Return what the array is, if it isn't numbers of this form; else nothing."""
        if form.fits(self.shape) and getattr(self.array.dtype, "kind", "") in "fiu":
            return ""
        what = f"is empty: {self.array.dtype}" if 0 in self.shape else f"has {self.array.dtype}"
        return f"{what} of shape {self.shape}, expected numbers of shape {form}"

    def values(self) -> NDArray[np.float32]:
        """Read the numbers. Raises SeehearError if they are not finite, or rows of one name differ."""
        with np.errstate(over="ignore"):
            found = [
                np.asarray(self.array[...] if row is None else self.array[row], dtype=np.float32)
                for row in self.rows or (None,)
            ]
        allowed = SAME * float(np.abs(found[0]).max(initial=0)) if len(found) > 1 else 0.0
        if any(not np.allclose(found[0], other, rtol=0, atol=allowed, equal_nan=True) for other in found[1:]):
            rows = " and ".join(map(str, self.rows or ()))
            raise SeehearError(f"{self.where}: the rows {rows} have its name and differ: leave it out of the labels")
        if not np.isfinite(found[0]).all():
            raise SeehearError(f"{self.where}: holds numbers that are not finite")
        return found[0]

    def origin(self, clip: str, made_by: str) -> Origin:
        """Return the origin of the features that come of it."""
        if not self.content:
            return Origin.of(clip, self.file, made_by)
        size, modified = facts(self.file)
        return Origin(clip, made_by, self.content, size, modified)

    def is_current(self, known: Origin | None, made_by: str) -> bool:
        """Return whether features of this origin are those that come of it."""
        if known is None or not self.content:
            return known is not None and known.is_current(made_by, self.file)
        return (known.made_by, known.content) == (made_by, self.content)


class Source(ABC):
    """Arrays of clips, by the clips' names."""

    @abstractmethod
    def clips(self) -> list[str]:
        """Return the clips that have an array."""

    @abstractmethod
    def entry(self, clip: str) -> Entry:
        """Return the array of a clip. Raises SeehearError if it has none, or it can't be read."""

    def passed_over(self) -> list[str]:
        """Return notes on what is there and is not read."""
        return []

    def close(self) -> None:  # noqa: B027 (a folder needs nothing)
        """Close the file."""


class Folder(Source):
    """A folder with a file per clip."""

    def __init__(self, path: Path, shared: SharedForm) -> None:
        """Look into a folder: files of the first suffix of FILES that is there count."""
        self._path, self._shared = path, shared
        self._found = Counter(file.suffix.lower() for file in entries(path))
        self._suffix = next((suffix for suffix in FILES if suffix in self._found), ".npy")
        require(self._suffix)

    def clips(self) -> list[str]:
        """Return the clips that have a file."""
        files = [file for file in entries(self._path) if file.suffix.lower() == self._suffix]
        named = (self._shared.clip_of(clip_name(file)) for file in files)
        return sorted(clip for clip in named if clip)

    def passed_over(self) -> list[str]:
        """Return a note on files of other suffixes."""
        others = [(suffix, self._found[suffix]) for suffix in FILES if suffix != self._suffix and self._found[suffix]]
        if not others:
            return []
        found = " and ".join(f"{count} {suffix}" for suffix, count in others)
        return [
            f"{found} {'file was' if sum(self._found[each] for each, _ in others) == 1 else 'files were'} passed over: "
            f"{self._path} has {self._suffix} files too, and one suffix is read; give the others a folder of their own"
        ]

    def entry(self, clip: str) -> Entry:
        """Open the file of a clip."""
        path = _existing(self._path / f"{self._shared.file_of(clip)}{self._suffix}")
        key = (self._shared.key,) if self._shared.key and self._suffix != ".npy" else ()
        file = open_arrays(path)
        try:
            array = file.find(*key)
            if self._suffix != ".npy":
                array = _in_memory(array)
        except KeyError:
            raise SeehearError(f"{path}: holds no array {self._shared.key!r}, but {_held(file.names())}") from None
        finally:
            file.close()
        return Entry(str(path), path, array)


class Entries(Source):
    """A file with an entry per clip."""

    def __init__(self, path: Path, file: ArrayFile, shared: SharedForm) -> None:
        """Find the entries: all of the file; or those of the group that the key names, if there is such a group.

        Raises:
            SeehearError: The key names an array.
        """
        self._path, self._file, self._shared = path, file, shared
        self._group = (shared.key,) if shared.key and file.names(shared.key) else ()
        self._key = () if self._group or not shared.key else (shared.key,)
        if self._key and shared.key in file.names():
            raise SeehearError(
                f"{path}: {shared.key} in it is one array, or empty. If the array is of all clips, --order takes a "
                "list of their names; if it is that of a clip, leave out --key"
            )
        self._names = {normal(name): name for name in file.names(*self._group)}
        self._hash = ""

    def clips(self) -> list[str]:
        """Return the clips that have an entry."""
        named = (self._shared.clip_of(name) for name in self._names)
        return sorted(clip for clip in named if clip)

    def passed_over(self) -> list[str]:
        """Return a note on what can't be the array of a clip."""
        names = self._file.scalars(*self._group)
        if not names:
            return []
        one = len(names) == 1
        return [f"{some_names(names)} in {self._path} {'is no array' if one else 'are no arrays'}: passed over"]

    def entry(self, clip: str) -> Entry:
        """Find the entry of a clip."""
        name = self._shared.file_of(clip)
        steps = (*self._group, self._names.get(name, name), *self._key)
        where = ": ".join([str(self._path), *self._group, name])
        try:
            array = self._file.find(*steps)
        except KeyError:
            if name not in self._names:
                raise SeehearError(
                    f"{': '.join([str(self._path), *self._group])}: has no entry {name}, but {_held([*self._names])}"
                ) from None
            inner = self._file.names(*steps[: len(self._group) + 1])
            what = f"holds no array {self._shared.key!r}" if self._key else "is no array"
            holds = f", but {some_names(inner)}; {key_hint(*self._group, name)}" if inner else ""
            raise SeehearError(f"{where} {what}{holds}") from None
        self._hash = self._hash or content_hash(self._path)
        return Entry(where, self._path, array, content=_part(self._hash, *steps))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Stacked(Source):
    """A file with one array for all clips, in the order of a list of their names."""

    def __init__(self, path: Path, file: ArrayFile, shared: SharedForm, order: Sequence[Path]) -> None:
        """Find the array and the names of its rows.

        Args:
            path: The file.
            file: The same, open.
            shared: Where the array is in it.
            order: A list of the clips' names, and perhaps files with the numbers of rows to take.

        Raises:
            SeehearError: There is no such array, or it has another number of rows than there are names.
        """
        self._path, self._file, self._shared = path, file, shared
        try:
            array = file.find(*((shared.key,) if shared.key and file.names() else ()))
        except KeyError:
            raise SeehearError(f"{path}: holds no array {shared.key!r}, but {_held(file.names())}") from None
        names, chosen = _order(order)
        if len(array.shape) < 2 or len(array.shape) > 8 or array.shape[0] != len(names):
            raise SeehearError(
                f"{path}: has an array of shape {array.shape}, but {order[0]} names {counted(len(names), 'clip')}"
            )
        self._array = _in_memory(array) if isinstance(array, Member) else array
        self._rows: dict[str, tuple[int, ...]] = {}
        for row in range(len(names)) if chosen is None else chosen:
            if not 0 <= row < len(names):
                raise SeehearError(f"{order[-1]}: names row {row}, of {len(names)}")
            self._rows[names[row]] = (*self._rows.get(names[row], ()), row)
        self._hash = content_hash(path)

    def clips(self) -> list[str]:
        """Return the clips that have a row."""
        return [*self._rows]

    def entry(self, clip: str) -> Entry:
        """Find the row of a clip."""
        name = self._shared.file_of(clip)
        if name not in self._rows:
            raise SeehearError(f"{self._path}: the order names no row {name}")
        rows = self._rows[name]
        content = _part(self._hash, self._shared.key, *map(str, rows))
        return Entry(f"{self._path}: {name}, row {rows[0]}", self._path, self._array, rows, content)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_source(path: Path, shared: SharedForm, order: Sequence[Path] = ()) -> Source:
    """Open a folder, or a file, with the arrays of clips.

    Args:
        path: The folder or file.
        shared: Where an array is in it.
        order: For one array for all clips: see `Stacked`.

    Raises:
        SeehearError: There is none, or it can't be read.
    """
    if path.is_dir():
        if order:
            raise SeehearError(f"{path}: is a folder, whose files name the clips: leave out --order")
        return Folder(path, shared)
    if not path.is_file():
        raise SeehearError(f"{path}: no such file or folder")
    suffix = path.suffix.lower()
    if suffix not in FILES:
        raise SeehearError(f"{path}: features are read from {', '.join(FILES)}, or a folder of such files")
    require(suffix)
    if shared.order and not order:
        raise SeehearError(
            f"{path}: holds one array for all clips in {shared.name}: name them by --order {shared.order}"
        )
    file = open_arrays(path)
    if order:
        return Stacked(path, file, shared, order)
    if suffix == ".npy" or not file.names():
        raise SeehearError(f"{path}: holds one array for all clips: --order takes a list of their names")
    return Entries(path, file, shared)


def _order(files: Sequence[Path]) -> tuple[list[str], list[int] | None]:
    """Return the names of all rows, and the numbers of those to take; None for all."""
    lists = [file for file in files if file.suffix.lower() not in FILES]
    if len(lists) != 1:
        raise SeehearError("--order takes one list of the clips' names, and perhaps files with the numbers of rows")
    lines = [line for line in read_lines(lists[0]) if line.strip()]
    separator = "&" if lines and "&" in lines[0] else "\t" if lines and "\t" in lines[0] else ","
    cells = [[cell.strip() for cell in line.split(separator)] for line in lines]
    column = 1 if separator == "&" else 0  # AVE writes Category&VideoID&Quality&StartTime&EndTime
    if header := [at for at, cell in enumerate(cells[0] if cells else []) if cell.lower() in COLUMNS]:
        column, cells = header[0], cells[1:]
    if short := [n for n, row in enumerate(cells) if len(row) <= column or not row[column]]:
        raise SeehearError(f"{lists[0]}: line {short[0] + 1} of the clips names none")
    rows: list[int] | None = None
    for file in files:
        if file not in lists:
            rows = [*(rows or []), *_numbers(file)]
    return [normal(row[column]) for row in cells], rows


def _numbers(path: Path) -> list[int]:
    """Return the numbers of rows in a file with one list of them, such as AVE's train_order.h5."""
    require(path.suffix.lower())
    file = open_arrays(path)
    try:
        array = _in_memory(file.find())
    except KeyError:
        raise SeehearError(f"{path}: holds no array with the numbers of rows") from None
    finally:
        file.close()
    if len(array.shape) != 1 or array.dtype.kind not in "iu":
        raise SeehearError(f"{path}: has {array.dtype} of shape {array.shape}, expected the numbers of rows")
    return [int(row) for row in array[...]]


def _in_memory(array: Array) -> Array:
    """Read an array of numbers that fits into memory; any other stays unread, and fits no form."""
    shape = tuple(array.shape)
    return array[...] if array.dtype.kind in "fiu" and reasonable(shape) else _Unread(shape, array.dtype)


@dataclass(frozen=True)
class _Unread:
    shape: tuple[int, ...]
    dtype: Any

    def __getitem__(self, key: Any) -> NDArray[Any]:
        raise ValueError(f"{self.dtype} of shape {self.shape} is not read")


def _existing(file: Path) -> Path:
    """Return the file, or the one whose name is stored in Unicode's other normal form."""
    if file.name.isascii() or file.exists():
        return file
    decomposed = file.with_name(unicodedata.normalize("NFD", file.name))
    return decomposed if decomposed.exists() else file


def _part(content: str, *steps: str) -> str:
    """Return the hash of a part of a file, 32 hex digits."""
    return hashlib.sha256("\0".join((content, *steps)).encode()).hexdigest()[:32]


def _held(names: Sequence[str]) -> str:
    return some_names(names) or "one array without a name"
