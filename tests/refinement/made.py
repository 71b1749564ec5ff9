"""Clips of which it is known where each class is: heard only, seen only, or both. Teachers see weak labels alone."""

from __future__ import annotations

import numpy as np

from seehear.data import Dataset

CLASSES = ("Bell", "Car", "Dog")
HOLDS = {"audio": (True, False, True), "visual": (False, True, True)}  # a bell is never seen, a car never heard
WIDTHS = {"audio": 7, "visual": 6}


def directions(modality: str) -> np.ndarray:
    """What a class adds to the features of a modality, (C, D)."""
    rng = np.random.default_rng(WIDTHS[modality])
    return np.linalg.qr(rng.normal(size=(WIDTHS[modality], len(CLASSES))))[0].T


def clips(count: int = 60, seed: int = 0, noise: float = 0.25, lengths: tuple[int, ...] = (6, 6, 4)) -> Dataset:
    """Clips with features, weak labels and ground truth. Each class is in a clip in every second clip or so."""
    rng = np.random.default_rng(seed)
    features: dict[str, list[np.ndarray]] = {"audio": [], "visual": []}
    truth: dict[str, list[np.ndarray]] = {"audio": [], "visual": []}
    labels = rng.random((count, len(CLASSES))) < 0.4
    for n in range(count):
        length = lengths[n % len(lengths)]
        for modality, holds in HOLDS.items():
            active = np.zeros((length, len(CLASSES)), dtype=bool)
            for c in np.flatnonzero(labels[n] & holds):
                start = rng.integers(length - 1)
                active[start : start + rng.integers(2, length), c] = True
            truth[modality].append(active)
            spread = noise * rng.normal(size=(length, WIDTHS[modality]))
            features[modality].append((2 * active @ directions(modality) + 1 + spread).astype(np.float32))
    names = [f"clip{n:03}" for n in range(count)]
    networks = {"audio": {"ears": features["audio"]}, "visual": {"eyes": features["visual"]}}
    return Dataset.from_arrays(networks, labels.astype(np.float32), CLASSES, truth=truth, clips=names)


def with_labels(dataset: Dataset, labels: np.ndarray, classes: tuple[str, ...] = CLASSES) -> Dataset:
    """The same clips and features with other weak labels, without ground truth."""
    features = {name: {info.name: dataset.arrays(info.name) for info in dataset.networks[name]} for name in WIDTHS}
    return Dataset.from_arrays(features, labels, classes, clips=dataset.clips)
