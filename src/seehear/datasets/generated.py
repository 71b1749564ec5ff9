"""Synthetic features of a data set's clips, in its authors' folders: a signal of its real labels in noise.

The features of one network's frame are

    max(0, (noise of the clip + noise of the segment + strength · Σ directions of the active classes) · mixing + noise)

Noise is normal. Directions are random unit vectors of LATENT dimensions, one per network and class, and `mixing`
projects them to the network's width: as in real features, what varies lies in far fewer dimensions than there are
numbers, so a few hundred clips are enough to learn from. A class moves its segments along its direction by `strength`
standard deviations of the segments' noise.

What is active comes from the tables, see `seehear.datasets.activity`.

A file depends on its clip, the seed and the tables alone, so several processes can fill one folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seehear import arguments
from seehear.arguments import Names
from seehear.datasets.activity import SyntheticActivity, rng_of
from seehear.datasets.coverage import coverage_defects
from seehear.datasets.registry import get
from seehear.datasets.spec import DataSet, feature_folders
from seehear.datasets.tables import Tables, read_tables
from seehear.errors import SeehearError
from seehear.files import atomic_array, check_folder, claim, sweep
from seehear.labels import raise_fatal
from seehear.progress import Progress
from seehear.results import Result, counted
from seehear.scoring.signature import revision
from seehear.stored import read_object

if TYPE_CHECKING:
    from seehear.features.forms.spec import SharedForm

STRENGTH = 4.0
LATENT = 64
CLIP, SEGMENT, FRAME = 0.5, 1.0, 0.5  # standard deviations of the noise
MARKER = "generated.json"


@dataclass(repr=False)
class Generated(Result):
    """Synthetic features.

    Attributes:
        out: The folder that holds the feature folders.
        folders: Names of the feature folders.
        count: Number of clips in each.
    """

    out: Path
    folders: tuple[str, ...]
    count: int

    def __repr__(self) -> str:
        return f"Generated({self.out}: {counted(self.count, 'clip')} in each of {', '.join(self.folders)})"

    def text(self) -> str:
        """Return lines for people."""
        return f"{counted(self.count, 'clip')} generated in {self.out}"

    def as_json(self) -> Any:
        """Return a value that `json.dumps` takes."""
        return {"count": self.count, "folders": list(self.folders)}


def generate(
    dataset: str | DataSet,
    annotations: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    strength: float = STRENGTH,
    clips: int = 0,
    only: Names = (),
) -> Generated:
    """Generate the feature folders of a data set. Files that exist are kept; rerun the same call to resume it.

    Args:
        dataset: Its name, as llp.
        annotations: Folder of its label tables as they were published.
        out: Folder of the feature folders: those that its authors share, or else one per modality.
        seed: Determines every number.
        strength: How far a class moves a segment's features, in standard deviations of the segments' noise.
        clips: The first clips of each split, this many; 0 for all.
        only: Folders or networks to generate; all if empty.

    Returns:
        How many clips each folder holds.

    Raises:
        SeehearError: If the tables can't be read, or `out` holds other features.
    """
    spec, out = get(dataset), Path(out)
    tables = read_tables(spec, annotations)
    raise_fatal([*tables.every_defect(), *coverage_defects(tables)])
    folders = _selected_folders(spec, tables, arguments.names(only))
    clips, seed = arguments.whole(clips, "clips"), arguments.whole(seed, "seed")
    strength = arguments.real(strength, "strength")
    if clips < 0:
        raise SeehearError(f"clips must be 0, for all, or more, not {clips}")
    if not np.isfinite(strength):
        raise SeehearError(f"strength must be a finite number, not {strength}")
    settings = {
        "dataset": spec.name,
        "seed": seed,
        "strength": strength,
        "tables": revision(list(tables.files)),
    }
    check_folder(out)
    _claim(out, settings, folders)
    activity = SyntheticActivity.of(spec, tables, seed)
    chosen = list(dict.fromkeys(clip for table in tables.weak.values() for clip in table.clips[: clips or None]))
    for form in folders:
        sweep(out / form.folder)
        maker = Maker.of(form, activity.classes, strength, seed)
        with Progress(f"generating {form.folder}", len(chosen)) as progress:
            for clip in chosen:
                file = out / form.folder / f"{form.file_of(clip)}.npy"
                if not _is_whole(file):
                    atomic_array(file, maker.features(clip, activity.active(form.modality, clip)))
                progress.advance(clip)
    return Generated(out, tuple(form.folder for form in folders), len(chosen))


def _claim(out: Path, settings: Mapping[str, Any], folders: Sequence[SharedForm]) -> None:
    """Mark `out` as that of these settings.

    Raises:
        SeehearError: If `out` holds features of other settings, or features that were not generated.
    """
    marker, remedy = out / MARKER, "choose another folder, or delete this one"
    existing = [form.folder for form in folders if (out / form.folder).exists()]
    if existing and not marker.exists():
        raise SeehearError(f"{out}: holds {', '.join(existing)}, which were not generated; choose another folder")
    claim(marker, settings)
    if (old := read_object(marker, remedy)) != settings:
        differ = [f"{key} {old.get(key)}, not {value}" for key, value in settings.items() if old.get(key) != value]
        raise SeehearError(f"{out}: holds features of {', '.join(differ)}; choose another folder")


def _is_whole(file: Path) -> bool:
    """Return whether a file holds an array. After a loss of power, one that was just written may be empty."""
    try:
        np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return True


@dataclass(frozen=True)
class Maker:
    """Generates the features of one network.

    Attributes:
        form: Of the network.
        directions: (C, LATENT), unit vectors.
        mixing: (LATENT, width).
        strength: How far a class moves a segment, in standard deviations of the segments' noise.
        seed: Determines every number.
    """

    form: SharedForm
    directions: NDArray[np.float32]
    mixing: NDArray[np.float32]
    strength: float
    seed: int

    @staticmethod
    def of(form: SharedForm, classes: Sequence[str], strength: float, seed: int) -> Maker:
        """Draw the directions of the classes, and the mixing.

        Args:
            form: Of the network.
            classes: Names of the C classes.
            strength: How far a class moves a segment, in standard deviations of the segments' noise.
            seed: Determines every number.
        """
        drawn = np.stack([rng_of(seed, form.network, "class", name).standard_normal(LATENT) for name in classes])
        directions = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
        mixing = rng_of(seed, form.network, "mixing").standard_normal((LATENT, form.form.width), dtype=np.float32)
        return Maker(form, directions, mixing / np.float32(np.sqrt(LATENT)), strength, seed)

    def features(self, clip: str, active: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return a clip's features, (T × rows per second, width).

        Args:
            clip: Its name, which the noise depends on.
            active: Which classes are active, boolean (T, C).
        """
        rng, width = rng_of(self.seed, self.form.network, "clip", clip), self.form.form.width
        shape = (len(active), self.form.form.rows_per_segment(), width)
        latent = self.strength * (active.astype(np.float32) @ self.directions)  # (T, LATENT)
        latent += CLIP * rng.standard_normal(LATENT, dtype=np.float32)
        latent += SEGMENT * rng.standard_normal(latent.shape, dtype=np.float32)
        features = (latent @ self.mixing)[:, None] + FRAME * rng.standard_normal(shape, dtype=np.float32)
        return np.maximum(features, 0).reshape(-1, width).astype(np.float32)


def _selected_folders(dataset: DataSet, tables: Tables, only: Sequence[str]) -> list[SharedForm]:
    folders = feature_folders(dataset, dataset.modalities(tables.dense))
    known = {name for form in folders for name in (form.folder, form.network)}
    if unknown := [name for name in only if name not in known]:
        raise SeehearError(
            f"{dataset.name} has no feature folder {unknown[0]!r}; choose from {', '.join(sorted(known))}"
        )
    return [form for form in folders if not only or {form.folder, form.network} & set(only)]
