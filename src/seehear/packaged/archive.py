"""The package file: a zip archive that ends with its own hash.

    package.json                what the model is: see `seehear.packaged.facts`
    model.onnx                  the fused model: see `seehear.packaged.graph`
    networks/NETWORK/FILE       files that a pretrained network is loaded from, if they were taken along

Members are stored as they are, so that any zip program reads them. The archive's comment is the format and the sha256
of all bytes before the hash. So every changed or missing byte is noticed before anything is read. The hash shows
damage; it does not show who made the file.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from seehear.errors import SeehearError
from seehear.files import atomic, explained
from seehear.media.suffixes import SUFFIXES
from seehear.networks.archives import ArchiveError, open_member, unpack

SUFFIX = ".seehear"
FORMAT = 1
FACTS, MODEL, NETWORKS = "package.json", "model.onnx", "networks"
_HASH = 64  # hex digits at the end of the file
_COMMENT = re.compile(rb"seehear package ([0-9]{1,9}) sha256:$")
_LONGEST = 64  # bytes of the comment before the hash
_CHUNK = 1 << 20  # bytes that are read at once
_MADE = (1980, 1, 1, 0, 0, 0)  # the time of every member: the same content gives the same file


def is_package(path: str | Path) -> bool:
    """Return whether a path is meant as a package: by its name, or by how the file ends, if it was renamed.

    A file with the suffix of media is none, and is not opened.
    """
    if str(path).lower().endswith(SUFFIX):
        return not os.path.isdir(path)
    if Path(path).suffix.lower() in SUFFIXES:
        return False
    try:
        return os.path.isfile(path) and _COMMENT.search(_end(Path(path))[:-_HASH]) is not None
    except OSError:
        return False


def write(path: Path, members: Mapping[str, bytes | Path], *, overwrite: bool = False) -> None:
    """Write a package.

    Args:
        path: The file.
        members: Name -> content, or the file that holds it.
        overwrite: Replace a file that exists with other content.

    Raises:
        SeehearError: If it can't be written, or a file exists with other content.
    """
    with atomic(path) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name, content in members.items():
                entry = zipfile.ZipInfo(name, _MADE)
                entry.external_attr = 0o100644 << 16
                archive.writestr(entry, content if isinstance(content, bytes) else content.read_bytes())
            archive.comment = b"seehear package %d sha256:" % FORMAT + b"0" * _HASH
        digest = _digest(temporary)
        with open(temporary, "r+b") as stream:
            stream.seek(-_HASH, os.SEEK_END)
            stream.write(digest.encode())
        if path.exists() and not overwrite and not filecmp.cmp(path, temporary, shallow=False):
            raise SeehearError(f"{path}: exists with other content; give another name, or --overwrite (overwrite=True)")


def check(path: Path) -> str:
    """Return the hash of a package.

    Raises:
        SeehearError: If it can't be read, is no package, is of another format, or is not as it was written.
    """
    with explained(path):
        if not path.is_file():
            raise SeehearError(f"{path}: there is no such file")
        end = _end(path)
        comment, written = end[:-_HASH], end[-_HASH:]
        found = _COMMENT.search(comment)
        if found is None:
            raise SeehearError(f"{path}: is no package that `seehear package` wrote, or was cut off; copy it again")
        if int(found[1]) != FORMAT:
            raise SeehearError(
                f"{path}: a package of format {int(found[1])}, but this version of seehear reads format {FORMAT}: use "
                "the version that wrote it, or package the run again"
            )
        digest = _digest(path)
    if digest.encode() != written:
        raise SeehearError(f"{path}: is damaged: its content is not what was written; copy it again")
    return digest


def read(path: Path, name: str, most: int) -> bytes:
    """Return the content of a member of a checked package. Raises SeehearError if it has more than `most` bytes."""
    with _named(path), open_member(path, name) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise SeehearError(f"{path}: {name} has more than {most} bytes")
    return content


def unpacked(path: Path, folder: Path) -> dict[str, dict[str, Path]]:
    """Unpack the files of networks into a folder. Returns network -> name -> file."""
    with _named(path):
        unpack(path, folder)
    files: dict[str, dict[str, Path]] = {}
    for file in sorted((folder / NETWORKS).glob("*/*")):
        files.setdefault(file.parent.name, {})[file.name] = file
    return files


def member_of(network: str, name: str) -> str:
    """Return the member that holds a file of a network."""
    return str(PurePosixPath(NETWORKS, network, name))


def _end(path: Path) -> bytes:
    """Return the last bytes of a file, in which a package has its comment."""
    with path.open("rb") as stream:
        stream.seek(-min(path.stat().st_size, _LONGEST + _HASH), os.SEEK_END)
        return stream.read(_LONGEST + _HASH)


def _digest(path: Path) -> str:
    """Return the sha256 of a package without its last digits, which are it."""
    digest, left = hashlib.sha256(), path.stat().st_size - _HASH
    with path.open("rb") as stream:
        while left > 0 and (chunk := stream.read(min(_CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let what is wrong with the archive name the file."""
    try:
        yield
    except ArchiveError as error:
        raise SeehearError(f"{path}: {error}") from None
