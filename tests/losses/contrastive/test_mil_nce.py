"""A clip against those without its labels: the loop, and what must hold of it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from losses.contrastive import oracle
from losses.contrastive.clips import batches, generic, uneven
from seehear.losses.contrastive.mil_nce import mil_nce


def loop(first, second, labels, present, temperature):
    """Of each clip, by every pair of its segments and of strangers' segments, one at a time."""

    def mean(n, m):
        """Of exp(s / τ), of segments of clip n in the first modality and of clip m in the second."""
        pairs = [(i, j) for i in oracle.there(present[n]) for j in oracle.there(present[m])]
        values = [math.exp(oracle.cosine(first[n][i], second[m][j]) / temperature) for i, j in pairs]
        return sum(values) / len(values)

    def known(n):
        return {c for c, value in enumerate(labels[n]) if value > 0.5}

    losses = []
    for n in range(len(first)):
        others = [m for m in range(len(first)) if known(n) and known(m) and not known(n) & known(m)]
        if not others:
            losses.append(0.0)
            continue
        strange = [mean(n, m) for m in others] + [mean(m, n) for m in others]
        own = mean(n, n)
        losses.append(-math.log(own / (own + sum(strange) / len(strange))))
    return losses


@settings(max_examples=40, deadline=None)
@given(batches(), st.data())
def test_loss_is_the_loop(batch, data):
    row = st.lists(st.sampled_from([0.0, 0.5, 0.6, 1.0]), min_size=3, max_size=3)
    labels = data.draw(st.lists(row, min_size=len(batch.first), max_size=len(batch.first)))
    expected = loop(batch.first.tolist(), batch.second.tolist(), labels, batch.present.tolist(), 0.3)
    found = mil_nce(batch.first, batch.second, torch.tensor(labels), batch.present, 0.3)
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


def test_clips_that_all_look_the_same_cost_a_coin():
    same = torch.ones(3, 4, 5)
    torch.testing.assert_close(mil_nce(same, same, torch.eye(3)), torch.full((3,), math.log(2)))


def test_what_goes_together_costs_nothing_and_what_is_swapped_much():
    apart = torch.eye(2)[:, None].expand(2, 3, 2)
    assert (mil_nce(apart, apart, torch.eye(2)) < 1e-3).all()
    assert (mil_nce(apart, apart.flip(0), torch.eye(2)) > 9).all()


def test_gradient():
    first, second = (x.requires_grad_() for x in generic())
    present = uneven()[2]
    labels = torch.eye(2, dtype=first.dtype)
    assert torch.autograd.gradcheck(lambda x, y: mil_nce(x, y, labels, present, 0.5), (first, second))
