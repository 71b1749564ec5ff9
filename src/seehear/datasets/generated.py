"""Made-up features of a data set's clips, in its field's folders, with a signal of its real labels planted in noise.

The features of one network's frame are

    max(0, (noise of the clip + noise of the segment + strength · Σ directions of the active classes) · mixing + noise)

Noise is normal. Directions are random unit vectors of LATENT dimensions, one a network and class, and `mixing` spreads
these over the network's width: as in real features, what varies lies in far fewer dimensions than there are numbers, so
that some hundred clips can teach something. A class moves its segments along its direction by `strength` deviations of
the segments' noise.

What is active is what the dense tables say of val and test clips. Of training clips only weak labels are known: for
each, what is heard and seen of it, and when, is taken over from a random val clip with that label, so that labels are
heard only, seen only and both as often as there, class by class.

A file depends on its clip, the seed and the val split's tables alone, so several processes can fill one folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seehear.datasets.spec import Annotations, FeatureFolder
from seehear.errors import SeehearError
from seehear.files import atomic_array, atomic_json, read_json
from seehear.labels import classes_of, read_dense, read_weak
from seehear.progress import Progress
from seehear.scoring.signature import revision

STRENGTH = 4.0
LATENT = 64
CLIP, SEGMENT, FRAME = 0.5, 1.0, 0.5  # deviations of the noise
MARKER = "generated.json"


@dataclass(frozen=True)
class Activity:
    """What happens in the clips of a data set. active: modality -> clip -> (T, C) bool."""

    classes: tuple[str, ...]
    clips: tuple[str, ...]
    active: Mapping[str, Mapping[str, NDArray[np.bool_]]]


def generate(
    given: Annotations,
    out: Path,
    *,
    seed: int = 0,
    strength: float = STRENGTH,
    clips: int = 0,
    only: Sequence[str] = (),
) -> int:
    """Write the data set's feature folders into `out`; files that are there are left as they are.

    clips: so many of each split, its first ones; 0 for all. only: folders or networks to make, all unless given.
    Returns how many clips each folder holds. Raises SeehearError where `out` holds features of other settings.
    """
    folders = _chosen(given, only)
    if clips < 0 or not np.isfinite(strength):
        raise SeehearError(f"clips must be 0 or more, not {clips}, and strength a number, not {strength}")
    facts = {
        "dataset": given.dataset.name,
        "seed": seed,
        "strength": strength,
        "tables": revision(list(given.tables.values())),
    }
    marker = out / MARKER
    if marker.exists():
        if (old := read_json(marker)) != facts:
            differ = ", ".join(f"{key} {old.get(key)}, not {facts[key]}" for key in facts if old.get(key) != facts[key])
            raise SeehearError(f"{out}: holds features of {differ}; name another folder")
    elif taken := [folder.folder for folder in folders if (out / folder.folder).exists()]:
        raise SeehearError(f"{out}: holds {', '.join(taken)}, which are not made up; name another folder")
    activity = draw_activity(given, max(folder.segments for folder in folders), seed, clips)
    atomic_json(marker, facts)
    for folder in folders:
        maker = Maker.of(folder, activity.classes, strength, seed)
        with Progress(f"generating {folder.folder}", len(activity.clips)) as progress:
            for clip in activity.clips:
                file = out / folder.folder / f"{given.dataset.short(clip)}.npy"
                if not file.exists():
                    active = activity.active[folder.modality][clip][: folder.segments]
                    atomic_array(file, maker.features(clip, active))
                progress.advance(clip)
    return len(activity.clips)


def draw_activity(given: Annotations, segments: int, seed: int, clips: int = 0) -> Activity:
    """What is active when: by the dense tables in val and test clips, drawn for training clips.

    clips: so many of each split, its first ones; 0 for all.
    """
    weak = {split: read_weak(path) for split, path in given.weak.items()}
    dense = {modality: read_dense(path) for modality, path in given.dense.items()}
    classes = classes_of([*weak.values(), *dense.values()])
    active: dict[str, dict[str, NDArray[np.bool_]]] = {modality: {} for modality in dense}
    for split in ("val", "test"):
        for modality, table in dense.items():
            rows = table.array(weak[split].clips, classes, segments)  # (N, T, C)
            active[modality] |= dict(zip(weak[split].clips, rows, strict=True))
    # Examples of each class: what was heard, seen, … of it in a val clip that has it.
    examples: dict[str, list[dict[str, NDArray[np.bool_]]]] = {}
    for clip in weak["val"].clips:
        for c, name in enumerate(classes):
            example = {modality: rows[clip][:, c] for modality, rows in active.items()}  # (T,) each
            if any(shown.any() for shown in example.values()):
                examples.setdefault(name, []).append(example)
    every = [example for of_class in examples.values() for example in of_class]
    if not every:
        raise SeehearError(f"{given.folder}: nothing happens in the val clips, by its dense tables")
    for clip in weak["train"].clips[: clips or None]:
        rng = _rng(seed, "activity", clip)
        drawn = {modality: np.zeros((segments, len(classes)), dtype=bool) for modality in dense}
        for name in sorted(weak["train"].labels[clip]):
            choices = examples.get(name, every)
            example = choices[rng.integers(len(choices))]
            for modality, shown in example.items():
                drawn[modality][:, classes.index(name)] = shown
        for modality, rows_of_clip in drawn.items():
            active[modality][clip] = rows_of_clip
    names = tuple(dict.fromkeys(clip for table in weak.values() for clip in table.clips[: clips or None]))
    return Activity(classes, names, active)


@dataclass(frozen=True)
class Maker:
    """Makes features of one folder's network. directions: (C, LATENT), unit vectors. mixing: (LATENT, width)."""

    folder: FeatureFolder
    directions: NDArray[np.float32]
    mixing: NDArray[np.float32]
    strength: float
    seed: int

    @staticmethod
    def of(folder: FeatureFolder, classes: Sequence[str], strength: float, seed: int) -> Maker:
        drawn = np.stack([_rng(seed, folder.network, "class", name).standard_normal(LATENT) for name in classes])
        directions = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
        mixing = _rng(seed, folder.network, "mixing").standard_normal((LATENT, folder.width), dtype=np.float32)
        return Maker(folder, directions, mixing / np.float32(np.sqrt(LATENT)), strength, seed)

    def features(self, clip: str, active: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(T × frames, width) of a clip. active: (T, C)."""
        rng = _rng(self.seed, self.folder.network, "clip", clip)
        shape = (len(active), self.folder.frames, self.folder.width)
        latent = self.strength * (active.astype(np.float32) @ self.directions)  # (T, LATENT)
        latent += CLIP * rng.standard_normal(LATENT, dtype=np.float32)
        latent += SEGMENT * rng.standard_normal(latent.shape, dtype=np.float32)
        features = (latent @ self.mixing)[:, None] + FRAME * rng.standard_normal(shape, dtype=np.float32)
        return np.maximum(features, 0).reshape(-1, self.folder.width).astype(np.float32)


def _chosen(given: Annotations, only: Sequence[str]) -> list[FeatureFolder]:
    folders = given.dataset.features
    known = {name for folder in folders for name in (folder.folder, folder.network)}
    if not folders:
        raise SeehearError(f"{given.dataset.name} has no feature folders that its field shares")
    if strange := [name for name in only if name not in known]:
        raise SeehearError(f"{given.dataset.name} has no feature folder {strange[0]!r}: there are {sorted(known)}")
    lacking = [folder.modality for folder in folders if folder.modality not in given.dense]
    if lacking:
        raise SeehearError(f"{given.folder}: no dense table of {lacking[0]}")
    return [folder for folder in folders if not only or {folder.folder, folder.network} & set(only)]


def _rng(seed: int, *names: str) -> np.random.Generator:
    digest = hashlib.sha256("\n".join([str(seed), *names]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))
