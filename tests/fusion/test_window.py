"""Attention within a window: each segment sees those less than a window away, and clips are pooled whole."""

import numpy as np
import pytest
import torch
from torch import nn

from fusion import oracle
from fusion.test_model import INPUTS, some
from seehear.fusion.attention import HybridAttention
from seehear.fusion.model import ParsingModel
from seehear.losses.weak import weak_loss
from seehear.training.stacked import Stack


def make(window, modalities=2, layers=1, heads=1, **options):
    torch.manual_seed(0)
    inputs = dict(list(INPUTS.items())[:modalities])
    options = {"width": 8, "feed_forward": 6, "layers": layers, "heads": heads, "window": window} | options
    model = ParsingModel(inputs, 3, **options)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model.eval()


@pytest.fixture
def near(monkeypatch):
    """The oracle, whose segments see only keys less than a window away."""
    whole = oracle.attend

    def within(window):
        def attend(queries, keys, values, heads):
            result = []
            for t, query in enumerate(queries):
                seen = [s for s in range(len(keys)) if abs(t - s) < window]
                result += whole([query], [keys[s] for s in seen], [values[s] for s in seen], heads)
            return result

        monkeypatch.setattr(oracle, "attend", attend)

    return within


@pytest.mark.parametrize("window", [1, 2, 3, 5, 10, 11])
@pytest.mark.parametrize(("modalities", "layers", "heads"), [(1, 1, 1), (2, 1, 1), (3, 2, 2)])
@torch.no_grad()
def test_forward_is_the_loop_over_near_segments(window, modalities, layers, heads, near):
    """Of clips of several lengths, padded, some without a modality: pooling is over the whole clip."""
    near(window)
    model = make(window, modalities, layers, heads)
    lengths = [11, 4, 7]
    features = some(model, len(lengths), max(lengths))
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    available = torch.ones(len(lengths), modalities, dtype=torch.bool)
    available[2, 1:] = False
    output = model(features, mask, available)
    weights = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    for n, length in enumerate(lengths):
        having = [m for m in range(modalities) if available[n, m]]
        own = {model.modalities[m]: features[model.modalities[m]][n, :length].double().numpy() for m in having}
        segment, clip, by_modality = oracle.forward(own, weights, layers, heads, 3)
        np.testing.assert_allclose(output.segment[n, :length][:, having].numpy(), segment, atol=1e-5)
        assert not output.segment[n, length:].any()
        np.testing.assert_allclose(output.clip[n].numpy(), clip, atol=1e-5)
        np.testing.assert_allclose(output.modality_clip[n, having].numpy(), by_modality, atol=1e-5)


@pytest.mark.parametrize("window", [6, 7, 100])
def test_window_of_the_whole_clip_is_none_to_the_bit(window):
    results = []
    for each in (0, window):
        model = make(each, 2, 2, dropout=0.3).train()
        mask = torch.tensor([[True] * 6, [True] * 2 + [False] * 4])
        torch.manual_seed(3)
        output = model(some(model, 2, 6), mask)
        weak_loss(output, torch.eye(3)[:2]).backward()
        results.append([*output, *(parameter.grad for parameter in model.parameters())])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("window", [1, 3, 4])
def test_gradients_are_those_of_full_attention_with_a_mask(masked, window, monkeypatch):
    """In float64, of the layer's input and weights; full attention sees the same pairs by a mask of all of them."""
    torch.manual_seed(0)
    layer = HybridAttention(8, 2, 6, 0.0, window).double()
    x = torch.randn(2, 3, 10, 8, dtype=torch.float64)
    mask = torch.arange(10) < torch.tensor([10, 5, 1])[:, None] if masked else None
    weight = torch.randn(2, 3, 10, 8, dtype=torch.float64) * (1.0 if mask is None else mask[None, ..., None])

    def gradients():
        own = x.clone().requires_grad_()
        layer.zero_grad()
        out = layer(own, mask)
        (out * weight).sum().backward()
        return [out.detach() * (weight != 0), own.grad, *(p.grad.clone() for p in layer.parameters())]

    def attend(query, key, value, mask):
        time = torch.arange(10)
        near = ((time - time[:, None]).abs() < window).expand(3, 10, 10)
        near = near if mask is None else near & mask[:, None]
        near = near | torch.eye(10, dtype=torch.bool)  # rows past the end see themselves
        q, k, v = (part.unflatten(-1, (2, -1)).transpose(-2, -3) for part in (query, key, value))
        scores = (q @ k.transpose(-1, -2) / 2).masked_fill(~near[:, None], -torch.inf)
        return (scores.softmax(dim=-1) @ v).transpose(-2, -3).flatten(-2)

    found = gradients()
    monkeypatch.setattr(layer, "_attend", attend)
    for one, other in zip(found, gradients(), strict=True):
        assert one.isfinite().all()
        torch.testing.assert_close(one, other)


@torch.no_grad()
def test_padding_changes_nothing():
    """Also of a clip that is not longer than the window and gets into a batch with one that is."""
    model = make(4, layers=2)
    features = some(model, segments=3)
    padded = {name: torch.cat([x, torch.full_like(x[:, :1], 9.0).expand(-1, 9, -1)], 1) for name, x in features.items()}
    mask = torch.tensor([[True] * 3 + [False] * 9] * 2)
    for short, long in zip(model(features), model(padded, mask), strict=True):
        torch.testing.assert_close(short, long[:, :3] if long.ndim == 4 else long)


@torch.no_grad()
def test_what_is_far_away_changes_only_the_weights_of_the_pooling():
    model = make(3)
    features = some(model, segments=12)
    changed = {name: torch.cat([x[:, :8], x[:, 8:] + 1], dim=1) for name, x in features.items()}
    before, after = model(features), model(changed)
    assert torch.equal(before.segment[:, :6], after.segment[:, :6])
    assert not torch.allclose(before.segment[:, 6:8], after.segment[:, 6:8])
    assert not torch.allclose(before.clip, after.clip)


@torch.no_grad()
def test_models_side_by_side_attend_alike():
    models = [make(3, seed) for seed in (2, 2)]
    features = some(models[0], 2, 8)
    mask = torch.arange(8) < torch.tensor([8, 3])[:, None]
    found, expected = Stack(models).side_by_side(features, mask), models[0](features, mask)
    torch.testing.assert_close(found.segment[..., :3], expected.segment)


def kept_bytes(window, segments):
    """Bytes per segment that a forward pass keeps for the way back."""
    storages = {}

    def keep(x):
        storages[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    model = make(window).train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        output = model(some(model, 1, segments))
    assert output.clip.requires_grad
    return sum(storages.values()) / segments


def test_memory_grows_with_the_clip_and_not_with_its_square():
    assert kept_bytes(10, 800) < 1.1 * kept_bytes(10, 200)
    assert kept_bytes(0, 800) > 2 * kept_bytes(0, 200)
