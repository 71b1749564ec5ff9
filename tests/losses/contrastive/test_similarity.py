"""Cosine similarity: its definition, and zero vectors."""

import pytest
import torch
from hypothesis import given, settings

from losses.contrastive import oracle
from losses.contrastive.clips import batches, generic
from seehear.losses.contrastive.similarity import cosine, direction


@settings(max_examples=25, deadline=None)
@given(batches())
def test_cosine_is_the_loop(batch):
    found = cosine(batch.first, batch.second).tolist()
    for similarity, first, second in zip(found, batch.first.tolist(), batch.second.tolist(), strict=True):
        for row, x in zip(similarity, first, strict=True):
            assert row == pytest.approx([oracle.cosine(x, y) for y in second], abs=1e-12)


def test_numbers_of_segments_may_differ():
    first, second = generic(length=4)[0], generic(length=3, seed=1)[1]
    assert cosine(first, second).shape == (2, 4, 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_length_does_not_matter(dtype, size):
    x = generic().to(dtype)
    torch.testing.assert_close(direction(x * size), direction(x))
    torch.testing.assert_close(direction(x).norm(dim=-1), torch.ones(x.shape[:-1], dtype=dtype))


def test_a_zero_vector_has_no_direction_and_no_gradient():
    x = generic()
    x[0, 0, 1] = 0
    x.requires_grad_()
    similarity = cosine(x[0], x[1])  # (2, 4, 4)
    assert (similarity[0, 1] == 0).all()
    (gradient,) = torch.autograd.grad(similarity.sum(), x)
    assert gradient.isfinite().all()
    assert (gradient[0, 0, 1] == 0).all()
    assert (gradient[0, 0, 0] != 0).all()


def test_gradient():
    assert torch.autograd.gradcheck(cosine, tuple(x.requires_grad_() for x in generic(length=2)))
