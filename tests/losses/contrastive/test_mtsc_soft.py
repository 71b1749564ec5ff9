"""MTSC's targets as a distribution, against the loop."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from losses.contrastive import oracle
from losses.contrastive.clips import LAGS, WITHIN, Batch, batches, generic, gradients, numeric_gradient, uneven
from seehear.losses.contrastive.lag import lag_weights
from seehear.losses.contrastive.mtsc_soft import mtsc_soft


@settings(max_examples=30, deadline=None)
@given(
    batches(), st.sampled_from([0.1, 0.5]), st.sampled_from(WITHIN), st.sampled_from(LAGS), st.sampled_from([0.0, 5.0])
)
def test_loss_is_the_loop(batch, temperature, within, lag, exponent):
    expected = batch.each(oracle.mtsc_soft, temperature=temperature, within=within, reading=lag, exponent=exponent)
    found = mtsc_soft(*batch, temperature=temperature, within=within, lag=lag, exponent=exponent)
    assert found.tolist() == pytest.approx(expected, abs=1e-5)


def test_readings_unless_given():
    batch = uneven()
    expected = batch.each(oracle.mtsc_soft, temperature=0.1, within="first", reading="clamped", exponent=5.0)
    assert mtsc_soft(*batch).tolist() == pytest.approx(expected, abs=1e-5)


def test_a_clip_of_one_segment_costs_nothing():
    assert mtsc_soft(*generic(length=1)).tolist() == [0, 0]


@pytest.mark.parametrize("length", [2, 5])
def test_zero_vectors_say_nothing(length):
    zero = torch.zeros(1, length, 3)
    assert mtsc_soft(zero, zero).item() == pytest.approx(math.log(length))


def test_least_where_similarity_is_its_target():
    x = torch.eye(4, dtype=torch.float64)[None]
    wanted = torch.softmax(lag_weights(4).double() * torch.eye(4) / 0.1, dim=-1)
    entropy = -(wanted * wanted.log()).sum(dim=-1).mean()
    assert mtsc_soft(x, x).item() == pytest.approx(entropy.item(), abs=1e-9)
    for gradient in gradients(mtsc_soft, Batch(x, x, torch.ones(1, 4, dtype=torch.bool))):
        torch.testing.assert_close(gradient, torch.zeros_like(x))
    assert mtsc_soft(x, generic(1, 4, 4)[1]) > entropy + 0.1


@pytest.mark.parametrize("within", WITHIN)
def test_no_gradient_flows_through_the_target(within):
    batch = uneven()
    found = gradients(lambda *clips: mtsc_soft(*clips, within=within), batch)
    frozen = [x.tolist() for x in batch[:2]]

    def value(first, second):
        clips = zip(first.tolist(), second.tolist(), batch.present.tolist(), *frozen, strict=True)
        return sum(
            oracle.mtsc_soft(one, other, there, within=within, detached=(a, b)) for one, other, there, a, b in clips
        )

    torch.testing.assert_close(
        found,
        (
            numeric_gradient(lambda x: value(x, batch.second), batch.first),
            numeric_gradient(lambda x: value(batch.first, x), batch.second),
        ),
        atol=1e-5,
        rtol=1e-4,
    )
