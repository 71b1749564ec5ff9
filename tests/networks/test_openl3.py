"""OpenL3 against torchopenl3 and openl3, with the same weights, and against loops."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from frozen import fill, frames
from published import waves, write_keras

from seehear.errors import SeehearError
from seehear.networks import openl3

STORED = np.load(Path(__file__).parent / "data" / "openl3.npz")
AUDIO = {512: openl3.AUDIO_SPEC, 6144: openl3.AUDIO_6144_SPEC}


def filled(module: torch.nn.Module) -> torch.nn.Module:
    """All but the mel filters, which can't be negative."""
    fill(module)
    if hasattr(module, "speclayer"):
        module.speclayer.mel_basis.copy_(torch.from_numpy(openl3.mel_filters(openl3.RATE, openl3.FFT, openl3.BANDS)))
    return module


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> dict[int | str, Path]:
    """Files of the tests' weights, as they are published: of audio by the width of the features, and of images."""
    folder = tmp_path_factory.mktemp("openl3")
    paths: dict[int | str, Path] = {"image": folder / "image.h5"}
    write_keras(paths["image"], filled(openl3.build_image()))
    for width in AUDIO:
        paths[width] = folder / f"{width}.pth.tar"
        sines = {f"speclayer.dft_{part}_kernels": torch.zeros(1025, 1, 2048) for part in ("real", "imag")}
        torch.save(filled(openl3.build_audio(width)).state_dict() | sines, paths[width])
    return paths


def load(spec, path):
    return spec.load({spec.weights[0].name: path}, "cpu")


def test_mel_filters_in_loops():
    rate, fft, bands = 8000, 128, 12
    found = openl3.mel_filters(rate, fft, bands)
    top = 2595 * np.log10(1 + rate / 2 / 700)
    corners = [700 * (10 ** (top * n / (bands + 1) / 2595) - 1) for n in range(bands + 2)]
    expected = np.zeros((bands, fft // 2 + 1))
    for band in range(bands):
        left, centre, right = corners[band : band + 3]
        for k in range(fft // 2 + 1):
            frequency = k * rate / fft
            if left < frequency <= centre:
                expected[band, k] = (frequency - left) / (centre - left)
            elif centre < frequency < right:
                expected[band, k] = (right - frequency) / (right - centre)
        expected[band] *= 2 / (right - left)
    np.testing.assert_allclose(found, expected, atol=1e-7)
    assert openl3.mel_filters(openl3.RATE, openl3.FFT, openl3.BANDS).shape == (256, 1025)


def test_spectra_in_loops(published):
    spectra = load(AUDIO[512], published[512]).module().speclayer
    sound = waves(48000, 48000)
    found = spectra(torch.from_numpy(sound)).numpy()
    assert found.shape == (2, 256, 199)
    padded = np.pad(sound[0].astype(np.float64), 982)
    window = [0.5 - 0.5 * np.cos(2 * np.pi * t / 2048) for t in range(2048)]
    filters = spectra.mel_basis.numpy().astype(np.float64)
    decibels = np.zeros((256, 199))
    for frame in range(199):
        power = np.abs(np.fft.fft(padded[frame * 242 : frame * 242 + 2048] * window)[:1025]) ** 2
        decibels[:, frame] = 10 * np.log10(np.maximum(np.sqrt(filters @ power), 1e-10))
    expected = np.maximum(decibels - decibels.max(), -80)
    np.testing.assert_allclose(found[0], expected, atol=5e-3)
    assert found.min() == -80  # of a band so narrow that it holds no bin
    assert found[1].max() == 0  # each wave by itself


def test_spectra_are_torchopenl3s(published):
    spectra = load(AUDIO[512], published[512]).module().speclayer
    found = spectra(torch.from_numpy(waves(48000, 48000))).numpy()
    np.testing.assert_allclose(found[:, ::8, ::8], STORED["spectra"], atol=5e-3)


@pytest.mark.parametrize("width", AUDIO)
def test_features_are_torchopenl3s(published, width):
    found = load(AUDIO[width], published[width]).features(waves(48000, 48000))
    np.testing.assert_allclose(found, STORED[f"audio{width}"], atol=1e-3)
    assert np.ptp(found) > 10


def test_loudness_does_not_matter_and_silence_is_finite(published):
    network = load(AUDIO[512], published[512])
    sound = waves(48000, 48000)[:1]
    first, quiet, silent = network.features(np.concatenate([sound, sound / 4, 0 * sound]))
    np.testing.assert_allclose(quiet, first, atol=1e-3)
    assert np.isfinite(silent).all()


def test_image_features_are_openl3s(published):
    found = load(openl3.IMAGE_SPEC, published["image"]).features(frames(2, 224, 224, 3))
    np.testing.assert_allclose(found, STORED["image"], atol=2e-5)
    assert np.ptp(found) > 0.5


def test_are_as_large_as_published(published):
    """Eight 3 × 3 convolutions and as many batch norms."""
    widths = (64, 64, 128, 128, 256, 256, 512, 512)
    for module, channels in ((openl3.build_audio(), 1), (openl3.build_image(), 3)):
        before = (channels, *widths[:-1])
        count = sum(9 * m * n + n + 2 * m for m, n in zip(before, widths, strict=True))
        assert sum(weight.numel() for weight in module.parameters()) == count
    assert {spec.width for spec in (openl3.AUDIO_SPEC, openl3.AUDIO_MUSIC_SPEC, openl3.IMAGE_SPEC)} == {512}


def test_whole_keras_model_is_read(published, tmp_path):
    """A file that holds more than weights."""
    whole = tmp_path / "whole.h5"
    with h5py.File(whole, "w") as file, h5py.File(published["image"]) as weights:
        weights.copy(weights["/"], file, "model_weights")
    module = openl3.build_image()
    state = openl3.read_keras(whole, module, "it")
    expected = filled(openl3.build_image()).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in state.items())
    assert len(state) == 8 * 4 + 8 * 2


def test_another_file_is_reported(published, tmp_path):
    path = tmp_path / "w.h5"
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(SeehearError, match=r"w\.h5: can't be read as the weights of openl3-image"):
        load(openl3.IMAGE_SPEC, path)
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(SeehearError, match=r"can't be read as the weights of openl3-image: .*layer_names"):
        load(openl3.IMAGE_SPEC, path)
    write_keras(path, openl3.build_audio())
    with pytest.raises(SeehearError, match="another shape batch_normalization_1"):
        load(openl3.IMAGE_SPEC, path)
    write_keras(path, torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3)))
    with pytest.raises(SeehearError, match="is not the weights of openl3-image: it has 2 arrays, not 48"):
        load(openl3.IMAGE_SPEC, path)
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(SeehearError, match="is not the weights of openl3-audio-6144: it lacks audio_embedding_layer"):
        load(openl3.AUDIO_6144_SPEC, path)
