"""Features that others made: folders of one .npy file a clip, taken into a store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.names import check_clip, check_modality, check_network
from seehear.progress import Progress
from seehear.store import NetworkInfo, Origin, Store

NO_FILE = "no such file"
MAGIC = b"\x93NUMPY"  # that .npy files begin with
PICKLE = b"\x80"  # that pickles of protocol 2 and later begin with


@dataclass(frozen=True)
class Form:
    """What the files of a folder hold: (segments × frames, width) numbers each; 0 where any number will do.

    frames: rows that make one segment, averaged.
    """

    frames: int = 1
    width: int = 0
    segments: int = 0

    def __str__(self) -> str:
        rows = str(self.segments * self.frames) if self.segments else f"{self.frames} × T" if self.frames > 1 else "T"
        return f"({rows}, {self.width or 'width'})"

    def fits(self, shape: tuple[int, ...]) -> bool:
        if len(shape) != 2 or not shape[0] or shape[0] % self.frames:
            return False
        return self.segments in (0, shape[0] // self.frames) and self.width in (0, shape[1])


@dataclass
class Imported:
    """count: clips that the store now holds. failed: clip -> what was wrong, a file that isn't there included."""

    count: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def import_folder(
    folder: Path,
    clips: Iterable[str],
    store: Store,
    network: str,
    modality: str,
    form: Form,
    *,
    prefix: int = 0,
) -> Imported:
    """Take the features of clips from a folder into a store; those that are there and current are left as they are.

    form: of every file; without a width, the first file that can be read decides. prefix: files are named by so many
    characters of a clip's name, 0 for all. Raises SeehearError if the store holds the network with another width.
    """
    check_network(network)
    check_modality(modality)
    report = Imported()
    made_by = f"imported/{form.frames}"
    names = list(clips)
    registered = False
    with Progress(f"importing {network}", len(names)) as progress:
        for clip in names:
            file = folder / f"{clip[:prefix] if prefix else clip}.npy"
            try:
                check_clip(clip)
                array = _open(file, form)
                current = store.is_current(network, clip, made_by, file)
                values = None if current else _by_segment(file, array, form)
            except SeehearError as error:
                report.failed[clip] = str(error)
                continue
            finally:
                progress.advance(clip)
            if not registered:
                form = Form(form.frames, array.shape[1], form.segments)
                store.register(NetworkInfo(network, modality, form.width, made_by))
                registered = True
            if values is not None:
                store.write(network, Origin.of(clip, file, made_by), values)
            report.count += 1
    return report


def _open(file: Path, form: Form) -> NDArray[np.generic]:
    """A file's numbers, not read yet. Raises SeehearError where they can't be, or have another form."""
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise SeehearError(f"{file}: {NO_FILE}") from None
    except (OSError, ValueError, EOFError) as error:
        raise SeehearError(f"{file}: {_fault(file, str(error))}") from None
    if not isinstance(array, np.ndarray):
        raise SeehearError(f"{file}: is an archive (.npz), expected one array of shape {form}")
    if not form.fits(array.shape) or array.dtype.kind not in "fiu":
        raise SeehearError(f"{file}: has {array.dtype} of shape {array.shape}, expected numbers of shape {form}")
    return array


def _fault(file: Path, said: str) -> str:
    """Why numpy could not read a file, whose own words take all that is no array for pickled objects."""
    start = file.read_bytes()[: len(MAGIC)] if file.is_file() else MAGIC
    if "pickle" not in said and "Python objects" not in said:
        return f"can't be read: {said}"
    if start != MAGIC and not start.startswith(PICKLE):
        return "is not a .npy file"
    return "holds pickled objects, which are not read"


def _by_segment(file: Path, array: NDArray[np.generic], form: Form) -> NDArray[np.float32]:
    """The features by segment, (T, width)."""
    with np.errstate(over="ignore"):
        values = np.asarray(array, dtype=np.float32)  # (T × frames, width)
    if not np.isfinite(values).all():
        raise SeehearError(f"{file}: holds numbers that are not finite")
    return values.reshape(-1, form.frames, values.shape[1]).mean(axis=1)
