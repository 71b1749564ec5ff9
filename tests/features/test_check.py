"""A check fails for each fault that it covers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seehear.features import check
from seehear.features.check import check_network
from seehear.networks import AudioInput, ImageInput, Network, NetworkSpec
from seehear.networks.samples import sample


class Correct(Network):
    class_names = ("dog", "cat", "cow", "owl")
    calls = 0

    def features(self, batch):
        self.calls += 1
        return np.stack([batch.mean(axis=1), batch.std(axis=1)], axis=1)

    def logits(self, batch):
        return np.tile(np.float32([4, 3, 2, 1]), (len(batch), 1))


class WrongWidth(Correct):
    def features(self, batch):
        return batch[:, :3]


class WrongType(Correct):
    def features(self, batch):
        return super().features(batch).astype(np.float64)


class NotANumber(Correct):
    def features(self, batch):
        return super().features(batch) * np.float32("nan")


class LooksAround(Correct):
    def features(self, batch):
        return super().features(batch) - super().features(batch).mean(axis=0)


class NeverTheSame(Correct):
    def features(self, batch):
        return super().features(batch) + np.float32(1e-6 * self.calls)


class HearsTheStart(Correct):
    def features(self, batch):
        return super().features(batch * np.linspace(1, 0.2, batch.shape[1], dtype=np.float32))


class Blind(Correct):
    def features(self, batch):
        return np.ones((len(batch), 2), np.float32)


def make(kind: type[Network]) -> NetworkSpec:
    return NetworkSpec(
        name=kind.__name__,
        input=AudioInput(8000, 0.5),
        width=2,
        domain="",
        origin="",
        paper="",
        licence="",
        load=lambda paths, device: kind(),
        sample_class="dog",
    )


def failing(spec: NetworkSpec) -> set[str]:
    report = check_network(spec, "cpu")
    faults = {found.name for found in report.checks if not found.passed}
    assert report.passed == (not faults)
    return faults


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (WrongWidth, "shape"),
        (WrongType, "shape"),
        (NotANumber, "finite"),
        (LooksAround, "batch"),
        (NeverTheSame, "repeat"),
        (Blind, "sensitivity"),
    ],
)
def test_finds_a_fault(kind, fault):
    assert fault in failing(make(kind))


def test_passes_a_correct_network():
    assert failing(make(Correct)) == set()


@pytest.mark.parametrize("hop", [1.0, 0.25])
def test_long_windows_hold_what_is_in_the_seconds_beside(monkeypatch, hop):
    spec = replace(make(HearsTheStart), input=AudioInput(8000, 3.0, hop))
    assert failing(spec) == set()
    (times,) = (found.detail for found in check_network(spec).checks if found.name == "time stamps")
    assert times.endswith("second 4 of 7, whose window holds it")
    given = check.segment_features
    monkeypatch.setattr(check, "segment_features", lambda *args: np.roll(given(*args), 1, axis=0))
    assert failing(spec) == {"time stamps"}


def test_finds_a_wrong_class():
    assert failing(replace(make(Correct), sample_class="owl")) == {"class"}
    assert failing(replace(make(Correct), sample_class="")) == set()


def test_sample_fits_any_input():
    short, long = sample(AudioInput(8000, 0.01), 3), sample(AudioInput(8000, 7.0), 2)
    assert (short.shape, long.shape) == ((3, 80), (2, 56000))
    pictures = sample(ImageInput(331), 2)
    assert pictures.shape == (2, 331, 331, 3)
    assert (pictures[0] != pictures[1]).any()
