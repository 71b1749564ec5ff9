"""AVSS against its definition in loops."""

import math

import pytest
import torch

from losses.contrastive import oracle
from losses.contrastive.clips import generic, uneven
from seehear.losses import AVSS, avss


def pseudo(seed=0, clips=2, length=4, classes=3):
    """Pseudo-labels of both modalities; segments without a class, and one of which something is not known."""
    generator = torch.Generator().manual_seed(seed)
    both = (torch.rand(2, clips, length, classes, generator=generator, dtype=torch.float64) < 0.4).double()
    both[0, 0, 1, 2] = math.nan
    both[1, 1, 2] = 0
    return both


def loop(first, second, of_first, of_second, inside):
    """One clip."""
    terms = []
    times = [t for t, here in enumerate(inside) if here]
    for t in times:
        for s in times:
            a, b = of_first[t].tolist(), of_second[s].tolist()
            if any(math.isnan(value) for value in (*a, *b)):
                continue
            both = sum(x * y for x, y in zip(a, b, strict=True))
            either = sum(a) + sum(b) - both
            if either > 0:
                terms.append((oracle.cosine(first[t].tolist(), second[s].tolist()) - both / either) ** 2)
    return sum(terms) / len(terms) if terms else 0.0


def test_loss_is_the_loop():
    first, second, mask = uneven()
    labels = pseudo()
    expected = [loop(first[n], second[n], labels[0, n], labels[1, n], mask[n].tolist()) for n in range(2)]
    found = avss(first, second, *labels, mask)
    assert found.tolist() == pytest.approx(expected, abs=1e-6)
    assert all(value > 0 for value in expected)
    assert AVSS()(first, second, *labels, mask).item() == pytest.approx(sum(expected) / 2, abs=1e-6)


def test_soft_labels_are_the_loop():
    first, second = generic()
    labels = torch.rand(2, 2, 4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = [loop(first[n], second[n], labels[0, n], labels[1, n], [True] * 4) for n in range(2)]
    assert avss(first, second, *labels).tolist() == pytest.approx(expected, abs=1e-6)


def test_is_zero_where_the_same_happens_and_embeddings_agree():
    one = torch.eye(3, dtype=torch.float64)[None]  # at each time another class, and another direction
    assert avss(one, one, one, one).item() == pytest.approx(0, abs=1e-12)
    assert avss(one, one.roll(1, dims=1), one, one).item() > 0.1


def test_a_clip_in_which_nothing_is_labelled_has_loss_0():
    first, second = (x.requires_grad_() for x in generic())
    nothing = torch.zeros(2, 4, 3, dtype=torch.float64)
    for labels in (nothing, torch.full_like(nothing, math.nan)):
        loss = AVSS()(first, second, labels, labels)
        assert loss.item() == 0
        loss.backward()
        assert first.grad.isfinite().all()


def test_gradient_reaches_both_modalities_and_no_padding():
    first, second, mask = uneven()
    first, second = first.requires_grad_(), second.requires_grad_()
    AVSS()(first, second, *pseudo(), mask).backward()
    for x in (first, second):
        assert x.grad.isfinite().all()
        assert (x.grad[mask] != 0).any()
        assert (x.grad[~mask] == 0).all()
