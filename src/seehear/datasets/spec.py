"""What a data set declares: its label tables, the features that its authors share, and how its clips are named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from seehear import arguments
from seehear.errors import ClipError, SeehearError
from seehear.modality import AUDIO, JOINT, VISUAL
from seehear.names import valid_modality_name
from seehear.stored import read_object

if TYPE_CHECKING:
    from seehear.datasets.tables import Tables
    from seehear.features.forms.spec import SharedForm

SPLITS = ("train", "val", "test")
MARKER = "prepared.json"  # in a folder of tables that `prepare` wrote: of which data set, from which published files
ANSWERED = ("map",)  # a score for ground truth of any kind that says when


class Truth(Enum):
    """What the ground truth of a data set says: of which modalities it speaks, and a sentence on what it can't say."""

    PER_MODALITY = (
        (AUDIO, VISUAL),
        "The ground truth says what is heard and what is seen, each second by second.",
    )
    JOINT = (
        (AUDIO, VISUAL),
        "The ground truth says when a class is heard and seen at once; it says nothing of what is only heard or seen.",
    )
    SOUND = ((AUDIO,), "The ground truth says when a class is heard; it says nothing of what is seen.")
    SIGHT = ((VISUAL,), "The ground truth says when a class is seen; it says nothing of what is heard.")
    CLIPS = (
        (AUDIO, VISUAL),
        "The ground truth says which classes are heard and which are seen in a clip; it says nothing of when.",
    )

    def __init__(self, modalities: tuple[str, ...], says: str) -> None:
        self.modalities = modalities
        self.says = says

    def __repr__(self) -> str:
        return f"Truth.{self.name}"

    @staticmethod
    def of(kinds: Iterable[str]) -> Truth:
        """Return what dense tables of these kinds say: modalities, and audio_visual for heard and seen at once."""
        given = set(kinds)
        if JOINT in given and not given.issuperset((AUDIO, VISUAL)):
            return Truth.JOINT
        return {frozenset((AUDIO,)): Truth.SOUND, frozenset((VISUAL,)): Truth.SIGHT}.get(
            frozenset(given), Truth.PER_MODALITY
        )


SYNTHETIC = "synthetic-"  # before the modality: the network, and folder, of features that are generated
SYNTHETIC_WIDTH = 128


def no_span(clip: str) -> tuple[float, float] | None:
    """Return the `span` of data sets whose clips are files, not parts of longer videos."""
    return None


def span_in(clip: str, name: re.Pattern[str]) -> tuple[float, float] | None:
    """Return the seconds at which a clip starts and stops, the groups of the pattern of names; None for other names."""
    match = name.fullmatch(clip)
    if match is None:
        return None
    start, stop = (float(text) for text in match.groups())
    return (start, stop) if start < stop else None


@dataclass(frozen=True)
class DataSet:
    """A data set.

    Its tables are those of seehear, named in `weak` and `dense`, or have a form of their own, which `read` reads.

    Attributes:
        name: What users call it.
        source: Where it was published.
        weak: train, val, test -> file name of the weak table.
        dense: Modality -> file name of the dense table of the val and test clips.
        dense_pattern: File names of dense tables of any modality, with * for the modality; used if `dense` is empty.
        forms: The forms in which its authors share features, of `seehear.features.forms`: by name, or one of your own.
        prefix: Number of characters of a clip's name that name its video; 0 for all.
        skipped: Number of characters of a clip's name that stand before these.
        classes: Every class, or empty if any class is allowed, or if the tables list them.
        span: Returns the seconds of the full video that a clip is, from its name; None if the clip is a file.
        seconds: Length of every clip whose name has no times; None if clips have different lengths.
        read: Reads the tables as published from a folder; None if they are those in `weak` and `dense`.
        truth: What the ground truth says; if `dense_pattern` names its tables, they decide, see `truth_of`.
        metrics: Scores that its papers report, by the names of `seehear benchmark`.
        known_part: Name of the group of val clips whose classes training clips have, if others have further classes.
    """

    name: str
    source: str
    weak: Mapping[str, str] = field(default_factory=dict)
    dense: Mapping[str, str] = field(default_factory=dict)
    dense_pattern: str = ""
    forms: tuple[str | SharedForm, ...] = ()
    prefix: int = 0
    skipped: int = 0
    classes: tuple[str, ...] = ()
    span: Callable[[str], tuple[float, float] | None] = no_span
    seconds: float | None = None
    read: Callable[[Path], Tables] | None = None
    truth: Truth = Truth.PER_MODALITY
    metrics: tuple[str, ...] = ("parsing-f1",)
    known_part: str = ""

    def length(self, clip: str) -> float | None:
        """Return a clip's length in seconds, if its name or the data set states it; else None."""
        span = self.span(clip)
        return span[1] - span[0] if span else self.seconds

    def truth_of(self, kinds: Iterable[str]) -> Truth:
        """Return what the ground truth says, if there are dense tables of these kinds."""
        return Truth.of(kinds) if self.dense_pattern else self.truth

    def modalities(self, kinds: Iterable[str]) -> tuple[str, ...]:
        """Return the modalities of a model of the data set, which has dense tables of these kinds."""
        named = [kind for kind in kinds if kind != JOINT]
        truth = self.truth_of(kinds)
        if named and truth is Truth.PER_MODALITY:
            return tuple(named)
        return tuple(dict.fromkeys([*truth.modalities, *named]))

    def short(self, clip: str) -> str:
        """Return the part of a clip's name that names its video."""
        return clip[self.skipped : self.skipped + self.prefix] if self.prefix else clip


def shared_forms(dataset: DataSet) -> tuple[SharedForm, ...]:
    """Return the forms in which a data set's authors share features. Raises SeehearError for an unknown name."""
    from seehear.features.forms import REGISTRY

    return tuple(REGISTRY[form] if isinstance(form, str) else form for form in dataset.forms)


def shared_folders(dataset: DataSet) -> tuple[SharedForm, ...]:
    """Return the forms of folders that hold the features of one network, which `prepare` imports."""
    return tuple(form for form in shared_forms(dataset) if form.folder)


def feature_folders(dataset: DataSet, modalities: Sequence[str]) -> tuple[SharedForm, ...]:
    """Return the forms of a data set's folders of features; if none are shared, of one to generate per modality."""
    from seehear.features.forms.spec import Form, SharedForm

    return shared_folders(dataset) or tuple(
        SharedForm(
            f"{SYNTHETIC}{name}",
            "",
            name,
            "synthetic",
            Form(width=SYNTHETIC_WIDTH, stride=1.0),
            folder=f"{SYNTHETIC}{name}",
            network=f"{SYNTHETIC}{name}",
        )
        for name in modalities
    )


@dataclass(frozen=True)
class Annotations:
    """A user's copy of a data set's label tables, in seehear's own form.

    Attributes:
        dataset: The data set.
        folder: Where its tables are as they were published.
        weak: Split -> file.
        dense: Modality, or audio_visual -> file.
        by_modality: Modality -> split -> weak table of what is heard or seen alone, where that is published.
        parts: Name -> weak table of some of a split's clips, which the data set treats as a group.
    """

    dataset: DataSet
    folder: Path
    weak: Mapping[str, Path]
    dense: Mapping[str, Path]
    by_modality: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    parts: Mapping[str, Path] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, Path]:
        """Split or modality -> file."""
        return {**self.weak, **self.dense}

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that a model of the data set has."""
        return self.dataset.modalities(self.dense)

    @property
    def truth(self) -> Truth:
        """What the ground truth says."""
        return self.dataset.truth_of(self.dense)

    @property
    def says(self) -> str:
        """A sentence on what the ground truth says."""
        if set(self.modalities) <= {AUDIO, VISUAL}:
            return self.truth.says
        *others, last = self.modalities
        return f"The ground truth says when a class is active in {' and in '.join([', '.join(others), last])}, each."

    @property
    def metrics(self) -> tuple[str, ...]:
        """Scores that its papers report; for tables of a user's own, one that the ground truth can answer."""
        return ANSWERED if self.dataset.dense_pattern and self.truth is not Truth.PER_MODALITY else self.dataset.metrics


def default_tables(dataset: DataSet, store: Path) -> Path:
    """Return the folder of a data set's tables in seehear's form, next to the store: relative if the store is."""
    return (store if store.name not in ("", "..") else store.absolute()).parent / f"{dataset.name}-tables"


def existing_folder(folder: str | Path) -> Path:
    """Return a user's folder. Raises SeehearError if there is none."""
    (path,) = arguments.paths([folder])
    if path.is_file():
        raise SeehearError(f"{path}: is a file; name its folder, {path.parent}")
    if not path.is_dir():
        raise SeehearError(f"{path}: no such folder")
    return path


def prepared_for(folder: Path) -> str:
    """Return the data set for which `prepare` wrote the tables in a folder; nothing if it wrote none."""
    with suppress(SeehearError):
        if (folder / MARKER).is_file():
            return str(read_object(folder / MARKER, "delete it").get("dataset") or "")
    return ""


def find_tables(dataset: DataSet, folder: str | Path) -> Annotations:
    """Return the data set's label tables in a folder.

    Raises:
        SeehearError: Naming the tables that are missing.
    """
    if dataset.read is not None:
        raise SeehearError(
            f"{dataset.name} is published in a form of its own: `seehear prepare --dataset {dataset.name}` writes its "
            "tables in seehear's, into a folder that --annotations takes with --dataset folder"
        )
    folder = existing_folder(folder)
    weak = {split: folder / name for split, name in dataset.weak.items()}
    dense = {modality: folder / name for modality, name in dataset.dense.items()}
    missing = [path.name for path in (*weak.values(), *dense.values()) if not path.is_file()]
    if dataset.dense_pattern:
        before, after = dataset.dense_pattern.split("*")
        files = sorted(folder.glob(dataset.dense_pattern))
        for path in files:
            modality = path.name[len(before) : len(path.name) - len(after)]
            try:
                dense[valid_modality_name(modality)] = path
            except ClipError as error:
                raise SeehearError(f"{path}: {error}; rename it") from None
        if not dense:
            missing.append(f"{before}<modality>{after}")
    if missing:
        message = f"{folder}: lacks {', '.join(missing)}, tables of {dataset.name} ({dataset.source})"
        if name := prepared_for(folder):
            message += f"; `prepare` wrote its tables for {name}: use --dataset {name} with the tables as published"
        raise SeehearError(message)
    return Annotations(dataset, folder, weak, dense)
