"""Mel spectra against loops over frames, bands and bins."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seehear.networks import aisfx, yamnet
from seehear.networks.mel import magnitudes, mel_filters


def mel(frequency: float) -> float:
    return 2595 * math.log10(1 + frequency / 700)


def naive_filters(rate: int, fft: int, bands: int, low: float, high: float) -> np.ndarray:
    filters = np.zeros((fft // 2 + 1, bands))
    step = (mel(high) - mel(low)) / (bands + 1)
    for band in range(bands):
        left = mel(low) + band * step
        for k in range(1, fft // 2 + 1):
            place = (mel(k * rate / fft) - left) / step
            if 0 < place <= 1:
                filters[k, band] = place
            elif 1 < place < 2:
                filters[k, band] = 2 - place
    return filters


@pytest.mark.parametrize(
    "shape", [(16000, 512, 64, 125.0, 7500.0), (44100, 2048, 96, 0.0, 22050.0), (8000, 64, 5, 0.0, 4000.0)]
)
def test_filters(shape):
    np.testing.assert_allclose(mel_filters(*shape), naive_filters(*shape), atol=1e-5)


def test_filters_cover_all_between_the_outer_centres():
    filters = mel_filters(16000, 512, 8, 125.0, 7500.0)
    inner = filters.argmax(axis=0)
    np.testing.assert_allclose(filters[inner[0] + 1 : inner[-1]].sum(axis=1), 1, atol=1e-5)


def test_magnitudes():
    waves = np.random.default_rng(0).standard_normal((2, 50)).astype(np.float32)
    window = np.linspace(0.1, 1, 16, dtype=np.float32)
    found = magnitudes(waves, window, hop=10, fft=32)
    assert found.shape == (2, 4, 17)
    assert found.dtype == np.float32
    for n in range(2):
        for frame in range(4):
            for k in range(17):
                total = sum(
                    float(waves[n, frame * 10 + t] * window[t]) * np.exp(-2j * np.pi * k * t / 32) for t in range(16)
                )
                assert found[n, frame, k] == pytest.approx(abs(total), abs=1e-4)


@pytest.mark.parametrize(
    ("length", "starts"),
    [
        (50, (0, 20, 40, 60)),  # the whole frames of all lie on one grid
        (53, (0, 20, 40)),
        (50, (0, 20, 41)),  # the last is off it
        (50, (0,)),
        (20, (0, 20, 40)),  # none overlap
    ],
)
def test_magnitudes_of_overlapping_waves_are_those_of_each_alone(length, starts):
    rng = np.random.default_rng(0)
    wave, window = rng.standard_normal(120).astype(np.float32), rng.random(16, dtype=np.float32)
    waves = np.stack([wave[start : start + length] for start in starts])
    found = magnitudes(waves, window, hop=10, fft=32, step=20)
    alone = [magnitudes(each[None], window, hop=10, fft=32)[0] for each in waves]
    np.testing.assert_array_equal(found, np.stack(alone))


def test_a_tone_lies_in_its_bin():
    for family, rate, bin_width in ((yamnet, 16000, 16000 / 512), (aisfx, 44100, 44100 / 2048)):
        time = np.arange(family.SPEC.input.samples) / rate
        tone = np.sin(2 * np.pi * 20 * bin_width * time).astype(np.float32)[None]
        spectra = family.spectra(tone)
        assert spectra.shape[1] == family.FRAMES
        assert (spectra.argmax(axis=2) == 20).all()
