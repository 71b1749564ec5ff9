"""Features as folders of .npy files, one per clip: imported into a store, and exported from it."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear import arguments
from seehear.arguments import PathLike, Paths
from seehear.errors import SeehearError
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.files import atomic_array, check_folder
from seehear.media.notes import Note, listed_notes
from seehear.names import clip_name, valid_clip_name, valid_modality_name, valid_network_name
from seehear.progress import Progress
from seehear.results import Result, listed
from seehear.stored import MAX_WIDTH, entries, map_array, reasonable

NO_FILE = "no such file"
MAGIC = b"\x93NUMPY"  # the first bytes of .npy files
PICKLE = b"\x80"  # the first byte of pickles of protocol 2 and later


@dataclass(frozen=True)
class Form:
    """The shape of the arrays of a folder: (segments × frames, width) each. 0 allows any number.

    Attributes:
        frames: Rows of an array that make one segment; they are averaged.
        width: Columns.
        segments: Segments per clip.
    """

    frames: int = 1
    width: int = 0
    segments: int = 0

    def __str__(self) -> str:
        rows = str(self.segments * self.frames) if self.segments else f"{self.frames} × T" if self.frames > 1 else "T"
        return f"({rows}, {self.width or 'width'})"

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Return whether an array of this shape has this form."""
        if len(shape) != 2 or 0 in shape or shape[0] % self.frames or shape[1] > MAX_WIDTH or not reasonable(shape):
            return False
        return self.segments in (0, shape[0] // self.frames) and self.width in (0, shape[1])


@dataclass(repr=False)
class Transfer(Result):
    """The result of an import or an export of features.

    Attributes:
        count: Clips that were transferred, or were there already and are current.
        failed: clip -> what is wrong with it.
        action: What was done with them, as in `written to FOLDER`.
        clip_notes: clip -> the notes that the store keeps with its features; .npy files have no place for them.
    """

    count: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    action: str = "transferred"
    clip_notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if clips were left out, else 0."""
        return 1 if self.failed else 0

    def __repr__(self) -> str:
        return f"Transfer({self.count} clips {self.action}, {len(self.failed)} failed)"

    def text(self) -> str:
        """Return the number of clips, the notes on them, and the clips that were left out."""
        problems = listed(list(self.failed.values()), f"{len(self.failed)} clips left out")
        return "\n".join(filter(None, [f"{self.count} clips {self.action}", listed_notes(self.clip_notes), problems]))

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text())}</pre>"

    def as_json(self) -> Any:
        """Return the number of clips, the notes on them, and why others were left out."""
        clip_notes = {clip: [note.as_json() for note in notes] for clip, notes in self.clip_notes.items()}
        return {"count": self.count, "failed": self.failed, "clip_notes": clip_notes}


def import_features(
    folder: PathLike,
    *,
    store: PathLike,
    network: str,
    modality: str,
    labels: Paths = (),
    prefix: int = 0,
    frames: int = 1,
    segment: float | None = None,
    shared: bool = False,
    block: int | None = None,
    progress: bool = True,
) -> Transfer:
    """Import a folder of .npy files, one per clip, into a store.

    The folders shared for LLP hold VGGish (10, 128), ResNet-152 (80, 2048: frames=8) and R(2+1)D (10, 512). Their
    files are named by the first 11 characters of the name of the clip: prefix=11, with labels.

    Args:
        folder: Holds CLIP.npy files, each (frames × T, width).
        store: The folder to keep the features in; created if it doesn't exist.
        network: The name for the features.
        modality: audio, visual, or another.
        labels: Label tables that name the clips. Without them, every file is a clip.
        prefix: Files are named by this many characters of the name of a clip; 0 for all.
        frames: Rows of a file that make one segment; they are averaged.
        segment: Seconds per segment; by default that of an existing store, else 1.
        shared: Whether several clips whose names begin alike may get the features of one file.
        block: Clips per file of a new store, for very many clips; by default 1.
        progress: Whether to show progress.

    Returns:
        How many clips were imported, and what is wrong with the others.

    Raises:
        SeehearError: The folder doesn't exist or holds no .npy files, a label table can't be read, one file is that of
            several clips, or the store holds the network with another width.
    """
    from seehear.labels import is_dense, read_dense, read_weak

    valid_network_name(network)
    valid_modality_name(modality)
    source = Path(folder)
    if not source.is_dir():
        raise SeehearError(f"{source}: no such folder")
    clips: list[str] = []
    tables = arguments.paths(labels)
    for table in tables:
        clips += [event.clip for event in read_dense(table).events] if is_dense(table) else read_weak(table).clips
    if not tables:
        clips = sorted(clip_name(file) for file in entries(source) if file.suffix == ".npy")
    clips = list(dict.fromkeys(clips))
    if not clips:
        raise SeehearError(f"{source}: holds no .npy files")
    kept = Store(store, segment=segment, create=True, block=block)
    form = Form(frames)
    report = import_folder(
        source, clips, kept, network, modality, form, prefix=prefix, shared=shared, progress=progress
    )
    report.action = f"imported into {store} as {network}"
    return report


def _check_one_file_each(clips: Sequence[str], prefix: int) -> None:
    """Raise SeehearError naming the clips whose names begin alike, which would get the same features."""
    by_start: dict[str, list[str]] = {}
    for clip in clips if prefix else ():
        by_start.setdefault(clip[:prefix], []).append(clip)
    alike = [f"{start}.npy: {', '.join(names)}" for start, names in by_start.items() if len(names) > 1]
    if alike:
        headline = f"{len(alike)} files would be the features of several clips, whose first {prefix} characters agree"
        what_to_do = "`seehear features import` takes a longer --prefix, or --shared if that is meant"
        raise SeehearError(listed(alike, f"{headline} ({what_to_do})"))


def import_folder(
    folder: Path,
    clips: Iterable[str],
    store: Store,
    network: str,
    modality: str,
    form: Form,
    *,
    prefix: int = 0,
    shared: bool = False,
    progress: bool = True,
) -> Transfer:
    """Import the features of clips; those that are in the store and current stay as they are.

    Args:
        folder: Holds the files.
        clips: Names.
        store: Where to.
        network: The name for the features.
        modality: Of the network.
        form: Of every file. If it has no width, the first readable file decides.
        prefix: Files are named by this many characters of the name of a clip; 0 for all.
        shared: Whether several clips whose names begin alike may get the features of one file.
        progress: Whether to show progress.

    Returns:
        How many clips the store now holds, and what is wrong with the others.

    Raises:
        SeehearError: The store holds the network with another width, no network or modality may have this name, or one
            file is that of several clips.
    """
    valid_network_name(network)
    valid_modality_name(modality)
    report = Transfer()
    made_by = f"imported/{form.frames}"
    names = list(clips)
    if not shared:
        _check_one_file_each(names, prefix)
    registered = False
    with Progress(f"importing {network}", len(names), show=progress) as bar, store:  # which writes what is gathered
        for clip in names:
            file = _existing(folder / f"{clip[:prefix] if prefix else clip}.npy")
            try:
                valid_clip_name(clip)
                array = _open(file, form)
                current = store.is_current(network, clip, made_by, file)
                values = None if current else _by_segment(file, array, form)
            except SeehearError as error:
                report.failed[clip] = str(error)
                continue
            finally:
                bar.advance(clip)
            if not registered:
                form = Form(form.frames, array.shape[1], form.segments)
                store.register(NetworkInfo(network, modality, form.width, made_by))
                registered = True
            if values is not None:
                store.write(network, Origin.of(clip, file, made_by), values)
            report.count += 1
    return report


def export_features(folder: PathLike, *, store: PathLike, network: str, progress: bool = True) -> Transfer:
    """Export the features of a network as .npy files, one per clip, (T, width) float32.

    Args:
        folder: Where to; created if it doesn't exist.
        store: The folder that holds the features.
        network: Whose features.
        progress: Whether to show progress.

    Returns:
        How many clips were written, and the notes on them.

    Raises:
        SeehearError: There is no such store, it has no such network, or the folder can't be written.
    """
    check_folder(Path(folder))
    kept = Store(store)
    kept.network(network)
    report = Transfer(action=f"written to {folder}")
    clips = sorted(kept.clips(network))
    with Progress("exporting", len(clips), show=progress) as bar:
        for clip in clips:
            atomic_array(Path(folder) / f"{clip}.npy", kept.read(network, clip))
            if notes := kept.notes(network, clip):
                report.clip_notes[clip] = notes
            report.count += 1
            bar.advance(clip)
    return report


def _open(file: Path, form: Form) -> NDArray[np.generic]:
    """Map the array in a file without reading it. Raise SeehearError if it can't be read or has another form."""
    try:
        array = map_array(file)
    except FileNotFoundError:
        raise SeehearError(f"{file}: {NO_FILE}") from None
    except ValueError as error:
        raise SeehearError(f"{file}: {_fault(file, str(error))}") from None
    if not form.fits(array.shape) or array.dtype.kind not in "fiu":
        raise SeehearError(f"{file}: has {array.dtype} of shape {array.shape}, expected numbers of shape {form}")
    return array


def _existing(file: Path) -> Path:
    """Return the file, or the one whose name is stored in Unicode's other normal form."""
    if file.name.isascii() or file.exists():
        return file
    decomposed = file.with_name(unicodedata.normalize("NFD", file.name))
    return decomposed if decomposed.exists() else file


def _fault(file: Path, message: str) -> str:
    """Return why numpy could not read a file. Its own message calls every file without an array a pickle."""
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
    return "holds pickled objects, which seehear doesn't read"


def _by_segment(file: Path, array: NDArray[np.generic], form: Form) -> NDArray[np.float32]:
    """Average the frames of each segment: (T, width)."""
    with np.errstate(over="ignore"):
        values = np.asarray(array, dtype=np.float32)  # (T × frames, width)
    if not np.isfinite(values).all():
        raise SeehearError(f"{file}: holds numbers that are not finite")
    return values.reshape(-1, form.frames, values.shape[1]).mean(axis=1)
