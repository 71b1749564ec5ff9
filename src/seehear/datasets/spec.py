"""What a data set declares of itself: its label tables, the features that its field shares, how clips are named."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seehear.errors import ClipError, SeehearError
from seehear.names import check_modality

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class FeatureFolder:
    """A folder of one .npy file a clip, (segments × frames, width), as a field shares them.

    network: what a store calls the features. modality: audio, visual, or another. frames: rows that make one segment.
    """

    folder: str
    network: str
    modality: str
    frames: int
    width: int
    segments: int

    @property
    def shape(self) -> tuple[int, int]:
        """Of every file in it."""
        return self.segments * self.frames, self.width


def no_span(clip: str) -> tuple[float, float] | None:
    """Of data sets whose clips are files of their own."""
    return None


@dataclass(frozen=True)
class DataSet:
    """A data set.

    source: where it was published. weak: train, val, test -> file name of the weak table. dense: modality -> file name
    of the dense table, of val and test clips. more_dense: the file name of dense tables of any modality, with a * for
    it; empty where `dense` names all. features: the folders of features that its field shares. prefix: characters of a
    clip's name that name its feature files and its video, 0 for all. classes: that there are, empty where any may be.
    span: from a clip's name to the seconds of the full video that it is, None if it is a file of its own. revision: the
    file beside this one that knows the newest revision of the tables (seehear.datasets.revision), or empty.
    """

    name: str
    source: str
    weak: Mapping[str, str]
    dense: Mapping[str, str] = field(default_factory=dict)
    more_dense: str = ""
    features: tuple[FeatureFolder, ...] = ()
    prefix: int = 0
    classes: tuple[str, ...] = ()
    span: Callable[[str], tuple[float, float] | None] = no_span
    revision: str = ""

    def length(self, clip: str) -> float | None:
        """Of a clip, seconds, where its name tells it."""
        span = self.span(clip)
        return span[1] - span[0] if span else None

    def short(self, clip: str) -> str:
        """What names a clip's feature files and video."""
        return clip[: self.prefix] if self.prefix else clip


@dataclass(frozen=True)
class Annotations:
    """A user's copy of a data set's label tables. weak: split -> file. dense: modality -> file."""

    dataset: DataSet
    folder: Path
    weak: Mapping[str, Path]
    dense: Mapping[str, Path]

    @property
    def tables(self) -> dict[str, Path]:
        """Split or modality -> file."""
        return {**self.weak, **self.dense}


def annotations(dataset: DataSet, folder: str | Path) -> Annotations:
    """The data set's label tables in a folder. Raises SeehearError naming those that are missing."""
    folder = Path(folder)
    if not folder.is_dir():
        raise SeehearError(f"{folder}: no such folder")
    weak = {split: folder / name for split, name in dataset.weak.items()}
    dense = {modality: folder / name for modality, name in dataset.dense.items()}
    missing = [path.name for path in (*weak.values(), *dense.values()) if not path.is_file()]
    if dataset.more_dense:
        before, after = dataset.more_dense.split("*")
        found = {path.name[len(before) : len(path.name) - len(after)]: path for path in folder.glob(dataset.more_dense)}
        for modality, path in found.items():
            try:
                check_modality(modality)
            except ClipError as error:
                raise SeehearError(f"{path}: {error}: rename it") from None
        dense |= dict(sorted(found.items()))
        if not dense:
            missing.append(f"{before}<modality>{after}")
    if missing:
        raise SeehearError(f"{folder}: lacks {', '.join(missing)}, which {dataset.name} is made of ({dataset.source})")
    return Annotations(dataset, folder, weak, dense)
