"""What a data set declares: its label tables, the features that its field shares, and how its clips are named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seehear.errors import ClipError, SeehearError
from seehear.names import valid_modality_name

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class FeatureFolder:
    """A folder of features as a field shares them: one .npy file per clip, (segments × frames, width).

    Attributes:
        folder: Its name.
        network: The name of the features in a store.
        modality: audio, visual, or another.
        frames: Rows per segment.
        width: Numbers per row.
        segments: Segments per clip.
    """

    folder: str
    network: str
    modality: str
    frames: int
    width: int
    segments: int

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of every file."""
        return self.segments * self.frames, self.width


def no_span(clip: str) -> tuple[float, float] | None:
    """Return the `span` of data sets whose clips are files, not parts of longer videos."""
    return None


@dataclass(frozen=True)
class DataSet:
    """A data set.

    Attributes:
        name: What users call it.
        source: Where it was published.
        weak: train, val, test -> file name of the weak table.
        dense: Modality -> file name of the dense table of the val and test clips.
        dense_pattern: File names of dense tables of any modality, with * for the modality; used if `dense` is empty.
        features: The feature folders that its field shares.
        prefix: Number of characters of a clip's name that name its feature files and its video; 0 for all.
        classes: Every class, or empty if any class is allowed.
        span: Returns the seconds of the full video that a clip is, from its name; None if the clip is a file.
    """

    name: str
    source: str
    weak: Mapping[str, str]
    dense: Mapping[str, str] = field(default_factory=dict)
    dense_pattern: str = ""
    features: tuple[FeatureFolder, ...] = ()
    prefix: int = 0
    classes: tuple[str, ...] = ()
    span: Callable[[str], tuple[float, float] | None] = no_span

    def length(self, clip: str) -> float | None:
        """Return a clip's length in seconds, if its name states it; else None."""
        span = self.span(clip)
        return span[1] - span[0] if span else None

    def short(self, clip: str) -> str:
        """Return the part of a clip's name that names its feature files and its video."""
        return clip[: self.prefix] if self.prefix else clip


@dataclass(frozen=True)
class Annotations:
    """A user's copy of a data set's label tables.

    Attributes:
        dataset: The data set.
        folder: Where the tables are.
        weak: Split -> file.
        dense: Modality -> file.
    """

    dataset: DataSet
    folder: Path
    weak: Mapping[str, Path]
    dense: Mapping[str, Path]

    @property
    def tables(self) -> dict[str, Path]:
        """Split or modality -> file."""
        return {**self.weak, **self.dense}


def find_tables(dataset: DataSet, folder: str | Path) -> Annotations:
    """Return the data set's label tables in a folder.

    Raises:
        SeehearError: Naming the tables that are missing.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SeehearError(f"{folder}: no such folder")
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
        raise SeehearError(f"{folder}: lacks {', '.join(missing)}, tables of {dataset.name} ({dataset.source})")
    return Annotations(dataset, folder, weak, dense)
