"""The networks' own numbers against torch, and against what is known to be in a audio or frame."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seehear.networks import REGISTRY, Vocabulary, aisfx, efficientnet_lite, hed, speech_embedding, yamnet
from seehear.networks.samples import sample, sample_image, sample_waveform
from seehear.networks.session import make_session
from seehear.networks.weights import read_state_dict


def tone(frequency: float, declared) -> np.ndarray:
    time = np.arange(declared.samples) / declared.rate
    return (0.5 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)[None]


def top(network, batch: np.ndarray, count: int) -> list[str]:
    return [network.class_names[index] for index in network.logits(batch).mean(axis=0).argsort()[::-1][:count]]


def test_yamnet_hears_a_dial_tone(loaded):
    assert set(top(loaded("yamnet"), tone(440, yamnet.SPEC.input), 2)) == {"Telephone", "Dial tone"}
    assert top(loaded("yamnet"), 0.1 * tone(440, yamnet.SPEC.input), 1) == ["Dial tone"]


def test_yamnet_hears_a_bark_in_its_second(loaded):
    loudest = max(sample(yamnet.SPEC.input, 8), key=lambda wave: np.square(wave).sum())
    assert "Dog" in top(loaded("yamnet"), loudest[None], 3)


def test_yamnet_front_end(loaded):
    """Log-mel patches in loops, through the graph up to the network's first layer being left out."""
    from seehear.networks.graph import GraphBuilder

    wave = sample(yamnet.SPEC.input, 1)
    graph = GraphBuilder()
    patches = graph.log_mel(graph.input("x", (96, 257)), yamnet._FILTERS, offset=0.001)
    model = graph.model(y=graph.max(patches, axes=[1]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        (found,) = make_session(path, "cpu").run(["y"], {"x": yamnet.spectra(wave)})
    edges = [2595 * np.log10(1 + f / 700) for f in (125.0, 7500.0)]
    corners = np.linspace(*edges, 66)
    bins = 2595 * np.log10(1 + np.arange(257) * 16000 / 512 / 700)
    for frame in (0, 50, 95):
        piece = wave[0, frame * 160 : frame * 160 + 400].astype(np.float64)
        piece = piece * [0.5 - 0.5 * np.cos(2 * np.pi * t / 400) for t in range(400)]
        spectrum = np.abs(np.fft.fft(np.pad(piece, (0, 112)))[:257])
        for band in (0, 1, 31, 63):
            triangle = np.interp(bins, corners[band : band + 3], [0, 1, 0], left=0, right=0)
            assert found[0, frame, band] == pytest.approx(np.log(spectrum @ triangle + 0.001), abs=1e-3)


def test_yamnet_is_the_published_network(loaded, weights):
    """The 8-bit file itself, which runs at a batch of one, gives nearly the same scores."""
    archive = weights(yamnet.SPEC)[yamnet.MODEL.name]
    wave = sample(yamnet.SPEC.input, 1)
    mel = yamnet.spectra(wave).astype(np.float64) @ yamnet._FILTERS
    patch = np.log(mel + 0.001)[:, None]
    import onnx
    from onnx import numpy_helper

    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(archive) as files:
            files.extractall(folder)
        (path,) = Path(folder).rglob("*.onnx")
        constants = {item.name: item for item in onnx.load(path).graph.initializer}
        scales = {
            name: float(numpy_helper.to_array(constants[name]))
            for name in ("audio_scale", "audio_zero_point", "class_scores_scale", "class_scores_zero_point")
        }
        rounded = np.clip(np.round(patch / scales["audio_scale"] + scales["audio_zero_point"]), 0, 255)
        (scores,) = make_session(path, "cpu").run(None, {"audio": rounded.astype(np.uint8)})
    scores = (scores.astype(np.float64) - scales["class_scores_zero_point"]) * scales["class_scores_scale"]
    assert np.corrcoef(scores[0], loaded("yamnet").logits(wave)[0])[0, 1] > 0.95


def test_aisfx_is_the_published_network(loaded, weights):
    state = aisfx.read_state(weights(aisfx.SPEC)[aisfx.MODEL.name])
    tensors = {name: torch.tensor(array) for name, array in state.items()}
    waves = sample(aisfx.SPEC.input, 2)
    filters = aisfx._FILTERS.astype(np.float64)
    np.testing.assert_allclose(filters.sum(axis=0), 1, rtol=1e-5)
    patches = []
    for wave in waves:
        wave = wave.astype(np.float64) / np.abs(wave).max()
        rows = []
        for frame in range(100):
            piece = wave[frame * 1024 : frame * 1024 + 2048] * np.hanning(2048)
            rows.append(np.log10(1e4 * (np.abs(np.fft.rfft(piece)) ** 2 @ filters) + 1) / 9.457798957824707)
        patches.append(rows)
    x = torch.tensor(np.array(patches), dtype=torch.float32)[:, None]
    for block in range(1, 5):
        for layer in (1, 2):
            name = f"conv_block{block}"
            norm = [tensors[f"{name}.bn{layer}.{field}"] for field in ("running_mean", "running_var", "weight", "bias")]
            x = F.relu(F.batch_norm(F.conv2d(x, tensors[f"{name}.conv{layer}.weight"], padding=1), *norm))
        x = F.max_pool2d(x, 2 if block < 4 else 1)
    expected = x.mean(dim=3).amax(dim=2).numpy()
    np.testing.assert_allclose(loaded("aisfx").features(waves), expected, atol=1e-4 * np.abs(expected).max())


def test_aisfx_hears_the_same_however_loud(loaded):
    waves = sample(aisfx.SPEC.input, 1)
    network = loaded("aisfx")
    np.testing.assert_allclose(network.features(waves), network.features(waves * np.float32(0.125)), atol=1e-5)


def same(x: torch.Tensor, weight: torch.Tensor, stride: int, groups: int) -> torch.Tensor:
    size, kernel = x.shape[2], weight.shape[2]
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    x = F.pad(x, (total // 2, total - total // 2) * 2)
    return F.conv2d(x, weight, stride=stride, groups=groups)


@pytest.mark.parametrize(
    ("variant", "repeats"),
    [(efficientnet_lite.LITE0, (1, 2, 2, 3, 3, 4, 1)), (efficientnet_lite.LITE2, (1, 3, 3, 4, 4, 5, 1))],
)
def test_efficientnet_is_the_published_network(loaded, weights, variant, repeats):
    """Channels are read off the weights here, so a wrong width or depth can't agree."""
    spec = next(spec for spec in REGISTRY.values() if spec.weights == (variant.weights,))
    state = read_state_dict(weights(spec)[variant.weights.name])
    tensors = {name: torch.tensor(array) for name, array in state.items()}

    def layer(x, conv, norm, stride=1, groups=1):
        x = same(x, tensors[f"{conv}.weight"], stride, groups)
        fields = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(tensors[f"{norm}.{field}"] for field in fields), eps=1e-3)

    pictures = sample(spec.input, 2)
    x = (torch.tensor(pictures).permute(0, 3, 1, 2).float() - 127) / 128
    x = F.relu6(layer(x, "_conv_stem", "_bn0", 2))
    index = 0
    for stage, count in enumerate(repeats):
        for repeat in range(count):
            name, before = f"_blocks.{index}", x
            if f"{name}._expand_conv.weight" in tensors:
                x = F.relu6(layer(x, f"{name}._expand_conv", f"{name}._bn0"))
            stride = 2 if repeat == 0 and stage in (1, 2, 3, 5) else 1
            x = F.relu6(layer(x, f"{name}._depthwise_conv", f"{name}._bn1", stride, x.shape[1]))
            x = layer(x, f"{name}._project_conv", f"{name}._bn2")
            if repeat > 0:
                x = x + before
            index += 1
    assert f"_blocks.{index}._project_conv.weight" not in tensors
    features = F.relu6(layer(x, "_conv_head", "_bn1")).mean(dim=(2, 3))
    logits = F.linear(features, tensors["_fc.weight"], tensors["_fc.bias"])
    np.testing.assert_allclose(loaded(spec.name).features(pictures), features, atol=1e-4)
    np.testing.assert_allclose(loaded(spec.name).logits(pictures), logits, atol=1e-3)


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite2"])
def test_efficientnet_sees_a_cat(loaded, name):
    picture = sample_image(REGISTRY[name].input.size)[None]
    assert set(top(loaded(name), picture, 3)) == {"Egyptian cat", "tiger cat", "tabby"}


def test_imagenet_classes():
    names = efficientnet_lite.imagenet_classes()
    assert len(set(names)) == 1000
    assert [names[index] for index in (0, 207, 281, 999)] == ["tench", "golden retriever", "tabby", "toilet tissue"]
    ids = efficientnet_lite.imagenet_ids()
    assert len(set(ids)) == 1000
    assert [ids[index] for index in (0, 207, 281, 999)] == ["n01440764", "n02099601", "n02123045", "n15075141"]


@pytest.mark.parametrize(
    ("network", "vocabulary", "known"),
    [
        ("yamnet", Vocabulary.AUDIOSET, {"Dog": "/m/0bt9lr", "Speech": "/m/09x0r"}),
        ("efficientnet-lite0", Vocabulary.IMAGENET_1K, {"tench": "n01440764", "Egyptian cat": "n02124075"}),
        ("efficientat-mn04", Vocabulary.AUDIOSET, {"Dog": "/m/0bt9lr", "Speech": "/m/09x0r", "Cello": "/m/01xqw"}),
        ("open-nsfw", None, {}),
    ],
)
def test_classes_have_ids_in_their_vocabulary(loaded, network, vocabulary, known):
    classifier = loaded(network).classifier()
    assert classifier.vocabulary is vocabulary
    assert len(set(classifier.ids)) == (len(classifier.names) if vocabulary else 0)
    assert {name: classifier.ids[classifier.names.index(name)] for name in known} == known


def test_open_nsfw_minds_colour(loaded):
    """Blue and red aren't swapped by chance: the two give different features."""
    picture = sample_image(224)[None]
    network = loaded("open-nsfw")
    assert np.abs(network.features(picture) - network.features(picture[..., ::-1])).max() > 0.1
    assert top(network, picture, 1) == ["suitable for work"]


def test_hed_is_the_published_network(loaded, weights):
    import h5py

    pictures = sample(hed.SPEC.input, 1)
    x = torch.tensor(pictures[..., ::-1] - np.array([104.00699, 116.66877, 122.67892])).float().permute(0, 3, 1, 2)
    with h5py.File(weights(hed.SPEC)[hed.MODEL.name]) as file:
        for block, layers in ((1, ["", "_1"]), (2, ["", "_1"]), (3, ["", "_1", "_2"]), (4, ["", "_1", "_2"])):
            if block > 1:
                x = F.max_pool2d(x, 2)
            for suffix in layers:
                group = file[f"block{block}/layers/conv2d{suffix}/vars"]
                weight = torch.tensor(group["0"][()]).permute(3, 2, 0, 1)
                x = F.relu(F.conv2d(x, weight, torch.tensor(group["1"][()]), padding=1))
    expected = x.mean(dim=(2, 3)).numpy()
    np.testing.assert_allclose(loaded("hed").features(pictures), expected, atol=1e-4 * np.abs(expected).max())


def test_speech_window_gives_the_frames_it_needs(weights):
    paths = weights(speech_embedding.SPEC)
    mel = speech_embedding.LiteModel(paths[speech_embedding.MEL.name])
    samples = speech_embedding.SPEC.input.samples
    assert mel(np.zeros((1, samples), np.float32)).shape == (1, 1, 76, 32)
    assert mel(np.zeros((1, samples - 1), np.float32)).shape == (1, 1, 75, 32)


def test_speech_spectrum_sees_a_tone_in_its_band(weights):
    """32 bands from 60 to 3800 Hz: a higher tone lies in a higher band."""
    mel = speech_embedding.LiteModel(weights(speech_embedding.SPEC)[speech_embedding.MEL.name])
    bands = [mel(tone(f, speech_embedding.SPEC.input) * 32768).mean(axis=(0, 1, 2)).argmax() for f in (200, 1000, 3000)]
    assert bands == sorted(set(bands))


def test_samples():
    wave = sample_waveform(16000)
    assert wave.shape == (48000,)
    assert 0.1 < np.abs(wave).max() <= 1
    picture = sample_image(224)
    assert picture.shape == (224, 224, 3)
    assert picture.dtype == np.uint8
    assert picture[..., 0].mean() > picture[..., 2].mean()  # a ginger cat: red over blue
