"""Weights by lag: both readings of 1/|i−j|^e."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from losses.contrastive import oracle
from losses.contrastive.clips import LAGS
from seehear.losses.contrastive.lag import READINGS, lag_weights


def test_all_readings_are_tested():
    assert set(READINGS) == set(LAGS)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 8), st.sampled_from(LAGS), st.floats(0, 8))
def test_weights_are_the_loop(length, reading, exponent):
    expected = [[oracle.lag_weight(i, j, reading, exponent) for j in range(length)] for i in range(length)]
    torch.testing.assert_close(lag_weights(length, reading, exponent), torch.tensor(expected))


@pytest.mark.parametrize(("reading", "expected"), [("clamped", [1, 1, 1 / 32]), ("shifted", [1, 1 / 32, 1 / 243])])
def test_the_papers_exponent(reading, expected):
    assert lag_weights(3, reading)[0].tolist() == pytest.approx(expected)


def test_with_exponent_0_all_weights_are_1():
    for reading in LAGS:
        assert (lag_weights(5, reading, 0) == 1).all()
