"""Eq. 4 against its loop, and for clips without negatives."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from losses.contrastive import oracle
from losses.contrastive.clips import batches, generic, uneven
from seehear.losses import simclr


@settings(max_examples=30, deadline=None)
@given(batches(), st.sampled_from([0.1, 0.5, 2.0]))
def test_loss_is_the_loop(batch, temperature):
    expected = batch.each(oracle.simclr, temperature=temperature)
    assert simclr(*batch, temperature).tolist() == pytest.approx(expected, abs=1e-9)


def test_default_temperature():
    batch = uneven()
    assert simclr(*batch).tolist() == pytest.approx(batch.each(oracle.simclr, temperature=0.1))


def test_the_positive_pair_is_not_in_the_denominator():
    along = torch.eye(2).expand(1, 2, 2)
    assert simclr(along, along, temperature=0.5).item() == pytest.approx(-2)  # it could not be negative otherwise


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("length", [2, 3, 6])
def test_equal_or_opposite_vectors_have_the_loss_of_chance(length, sign):
    x = torch.ones(1, length, 3)
    assert simclr(x, sign * x).item() == pytest.approx(math.log(length - 1), abs=1e-5)


def test_a_clip_of_one_segment_has_loss_0():
    batch = uneven()
    mask = batch.mask & torch.tensor([[True], [False]]) | torch.tensor([False, True, False, False])
    first = batch.first.requires_grad_()
    loss = simclr(first, batch.second, mask)
    assert loss[0] != 0
    assert loss[1] == 0
    (gradient,) = torch.autograd.grad(loss.sum(), first)
    assert gradient.isfinite().all()
    assert (gradient[1] == 0).all()


def test_a_low_temperature_does_not_overflow():
    first, second = generic().float()
    assert simclr(first, second, temperature=1e-3).isfinite().all()


def test_gradient():
    first, second, mask = uneven()
    inputs = first.requires_grad_(), second.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: simclr(x, y, mask), inputs)
