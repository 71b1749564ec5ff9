"""Dropout does what torch's dropout does."""

import pytest
import torch
from torch.nn import functional as F

from seehear.fusion.dropout import Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_rate_and_scale(p):
    torch.manual_seed(0)
    out = Dropout(p)(torch.ones(500, 403))
    assert (out == 0).float().mean().item() == pytest.approx(p, abs=0.004)  # 4 standard errors
    torch.testing.assert_close(out[out != 0], torch.full_like(out[out != 0], 1 / (1 - p)))
    assert out.mean().item() == pytest.approx(F.dropout(torch.ones(500, 403), p).mean().item(), abs=0.04)


def test_neighbours_are_independent():
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(400_000)) != 0).float() - 0.5
    for lag in (1, 2, 3, 4, 8, 512):
        assert abs((kept[:-lag] * kept[lag:]).mean().item()) < 0.25 * 4 / 400_000**0.5


def test_gradient_is_the_mask():
    x = torch.ones(7, 3, requires_grad=True)
    out = Dropout(0.5)(x)
    out.sum().backward()
    torch.testing.assert_close(x.grad, out.detach())


def test_the_seed_fixes_the_mask():
    masks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        masks.append(Dropout(0.5)(torch.ones(64)))
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_nothing_is_dropped_outside_training_or_at_zero():
    x = torch.randn(5, 5)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x
