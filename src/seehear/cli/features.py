"""seehear features: those that others made imported, a store's exported, and synthetic ones generated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear.datasets.generated import STRENGTH, Generated
from seehear.features.npy import Transfer


def import_features(
    source: str | Path,
    *,
    store: str | Path,
    network: str,
    modality: str,
    form: str = "",
    labels: Sequence[str | Path] = (),
    prefix: int = 0,
    frames: int = 1,
    stride: float = 0.0,
    window: float = 0.0,
    key: str = "",
    order: Sequence[str | Path] = (),
    segment: float | None = None,
    shared: bool = False,
    block: int | None = None,
) -> Transfer:
    """Import features that others made into a store: .npy, .npz, .h5 or .pt files.

    They are a folder with one file per clip, one file with an entry per clip, or one file with an array for all clips.
    --form names a form in which the field shares features, such as llp-vggish: docs/formats.md lists them. The folders
    shared for LLP name their files by the first 11 characters of the name of the clip: give --labels. No pickle is
    run: arrays of objects are refused, and .pt files that hold more than tensors.

    Args:
        source: The folder or file. An array of a clip is (frames × T, width).
        store: The folder to keep features in; created if it doesn't exist.
        network: The name for the features.
        modality: audio, visual, or another.
        form: The form in which they are shared; it says the prefix, frames, stride, window and key.
        labels: Label tables that name the clips; without them every file or entry is a clip.
        prefix: Files are named by this many characters of the name of a clip, 0 for all.
        frames: Rows of an array that make one segment; they are averaged.
        stride: Seconds from row to row, in place of --frames: rows are averaged by the segment that their middle is in.
        window: Seconds that a row covers; by default the stride.
        key: Name of the array in its file, where that holds several.
        order: List of the clips' names for one array for all clips; and perhaps files with the numbers of rows to take.
        segment: Seconds per segment; 1 in a new store.
        shared: Give several clips the features of one file, if the first --prefix characters of their names agree.
        block: Clips per file of a new store, such as 64 for very many clips; 1 by default.

    Returns:
        How many clips were imported, and what is wrong with the others.
    """
    from seehear.features import npy as importing

    return importing.import_features(
        source,
        store=store,
        network=network,
        modality=modality,
        form=form,
        labels=labels,
        prefix=prefix,
        frames=frames,
        stride=stride,
        window=window,
        key=key,
        order=order,
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
