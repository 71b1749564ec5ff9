"""Fine-tuning: where it starts, what it moves and how far, and that one seed says all."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from seehear.errors import SeehearError
from seehear.paper.probing.finetuning import Settings, _batch, fine_tune
from seehear.paper.probing.linear import linear_probe

SIZE, WIDTH, CLASSES = 8, 6, 4


class Trunk(nn.Module):
    """One convolution, its mean over the frame; dropout that must be off."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.conv = nn.Conv2d(3, WIDTH, 3)
        self.dropout = nn.Dropout(0.9)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        x = frames.float().permute(0, 3, 1, 2) / 255 - 0.5
        return self.dropout(torch.relu(self.conv(x)).mean((2, 3)))


def stripes(seed: int, n: int = 40):
    """Noise with stripes, across or down, in one of two strengths: frames (n, 8, 8, 3), labels and clips (n,)."""
    rng = np.random.default_rng(seed)
    groups = np.arange(n) // 2
    labels = (groups % 4).astype(np.int64)
    frames = rng.normal(128, 25, (n, SIZE, SIZE, 3))
    wave = 40 * np.sign(np.sin(np.pi * (np.arange(SIZE) + 0.5)))
    for frame, label in zip(frames, labels, strict=True):
        along = wave[:, None, None] if label % 2 else wave[None, :, None]
        frame += along * (1 + label // 2)
    return np.clip(frames, 0, 255).astype(np.uint8), labels, groups


def tune(settings: Settings, seed: int = 0, trunk: Trunk | None = None, on_epoch=lambda entry: None, labels=None):
    frames, own, groups = stripes(1)
    labels = own if labels is None else labels
    trunk = trunk or Trunk()
    test = stripes(2)[0]
    return fine_tune(trunk, WIDTH, frames, labels, groups, test, CLASSES, settings, seed, "cpu", on_epoch)


def test_no_epoch_is_the_linear_probe():
    frames, labels, groups = stripes(1)
    trunk = Trunk().eval()
    with torch.no_grad():
        features, test = (trunk(torch.from_numpy(some)).numpy() for some in (frames, stripes(2)[0]))
    expected = linear_probe(features, labels, groups, test, CLASSES)
    np.testing.assert_array_equal(tune(Settings(epochs=0)), expected)
    assert len(set(expected.tolist())) > 1


def test_training_adds_to_the_probe():
    labels = stripes(2)[1]
    losses: list[float] = []
    settings = Settings(epochs=30, learning_rate=1e-2, head_rate=1e-2, batch=10)
    result = tune(settings, on_epoch=lambda entry: losses.append(entry["loss"]))
    assert len(losses) == 30
    assert losses[-1] < 0.5 * losses[0]
    assert (result == labels).mean() > (tune(Settings(epochs=0)) == labels).mean()


def test_one_seed_says_all():
    settings = Settings(epochs=2, learning_rate=1e-2, batch=16)

    def weights(seed: int, flip: bool = True, noise: int = 0) -> torch.Tensor:
        torch.manual_seed(noise)  # of the process, which is neither used nor changed
        trunk = Trunk()
        before = torch.get_rng_state()
        tune(Settings(**{**vars(settings), "flip": flip}), seed, trunk)
        assert torch.equal(torch.get_rng_state(), before)
        return trunk.conv.weight.detach()

    first = weights(0)
    assert torch.equal(first, weights(0, noise=1))
    assert not torch.equal(first, weights(1))
    assert not torch.equal(first, weights(0, flip=False))


def test_rates_fall_along_a_cosine():
    """Adam's first step moves every weight by the rate; of two, the second is taken at half of it."""
    start = Trunk().conv.weight.detach()

    def moved(epochs: int, rate: float = 1e-3) -> torch.Tensor:
        trunk = Trunk()
        tune(
            Settings(epochs=epochs, learning_rate=rate, head_rate=0.0, batch=40, weight_decay=0.0, flip=False), 0, trunk
        )
        return (trunk.conv.weight.detach() - start).abs()

    once, twice = moved(1), moved(2)
    assert once.max().item() == pytest.approx(1e-3, rel=1e-3)
    assert once.median().item() == pytest.approx(1e-3, rel=1e-2)
    assert twice.median().item() == pytest.approx(1.5e-3, rel=2e-2)
    assert not moved(1, rate=0.0).any()


def test_weights_decay():
    trunk = Trunk()
    start = copy.deepcopy(trunk.conv.weight.detach())
    settings = Settings(epochs=1, learning_rate=1e-6, batch=40, weight_decay=1e4)
    tune(settings, 0, trunk)
    torch.testing.assert_close(trunk.conv.weight.detach(), start * (1 - 1e-2), rtol=1e-3, atol=2e-6)


@pytest.mark.parametrize("shape", [(2, 4, 3), (5, 2, 4, 3)])  # frames, and clips of them
def test_frames_are_mirrored_left_to_right(shape):
    frames = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    given = frames.copy()
    result = _batch(given, np.array([False, True, False])).numpy()
    expected = frames.copy()
    for column in range(4):
        expected[1, ..., column, :] = frames[1, ..., 3 - column, :]
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(given, frames)


def test_classes_without_frames_are_not_predicted():
    labels = np.where(stripes(1)[1] % 2, 3, 1)
    result = tune(Settings(epochs=1, batch=10), labels=labels)
    assert set(result.tolist()) == {1, 3}


def test_what_can_not_be_trained():
    frames, labels, groups = stripes(1)
    with pytest.raises(SeehearError, match=r"features of shape \(6,\), not \(5,\)"):
        fine_tune(Trunk(), 5, frames, labels, groups, frames, CLASSES, Settings(), 0)
    with pytest.raises(SeehearError, match="no longer finite in epoch"):
        tune(Settings(epochs=3, learning_rate=1e30, batch=10))
