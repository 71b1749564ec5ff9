"""Eq. 5 against its loop, and compared with Eq. 4."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from losses.contrastive import oracle
from losses.contrastive.clips import LAGS, batches, uneven
from seehear.losses import simclr, time_weighted


@settings(max_examples=30, deadline=None)
@given(batches(), st.sampled_from([0.1, 0.5]), st.sampled_from(LAGS), st.sampled_from([0.5, 1.0, 5.0]))
def test_loss_is_the_loop(batch, temperature, lag, exponent):
    expected = batch.each(oracle.time_weighted, temperature=temperature, reading=lag, exponent=exponent)
    assert time_weighted(*batch, temperature, lag, exponent).tolist() == pytest.approx(expected, abs=1e-5)


def test_default_readings():
    batch = uneven()
    expected = batch.each(oracle.time_weighted, temperature=0.1, reading="clamped", exponent=5.0)
    assert time_weighted(*batch).tolist() == pytest.approx(expected, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(batches(), st.sampled_from(LAGS))
def test_without_exponent_it_is_simclr(batch, lag):
    torch.testing.assert_close(time_weighted(*batch, lag=lag, exponent=0.0), simclr(*batch))


def test_far_negatives_hardly_count():
    batch = uneven()
    assert time_weighted(*batch)[0] != pytest.approx(simclr(*batch)[0].item(), abs=1e-3)
    # `clamped` gives neighbours their full weight.
    two = torch.tensor([[True, True, False, False], [False, False, True, True]])
    torch.testing.assert_close(time_weighted(*batch[:2], two), simclr(*batch[:2], two))


def test_gradient():
    first, second, mask = uneven()
    inputs = first.requires_grad_(), second.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: time_weighted(x, y, mask, exponent=1.0), inputs)
