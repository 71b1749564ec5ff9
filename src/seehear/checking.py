"""Proof that a network works here: run on a real sound or picture that comes with seehear."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seehear.extraction import Settings, segment_features
from seehear.media import Span
from seehear.networks.samples import sample, sample_picture, sample_sound
from seehear.networks.spec import AudioInput, Batch, Network, NetworkSpec

TOLERANCE = 1e-4  # of the largest feature: kernels add in another order at another batch size
BATCH = 4
SECONDS, MARKED = 7, 3  # of the clip that time stamps are checked on
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


def check(spec: NetworkSpec, device: str = "auto") -> CheckReport:
    """Load a network and look at what it makes of the sample.

    Raises SeehearError where it can't be loaded; what is wrong with its features is in the report.
    """
    from seehear.networks import load

    network = load(spec, device)
    batch = sample(spec.input, BATCH)
    first = np.asarray(network.features(batch))
    checks = [_check_shape(first, (len(batch), spec.width)), _check_finite(first)]
    if checks[0].passed:
        checks += [_check_batch(network, batch, first), _check_repeat(network, batch, first)]
        checks.append(_check_sensitivity(network, spec, batch, first))
    if all(check.passed for check in checks):
        checks.append(_check_times(network, spec))
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


def _check_times(network: Network, spec: NetworkSpec) -> Check:
    """The sample in one second of several blank ones must show in that second's feature, and not far from it."""
    blank, marked = (_marked_span(spec, mark) for mark in (False, True))
    settings = Settings(fps=2.0)
    difference = segment_features(marked, spec, network, settings) - segment_features(blank, spec, network, settings)
    size = np.linalg.norm(difference, axis=1)  # (SECONDS,)
    found = int(size.argmax())
    reach = 0.5  # seconds from a second's middle to where its feature stops hearing or seeing
    if isinstance(spec.input, AudioInput):
        reach = spec.input.window / 2 + 0.5 * (1 - 1 / max(1, round(1 / spec.input.hop)))
    away = np.abs(np.arange(SECONDS) - MARKED) >= reach + 0.5 - 1e-6  # seconds that can't know of the marked one
    passed = found == MARKED and bool((size[away] <= TOLERANCE * size[found]).all())
    return Check("time stamps", passed, f"the sample in second {MARKED} shows most in second {found} of {SECONDS}")


def _marked_span(spec: NetworkSpec, mark: bool) -> Span:
    """SECONDS of silence or grey, in second MARKED of which the sample sounds or shows, if `mark`."""
    if isinstance(spec.input, AudioInput):
        rate, margin = spec.input.rate, spec.input.window
        sound = np.zeros(round((SECONDS + 2 * margin) * rate), dtype=np.float32)
        if mark:
            at = round((MARKED + margin) * rate)
            sound[at : at + rate] = sample_sound(rate)[:rate]
        return Span(0, SECONDS, {}, np.zeros(0), sound, rate, margin)
    size, at_seconds = spec.input.size, (np.arange(2 * SECONDS) + 0.5) / 2
    pictures = np.full((2 * SECONDS, size, size, 3), 128, dtype=np.uint8)
    if mark:
        pictures[(at_seconds >= MARKED) & (at_seconds < MARKED + 1)] = sample_picture(size)
    return Span(0, SECONDS, {size: pictures}, at_seconds, np.zeros(0, dtype=np.float32), 0, 0.0)


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
