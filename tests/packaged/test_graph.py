"""The ONNX graph of parsing models, against the models themselves."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seehear.fusion.model import ParsingModel
from seehear.networks.onnx_file import check_content
from seehear.packaged.graph import CLIP, MODALITY_CLIP, SEGMENT, fused
from seehear.packaged.model import FusedModel

NAMES = ("audio", "visual", "third")
OUTPUTS = (SEGMENT, CLIP, MODALITY_CLIP)


def model(widths: dict[str, list[int]], classes: int, seed: int, **options: object) -> ParsingModel:
    """A model with random weights, whose features are centred and scaled."""
    torch.manual_seed(seed)
    made = ParsingModel(widths, classes, width=8, feed_forward=12, **options).eval()
    for name, each in widths.items():
        made.standardise(name, torch.randn(sum(each)), torch.rand(sum(each)) + 0.1)
    return made


def batch(widths: dict[str, list[int]], seed: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Five clips of up to six segments, of which some lack modalities, never all."""
    rng = np.random.default_rng(seed)
    features = {name: rng.normal(size=(5, 6, sum(each))).astype(np.float32) for name, each in widths.items()}
    present = np.arange(6) < rng.integers(1, 7, 5)[:, None]  # (B, T)
    available = rng.random((5, len(widths))) < 0.6
    available[np.arange(5), rng.integers(0, len(widths), 5)] = True
    return features, present, available


def run(models: list[ParsingModel], widths: dict, features: dict, present: np.ndarray, available: np.ndarray) -> list:
    content = check_content("model.onnx", fused(models).SerializeToString())
    opened = FusedModel(content, {name: sum(each) for name, each in widths.items()}, 3, "cpu")
    return list(opened._run({**features, "present": present, "available": available}, present.shape))


@settings(max_examples=20)
@given(
    modalities=st.integers(1, 3),
    heads=st.sampled_from([1, 4]),
    layers=st.integers(0, 2),
    projection=st.sampled_from(["none", "shared", "separate", "audio"]),
    blend=st.sampled_from([0.0, 0.3]),
    window=st.sampled_from([0, 0, 1, 3, 6]),
    seeds=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_graph_gives_the_probabilities_of_the_models(modalities, heads, layers, projection, blend, window, seeds, seed):
    widths = {name: [4 + m, 3] for m, name in enumerate(NAMES[:modalities])}
    options = {"heads": heads, "layers": layers, "projection": projection, "blend": blend, "window": window}
    models = [model(widths, 3, seed + n, **options) for n in range(seeds)]
    features, present, available = batch(widths, seed)
    found = run(models, widths, features, present, available)
    with torch.no_grad():
        tensors = {name: torch.from_numpy(each) for name, each in features.items()}
        outputs = [each(tensors, torch.from_numpy(present), torch.from_numpy(available)) for each in models]
    for n in range(3):
        expected = np.mean([output[n].numpy() for output in outputs], axis=0)
        np.testing.assert_allclose(found[n], expected, atol=2e-6)


def test_clips_that_lack_nothing_need_no_masks():
    widths = {"audio": [4], "visual": [5]}
    made = model(widths, 3, 0)
    features, _, _ = batch(widths, 1)
    found = run([made], widths, features, np.ones((5, 6), bool), np.ones((5, 2), bool))
    with torch.no_grad():
        expected = made({name: torch.from_numpy(each) for name, each in features.items()})
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other.numpy(), atol=2e-6)


@pytest.mark.parametrize("wrong", [{"audio": 5, "visual": 5}, {"audio": 4}, {"audio": 4, "seen": 5}])
def test_graph_of_other_networks_is_refused(wrong):
    content = check_content("other.seehear", fused([model({"audio": [4], "visual": [5]}, 3, 0)]).SerializeToString())
    with pytest.raises(Exception, match=r"other\.seehear: its model does not fit"):
        FusedModel(content, wrong, 3)


def test_graph_that_gives_no_probabilities_is_refused():
    made = model({"audio": [4]}, 3, 0)
    with torch.no_grad():
        made.pooling.into.bias.fill_(torch.nan)
    features, present, available = batch({"audio": [4]}, 0)
    with pytest.raises(Exception, match="gave no probabilities of 3 classes"):
        run([made], {"audio": [4]}, features, present, available)
