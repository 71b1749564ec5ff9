"""The audio of the demo: one clean stem per class and event, and the quiet background of every clip."""

from __future__ import annotations

import functools
import io
from itertools import pairwise
from pathlib import PurePath

import av
import numpy as np
from numpy.typing import NDArray

from sources import BACKGROUND_SOUNDS, RECORDINGS, Packages

RATE = 16_000
FRAME = RATE // 50  # activity is measured on frames of 20 ms
SHORTEST = 0.1  # seconds: a shorter recording is the recorder's silence

Stem = NDArray[np.float32]


def decibels(x: NDArray[np.floating]) -> float:
    """Level of a signal relative to full scale."""
    return float(10 * np.log10(np.mean(np.square(x, dtype=np.float64)) + 1e-12))


def decode(name: str, data: bytes) -> Stem:
    """A recording as mono audio at the demo's rate, without the silence around it, with a peak of 1."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    # A G.722 file holds nothing but samples, so its format cannot be found out from its content.
    with av.open(io.BytesIO(data), format="g722" if PurePath(name).suffix == ".g722" else None) as container:
        frames = [f for decoded in container.decode(audio=0) for f in resampler.resample(decoded)]
    sound = np.concatenate([f.to_ndarray().ravel() for f in (*frames, *resampler.resample(None))])
    sound -= sound.mean()
    sound /= np.abs(sound).max() + 1e-9
    loud = np.flatnonzero(np.abs(sound) > 0.02)
    return sound[loud[0] : loud[-1] + 1]


@functools.cache
def recordings(packages: Packages, source: str) -> list[Stem]:
    """Each file of a source."""
    decoded = [decode(name, data) for name, data in packages.read(source)]
    return [sound for sound in decoded if len(sound) >= SHORTEST * RATE]


def _fade(x: Stem, seconds: float = 0.02) -> Stem:
    n = min(int(seconds * RATE), len(x) // 2)
    ramp = np.linspace(0, 1, n, dtype=np.float32)
    x = x.copy()
    x[:n] *= ramp
    x[len(x) - n :] *= ramp[::-1]
    return x


def _cut(sounds: list[Stem], length: int, rng: np.random.Generator) -> Stem:
    """A passage of one recording if that is long enough; otherwise recordings after each other, with pauses."""
    sound = sounds[rng.integers(len(sounds))]
    if len(sound) >= length:
        start = int(rng.integers(len(sound) - length + 1))
        return sound[start : start + length]
    out = np.zeros(length, np.float32)
    at = 0
    while at < length:
        part = _fade(sounds[rng.integers(len(sounds))][: length - at])
        out[at : at + len(part)] += part
        at += len(part) + int(rng.uniform(0.1, 0.6) * RATE)
    return out


def draw_source(name: str, split: str, rng: np.random.Generator) -> str:
    sources = RECORDINGS[name][split]
    return sources[rng.integers(len(sources))]


def stem(packages: Packages, source: str, seconds: float, rng: np.random.Generator) -> Stem:
    """Clean audio of a source, `seconds` long, with an RMS of 1 in its active frames."""
    x = _fade(_cut(recordings(packages, source), int(seconds * RATE), rng))
    level = frame_levels(x)
    loud = level[level > np.percentile(level, 95) - 25]
    clean: Stem = (x / np.sqrt(np.mean(10 ** (loud / 10)))).astype(np.float32)
    return clean


def background(packages: Packages, split: str, seconds: float, rng: np.random.Generator) -> Stem:
    """A recording in which nothing happens, such as wind, between -46 and -38 dB relative to full scale."""
    length = int(seconds * RATE)
    sources = BACKGROUND_SOUNDS[split]
    (sound,) = recordings(packages, sources[rng.integers(len(sources))])
    turned = np.resize(np.concatenate([_fade(sound, 0.1), _fade(sound[::-1], 0.1)]), max(length, 2 * len(sound)))
    start = int(rng.integers(len(turned) - length + 1))
    x = turned[start : start + length]
    quiet: Stem = (x / np.sqrt(np.mean(x**2)) * 10 ** (rng.uniform(-46, -38) / 20)).astype(np.float32)
    return quiet


def frame_levels(x: Stem) -> NDArray[np.float64]:
    """Level of every frame of 20 ms, in dB relative to full scale."""
    frames = x[: len(x) // FRAME * FRAME].reshape(-1, FRAME)
    power: NDArray[np.float64] = np.mean(np.square(frames, dtype=np.float64), axis=1)
    return 10 * np.log10(power + 1e-12)


def audible_seconds(x: Stem, noise: float) -> NDArray[np.bool_]:
    """For each second of a clean stem: is the class audible for at least a quarter of it?

    A frame counts if it is within 25 dB of the stem's loud ones and no more than 5 dB below the background of level
    `noise`: a decaying tail that no listener hears is no truth. Pauses of up to half a second, as between two barks or
    two words, do not interrupt a sound.
    """
    level = frame_levels(x)
    active = level > max(np.percentile(level[level > -100], 95) - 25, noise - 5)
    on = np.flatnonzero(active)
    for before, after in pairwise(on):
        if after - before <= 25:
            active[before:after] = True
    audible: NDArray[np.bool_] = active.reshape(-1, 50).sum(axis=1) >= 13
    return audible
