"""Proof that a network works here: run on a real sound or picture that comes with seehear."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from seehear.networks.spec import AudioInput, Batch, ImageInput, Network, NetworkSpec

TOLERANCE = 1e-4  # of the largest feature: kernels add in another order at another batch size
BATCH = 4
TIMED_BATCH, TIMED_SECONDS = 16, 0.3


@dataclass(frozen=True)
class Check:
    """One thing looked at. `detail` says what was found, in numbers."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class CheckReport:
    """What was found about a network; speed is told and never fails."""

    network: str
    checks: tuple[Check, ...]
    speed: float  # seconds of sound, or pictures, a second, through the whole of `features`

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def sample(declared: AudioInput | ImageInput, count: int = BATCH) -> Batch:
    """A batch of `count` from the sample that comes with seehear: a dog's bark, or a photo of a cat.

    Sound: windows (count, samples) float32 that together span the recording. Pictures: (count, size, size, 3) uint8,
    the middle of the photo ever nearer.
    """
    if isinstance(declared, AudioInput):
        wave = sample_sound(declared.rate)
        wave = np.resize(wave, max(len(wave), declared.samples))  # repeats a sound that is shorter than a window
        starts = np.linspace(0, len(wave) - declared.samples, count).astype(int)
        return np.stack([wave[start : start + declared.samples] for start in starts])
    return np.stack([sample_picture(declared.size, zoom) for zoom in np.linspace(1.0, 1.3, count)])


def sample_sound(rate: int) -> NDArray[np.float32]:
    """Three seconds of a barking dog (samples,) in [-1, 1]."""
    import av
    import soxr

    with (
        resources.files("seehear.networks").joinpath("samples/dog.flac").open("rb") as stream,
        av.open(stream, "r") as clip,
    ):
        own_rate = clip.streams.audio[0].rate
        frames = [frame.to_ndarray()[0] for frame in clip.decode(audio=0)]
    wave = np.concatenate(frames).astype(np.float32) / 32768
    resampled: NDArray[np.float32] = soxr.resample(wave, own_rate, rate)
    return resampled


def sample_picture(size: int, zoom: float = 1.0) -> NDArray[np.uint8]:
    """The middle of a photo of a cat (size, size, 3), RGB."""
    import av

    with (
        resources.files("seehear.networks").joinpath("samples/cat.jpg").open("rb") as stream,
        av.open(stream, "r") as clip,
    ):
        frame = next(clip.decode(video=0))
    scale = zoom * size / min(frame.width, frame.height)
    width, height = (max(size, round(side * scale)) for side in (frame.width, frame.height))
    picture = frame.reformat(width, height, format="rgb24", interpolation="BICUBIC").to_ndarray().astype(np.uint8)
    top, left = (height - size) // 2, (width - size) // 2
    return picture[top : top + size, left : left + size]


def check(spec: NetworkSpec, device: str = "auto") -> CheckReport:
    """Load a network and look at what it makes of the sample.

    Raises SeehearError where it can't be loaded; what is wrong with its features is in the report.
    """
    from seehear.networks import load

    network = load(spec, device)
    batch = sample(spec.input)
    first = np.asarray(network.features(batch))
    checks = [_check_shape(first, (len(batch), spec.width)), _check_finite(first)]
    if checks[0].passed:
        checks += [_check_batch(network, batch, first), _check_repeat(network, batch, first)]
        checks.append(_check_sensitivity(network, spec, batch, first))
    if network.class_names:
        checks.append(_check_class(network, spec, batch))
    unit = spec.input.hop if isinstance(spec.input, AudioInput) else 1.0
    return CheckReport(spec.name, tuple(checks), unit * _items_a_second(network, sample(spec.input, TIMED_BATCH)))


def _check_shape(features: NDArray[np.float32], shape: tuple[int, int]) -> Check:
    passed = features.shape == shape and features.dtype == np.float32
    return Check("shape", passed, f"{features.shape} {features.dtype}, declared {shape} float32")


def _check_finite(features: NDArray[np.float32]) -> Check:
    count = int(np.count_nonzero(~np.isfinite(features)))
    return Check("finite", count == 0, f"{count} of {features.size} values are not")


def _check_batch(network: Network, batch: Batch, together: NDArray[np.float32]) -> Check:
    alone = np.concatenate([network.features(batch[index : index + 1]) for index in range(len(batch))])
    if alone.shape != together.shape:
        return Check("batch", False, f"one by one the shape is {alone.shape}, together {together.shape}")
    difference = float(np.abs(alone - together).max() / max(np.abs(together).max(), 1e-12))
    detail = f"{len(batch)} at once and one by one differ by {difference:.1e} of the largest, at most {TOLERANCE:.0e}"
    return Check("batch", difference <= TOLERANCE, detail)


def _check_repeat(network: Network, batch: Batch, first: NDArray[np.float32]) -> Check:
    same = np.asarray(network.features(batch)).tobytes() == first.tobytes()
    return Check("repeat", same, "the same bits twice" if same else "a second run gave other numbers")


def _check_sensitivity(network: Network, spec: NetworkSpec, batch: Batch, first: NDArray[np.float32]) -> Check:
    blank = np.zeros_like(batch[:1]) if isinstance(spec.input, AudioInput) else np.full_like(batch[:1], 128)
    distance = float(np.abs(network.features(blank) - first[:1]).max() / max(np.abs(first[:1]).max(), 1e-12))
    name = "silence" if isinstance(spec.input, AudioInput) else "grey"
    return Check("sensitivity", distance > 0.01, f"{name} differs from the sample by {distance:.0%} of the largest")


def _check_class(network: Network, spec: NetworkSpec, batch: Batch) -> Check:
    scores = network.logits(batch).mean(axis=0)
    best = np.argsort(scores)[::-1][: min(3, len(scores) - 1)]
    names = [network.class_names[index] for index in best]
    detail = ", ".join(f"{name} {scores[index]:.2f}" for name, index in zip(names, best, strict=True))
    if not spec.looks_at:
        return Check("class", True, f"{detail}; none is expected")
    return Check("class", spec.looks_at in names, f"{detail}; expected {spec.looks_at}")


def _items_a_second(network: Network, batch: Batch) -> float:
    network.features(batch)
    runs, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < TIMED_SECONDS or runs == 0:
        network.features(batch)
        runs += 1
    return runs * len(batch) / elapsed
