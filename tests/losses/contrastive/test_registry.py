"""What holds for every registered loss."""

import pkgutil
from importlib import import_module

import pytest
import torch
from hypothesis import given, settings

import seehear.losses.contrastive as package
from losses.contrastive.clips import batches, generic, gradients, uneven
from seehear.losses.contrastive.pair import Pair
from seehear.losses.contrastive.settings import LOSSES, ContrastSettings, find

every_loss = pytest.mark.parametrize("name", list(LOSSES))


def loss_of(name, strangers=True):
    """Of clips that have no label in common, or all have the same one."""
    readings = ContrastSettings(loss=name)

    def loss(first, second, present=None):
        labels = torch.eye(len(first)) if strangers else torch.ones(len(first), 1)
        return find(name)(Pair(first, second, labels.to(first.dtype), present), readings)

    return loss


def test_every_loss_is_registered():
    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    with_loss = [name for name in names if hasattr(import_module(f"{package.__name__}.{name}"), "of")]
    assert sorted(with_loss) == sorted(LOSSES.values())


@every_loss
@settings(max_examples=15, deadline=None)
@given(batch=batches())
def test_finite_for_every_clip_and_so_is_its_gradient(name, batch):
    loss = loss_of(name)
    value = loss(*batch)
    assert value.shape == (len(batch.first),)
    assert value.isfinite().all()
    for gradient, x in zip(gradients(loss, batch), batch[:2], strict=True):
        assert gradient.isfinite().all()
        assert (gradient[~batch.present] == 0).all()
        assert (gradient[~x.any(dim=-1)] == 0).all()


@every_loss
@settings(max_examples=15, deadline=None)
@given(batch=batches())
def test_neither_padding_nor_the_length_of_vectors_matters(name, batch):
    generator = torch.Generator().manual_seed(0)
    other = []
    for x in batch[:2]:
        size = 0.1 + 5 * torch.rand(*x.shape[:2], 1, generator=generator, dtype=x.dtype)
        noise = 10 * torch.randn(x.shape, generator=generator, dtype=x.dtype)
        other.append(torch.where(batch.present[..., None], x * size, noise))
    torch.testing.assert_close(loss_of(name)(*other, batch.present), loss_of(name)(*batch))


@every_loss
def test_the_order_of_clips_does_not_matter(name):
    first, second, present = uneven()
    order = [1, 0]
    expected = loss_of(name)(first, second, present)
    assert expected[0] != expected[1]
    torch.testing.assert_close(loss_of(name)(first[order], second[order], present[order]), expected[order])


@every_loss
def test_clips_that_are_no_strangers_do_not_meet(name):
    first, second, present = uneven()
    loss = loss_of(name, strangers=False)
    torch.testing.assert_close(loss(first[:1], second[:1], present[:1]), loss(first, second, present)[:1])


@every_loss
def test_without_a_mask_all_segments_are_there(name):
    first, second = generic()
    everything = torch.ones(2, 4, dtype=torch.bool)
    torch.testing.assert_close(loss_of(name)(first, second), loss_of(name)(first, second, everything))


@every_loss
def test_cutting_padding_off_changes_nothing(name):
    first, second = generic()
    present = torch.tensor([True, True, True, False]).expand(2, 4)
    torch.testing.assert_close(loss_of(name)(first, second, present), loss_of(name)(first[:, :3], second[:, :3]))


@every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_segment(name, dtype):
    for embeddings in (generic(length=1).to(dtype), torch.zeros(2, 2, 1, 3, dtype=dtype)):
        leaf = embeddings.requires_grad_()
        loss = loss_of(name)(*leaf)
        assert loss.shape == (2,)
        assert loss.isfinite().all()
        assert torch.autograd.grad(loss.sum(), leaf)[0].isfinite().all()


@every_loss
def test_zero_vectors_pass_no_gradient_in_single_precision(name):
    embeddings = torch.zeros(2, 2, 3, 4, requires_grad=True)
    loss = loss_of(name)(*embeddings)
    assert loss.isfinite().all()
    assert (torch.autograd.grad(loss.sum(), embeddings)[0] == 0).all()
