"""Notes on a data set: what is odd about its labels and features, and what would likely do better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seehear.features.store import NetworkInfo
from seehear.labels import suggestion
from seehear.networks.spec import ImageInput
from seehear.results import counted

if TYPE_CHECKING:
    from seehear.data import Dataset

LOUDNESS_RATIO = 10.0  # features this many times larger than another network's can dominate the shared attention
LOUDNESS_ROWS = 2000  # segments that estimate how large a network's features are
MOST_CLASSES = 20  # of a note


def unknown_classes(
    names: Sequence[str],
    known: Sequence[str],
    where: str,
    fate: str,
    because: str = "which the model does not know",
) -> list[str]:
    """Return a note that names all unknown classes, each with the known class whose name is closest; or none.

    Args:
        names: Classes that occur.
        known: Classes of the parser.
        where: The place where they occur, for the note.
        fate: What happens to their events or labels, for the note.
        because: Why they are unknown.
    """
    unknown = sorted(set(names) - set(known))
    if not unknown:
        return []
    hints = {name: suggestion(name, known).removeprefix(": ") for name in unknown}
    first = sorted(unknown, key=lambda name: not hints[name])[:MOST_CLASSES] if len(unknown) > MOST_CLASSES else unknown
    listed = ", ".join(f"{name} ({hints[name]})" if hints[name] else name for name in first)
    more = f" and {len(unknown) - len(first)} more" if len(first) < len(unknown) else ""
    count = counted(len(unknown), "class", "classes")
    return [f"{count} only in {where}, {because}: {listed}{more}; {fate}"]


def loudness(dataset: Dataset) -> list[str]:
    """Return a note on networks whose features are far larger than another's, on average over segments.

    The attention layer's weights are shared by the modalities: the largest features dominate (docs/lab.md).
    """
    sizes = {}
    for info in dataset.infos:
        rows = dataset.packed(info.name).sample(LOUDNESS_ROWS)
        sizes[info.name] = float(np.linalg.norm(rows, axis=1).mean())
    quiet, loud = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    if sizes[loud] <= LOUDNESS_RATIO * sizes[quiet]:
        return []
    times = sizes[loud] / max(sizes[quiet], 1e-12)
    return [f"features of {loud} are {times:.0f} times as large as those of {quiet} and may dominate: set scale=true"]


def frame_rates(networks: Mapping[str, Sequence[NetworkInfo]]) -> list[str]:
    """Return a note on visual networks that were given different numbers of frames per second."""
    rates = {info.name: info.fps for info in networks.get(ImageInput.modality, ())}
    if len(set(rates.values())) < 2:
        return []
    named = ", ".join(f"{name} {fps:g}" for name, fps in rates.items())
    return [
        f"visual networks were given different frame rates ({named} frames per second): "
        "a model trained on them together can't parse new clips"
    ]
