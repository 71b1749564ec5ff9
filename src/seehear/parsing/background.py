"""Thresholds from background clips: how probable a class has to be before it is said to be heard or seen.

In a clip where a class occurs in no modality, each second in which its probability reaches the threshold is a false
alarm. The threshold is the lowest one that at most a stated share of such seconds reaches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seehear import arguments
from seehear.arguments import Paths
from seehear.data import Dataset
from seehear.errors import SeehearError
from seehear.events import inside_clips
from seehear.features.arrays import Extraction, Features
from seehear.features.extraction import extract
from seehear.labels import read_weak
from seehear.modality import AUDIO, track_name
from seehear.networks import get, load
from seehear.networks.weights import cache_folder
from seehear.progress import say

BUNDLED = Path(str(resources.files("seehear").joinpath("background")))
LABELS = "labels.csv"  # what occurs in the clips that come with seehear
BUNDLED_FPS = 1.0  # each second of these clips shows one photograph


def bundled(networks: Mapping[str, list[str]], device: str) -> Dataset:
    """Return the background clips that come with seehear, with their labels.

    Their features are made once and kept in the cache folder; in memory, if they can't be kept there.

    Args:
        networks: modality -> names.
        device: auto, cpu or cuda.

    Raises:
        SeehearError: If a network can't be used.
    """
    names = [name for of_modality in networks.values() for name in of_modality]
    try:
        store = cache_folder() / "background"
        if not store.exists():
            say("thresholds come from background clips, whose features are computed once:")
        extract(BUNDLED, names, store=store, fps=BUNDLED_FPS, device=device)
        return Dataset.from_tables(BUNDLED / LABELS, store=store, collocation=networks)
    except (OSError, SeehearError) as error:
        for name in names:  # if a network is what can't be used, that is all that needs to be said
            load(get(name), device)
        say(f"the features of the background are made again at each use, since they can't be kept: {error}")
        labels = read_weak(BUNDLED / LABELS).labels
        return read_background(BUNDLED, networks, BUNDLED_FPS, device, labels=labels)


def read_background(
    clips: Paths,
    networks: Mapping[str, list[str]],
    fps: float,
    device: str,
    *,
    labels: Mapping[str, Sequence[str]] | None = None,
    progress: bool = True,
) -> Dataset:
    """Return the features of background clips, in memory, as a data set.

    Args:
        clips: Media files, or folders that are searched for them.
        networks: modality -> names.
        fps: Frames per second for visual networks.
        device: auto, cpu or cuda.
        labels: Clip -> the classes that occur in it; by default, the clips are unlabelled.
        progress: Show progress.

    Raises:
        SeehearError: If no clip can be used.
    """
    names = [name for of_modality in networks.values() for name in of_modality]
    say("thresholds come from background clips, whose features are computed first:")
    extraction = extract(arguments.paths(clips), names, fps=fps, device=device, progress=progress)
    assert isinstance(extraction, Extraction)  # of a list of clips
    if not len(extraction):
        reasons = [message for messages in extraction.failed.values() for message in messages]
        raise SeehearError(f"no background clip can be used: {'; '.join(reasons[:3])}")
    kept = [extraction[clip] for clip in extraction]
    for modality, of_modality in networks.items():
        if all(_without_silence(features, name, modality) is None for features in kept for name in of_modality):
            raise SeehearError(f"the background clips have no {track_name(modality)}: add some that have")
    arrays = {
        modality: {name: [_without_silence(features, name, modality) for features in kept] for name in of_modality}
        for modality, of_modality in networks.items()
    }
    of_clips = None if labels is None else [labels[clip] for clip in extraction]
    return Dataset.from_arrays(arrays, of_clips, clips=list(extraction))


def _without_silence(features: Features, network: str, modality: str) -> NDArray[np.float32] | None:
    """Return the features of a clip without segments of digital silence; None if there are none."""
    array = features.get(network)
    if array is None or features.silent is None or not features.silent.any():
        return array
    if features.silent.all():
        return None if modality == AUDIO else array
    return array[~features.silent]


def thresholds(
    probabilities: NDArray[np.float32], dataset: Dataset, negative: NDArray[np.bool_], false_alarms: float
) -> NDArray[np.float32]:
    """Return the lowest thresholds that at most a share of a class's negative segments reaches.

    Args:
        probabilities: Of the segments of the N clips, (N, T, M, C).
        dataset: The clips. Segments of digital silence don't count for what is heard, nor tracks that a clip lacks.
        negative: (N, C), whether a class is known not to occur in a clip.
        false_alarms: The share, in (0, 1).

    Returns:
        (M, C) in (0, 1]. 1 for a class without negative segments: only certainty passes.
    """
    _, _, modalities, classes = probabilities.shape
    found = np.ones((modalities, classes), dtype=np.float32)
    within = inside_clips(dataset.lengths)  # (N, T)
    for m, modality in enumerate(dataset.modalities):
        counts = within & dataset.available[:, m, None]
        if modality == AUDIO:
            counts &= ~dataset.silent
        for c in range(classes):
            scores = np.sort(probabilities[:, : within.shape[1], m, c][counts & negative[:, c, None]])[::-1]
            if len(scores):
                highest_allowed = scores[int(false_alarms * len(scores))]  # as many as may pass lie before it
                found[m, c] = min(np.nextafter(highest_allowed, np.float32(2)), np.float32(1))
    return found
