"""A parser without training for tests of streams, and recordings that change from second to second."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import numpy as np

from make_media import tone, write
from seehear.decoding import Decoding, Probabilities
from seehear.features.jobs import load_networks
from seehear.features.packed import Packed
from seehear.features.segments import Settings
from seehear.networks.function import network
from seehear.parsing.base import BaseParser
from seehear.parsing.reading import FileReader

RATE = 16000
SECONDS = 31.4


@network(name="level", modality="audio", width=1, rate=8000, window=1.0)
def level(waves):
    return waves.std(axis=1, keepdims=True) * 3


@network(name="shade", modality="visual", width=1, size=16)
def shade(frames):
    return frames.mean(axis=(1, 2, 3))[:, None] / 255


class Levels(BaseParser):
    """Loud and quiet, bright and dark, compared with the window around each segment."""

    classes, segment, identity = ("High", "Low"), 1.0, "levels"
    collocation = MappingProxyType({"audio": ["level"], "visual": ["shade"]})
    reader = FileReader(load_networks([level, shade], "cpu"), Settings(2.0, 1.0))
    decoding = Decoding("global", 0.55, 0.62)

    def __init__(self, window: int | None = 6) -> None:
        self._window = window

    @property
    def window(self):
        return self._window

    def _features(self, dataset):
        return dataset

    def _predict(self, packs):
        values = np.stack([packs[name][0].rows[:, 0] for name in self.collocation], axis=1)  # (T, M)
        return windowed(values, self._window)


def windowed(values: np.ndarray, window: int | None) -> Probabilities:
    """The mean over windows of a prediction that depends on the whole window, by loops. values: (T, M)."""
    length, modalities = values.shape
    window = window or length
    starts = {0} if length <= window else {*range(0, length - window, max(1, window // 2)), length - window}
    segment, by_modality = np.zeros((2, 1, length, modalities, 2))
    clip, weight = np.zeros((1, length, 2)), np.zeros(length)
    for start in sorted(starts):
        inside = values[start : start + window]
        difference = 4 * (inside - inside.mean(axis=0))
        high = 1 / (1 + np.exp(-difference))
        found = np.stack([high, 1 - high], axis=2)  # (W, M, C)
        for n in range(len(inside)):
            share = min(n, len(inside) - 1 - n) + 1
            segment[0, start + n] += share * found[n]
            by_modality[0, start + n] += share * found.max(axis=0)
            clip[0, start + n] += share * found.max(axis=(0, 1))
            weight[start + n] += share
    segment, by_modality = segment / weight[:, None, None], by_modality / weight[:, None, None]
    return Probabilities(*(array.astype(np.float32) for array in (segment, clip / weight[:, None], by_modality)))


def packed(rows: np.ndarray) -> Packed:
    return Packed(rows, np.array([0, len(rows)]), "")


def recording(path: Path, seconds: float = SECONDS, **settings: object) -> Path:
    """A recording whose loudness and brightness change every few seconds."""
    rng = np.random.default_rng(3)
    levels = np.repeat(rng.uniform(0, 1, 500), 3).astype(np.float32)  # one per second
    shades = np.repeat(rng.integers(0, 255, 500), 4)
    sound = tone(400, seconds, RATE) * levels[(np.arange(round(seconds * RATE)) / RATE).astype(int)]
    times = np.arange(int(seconds * 5)) / 5

    def picture(n: int) -> np.ndarray:
        return np.full((16, 16, 3), shades[int(n / 5)], np.uint8)

    options = {"times": times, "fps": 5, "picture": picture, "sound": sound, "rate": RATE, **settings}
    return write(path, **options)  # type: ignore[arg-type]
