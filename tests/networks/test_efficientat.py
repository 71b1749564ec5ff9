"""EfficientAT against loops, and against torch with the same weights."""

from __future__ import annotations

import math
from urllib.error import URLError

import numpy as np
import pytest
import torch
from published import waves
from torch.nn import functional as F

from seehear.errors import SeehearError
from seehear.features.loaded import LoadedNetwork
from seehear.networks import REGISTRY, efficientat, load
from seehear.networks.graph import GraphBuilder
from seehear.networks.samples import sample_waveform
from seehear.networks.session import OnnxNetwork
from seehear.networks.weights import read_state_dict

NAME = "efficientat-mn04"
# Table 1 of the paper on MobileNetV3: kernel, expansion, channels, squeeze and excitation, hard swish, stride.
BLOCKS = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)


def eights(channels: float) -> int:
    """To the nearest multiple of 8, but never below nine tenths."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


class Reference:
    """The network in torch, as published: frequency is the third axis. It makes the weights that it asks for."""

    def __init__(self) -> None:
        self.state: dict[str, np.ndarray] = {}
        self._rng = np.random.default_rng(0)

    def tensor(self, name: str, *shape: int, scale: float, least: float = 0.0) -> torch.Tensor:
        if name not in self.state:
            made = scale * self._rng.normal(size=shape)
            self.state[name] = np.asarray(np.abs(made) + least if least else made, np.float32)
        return torch.tensor(self.state[name])

    def convolve(self, x, name, channels, kernel, stride=1, groups=1):
        width = x.shape[1] // groups
        weight = self.tensor(f"{name}.0.weight", channels, width, kernel, kernel, scale=(width * kernel**2) ** -0.5)
        x = F.conv2d(x, weight, stride=stride, padding=(kernel - 1) // 2, groups=groups)
        mean, variance, gain, shift = (
            self.tensor(f"{name}.1.{what}", channels, scale=0.3, least=least)
            for what, least in (("running_mean", 0.0), ("running_var", 0.5), ("weight", 0.5), ("bias", 0.0))
        )
        return F.batch_norm(x, mean, variance, gain, shift, eps=0.001)

    def linear(self, x, name, out):
        width = x.shape[-1]
        return F.linear(
            x,
            self.tensor(f"{name}.weight", out, width, scale=width**-0.5),
            self.tensor(f"{name}.bias", out, scale=0.3),
        )

    def __call__(self, mels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = F.hardswish(self.convolve(mels, "features.0", 8, 3, 2))
        for number, (kernel, expanded, out, squeezed, swish, stride) in enumerate(BLOCKS, start=1):
            name, part, before = f"features.{number}.block", 0, x
            activate = F.hardswish if swish else F.relu
            expanded, out = eights(0.4 * expanded), eights(0.4 * out)
            if expanded != x.shape[1]:
                x, part = activate(self.convolve(x, f"{name}.0", expanded, 1)), 1
            x = activate(self.convolve(x, f"{name}.{part}", expanded, kernel, stride, groups=expanded))
            if squeezed:
                part += 1
                inner = f"{name}.{part}.conc_se_layers.0"
                weights = F.relu(self.linear(x.mean(dim=(2, 3)), f"{inner}.fc1", eights(expanded // 4)))
                x = x * torch.sigmoid(self.linear(weights, f"{inner}.fc2", expanded))[:, :, None, None]
            x = self.convolve(x, f"{name}.{part + 1}", out, 1)
            if stride == 1 and out == before.shape[1]:
                x = x + before
        x = F.hardswish(self.convolve(x, "features.16", 384, 1))
        features = x.mean(dim=(2, 3))
        logits = self.linear(F.hardswish(self.linear(features, "classifier.2", 512)), "classifier.5", 527)
        return features, logits


def mel(frequency: float) -> float:
    return 1127 * math.log(1 + frequency / 700)


def naive_mels(wave: np.ndarray) -> np.ndarray:
    """The published front end: (bands, frames)."""
    wave = wave.astype(np.float64)
    emphasised = wave[1:] - 0.97 * wave[:-1]
    last = len(emphasised) - 1
    step = mel(15000) / 129
    columns = []
    for centre in range(0, last + 2, 320):
        buffer = np.zeros(1024)
        for n in range(800):
            place = centre - 400 + n
            place = -place if place < 0 else 2 * last - place if place > last else place  # reflected
            buffer[112 + n] = emphasised[place] * (0.5 - 0.5 * math.cos(2 * math.pi * n / 799))
        power = np.abs(np.fft.fft(buffer)[:513]) ** 2
        column = []
        for band in range(128):
            shares = [1 - abs(mel(k * 32000 / 1024) / step - (band + 1)) for k in range(513)]
            energy = sum(share * power[k] for k, share in enumerate(shares) if share > 0)
            column.append((math.log(energy + 1e-5) + 4.5) / 5)
        columns.append(column)
    return np.array(columns).T


def run(model, tmp_path, front_end, batch, output: str) -> np.ndarray:
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    network = OnnxNetwork(tmp_path / "model.onnx", "cpu", front_end=front_end, class_names=("some",))
    return {"features": network.features, "logits": network.logits}[output](batch)


@pytest.mark.parametrize("samples", [3200, 3201, 3519, 6000])
def test_front_end_in_loops(tmp_path, samples):
    wave = 0.3 * waves(32000, samples)[:1]
    builder = efficientat._Builder({})
    model = builder.graph.model(features=builder.graph._add("Flatten", [builder.input()]))
    found = run(model, tmp_path, efficientat.folded_frames, wave, "features").reshape(-1, 128)
    np.testing.assert_allclose(found.T, naive_mels(wave[0]), atol=2e-4)


def test_network_is_the_published_one_in_torch(tmp_path):
    wave = waves(32000, 40000)[:2] * np.array([[0.3], [0.01]], np.float32)
    reference = Reference()
    mels = torch.tensor(np.stack([naive_mels(each) for each in wave]), dtype=torch.float32)[:, None]
    expected = dict(zip(("features", "logits"), reference(mels), strict=True))
    model = efficientat.build(reference.state)
    for output, values in expected.items():
        found = run(model, tmp_path, efficientat.folded_frames, wave, output)
        np.testing.assert_allclose(found, values, rtol=1e-3, atol=1e-3 * float(values.abs().max()))


def test_published_file_holds_the_same_weights(weights):
    state = read_state_dict(weights(efficientat.SPEC)[efficientat.MODEL.name])
    reference = Reference()
    reference(torch.zeros(1, 1, 128, 32))
    shapes = {name: array.shape for name, array in state.items() if not name.endswith("num_batches_tracked")}
    assert shapes == {name: array.shape for name, array in reference.state.items()}


def test_other_weights_are_reported():
    with pytest.raises(SeehearError, match="the weights of efficientat-mn04 lack 'features"):
        efficientat.build({"something.else": np.zeros(2, np.float32)})


def test_hard_swish_and_squeeze_excite_in_loops(tmp_path):
    rng = np.random.default_rng(0)
    squeeze, excite = ((rng.normal(size=shape), rng.normal(size=shape[0])) for shape in ((2, 3), (3, 2)))
    graph = GraphBuilder()
    x = graph.squeeze_excite(graph.hard_swish(graph.input("x", (3, 4, 5))), squeeze, excite)
    batch = (4 * rng.normal(size=(2, 3, 4, 5))).astype(np.float32)
    model = graph.model(features=graph._add("Flatten", [x]))
    found = run(model, tmp_path, np.asarray, batch, "features").reshape(batch.shape)
    for item, made in zip(batch, found, strict=True):
        swished = [[[v * min(1, max(0, v / 6 + 0.5)) for v in row] for row in channel] for channel in item]
        means = np.array([np.mean(channel) for channel in swished])
        hidden = np.maximum(0, squeeze[0] @ means + squeeze[1])
        weights = [1 / (1 + math.exp(-v)) for v in excite[0] @ hidden + excite[1]]
        expected = [weight * np.array(channel) for weight, channel in zip(weights, swished, strict=True)]
        np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)


def test_hears_a_bark_in_each_second(loaded):
    network = LoadedNetwork(REGISTRY[NAME], loaded(NAME))
    classifier = network.classifier()
    found = classifier.probabilities(network(sample_waveform(32000), 32000))
    assert found.shape == (3, 527)
    for second in found:
        assert {classifier.names[k] for k in np.argsort(-second)[:2]} == {"Dog", "Animal"}
        assert second[classifier.names.index("Dog")] > 0.7
        assert second[classifier.names.index("Speech")] < 0.1


def test_a_feature_depends_on_three_seconds(loaded):
    """What sounds elsewhere in the clip doesn't change it."""
    network = LoadedNetwork(REGISTRY[NAME], loaded(NAME))
    quiet = np.concatenate([sample_waveform(32000), np.zeros(6 * 32000, np.float32)])
    noisy = quiet.copy()
    noisy[4 * 32000 :] = 0.3 * np.random.default_rng(0).normal(size=5 * 32000)
    change = np.abs(network(noisy, 32000) - network(quiet, 32000)).max(axis=1)  # (9,)
    assert [size > 1e-3 for size in change] == [False] * 3 + [True] * 6  # the third window ends at 4 s


@pytest.mark.parametrize(("segment", "agree"), [(1.0, True), (3.0, False)])
def test_scores_are_averaged_over_windows(loaded, segment, agree):
    network = LoadedNetwork(REGISTRY[NAME], loaded(NAME))
    wave = np.concatenate([sample_waveform(32000), np.zeros(9 * 32000, np.float32)])
    scores = network.classify(wave, 32000, segment=segment)
    seconds = network.classify(wave, 32000).reshape(len(scores), -1, 527)
    np.testing.assert_allclose(scores, seconds.mean(axis=1), atol=1e-3)
    of_features = network.classifier()(network(wave, 32000, segment=segment))
    assert np.allclose(scores, of_features, atol=1e-3) == agree


def test_without_the_internet_the_file_to_place_is_named(monkeypatch, tmp_path):
    def closed(*_, **__):
        raise URLError("no network")

    monkeypatch.setenv("SEEHEAR_CACHE", str(tmp_path))
    monkeypatch.setattr("urllib.request.OpenerDirector.open", closed)
    with pytest.raises(SeehearError) as error:
        load(REGISTRY[NAME])
    assert "can't get the weights mn04_as_mAP_432.pt" in str(error.value)
    assert "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/mn04_as_mAP_432.pt" in str(error.value)
    assert f"Put the file by hand at {efficientat.MODEL.path}" in str(error.value)
