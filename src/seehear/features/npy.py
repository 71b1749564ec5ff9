"""Features that others made, imported into a store; and features of a store, exported as .npy files."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seehear import arguments
from seehear.arguments import PathLike, Paths
from seehear.errors import SeehearError
from seehear.features.forms import REGISTRY
from seehear.features.forms.arrays import FILES, NO_FILE
from seehear.features.forms.source import Folder, Source, open_source
from seehear.features.forms.spec import Form, SharedForm
from seehear.features.store import NetworkInfo, Store
from seehear.files import atomic_array, check_folder
from seehear.media.notes import Note, listed_notes
from seehear.names import valid_clip_name, valid_modality_name, valid_network_name
from seehear.progress import Progress
from seehear.results import Result, counted, listed

__all__ = ["NO_FILE", "Transfer", "export_features", "import_features", "import_folder"]


@dataclass(frozen=True)
class Lengths:
    """How long a clip is by two networks.

    Attributes:
        segments: By the network that was imported.
        other: Another network of the store.
        other_segments: By that one.
    """

    segments: int
    other: str
    other_segments: int


@dataclass(repr=False)
class Transfer(Result):
    """The result of an import or an export of features.

    Attributes:
        count: Clips that were transferred, or were there already and are current.
        failed: clip -> what is wrong with it.
        action: What was done with them, as in `written to FOLDER`.
        clip_notes: clip -> the notes that the store keeps with its features; .npy files have no place for them.
        expected: The shape that arrays were to have.
        shapes: The type and shape of arrays that are not such -> how many clips have them.
        fitted: Clips that were made a segment longer or shorter, as long as their features by other networks.
        lengths: clip -> its segments, where those of another network of the store differ by more.
        passed_over: Notes on what the source holds and was not read.
    """

    count: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    action: str = "transferred"
    clip_notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)
    expected: str = ""
    shapes: Counter[tuple[str, tuple[int, ...]]] = field(default_factory=Counter)
    fitted: int = 0
    lengths: dict[str, Lengths] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """Return 1 if clips were left out, else 0."""
        return 1 if self.failed else 0

    def __repr__(self) -> str:
        return f"Transfer({counted(self.count, 'clip')} {self.action}, {len(self.failed)} failed)"

    def text(self) -> str:
        """Return the number of clips, the notes on them, and the clips that were left out."""
        problems = listed(list(self.failed.values()), f"{counted(len(self.failed), 'clip')} left out")
        lines = [
            f"{counted(self.count, 'clip')} {self.action}",
            listed_notes(self.clip_notes),
            *self._notes(),
            problems,
        ]
        return "\n".join(filter(None, lines))

    def _notes(self) -> list[str]:
        """Return what differs from what was expected, counted."""
        notes = list(self.passed_over)
        if self.fitted:
            clips = counted(self.fitted, "clip")
            notes.append(f"{clips} made a segment longer or shorter, to last as long as by other networks")
        if self.lengths:
            have = "clip has" if len(self.lengths) == 1 else "clips have"
            clip, found = next(iter(self.lengths.items()))
            notes.append(
                f"{len(self.lengths)} {have} another number of segments than by other networks of the store, for "
                f"example {clip} with {found.segments}, but {found.other_segments} by {found.other}: training on both "
                "leaves such clips out; import or extract both from the same files"
            )
        if self.shapes:
            found_shapes = ", ".join(
                f"{kind} {shape} of {counted(count, 'clip')}" for (kind, shape), count in self.shapes.most_common(5)
            )
            clips = counted(self.shapes.total(), "clip")
            notes.append(f"{clips} of another type or shape than numbers {self.expected}: {found_shapes}")
        return notes

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text())}</pre>"

    def as_json(self) -> Any:
        """Return the number of clips, the notes on them, and why others were left out."""
        clip_notes = {clip: [note.as_json() for note in notes] for clip, notes in self.clip_notes.items()}
        shapes = [
            {"type": kind, "shape": list(shape), "clips": count} for (kind, shape), count in self.shapes.most_common()
        ]
        return {
            "count": self.count,
            "failed": self.failed,
            "clip_notes": clip_notes,
            "expected": self.expected,
            "shapes": shapes,
            "fitted": self.fitted,
            "lengths": {clip: asdict(lengths) for clip, lengths in self.lengths.items()},
            "passed_over": self.passed_over,
        }


def import_features(
    source: PathLike,
    *,
    store: PathLike,
    network: str,
    modality: str,
    form: str | SharedForm = "",
    labels: Paths = (),
    prefix: int = 0,
    frames: int = 1,
    stride: float = 0.0,
    window: float = 0.0,
    key: str = "",
    order: Paths = (),
    segment: float | None = None,
    shared: bool = False,
    block: int | None = None,
    progress: bool = True,
) -> Transfer:
    """Import features that others made into a store.

    They are a folder with one file per clip, one file with an entry per clip, or one file with an array for all clips.
    Files are .npy, .npz, .h5 or .pt. `seehear.features.forms.REGISTRY` has the forms in which the field shares
    features; a form says all that follows `labels`, up to `order`.

    Args:
        source: The folder or file. An array of a clip is (frames × T, width).
        store: The folder to keep the features in; created if it doesn't exist.
        network: The name for the features.
        modality: audio, visual, or another.
        form: The form in which they are shared, such as `llp-vggish`. Without one, the suffix of the files decides.
        labels: Label tables that name the clips. Without them, every file or entry is a clip.
        prefix: Files are named by this many characters of the name of a clip; 0 for all.
        frames: Rows of an array that make one segment; they are averaged.
        stride: Seconds from row to row, in place of `frames`: rows are averaged by the segment that their middle is in.
        window: Seconds that a row covers; by default the stride.
        key: The name of the array in its file, where that holds several.
        order: For one array for all clips: a list of their names, by line or as a table; and perhaps files with the
            numbers of rows to take.
        segment: Seconds per segment; by default that of an existing store, else 1.
        shared: Whether several clips whose names begin alike may get the features of one file.
        block: Clips per file of a new store, for very many clips; by default 1.
        progress: Whether to show progress.

    Returns:
        How many clips were imported, and what is wrong with the others.

    Raises:
        SeehearError: There is no such folder or file, it holds no features, a label table can't be read, one file is
            that of several clips, or the store holds the network with another width.
    """
    valid_network_name(network)
    valid_modality_name(modality)
    prefix = arguments.whole(prefix, "prefix")
    given = {"frames": frames, "stride": stride, "window": window}
    chosen = _chosen(form, modality, given, prefix, key)
    tables = arguments.paths(labels)
    if chosen.prefix and not tables:
        by = f"of the form {chosen.name} " if chosen.name else ""
        raise SeehearError(
            f"{source}: files {by}are named by the first {chosen.prefix} characters of a clip's name: give the label "
            "tables that name the clips in full with --labels"
        )
    opened = open_source(Path(source), chosen, arguments.paths(order))
    try:
        found = list(dict.fromkeys(opened.clips()))
        if not found:
            kinds = "clips" if Path(source).is_file() else f"{', '.join(FILES)} files"
            raise SeehearError(f"{source}: holds no {kinds}{f' of the form {chosen.name}' if chosen.name else ''}")
        clips = _named(tables) or found
        kept = Store(store, segment=segment, create=True, block=block)
        if chosen.prefix and not shared:
            _check_one_file_each(clips, chosen)
        report = _import(opened, clips, kept, network, chosen, progress)
    finally:
        opened.close()
    report.action, report.passed_over = f"imported into {store} as {network}", opened.passed_over()
    return report


def _chosen(form: str | SharedForm, modality: str, given: dict[str, Any], prefix: int, key: str) -> SharedForm:
    """Return the form by its name, or the one that options describe. given: fields of `Form`."""
    if not form:
        return SharedForm("", "", modality, "", Form(**given), prefix=prefix, key=key)
    shared = REGISTRY[form] if isinstance(form, str) else form
    if Form(**given) != Form() or prefix or key:
        raise SeehearError(
            f"{shared.name} says where rows and arrays are: leave out frames, stride, window, prefix, key"
        )
    if shared.modality != modality:
        raise SeehearError(f"{shared.name} is {shared.content}, features of {shared.modality}, not {modality}")
    return shared


def _named(tables: Sequence[Path]) -> list[str]:
    """Return the clips that label tables name, each once."""
    from seehear.labels import is_dense, read_dense, read_weak

    clips: list[str] = []
    for table in tables:
        clips += [event.clip for event in read_dense(table).events] if is_dense(table) else read_weak(table).clips
    return list(dict.fromkeys(clips))


def _check_one_file_each(clips: Sequence[str], shared: SharedForm) -> None:
    """Raise SeehearError naming the clips whose names begin alike, which would get the same features."""
    by_file: dict[str, list[str]] = {}
    for clip in clips:
        by_file.setdefault(shared.file_of(clip), []).append(clip)
    alike = [f"{file}.npy: {', '.join(names)}" for file, names in by_file.items() if len(names) > 1]
    if alike:
        headline = (
            f"{len(alike)} files would be the features of several clips, whose first {shared.prefix} characters agree"
        )
        what_to_do = "`seehear features import` takes a longer --prefix, or --shared if that is meant"
        raise SeehearError(listed(alike, f"{headline} ({what_to_do})"))


def import_folder(
    folder: Path,
    clips: Iterable[str],
    store: Store,
    network: str,
    form: SharedForm,
    *,
    progress: bool = True,
) -> Transfer:
    """Import the features of clips; those that are in the store and current stay as they are.

    Args:
        folder: Holds the files.
        clips: Names.
        store: Where to.
        network: The name for the features.
        form: Of every file. If it has no width, the first readable file decides.
        progress: Whether to show progress.

    Returns:
        How many clips the store now holds, and what is wrong with the others.

    Raises:
        SeehearError: The store holds the network with another width, no network or modality may have this name, or one
            file is that of several clips.
    """
    valid_network_name(network)
    valid_modality_name(form.modality)
    names = list(clips)
    if form.prefix:
        _check_one_file_each(names, form)
    return _import(Folder(folder, form), names, store, network, form, progress)


def _import(
    source: Source, clips: Sequence[str], store: Store, network: str, shared: SharedForm, progress: bool
) -> Transfer:
    """Import the features of clips. If the form has no width, the first readable array decides."""
    form = shared.form
    info = NetworkInfo(network, shared.modality, 1, _made_by(store, network, form))
    report, registered = Transfer(expected=str(form)), False
    others = _Others(store, info.name)
    with Progress(f"importing {info.name}", len(clips), show=progress) as bar, store:  # which writes what is gathered
        for clip in clips:
            try:
                valid_clip_name(clip)
                entry = source.entry(clip)
                if misfit := entry.misfit(form):
                    report.shapes[str(entry.array.dtype), entry.shape] += 1
                    raise SeehearError(f"{entry.where}: {misfit}")
                current = entry.is_current(store.origin(info.name, clip), info.made_by)
                features = None if current else form.by_segment(entry.values(), store.segment)
            except SeehearError as error:
                report.failed[clip] = str(error)
                continue
            finally:
                bar.advance(clip)
            if not registered:
                form, info = replace(form, width=entry.shape[-1]), replace(info, width=entry.shape[-1])
                report.expected = str(form)
                store.register(info)
                registered = True
            if features is not None:
                fitted = others.fitted(clip, features) if form.stride else features
                report.fitted += len(fitted) != len(features)
                store.write(info.name, entry.origin(clip, info.made_by), fitted)
            if differ := others.differ(clip, form.count(entry.shape, store.segment), int(form.stride > 0)):
                report.lengths[clip] = differ
            report.count += 1
    return report


def _made_by(store: Store, network: str, form: Form) -> str:
    """Return the fingerprint of imported features: that of the network's others in the store, if it is an older one."""
    known = store.networks().get(network)
    alike = known is not None and known.made_by in form.made_alike(store.segment)
    return known.made_by if known is not None and alike else form.made_by(store.segment)


class _Others:
    """How many segments clips have by the other networks of a store.

    A clip ends where its last row does, so two networks can differ by a segment over how long it is.
    """

    def __init__(self, store: Store, network: str) -> None:
        self._store = store
        self._clips = {name: store.clips(name) for name in store.networks() if name != network}
        self._last = "", "", 0

    def fitted(self, clip: str, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return features (T, width) of a clip with a segment more or less, if another network has that many."""
        _, length = self._length(clip)
        if length == len(features) + 1:
            return np.concatenate([features, features[-1:]])
        return features[:length] if length and length == len(features) - 1 else features

    def differ(self, clip: str, segments: int, tolerated: int) -> Lengths | None:
        """Return the lengths of a clip if another network has more or fewer segments than are tolerated."""
        name, length = self._length(clip)
        return Lengths(segments, name, length) if name and abs(length - segments) > tolerated else None

    def _length(self, clip: str) -> tuple[str, int]:
        """Return a network that has readable features of a clip, and how many segments; nothing and 0 if none has."""
        if self._last[0] != clip:
            self._last = clip, "", 0
            for name in [name for name, clips in self._clips.items() if clip in clips]:
                with suppress(SeehearError):  # damaged, of which training tells
                    self._last = clip, name, self._store.segments(name, clip)
                    break
        return self._last[1:]


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
