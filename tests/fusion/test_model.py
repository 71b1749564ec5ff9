"""The model against its literal loops, and what must hold for every size."""

import numpy as np
import pytest
import torch
from torch import nn

from fusion import oracle
from fusion.reference import ReferenceModel
from seehear.errors import SeehearError
from seehear.fusion.attention import HybridAttention
from seehear.fusion.model import ParsingModel
from seehear.losses.weak import weak_loss

INPUTS = {"audio": [3], "visual": [4, 2], "touch": [5]}


def make(modalities=2, layers=1, heads=1, classes=3, **options):
    torch.manual_seed(0)
    inputs = dict(list(INPUTS.items())[:modalities])
    model = ParsingModel(inputs, classes, width=8, heads=heads, layers=layers, feed_forward=6, **options)
    for parameter in model.parameters():  # biases start at 0, which would hide a missing one
        nn.init.normal_(parameter, std=0.5)
    return model.eval()


def some(model, clips=2, segments=4):
    torch.manual_seed(1)
    return {name: torch.randn(clips, segments, model.project[name].in_features) for name in model.modalities}


@pytest.mark.parametrize("modalities", [1, 2, 3])
@pytest.mark.parametrize(("layers", "heads"), [(0, 1), (1, 1), (2, 2)])
@torch.no_grad()
def test_forward_is_the_loop(modalities, layers, heads):
    model = make(modalities, layers, heads)
    for name in model.modalities:
        width = model.project[name].in_features
        model.standardise(name, torch.linspace(-1, 1, width), torch.linspace(0.5, 2, width))
    features = some(model)
    output = model(features)
    weights = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    for n in range(2):
        clip = {name: array[n].double().numpy() for name, array in features.items()}
        expected = oracle.forward(clip, weights, layers, heads, 3)
        for found, value in zip(output, expected, strict=True):
            np.testing.assert_allclose(found[n].numpy(), value, atol=1e-5)


@torch.no_grad()
def test_networks_of_one_modality_are_scaled_each_by_its_own_size():
    """And a feature that hardly varies beside the others of its network by less than it would take."""
    model = ParsingModel({"audio": [3, 2]}, classes=2, width=8, feed_forward=8)
    deviation = torch.tensor([1.0, 1.0, 0.0, 1e6, 2e6])
    model.standardise("audio", torch.zeros(5), deviation)
    scaled = model.normalise("audio", torch.tensor([2.0, 4.0, 1.0, 2e6, 2e6]))
    torch.testing.assert_close(scaled, torch.tensor([2.0, 4.0, 1500.0, 2.0, 1.0]))


@torch.no_grad()
def test_mean_over_frames_commutes_with_the_projection():
    model = make()
    frames = torch.randn(2, 4, 8, 6)  # (B, T, frames, width)
    pooled = model.project["visual"](frames.mean(dim=2))
    torch.testing.assert_close(pooled, model.project["visual"](frames).mean(dim=2), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_padding_changes_nothing():
    model = make(layers=2)
    features = some(model, segments=3)
    padded = {name: torch.cat([array, torch.full_like(array[:, :2], 9.0)], dim=1) for name, array in features.items()}
    mask = torch.tensor([[True] * 3 + [False] * 2] * 2)
    short, long = model(features), model(padded, mask)
    torch.testing.assert_close(short.segment, long.segment[:, :3])
    assert not long.segment[:, 3:].any()
    torch.testing.assert_close(short.clip, long.clip)
    torch.testing.assert_close(short.modality_clip, long.modality_clip)


@torch.no_grad()
def test_stacked_layers_stack():
    model = make(layers=2)
    features = some(model)
    x = model.embed(features)
    by_hand = model.pooling(model.layers[1](model.layers[0](x, None), None), None)
    torch.testing.assert_close(model(features).segment, by_hand.segment)
    assert not torch.allclose(by_hand.segment, model.pooling(model.layers[1](x, None), None).segment)


@torch.no_grad()
def test_attention_is_torchs_own():
    """The same sums as two of torch's attention modules, one per direction, with the weights copied over."""
    layer = HybridAttention(8, 2, 6, 0.0).eval()
    nn.init.normal_(layer.into.bias)
    itself, cross = (nn.MultiheadAttention(8, 2, batch_first=True).eval() for _ in range(2))
    for module, rows, out in ((itself, slice(0, 24), layer.self_out), (cross, slice(24, 48), layer.cross_out)):
        module.in_proj_weight.copy_(layer.into.weight[rows])
        module.in_proj_bias.copy_(layer.into.bias[rows])
        module.out_proj.load_state_dict(out.state_dict())
    audio, visual = torch.randn(2, 3, 5, 8)
    for x, other, found in zip(
        (audio, visual), (visual, audio), layer(torch.stack([audio, visual]), None), strict=True
    ):
        y = layer.norm_attention(x + itself(x, x, x)[0] + cross(x, other, other)[0])
        expected = layer.norm_feed_forward(y + layer.feed_forward(y))
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_probabilities_stay_probabilities():
    model = make(layers=1)
    features = {name: 100 * array for name, array in some(model, clips=50).items()}
    for part in model(features):
        assert part.min() >= 0
        assert part.max() <= 1


def test_weights_start_as_torchs_attention_does():
    torch.manual_seed(0)
    layer, reference = HybridAttention(64, 1, 64, 0.1), nn.MultiheadAttention(64, 1)
    for rows in layer.into.weight.split(3 * 64):
        assert rows.std().item() == pytest.approx(reference.in_proj_weight.std().item(), rel=0.05)
    assert not layer.into.bias.any()


@pytest.mark.parametrize("inputs", [{}, {"audio": []}])
def test_every_modality_needs_a_network(inputs):
    with pytest.raises(SeehearError, match="at least one"):
        ParsingModel(inputs, 2)


def test_a_projection_names_a_modality():
    with pytest.raises(SeehearError, match="no modality 'smell'; there are audio"):
        ParsingModel({"audio": [2]}, 2, width=8, projection="smell")


def test_heads_must_divide_the_width():
    with pytest.raises(SeehearError, match="3 heads"):
        ParsingModel({"audio": [2]}, 2, width=8, heads=3)


@torch.no_grad()
def test_same_mathematics_as_the_usual_way_to_write_it():
    torch.manual_seed(0)
    model = ParsingModel({"audio": [12], "visual": [20, 8]}, 5, width=32, feed_forward=32).eval()
    reference = ReferenceModel(12, 20, 8, 5, 32, 0.1).eval()
    reference.take(model)
    audio, frames, clips = torch.randn(3, 10, 12), torch.randn(3, 80, 20), torch.randn(3, 10, 8)
    pooled = torch.cat([frames.unflatten(1, (10, 8)).mean(dim=2), clips], dim=-1)
    for found, expected in zip(model({"audio": audio, "visual": pooled}), reference(audio, frames, clips), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("modalities", [1, 2, 3])
@torch.no_grad()
def test_blend_is_the_loop(modalities):
    """A share of a pass in which modalities do not attend to each other."""
    model, layers = make(modalities, 2, blend=0.3), 2
    features = some(model)
    output = model(features)
    weights = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    for n in range(2):
        clip = {name: array[n].double().numpy() for name, array in features.items()}
        full = oracle.forward(clip, weights, layers, 1, 3)
        alone = oracle.forward(clip, weights, layers, 1, 3, cross=False)
        for found, one, other in zip(output, full, alone, strict=True):
            np.testing.assert_allclose(found[n].numpy(), 0.7 * np.array(one) + 0.3 * np.array(other), atol=1e-5)
    if modalities > 1:
        assert not np.allclose(full[0], alone[0], atol=1e-2)


@torch.no_grad()
def test_without_cross_attention_a_modality_knows_nothing_of_the_others():
    model = make()
    features = some(model)
    changed = {**features, "visual": features["visual"] + 1}
    before, after = (model.fuse(model.embed(each), cross=False)[0] for each in (features, changed))
    assert torch.equal(before, after)
    assert not torch.equal(*(model.fuse(model.embed(each))[0] for each in (features, changed)))


@pytest.mark.parametrize("modalities", [2, 3])
@pytest.mark.parametrize(("layers", "heads"), [(0, 1), (1, 1), (2, 2)])
@torch.no_grad()
def test_a_missing_modality_takes_no_part(modalities, layers, heads):
    """The oracle is the loop over the modalities that a clip has; clips are padded at the same time."""
    model = make(modalities, layers, heads)
    lengths = [4, 2, 3, 4]
    features, mask, available = lacking(model, lengths)
    output = model(features, mask, available)
    weights = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    for n, length in enumerate(lengths):
        having = [m for m in range(modalities) if available[n, m]]
        own = {model.modalities[m]: features[model.modalities[m]][n, :length].double().numpy() for m in having}
        segment, clip, by_modality = oracle.forward(own, weights, layers, heads, 3)
        np.testing.assert_allclose(output.segment[n, :length][:, having].numpy(), segment, atol=1e-5)
        np.testing.assert_allclose(output.clip[n].numpy(), clip, atol=1e-5)
        np.testing.assert_allclose(output.modality_clip[n, having].numpy(), by_modality, atol=1e-5)
        missing = [m for m in range(modalities) if m not in having]
        assert not output.segment[n][:, missing].any()
        assert not output.modality_clip[n, missing].any()


def lacking(model, lengths):
    """Features, mask and availability of clips: the first has everything, the others less and less."""
    features = some(model, len(lengths), max(lengths))
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    available = torch.ones(len(lengths), len(model.modalities), dtype=torch.bool)
    available[1, 0] = False
    available[2, 1:] = False
    available[3, :-1] = False
    return features, mask, available


def test_gradients_with_missing_modalities_are_finite_and_none_reach_what_is_missing():
    model = make(3, layers=2).train()
    features, mask, available = lacking(model, [4, 2, 3, 4])
    features = {name: x.requires_grad_() for name, x in features.items()}
    output = model(features, mask, available)
    weak_loss(output, torch.eye(4)[:, :3], 0.9, available).backward()
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
    for m, x in enumerate(features.values()):
        assert x.grad.isfinite().all()
        for n in range(4):
            assert x.grad[n].any() == available[n, m]


@torch.no_grad()
def test_what_is_there_in_place_of_a_missing_modality_does_not_matter():
    model = make(2, layers=2)
    features, mask, available = lacking(model, [4, 2, 3, 4])
    expected = model(features, mask, available)
    other = {name: torch.where(available[:, m, None, None], x, 7.0) for m, (name, x) in enumerate(features.items())}
    for one, same in zip(expected, model(other, mask, available), strict=True):
        torch.testing.assert_close(one, same)


@torch.no_grad()
def test_saying_that_everything_is_available_changes_nothing():
    model = make(3, layers=2)
    features = some(model)
    for one, same in zip(model(features), model(features, None, torch.ones(2, 3, dtype=torch.bool)), strict=True):
        torch.testing.assert_close(one, same)
