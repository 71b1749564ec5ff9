"""VGGish against torchvggish, with the same weights, and against loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from frozen import fill, numbers
from published import waves, write

from seehear.errors import SeehearError
from seehear.networks import vggish

STORED = np.load(Path(__file__).parent / "data" / "vggish.npz")


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> dict[str, Path]:
    """Files of the tests' weights, as they are published."""
    folder = tmp_path_factory.mktemp("vggish")
    module = vggish.build()
    fill(module)
    paths = {file.name: folder / file.name for file in vggish.SPEC.weights}
    for path in paths.values():
        write(path, module)
    return paths


@pytest.fixture(scope="module")
def network(paths):
    return vggish.load(paths, "cpu")


def test_is_as_large_as_published(network):
    """Layers, and 72 million weights, as Google's code lists them."""
    trunk = network.module().trunk
    assert sum(weight.numel() for weight in trunk.parameters()) == 72_141_184
    assert [tuple(weight.shape) for name, weight in trunk.named_parameters() if name.endswith("weight")] == [
        (64, 1, 3, 3),
        (128, 64, 3, 3),
        (256, 128, 3, 3),
        (256, 256, 3, 3),
        (512, 256, 3, 3),
        (512, 512, 3, 3),
        (4096, 12288),
        (4096, 4096),
        (128, 4096),
    ]


def test_front_end_is_torchvggishs():
    np.testing.assert_allclose(vggish.log_mel(waves(16000, 15600))[0], STORED["patch"], atol=2e-5)


def test_front_end_in_loops():
    wave = waves(16000, 15600)[:1]
    found = vggish.log_mel(wave)
    assert found.shape == (1, 96, 64)
    assert found.dtype == np.float32
    edges = [2595 * np.log10(1 + f / 700) for f in (125.0, 7500.0)]
    corners = np.linspace(*edges, 66)
    bins = 2595 * np.log10(1 + np.arange(257) * 16000 / 512 / 700)
    for frame in (0, 50, 95):
        piece = wave[0, frame * 160 : frame * 160 + 400].astype(np.float64)
        piece = piece * [0.5 - 0.5 * np.cos(2 * np.pi * t / 400) for t in range(400)]
        spectrum = np.abs(np.fft.fft(np.pad(piece, (0, 112)))[:257])
        for band in (0, 1, 31, 63):
            triangle = np.interp(bins, corners[band : band + 3], [0, 1, 0], left=0, right=0)
            assert found[0, frame, band] == pytest.approx(np.log(spectrum @ triangle + 0.01), abs=1e-4)


def test_silence_is_the_offset():
    np.testing.assert_allclose(vggish.log_mel(np.zeros((1, 15600), np.float32)), np.log(0.01), rtol=1e-6)


def test_embeddings_and_features_are_torchvggishs(network):
    sound = waves(16000, 15600)
    with torch.no_grad():
        embeddings = network.module().trunk(torch.from_numpy(vggish.log_mel(sound))).numpy()
    np.testing.assert_allclose(embeddings, STORED["embeddings"], atol=1e-4)
    features = network.features(sound)
    np.testing.assert_allclose(features, STORED["features"], atol=1)  # where one lies between two steps
    assert (features != STORED["features"]).mean() < 0.02
    assert len(np.unique(features)) > 50  # the whitening let something through


def test_whitening_in_loops(network):
    whitening = network.module().whitening
    axes, means = whitening.pca_eigen_vectors.numpy(), whitening.pca_means.numpy()
    embeddings = 0.3 * numbers("embeddings", (3, 128))
    exact = np.zeros((3, 128))
    for n in range(3):
        for axis in range(128):
            on_axis = sum(float(axes[axis, k]) * (float(embeddings[n, k]) - float(means[k])) for k in range(128))
            exact[n, axis] = (min(2.0, max(-2.0, on_axis)) + 2) * 255 / 4
    assert (exact.min(), exact.max()) == (0, 255)
    given = torch.from_numpy(embeddings).requires_grad_()
    features = whitening(given).detach().numpy()
    assert (features == np.round(features)).all()
    np.testing.assert_allclose(features, exact, atol=0.501)
    whitening.train()
    unrounded = whitening(given)
    whitening.eval()
    np.testing.assert_allclose(unrounded.detach().numpy(), exact, atol=1e-3)
    unrounded.sum().backward()
    assert given.grad.abs().max() > 0  # it can be trained through


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "can't be read as the whitening of vggish"),
        (b"not an archive", "can't be read as the whitening of vggish"),
        (
            {"pca_means": np.zeros(128)},
            "the whitening of vggish: there is no item named 'pca_eigen_vectors",
        ),
        ({"pca_means": np.zeros(128), "pca_eigen_vectors": np.eye(64)}, r"it has axes \(64, 64\) and means \(128,\)"),
        ({"pca_means": np.array([{}] * 128), "pca_eigen_vectors": np.eye(128)}, "can't be read as the whitening"),
    ],
)
def test_another_file_of_whitening_is_reported(tmp_path, content, message):
    path = tmp_path / "whitening.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, **content)
    with pytest.raises(SeehearError, match=message):
        vggish.read_whitening(path)
