"""Files of arrays that others made, read within bounds: .npy, .npz, .h5 and .pt. No pickle in them is ever run."""

from __future__ import annotations

import io
import warnings
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError, not_installed
from seehear.names import normal
from seehear.stored import MAX_HEADER, MAX_VALUES, map_array

MAGIC = b"\x93NUMPY"  # the first bytes of .npy files
PICKLE = b"\x80"  # the first byte of pickles of protocol 2 and later
NO_FILE = "no such file"
PICKLED = "holds pickled objects, which seehear doesn't read"
MAX_RATIO = 1100  # bytes of an array per byte stored of it: what deflate reaches is 1032
MAX_BYTES = 8 * MAX_VALUES  # of one array in an archive
SCALARS = (str, bytes, bool, int, float, complex, type(None))  # what .pt files hold beside tensors
MAX_CHUNK = 1 << 30  # bytes of one chunk of an HDF5 array, which is unpacked as a whole


class Array(Protocol):
    """An array in a file, whose numbers are read by `array[...]`; or row by row, by `array[n]`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""

    @property
    def dtype(self) -> Any:
        """The type of its numbers, as numpy calls it."""

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read numbers."""


class ArrayFile(ABC):
    """A file with arrays. Whatever is wrong in it becomes a SeehearError that names it.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def names(self, *steps: str) -> list[str]:
        """Return the names of what the file, or a group in it, holds: arrays, or groups of arrays.

        There are none in a .npy file, in an array, and in what isn't there.
        """

    def scalars(self, *steps: str) -> list[str]:
        """Return the names of single numbers and texts beside the arrays, such as that of a model."""
        return []

    @abstractmethod
    def find(self, *steps: str) -> Array:
        """Return an array by its name, or by that of its group and its own. Without a name, the only array.

        Raises:
            KeyError: There is none.
            SeehearError: It can't be read.
        """

    def close(self) -> None:  # noqa: B027 (most files need nothing)
        """Close the file."""


class NpyFile(ArrayFile):
    """A .npy file, which holds one array without a name."""

    def names(self, *steps: str) -> list[str]:
        """Return nothing."""
        return []

    def find(self, *steps: str) -> Array:
        """Map the array."""
        if steps:
            raise KeyError(steps[0])
        try:
            return map_array(self.path)
        except FileNotFoundError:
            raise SeehearError(f"{self.path}: {NO_FILE}") from None
        except ValueError as error:
            raise SeehearError(f"{self.path}: {_fault(self.path, str(error))}") from None


@dataclass(frozen=True)
class Member:
    """An array in a .npz file."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read the array, then take a part of it."""
        nbytes = int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize
        with _faults(self.archive.filename), self.archive.open(self.info) as stream:
            stream.read(self.info.file_size - nbytes)  # the header, which is known
            data = stream.read(nbytes)
            values = np.frombuffer(data, self.dtype).reshape(self.shape, order="F" if self.fortran else "C")
        return np.asarray(values[key])


class NpzFile(ArrayFile):
    """A .npz file: a zip archive of .npy files."""

    def __init__(self, path: Path) -> None:
        """Open an archive. Raises SeehearError if it is none."""
        super().__init__(path)
        with _faults(path):
            self._archive = zipfile.ZipFile(path)

    def names(self, *steps: str) -> list[str]:
        """Return the names of the arrays; those of a group begin with its name and a slash."""
        group = "".join(f"{step}/" for step in steps)
        names = [name.removesuffix(".npy") for name in self._archive.namelist()]
        return [name.removeprefix(group) for name in names if name.startswith(group)]

    def find(self, *steps: str) -> Array:
        """Read the header of an array."""
        name = "/".join(steps) if steps else _only(self.names(), self.path)
        info = self._archive.NameToInfo.get(f"{name}.npy") or self._archive.NameToInfo.get(name)
        if info is None:
            raise KeyError(name)
        if info.file_size > min(MAX_BYTES, info.compress_size * MAX_RATIO):
            raise SeehearError(f"{self.path}: {name} would be {info.file_size} bytes, more than is read")
        with _faults(self.path, name), self._archive.open(info) as stream:
            start = io.BytesIO(stream.read(MAX_HEADER + 16))
            version = np.lib.format.read_magic(start)
            if version not in ((1, 0), (2, 0)):
                raise ValueError(f"version {version} of .npy")
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = header(start, max_header_size=MAX_HEADER)
            at = start.tell()
        if dtype.hasobject:
            raise SeehearError(f"{self.path}: {name} {PICKLED}")
        if min(shape, default=0) < 0 or int(np.prod(shape, dtype=object)) * dtype.itemsize + at != info.file_size:
            raise SeehearError(f"{self.path}: {name} is declared as {dtype} of shape {shape}, other than it holds")
        return Member(self._archive, info, shape, dtype, fortran)

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()


class Hdf5File(ArrayFile):
    """An HDF5 file: arrays, or groups of arrays, by name. Neither links nor arrays in other files are followed."""

    def __init__(self, path: Path) -> None:
        """Open a file. Raises SeehearError if it is none."""
        super().__init__(path)
        import h5py

        with _faults(path):
            self._file = h5py.File(path, "r")

    def names(self, *steps: str) -> list[str]:
        """Return the names of arrays and groups."""
        import h5py

        from seehear.networks.hdf5 import child

        with _faults(self.path), suppress(KeyError):
            group = child(self._file, "/".join(steps))
            return list(group) if isinstance(group, h5py.Group) else []
        return []

    def find(self, *steps: str) -> Array:
        """Return an array, of which single rows can be read."""
        from seehear.networks.hdf5 import dataset

        name = "/".join(steps) if steps else _only(self.names(), self.path)
        with _faults(self.path, name, passing=KeyError):
            array = dataset(self._file, name)
            if array.chunks and int(np.prod(array.chunks, dtype=object)) * array.dtype.itemsize > MAX_CHUNK:
                raise SeehearError(f"{self.path}: {name} has chunks of {array.chunks}, more than fit into memory")
        return _Dataset(array, self.path, name)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True)
class _Dataset:
    array: Any
    path: Path
    name: str

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.array.shape)

    @property
    def dtype(self) -> Any:
        return self.array.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        with _faults(self.path, self.name):
            return np.asarray(self.array[key])


class TorchFile(ArrayFile):
    """A .pt file: a tensor, or a dictionary of tensors, or of dictionaries of tensors."""

    def __init__(self, path: Path) -> None:
        """Read a file, but for the numbers. Raises SeehearError if it holds more than tensors."""
        super().__init__(path)
        import pickle

        import torch

        with _faults(path), warnings.catch_warnings():
            archive = zipfile.is_zipfile(path)
            if archive:  # as torch writes it since version 1.6; its numbers are mapped
                with zipfile.ZipFile(path) as members:
                    packed = [each for each in members.infolist() if each.compress_type != zipfile.ZIP_STORED]
                if packed:
                    raise SeehearError(f"{path}: {packed[0].filename} in it is compressed, as torch never writes it")
            elif path.stat().st_size > MAX_BYTES:
                raise SeehearError(f"{path}: is larger than {MAX_BYTES} bytes; save it again with a later torch")
            # torch warns of pickles of other protocols than its own, which it reads all the same.
            warnings.simplefilter("ignore")
            try:
                self._content = torch.load(path, map_location="cpu", weights_only=True, mmap=archive or None)
            except pickle.UnpicklingError:  # whose own message advises to read it unsafely
                raise SeehearError(
                    f"{path}: holds more than tensors, which seehear doesn't read, since that could run any code. "
                    "Save it again as a tensor, or as a dictionary of tensors"
                ) from None

    def names(self, *steps: str) -> list[str]:
        """Return the names of a dictionary, but for single numbers and texts."""
        content = self._group(*steps)
        return [key for key, value in content.items() if isinstance(key, str) and not isinstance(value, SCALARS)]

    def scalars(self, *steps: str) -> list[str]:
        """Return the names of single numbers and texts in a dictionary."""
        content = self._group(*steps)
        return [key for key, value in content.items() if isinstance(key, str) and isinstance(value, SCALARS)]

    def _group(self, *steps: str) -> Mapping[Any, Any]:
        content = self._content
        for step in steps:
            content = content.get(step) if isinstance(content, Mapping) else None
        return content if isinstance(content, Mapping) else {}

    def find(self, *steps: str) -> Array:
        """Return a tensor as an array."""
        import torch

        content = self._content
        if not steps and isinstance(content, Mapping):
            steps = (_only(self.names(), self.path),)
        for step in steps:
            if not isinstance(content, Mapping) or step not in content:
                raise KeyError(step)
            content = content[step]
        where = ": ".join([str(self.path), *steps])
        if not isinstance(content, torch.Tensor) or content.layout != torch.strided or content.is_quantized:
            what = f"{type(content).__name__}{f' of {some_names(content)}' if isinstance(content, Mapping) else ''}"
            hint = f"; {key_hint(*steps)}" if isinstance(content, Mapping) else ""
            raise SeehearError(f"{where}: is a {what}, expected a dense tensor{hint}")
        with _faults(self.path):
            if content.dtype == torch.bfloat16 and content.numel() <= MAX_VALUES:  # which numpy lacks
                content = content.float()
            return content.detach().resolve_conj().resolve_neg().numpy()


FILES: dict[str, type[ArrayFile]] = {
    ".npy": NpyFile,
    ".npz": NpzFile,
    ".h5": Hdf5File,
    ".hdf5": Hdf5File,
    ".pt": TorchFile,
    ".pth": TorchFile,
}


def require(suffix: str) -> None:
    """Raise SeehearError if files of a suffix can't be read here: it says what to install."""
    try:
        if FILES[suffix] is Hdf5File:
            import h5py  # noqa: F401
        elif FILES[suffix] is TorchFile:
            import torch  # noqa: F401
    except ImportError as error:
        raise not_installed(error) or SeehearError(
            f"{suffix} files need h5py, which is not installed: pip install 'seehear[h5]'"
        ) from None


def open_arrays(path: Path) -> ArrayFile:
    """Open a file with arrays, by its suffix. Raises SeehearError if it isn't there or can't be read."""
    if not path.is_file():
        raise SeehearError(f"{path}: {NO_FILE}")
    return FILES[path.suffix.lower()](path)


def key_hint(*steps: str) -> str:
    """Return which --key reads what a group holds. steps: where the group is."""
    inner = "--key names one of them"
    return f"if these are clips, give --key {normal(steps[0])}, else {inner}" if len(steps) == 1 else inner


class _faults:
    """Turn whatever a library raises over a damaged file into a SeehearError that names it.

    Attributes:
        passing: An exception that passes, beside SeehearError.
    """

    def __init__(self, path: object, name: str = "", passing: type[Exception] = SeehearError) -> None:
        self._where = f"{path}: {name} in it" if name else str(path)
        self.passing = passing

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, SeehearError | self.passing):
            if not_installed(error):
                return
            line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise SeehearError(f"{self._where}: is damaged or unreadable ({line})") from None


def _only(names: list[str], path: Path) -> str:
    """Return the only name. Raises SeehearError for several, or none."""
    if len(names) == 1:
        return names[0]
    raise SeehearError(
        f"{path}: holds {f'{len(names)} arrays ({some_names(names)})' if names else 'no array'}; --key names one"
    )


def some_names(names: Collection[Any]) -> str:
    """Return the first of these names, for messages."""
    return ", ".join(normal(str(name)) for name in islice(names, 5)) + (", …" if len(names) > 5 else "")


def _fault(file: Path, message: str) -> str:
    """Return why numpy could not read a .npy file. Its own message calls every file without an array a pickle."""
    if "archive" in message:
        return f"{message}, expected one array"
    if "pickle" not in message and "Python objects" not in message:
        return f"can't be read: {message}"
    start = MAGIC
    if file.is_file():
        with file.open("rb") as stream:
            start = stream.read(len(MAGIC))
    if start != MAGIC and not start.startswith(PICKLE):
        return "is not a .npy file"
    return PICKLED
