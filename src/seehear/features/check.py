"""Check a network on a sample clip: a recording and a photo that come with seehear."""

from __future__ import annotations

import html
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seehear import networks
from seehear.features.segments import Settings, segment_features
from seehear.media.span import Span
from seehear.networks.samples import sample, sample_image, sample_waveform
from seehear.networks.spec import AudioInput, Batch, Network, NetworkSpec
from seehear.results import import_pandas

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 1e-4  # relative to the largest feature: kernels add in another order at another batch size
BATCH = 4
SECONDS, MARKED_SECOND = 7, 3  # of the clip that time stamps are checked on
TIMED_BATCH, TIMED_SECONDS = 16, 0.3


@dataclass(frozen=True)
class Check:
    """One property that was checked.

    Attributes:
        name: Of the property.
        passed: Whether the network has it.
        detail: What was measured.
    """

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, repr=False)
class CheckReport:
    """The checks of one network.

    Attributes:
        network: Its name.
        checks: In order.
        speed: Seconds of audio, or frames, per second, through the whole of `features`. It is reported and never
            fails.
        unit: `seconds of audio` or `frames`.
    """

    network: str
    checks: tuple[Check, ...]
    speed: float
    unit: str

    @property
    def passed(self) -> bool:
        """Return whether every check passed."""
        return all(check.passed for check in self.checks)

    def __repr__(self) -> str:
        failed = [check.name for check in self.checks if not check.passed]
        verdict = f"failed {', '.join(failed)}" if failed else f"passed {len(self.checks)} checks"
        return f"CheckReport({self.network!r}: {verdict}, {self.speed:.0f} {self.unit} per second)"

    def text(self) -> str:
        """Return the verdict and one line per check."""
        verdict = f"{self.network}: {'passed' if self.passed else 'FAILED'}, {self.speed:.0f} {self.unit} per second"
        marks = (f"  {'ok' if c.passed else 'FAILED':<6}  {c.name:<14}  {c.detail}" for c in self.checks)
        return "\n".join([verdict, *marks])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text())}</pre>"

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame with one row per check: passed, detail."""
        pd = import_pandas()

        rows = [[check.passed, check.detail] for check in self.checks]
        index = pd.Index([check.name for check in self.checks], name="check")
        return pd.DataFrame(rows, index=index, columns=["passed", "detail"])


def check_network(name: str | NetworkSpec, device: str = "auto") -> CheckReport:
    """Load a network and check its features of the sample.

    Args:
        name: From `list_networks`, FILE.py:NAME for a network of your own, or a NetworkSpec.
        device: auto, cpu or cuda.

    Returns:
        What was checked, and whether the network passed.

    Raises:
        SeehearError: The network can't be loaded.
    """
    spec = name if isinstance(name, NetworkSpec) else networks.get(name)
    network = networks.load(spec, device)
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
    speed, unit = _items_per_second(network, sample(spec.input, TIMED_BATCH)), "frames"
    if isinstance(spec.input, AudioInput):
        speed, unit = speed * spec.input.hop, "seconds of audio"
    return CheckReport(spec.name, tuple(checks), speed, unit)


def _check_shape(features: NDArray[np.float32], shape: tuple[int, int]) -> Check:
    passed = features.shape == shape and features.dtype == np.float32
    return Check("shape", passed, f"{features.shape} {features.dtype}, declared {shape} float32")


def _check_finite(features: NDArray[np.float32]) -> Check:
    count = int(np.count_nonzero(~np.isfinite(features)))
    return Check("finite", count == 0, f"{count} of {features.size} values are not finite")


def _check_batch(network: Network, batch: Batch, together: NDArray[np.float32]) -> Check:
    alone = np.concatenate([network.features(batch[index : index + 1]) for index in range(len(batch))])
    if alone.shape != together.shape:
        return Check("batch", False, f"the shape is {alone.shape} one by one, {together.shape} in a batch")
    difference = float(np.abs(alone - together).max() / max(np.abs(together).max(), 1e-12))
    detail = f"a batch and single items differ by {difference:.1e} of the largest value, at most {TOLERANCE:.0e}"
    return Check("batch", difference <= TOLERANCE, detail)


def _check_repeat(network: Network, batch: Batch, first: NDArray[np.float32]) -> Check:
    same = np.asarray(network.features(batch)).tobytes() == first.tobytes()
    return Check("repeat", same, "a second run gave the same bits" if same else "a second run gave other numbers")


def _check_sensitivity(network: Network, spec: NetworkSpec, batch: Batch, first: NDArray[np.float32]) -> Check:
    blank = np.zeros_like(batch[:1]) if isinstance(spec.input, AudioInput) else np.full_like(batch[:1], 128)
    distance = float(np.abs(network.features(blank) - first[:1]).max() / max(np.abs(first[:1]).max(), 1e-12))
    name = "silence" if isinstance(spec.input, AudioInput) else "grey"
    detail = f"{name} differs from the sample by {distance:.0%} of the largest value"
    return Check("sensitivity", distance > 0.01, detail)


def _check_times(network: Network, spec: NetworkSpec) -> Check:
    """Check that a sample in one second of a blank clip changes the feature of that second, and none far away.

    The features of other seconds whose windows hold the whole sample may change as much.
    """
    blank, marked = (_marked_span(spec, mark) for mark in (False, True))
    settings = Settings(fps=2.0)
    difference = segment_features(marked, spec, network, settings) - segment_features(blank, spec, network, settings)
    size = np.linalg.norm(difference, axis=1)  # (SECONDS,)
    largest = int(size.argmax())
    reach = 0.5  # seconds from the middle of a second to the end of what its feature depends on
    if isinstance(spec.input, AudioInput):
        reach = spec.input.window / 2 + 0.5 * (1 - 1 / max(1, round(1 / spec.input.hop)))
    distance = np.abs(np.arange(SECONDS) - MARKED_SECOND)
    whole = distance <= max(0.0, reach - 0.5) + 1e-6  # seconds with a window that holds all of the marked one
    distant = distance >= reach + 0.5 - 1e-6  # seconds out of reach of the marked one
    passed = bool(whole[largest]) and bool((size[distant] <= TOLERANCE * size[largest]).all())
    detail = f"the sample in second {MARKED_SECOND} shows most in second {largest} of {SECONDS}"
    if whole[largest] and largest != MARKED_SECOND:
        detail += ", whose window holds it"
    return Check("time stamps", passed, detail)


def _marked_span(spec: NetworkSpec, mark: bool) -> Span:
    """Return SECONDS of silence or grey, with the sample in MARKED_SECOND if `mark`."""
    if isinstance(spec.input, AudioInput):
        rate, margin = spec.input.rate, spec.input.window
        waveform = np.zeros(round((SECONDS + 2 * margin) * rate), dtype=np.float32)
        if mark:
            start = round((MARKED_SECOND + margin) * rate)
            waveform[start : start + rate] = sample_waveform(rate)[:rate]
        return Span(0, SECONDS, {}, np.zeros(0), waveform, rate, margin)
    size, times = spec.input.size, (np.arange(2 * SECONDS) + 0.5) / 2
    frames = np.full((2 * SECONDS, size, size, 3), 128, dtype=np.uint8)
    if mark:
        frames[(times >= MARKED_SECOND) & (times < MARKED_SECOND + 1)] = sample_image(size)
    return Span(0, SECONDS, {size: frames}, times, np.zeros(0, dtype=np.float32), 0, 0.0)


def _check_class(network: Network, spec: NetworkSpec, batch: Batch) -> Check:
    scores = network.logits(batch).mean(axis=0)
    best = np.argsort(scores)[::-1][: min(3, len(scores) - 1)]
    names = [network.class_names[index] for index in best]
    detail = ", ".join(f"{name} {scores[index]:.2f}" for name, index in zip(names, best, strict=True))
    if not spec.sample_class:
        return Check("class", True, f"{detail}; none is expected")
    return Check("class", spec.sample_class in names, f"{detail}; expected {spec.sample_class}")


def _items_per_second(network: Network, batch: Batch) -> float:
    network.features(batch)
    runs, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < TIMED_SECONDS or runs == 0:
        network.features(batch)
        runs += 1
    return runs * len(batch) / elapsed
