"""The target similarity: the oracle's S_ij, and no gradient."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from losses.contrastive import oracle
from losses.contrastive.clips import LAGS, WITHIN, batches, generic
from seehear.losses.contrastive.target import own_similarity, target


@settings(max_examples=25, deadline=None)
@given(batches(), st.sampled_from(WITHIN), st.sampled_from(LAGS), st.sampled_from([0.0, 0.7, 5.0]))
def test_target_is_the_loop(batch, within, reading, exponent):
    found = target(batch.first, batch.second, within, reading, exponent).tolist()
    for clip, first, second in zip(found, batch.first.tolist(), batch.second.tolist(), strict=True):
        for i, row in enumerate(clip):
            expected = [oracle.target(first, second, i, j, within, reading, exponent) for j in range(len(first))]
            assert row == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("within", WITHIN)
def test_passes_no_gradient(within):
    first, second = (x.requires_grad_() for x in generic())
    assert not own_similarity(first, second, within).requires_grad
    assert not target(first, second, within).requires_grad


def test_within_depends_on_one_modality_only():
    first, second = generic()
    assert torch.equal(target(first, second, "first"), target(first, second * 0, "first"))
    assert torch.equal(target(first, second, "second"), target(first * 0, second, "second"))
