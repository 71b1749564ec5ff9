"""How far modalities agree: a correlation, against the loop and where there is none."""

import pytest
import torch
from hypothesis import given, settings

from losses.contrastive import oracle
from losses.contrastive.clips import batches, generic, uneven
from seehear.losses.contrastive.agreement import agreement


@settings(max_examples=40, deadline=None)
@given(batches())
def test_agreement_is_the_loop(batch):
    assert agreement(*batch).tolist() == pytest.approx(batch.each(oracle.agreement), abs=1e-7)


def test_with_itself_turned_or_stretched_it_is_full():
    x, y = generic(clips=3, length=6)
    turned = x[..., [2, 0, 1]] * torch.tensor([1, -1, 1])
    torch.testing.assert_close(agreement(x, 3 * turned), torch.ones(3, dtype=torch.float64))
    assert (agreement(x, y) < 0.9).all()


def test_disagreement_counts_as_none():
    one = torch.tensor([[[1.0, 0], [1, 0], [0, 1]]])  # the first two are alike
    other = torch.tensor([[[1.0, 0], [0, 1], [1, 0]]])  # the first and the last
    assert agreement(one, one).item() == pytest.approx(1)
    assert agreement(one, other).item() == 0


def test_passes_no_gradient():
    batch = uneven()
    assert not agreement(batch.first.requires_grad_(), batch.second.requires_grad_(), batch.present).requires_grad


@pytest.mark.parametrize("length", [1, 2])
def test_one_pair_of_segments_tells_nothing(length):
    assert agreement(*generic(clips=3, length=length)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounding_is_no_variation(dtype):
    one, other = generic(clips=16, length=8, width=16).to(dtype)
    parallel = one[:, :1] * torch.linspace(0.1, 3, 8, dtype=dtype)[:, None]  # of different length, all of similarity 1
    assert agreement(parallel, other).tolist() == [0] * 16
    assert agreement(other, parallel).tolist() == [0] * 16
    assert agreement(torch.zeros_like(one), other).tolist() == [0] * 16


def test_padding_does_not_matter():
    first, second = generic(clips=2, length=5)
    present = torch.tensor([[True, True, True, True, False], [False, True, True, False, True]])
    noise = torch.where(present[..., None], first, first.flip(1) * 9)
    torch.testing.assert_close(agreement(noise, second, present), agreement(first, second, present))
    torch.testing.assert_close(agreement(first[:1, :4], second[:1, :4]), agreement(first, second, present)[:1])
