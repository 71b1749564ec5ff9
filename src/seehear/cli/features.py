"""seehear features: folders of .npy files, imported, exported and generated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear.datasets.generated import STRENGTH, Generated
from seehear.features.npy import Transfer


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
    shared: bool = False,
    block: int | None = None,
) -> Transfer:
    """Import a folder of .npy files, one per clip, into a store.

    The folders shared for LLP hold VGGish (10, 128), ResNet-152 (80, 2048: --frames 8) and R(2+1)D (10, 512). Their
    files are named by the first 11 characters of the name of the clip: --prefix 11, with --labels.

    Args:
        folder: Holds CLIP.npy files, each (frames × T, width).
        store: The folder to keep features in; created if it doesn't exist.
        network: The name for the features.
        modality: audio, visual, or another.
        labels: Label tables that name the clips; without them every file is a clip.
        prefix: Files are named by this many characters of the name of a clip, 0 for all.
        frames: Rows of a file that make one segment; they are averaged.
        segment: Seconds per segment; 1 in a new store.
        shared: Give several clips the features of one file, if the first --prefix characters of their names agree.
        block: Clips per file of a new store, such as 64 for very many clips; 1 by default.

    Returns:
        How many clips were imported, and what is wrong with the others.
    """
    from seehear.features import npy as importing

    return importing.import_features(
        folder,
        store=store,
        network=network,
        modality=modality,
        labels=labels,
        prefix=prefix,
        frames=frames,
        segment=segment,
        shared=shared,
        block=block,
    )


def export_features(folder: Path, *, store: Path, network: str) -> Transfer:
    """Export the features of a network as .npy files, one per clip, (T, width) float32.

    Args:
        folder: Where to; created if it doesn't exist.
        store: The folder that holds the features.
        network: Whose features.

    Returns:
        How many clips were written, and the notes on them.
    """
    from seehear.features import npy as importing

    return importing.export_features(folder, store=store, network=network)


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
    """Generate synthetic features of a data set: a signal of its real labels in noise, to try things at full size.

    A clip's features depend on the seed and the clip alone. Resume by rerunning the same command.

    Args:
        dataset: Its name, as llp or lfav.
        annotations: Folder of its label tables.
        out: Where the feature folders go.
        seed: Fixes every number.
        strength: How far a class moves the features of a segment, in standard deviations of the noise of a segment.
        clips: The first clips of each split, this many; 0 for all.
        only: Folders or networks to generate; by default all.

    Returns:
        How many clips every folder holds.
    """
    from seehear import datasets

    return datasets.generate(dataset, annotations, out, seed=seed, strength=strength, clips=clips, only=only)
