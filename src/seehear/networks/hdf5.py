"""Arrays of HDF5 files, checked before they are read.

An array of such a file may be stored in another file of this computer, behind a link or not, and may be declared larger
than what is stored of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from seehear.errors import SeehearError

MAX_BYTES = 1 << 30  # of one array; the largest takes 20 MB
MAX_RATIO = 1100  # bytes of an array per byte stored of it: what deflate reaches is 1032


def child(node: Any, path: str) -> Any:
    """Return a group or array below a group. Its path has slashes.

    Raises:
        KeyError: There is none.
        SeehearError: A step of the path is a link, which may lead into another file.
    """
    import h5py

    for name in filter(None, path.split("/")):
        if name in (".", "..") or not isinstance(node, h5py.Group) or name not in node:
            raise KeyError(f"there is no {path!r}")
        if not isinstance(node.get(name, getlink=True), h5py.HardLink):
            raise SeehearError(f"{file_of(node)}: {path!r} is a link, which isn't followed")
        node = node[name]
    return node


def dataset(node: Any, path: str) -> Any:
    """Return an array below a group without reading it, however large it is.

    Raises:
        KeyError: There is none.
        SeehearError: It is behind a link, is stored in another file, or is declared larger than what is stored of it.
    """
    import h5py

    array = child(node, path)
    if not isinstance(array, h5py.Dataset):
        raise KeyError(f"{path!r} is no array")
    if array.external or array.is_virtual:
        raise SeehearError(f"{file_of(node)}: {path!r} is stored in another file, which isn't read")
    if array.nbytes > array.id.get_storage_size() * MAX_RATIO:
        raise SeehearError(f"{file_of(node)}: {path!r} is declared as {array.nbytes} bytes, more than the file holds")
    return array


def read(node: Any, path: str) -> NDArray[Any]:
    """Return an array below a group. Raises as `dataset`, and SeehearError for one of more than MAX_BYTES."""
    array = dataset(node, path)
    if array.nbytes > MAX_BYTES:
        raise SeehearError(f"{file_of(node)}: {path!r} is declared as {array.nbytes} bytes, more than is read")
    return array[()]


def file_of(node: Any) -> Path:
    """Return the file that a group or array is in, for messages."""
    return Path(node.file.filename)
