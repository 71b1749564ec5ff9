"""seehear features: the field's folders of one .npy file a clip, into a store and out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seehear.datasets.generated import STRENGTH, Generated
from seehear.errors import SeehearError
from seehear.verbs.result import Result, listed


@dataclass
class Moved(Result):
    """count: clips that went through. failed: clip -> what was wrong."""

    what: str
    count: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if self.failed else 0

    def text(self) -> str:
        problems = listed(list(self.failed.values()), f"{len(self.failed)} clips left out")
        return "\n".join(filter(None, [f"{self.count} clips {self.what}", problems]))

    def as_json(self) -> Any:
        return {"count": self.count, "failed": self.failed}


def import_features(
    folder: str | Path,
    *,
    store: str | Path,
    network: str,
    modality: str,
    labels: Sequence[str | Path] = (),
    prefix: int = 0,
    frames: int = 1,
    segment: float | None = None,
) -> Moved:
    """Take a folder of .npy files, one a clip, into a store.

    The folders that are shared for LLP hold VGGish (10, 128), ResNet-152 (80, 2048: --frames 8) and R(2+1)D
    (10, 512), their files named by the first 11 characters of the clip's name (--prefix 11, with --labels).

    Args:
        folder: Holds <clip>.npy, each (frames × T, width).
        store: The folder to keep features in; made if it isn't there.
        network: What to call the features.
        modality: audio, visual, or another.
        labels: Label tables naming the clips; without them every file is a clip.
        prefix: Files are named by so many characters of a clip's name, 0 for all.
        frames: Rows of a file that make one segment, averaged.
        segment: Seconds of a segment; 1 in a new store.

    Returns:
        How many clips were taken, and what was wrong with the others.
    """
    from seehear.importing import Form, import_folder
    from seehear.labels import is_dense, read_dense, read_weak
    from seehear.names import check_modality, check_network
    from seehear.store import Store

    check_network(network)
    check_modality(modality)
    if not Path(folder).is_dir():
        raise SeehearError(f"{folder}: no such folder")
    clips: list[str] = []
    for path in labels:
        clips += [event.clip for event in read_dense(path).events] if is_dense(path) else read_weak(path).clips
    if not labels:
        clips = sorted(file.stem for file in Path(folder).glob("[!.]*.npy"))
    clips = list(dict.fromkeys(clips))
    if not clips:
        raise SeehearError(f"{folder}: holds no .npy files")
    kept = Store(store, segment=segment, create=True)
    done = import_folder(Path(folder), clips, kept, network, modality, Form(frames), prefix=prefix)
    return Moved(f"taken into {store} as {network}", done.count, done.failed)


def export_features(folder: Path, *, store: Path, network: str) -> Moved:
    """Write a network's features as a folder of .npy files, one a clip, (T, width) float32.

    Args:
        folder: Where to; made if it isn't there.
        store: The folder that holds the features.
        network: Whose features.

    Returns:
        How many clips were written.
    """
    from seehear.files import atomic_array
    from seehear.progress import Progress
    from seehear.store import Store

    kept = Store(store)
    kept.network(network)
    report = Moved(f"written to {folder}")
    clips = sorted(kept.clips(network))
    with Progress("exporting", len(clips)) as progress:
        for clip in clips:
            atomic_array(Path(folder) / f"{clip}.npy", kept.read(network, clip))
            report.count += 1
            progress.advance(clip)
    return report


def generate_features(
    *,
    dataset: str,
    annotations: str | Path,
    out: str | Path,
    seed: int = 0,
    strength: float = STRENGTH,
    clips: int = 0,
    only: Sequence[str] = (),
) -> Generated:
    """Generate synthetic features of a data set, its real labels in noise, to try things at full size.

    A clip's features depend on the seed and the clip alone. Resume by rerunning the same command.

    Args:
        dataset: Its name, as llp.
        annotations: Folder of its label tables.
        out: Where the feature folders go.
        seed: Fixes every number.
        strength: How far a class moves a segment's features, in deviations of a segment's own noise.
        clips: So many of each split, its first ones; 0 for all.
        only: Folders or networks to make; all unless given.

    Returns:
        How many clips every folder holds.
    """
    from seehear import datasets

    return datasets.generate(dataset, annotations, out, seed=seed, strength=strength, clips=clips, only=only)
