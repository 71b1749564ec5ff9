"""What holds for every registered loss: a new one is covered by its line in the registry."""

import pkgutil
from importlib import import_module

import pytest
import torch
from hypothesis import given, settings

import seehear.losses.contrastive as package
from losses.contrastive.clips import batches, generic, gradients, uneven
from seehear.losses import ContrastSettings, EmbeddingLoss
from seehear.losses.contrastive.registry import LOSSES, loss_class

every_loss = pytest.mark.parametrize("name", list(LOSSES))
NOT_REGISTERED = {"Disjoint"}  # a term that `contrast.disjoint` adds to any loss


def loss_of(name, share_labels=False):
    """Return the loss per clip, of clips that share no label, or all the same one."""
    loss = loss_class(name).from_settings(ContrastSettings(loss=name))

    def per_clip(first, second, mask=None):
        labels = torch.ones(len(first), 1) if share_labels else torch.eye(len(first))
        mask = torch.ones(first.shape[:2], dtype=torch.bool) if mask is None else mask
        return loss.per_clip(first, second, mask, labels.to(first.dtype))

    return per_clip


def test_every_loss_is_registered():
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    found = {
        subclass.__name__ for subclass in EmbeddingLoss.__subclasses__() if subclass.__module__.startswith("seehear.")
    }
    assert found == {loss_class(name).__name__ for name in LOSSES} | NOT_REGISTERED


@every_loss
def test_module_is_the_mean_over_clips(name):
    batch = uneven()
    module = loss_class(name).from_settings(ContrastSettings(loss=name))
    labels = torch.eye(2).to(batch.first.dtype)
    each = loss_of(name)(*batch)
    torch.testing.assert_close(module(*batch, labels), each.mean())
    assert module(*batch, labels).shape == ()
    # A single clip needs no batch axis.
    single = module(*(x[1] for x in batch), labels[1])
    torch.testing.assert_close(single, module(*(x[1:] for x in batch), labels[1:]))
    assert not [*module.parameters(), *module.buffers()]
    assert repr(module).startswith(type(module).__name__ + "(")
    assert "\n" not in repr(module)


@every_loss
def test_defaults_are_those_of_the_settings(name):
    default, from_settings = loss_class(name)(), loss_class(name).from_settings(ContrastSettings(loss=name))
    assert default.settings == from_settings.settings


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
        assert (gradient[~batch.mask] == 0).all()
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
        other.append(torch.where(batch.mask[..., None], x * size, noise))
    torch.testing.assert_close(loss_of(name)(*other, batch.mask), loss_of(name)(*batch))


@every_loss
def test_the_order_of_clips_does_not_matter(name):
    first, second, mask = uneven()
    order = [1, 0]
    expected = loss_of(name)(first, second, mask)
    assert expected[0] != expected[1]
    torch.testing.assert_close(loss_of(name)(first[order], second[order], mask[order]), expected[order])


@every_loss
def test_clips_that_share_their_labels_have_no_influence_on_each_other(name):
    first, second, mask = uneven()
    loss = loss_of(name, share_labels=True)
    torch.testing.assert_close(loss(first[:1], second[:1], mask[:1]), loss(first, second, mask)[:1])


@every_loss
def test_cutting_padding_off_changes_nothing(name):
    first, second = generic()
    mask = torch.tensor([True, True, True, False]).expand(2, 4)
    torch.testing.assert_close(loss_of(name)(first, second, mask), loss_of(name)(first[:, :3], second[:, :3]))


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
