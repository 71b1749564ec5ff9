"""Clips that share no label: which they are, and the loop over their segments."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from losses.contrastive import oracle
from losses.contrastive.clips import batches, generic, uneven
from seehear.errors import SeehearError
from seehear.losses import Disjoint, disjoint


@settings(max_examples=40, deadline=None)
@given(batches(), st.data())
def test_loss_is_the_loop(batch, data):
    row = st.lists(st.sampled_from([0.0, 0.4, 0.5, 0.6, 1.0]), min_size=3, max_size=3)
    labels = data.draw(st.lists(row, min_size=len(batch.first), max_size=len(batch.first)))
    expected = oracle.disjoint(batch.first.tolist(), batch.second.tolist(), labels, batch.mask.tolist())
    found = disjoint(batch.first, batch.second, torch.tensor(labels), batch.mask)
    assert found.tolist() == pytest.approx(expected, abs=1e-9)
    mean = Disjoint()(batch.first, batch.second, batch.mask, torch.tensor(labels))
    assert mean.item() == pytest.approx(sum(expected) / len(expected), abs=1e-9)


def test_clips_without_labels_or_with_a_common_label_are_not_disjoint():
    first, second = generic(clips=3)
    for labels in ([[1, 0], [1, 1], [1, 0]], [[1, 0], [0, 0], [0, 0]], [[1, 0], [0.5, 0.5], [0, 0]]):
        assert disjoint(first, second, torch.tensor(labels)).tolist() == [0, 0, 0]
    two_disjoint = disjoint(first, second, torch.tensor([[1.0, 0], [0, 1], [1, 1]]))
    assert (two_disjoint > 0).tolist() == [True, True, False]


def test_equal_and_opposite_vectors_have_loss_1_and_orthogonal_ones_0():
    labels = torch.eye(2)
    ones = torch.ones(2, 3, 4)
    for sign in (1, -1):
        torch.testing.assert_close(disjoint(ones, sign * ones, labels), torch.ones(2))
    orthogonal = torch.eye(2)[:, None].expand(2, 3, 2)
    assert disjoint(orthogonal, orthogonal, labels).tolist() == [0, 0]


def test_padding_and_length_of_vectors_do_not_matter():
    first, second, mask = uneven()
    labels = torch.eye(2)
    expected = disjoint(first, second, labels, mask)
    padded = [torch.where(mask[..., None], 3 * x, 7 * x + 1).requires_grad_() for x in (first, second)]
    found = disjoint(*padded, labels, mask)
    torch.testing.assert_close(found, expected)
    for gradient in torch.autograd.grad(found.sum(), padded):
        assert (gradient[~mask] == 0).all()
        assert (gradient[mask] != 0).any()


def test_gradient():
    first, second, mask = uneven()
    first[0, 1] = 0
    inputs = first.requires_grad_(), second.requires_grad_()
    gradient = torch.autograd.grad(disjoint(*inputs, torch.eye(2), mask).sum(), first)[0]
    assert gradient.isfinite().all()
    assert (gradient[0, 1] == 0).all()
    generic_inputs = tuple(x.requires_grad_() for x in generic())
    assert torch.autograd.gradcheck(lambda x, y: disjoint(x, y, torch.eye(2), mask), generic_inputs)


def test_labels_are_needed():
    with pytest.raises(SeehearError, match="needs the clips' weak labels"):
        Disjoint()(*uneven())
