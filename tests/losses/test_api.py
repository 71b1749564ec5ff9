"""The losses as a notebook uses them: tensors in, a number out, in a plain training loop."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import seehear as sh
from losses.contrastive import oracle
from losses.contrastive.clips import generic, uneven
from seehear.errors import SeehearError
from seehear.fusion.model import ParsingModel
from seehear.losses.contrastive.reduction import mean_where
from seehear.losses.contrastive.registry import LOSSES, loss_class
from seehear.losses.contrastive.similarity import cosine

EVERY = [loss_class(name) for name in LOSSES] + [sh.losses.Disjoint]
every_class = pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)


def test_mtsc_in_a_plain_loop():
    audio, visual = (x.clone().requires_grad_() for x in generic(clips=3, length=5, width=8))
    mask = torch.arange(5) < torch.tensor([5, 3, 4])[:, None]
    start = audio.detach().clone()
    loss_of = sh.losses.MTSC(exponent=5)
    optimiser = torch.optim.Adam([audio, visual], lr=0.05)
    history = []
    for _ in range(100):
        loss = loss_of(audio, visual, mask)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    assert history[-1] < 0.1 * history[0]
    assert torch.equal(audio[~mask], start[~mask])  # padding gets no gradient
    assert not torch.equal(audio[mask], start[mask])


@pytest.mark.parametrize(
    ("options", "readings"),
    [
        ({}, {}),
        ({"exponent": 1}, {"exponent": 1.0}),
        ({"pairs": "part"}, {"pairs": "part"}),
        ({"residual": "absolute"}, {"kind": "absolute"}),
        ({"lag": "shifted", "exponent": 2}, {"reading": "shifted", "exponent": 2.0}),
        ({"within": "both"}, {"within": "both"}),
    ],
)
def test_mtsc_is_the_mean_of_the_loop(options, readings):
    batch = uneven()
    expected = batch.each(oracle.mtsc, **readings)
    assert sh.losses.MTSC(**options)(*batch).item() == pytest.approx(sum(expected) / 2, abs=1e-6)


def test_simclr_and_time_weighted_are_the_means_of_their_loops():
    batch = uneven()
    expected = batch.each(oracle.simclr, temperature=0.2)
    assert sh.losses.SimCLR(temperature=0.2)(*batch).item() == pytest.approx(sum(expected) / 2)
    expected = batch.each(oracle.time_weighted, temperature=0.2, reading="shifted", exponent=2.0)
    found = sh.losses.TimeWeighted(temperature=0.2, lag="shifted", exponent=2)(*batch)
    assert found.item() == pytest.approx(sum(expected) / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("cls", "function"),
    [
        (sh.losses.MTSC, sh.losses.mtsc),
        (sh.losses.SimCLR, sh.losses.simclr),
        (sh.losses.TimeWeighted, sh.losses.time_weighted),
    ],
)
def test_a_module_is_the_mean_of_its_function(cls, function):
    batch = uneven()
    each = function(*batch)
    assert each.shape == (2,)
    torch.testing.assert_close(cls()(*batch), each.mean())
    torch.testing.assert_close(function(batch.first, batch.second), function(*batch[:2], torch.ones_like(batch.mask)))


@every_class
def test_mask_and_batch_axis(cls):
    """Without a mask all segments count; a single clip needs no batch axis."""
    first, second, mask = uneven()
    labels = torch.eye(2)
    loss = cls()
    torch.testing.assert_close(
        loss(first, second, labels=labels), loss(first, second, torch.ones_like(mask), labels=labels)
    )
    single = loss(first[0], second[0], mask[0], labels[0])
    assert single.shape == ()
    torch.testing.assert_close(single, loss(first[:1], second[:1], mask[:1], labels[:1]))


@every_class
def test_gradient_reaches_both_modalities(cls):
    first, second, mask = uneven()
    first, second = first.requires_grad_(), second.requires_grad_()
    cls()(first, second, mask, torch.eye(2)).backward()
    for x in (first, second):
        assert x.grad.isfinite().all()
        assert (x.grad[mask] != 0).any()
        assert (x.grad[~mask] == 0).all()


@every_class
def test_is_a_module_like_any_other(cls):
    loss = cls().to(torch.float32).train().eval()
    assert not [*loss.parameters(), *loss.buffers()]
    assert repr(loss).startswith(f"{cls.__name__}(")
    assert torch.nn.ModuleList([loss])[0] is loss


@every_class
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([torch.zeros(2, 3, 4), torch.zeros(2, 5, 4)], r"same shape, .*\(2, 3, 4\) and \(2, 5, 4\)"),
        ([torch.zeros(4), torch.zeros(4)], r"\(T, d\) for a single clip"),
        ([*torch.zeros(2, 2, 3, 4), torch.ones(2, 3)], r"mask must be bool of shape \(2, 3\).*float32"),
        ([*torch.zeros(2, 2, 3, 4), torch.ones(2, 4, dtype=torch.bool)], r"mask .*\(2, 4\)"),
        ([*torch.zeros(2, 2, 3, 4), None, torch.ones(3, 5)], r"one row per clip, \(2, C\)"),
    ],
)
def test_bad_shapes_are_named(cls, arguments, message):
    with pytest.raises(SeehearError, match=message):
        cls()(*arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sh.losses.MTSC(pairs="all"), "MTSC: pairs: .*'part' or 'entire'"),
        (lambda: sh.losses.MTSC(exponent=-1), "MTSC: exponent: .*greater than or equal to 0"),
        (lambda: sh.losses.SimCLR(temperature=0), "SimCLR: temperature: .*greater than 0"),
        (lambda: sh.losses.TimeWeighted(lag="none"), "TimeWeighted: lag: .*'clamped' or 'shifted'"),
        (lambda: sh.losses.mtsc(*generic(), residual="cubed"), "'cubed'.*squared"),
        (lambda: sh.losses.mtsc(*generic(), within="third"), "'third'.*first"),
        (lambda: sh.losses.mtsc(*generic(), lag="clamp"), "'clamp'.*clamped"),
        (lambda: sh.losses.mtsc(*generic(), pairs="al"), "'al'"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(SeehearError, match=message):
        make()


def test_the_task_losses_in_a_plain_loop():
    """A model, weak labels and MTSC on its embeddings; and dense labels."""
    torch.manual_seed(0)
    features = {"audio": torch.randn(4, 5, 6), "visual": torch.randn(4, 5, 7)}
    labels = (torch.rand(4, 3) < 0.5).float()
    truth = (torch.rand(4, 5, 2, 3) < 0.3).float()
    for task, target in ((sh.losses.WeakLoss([1.0, 0.9]), labels), (sh.losses.DenseLoss(), truth)):
        model = ParsingModel({"audio": [6], "visual": [7]}, 3, width=8, feed_forward=8)
        optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
        contrast = sh.losses.MTSC()
        history = []
        for _ in range(30):
            embeddings = model.embed(features)
            loss = task(model.parse(embeddings), target) + 0.1 * contrast(*embeddings)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            history.append(loss.item())
        assert history[-1] < 0.9 * history[0]


def test_every_export_is_importable_and_listed():
    for name in sh.losses.__all__:
        assert getattr(sh.losses, name).__name__ == name
        assert name in dir(sh.losses)
    with pytest.raises(AttributeError, match="no attribute 'Nope'"):
        _ = sh.losses.Nope


def test_losses_import_torch_only_when_used():
    code = "import sys, seehear; seehear.losses; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_loss_of_your_own_is_one_method():
    class SameTime(sh.losses.EmbeddingLoss):
        def per_clip(self, first, second, mask, labels=None):
            distance = 1 - cosine(first, second).diagonal(dim1=-2, dim2=-1)  # (B, T)
            return mean_where(distance, mask)

    first, second, mask = uneven()
    expected = [
        sum(1 - oracle.cosine(a[t], b[t]) for t in oracle.times_of(inside)) / len(oracle.times_of(inside))
        for a, b, inside in zip(first.tolist(), second.tolist(), mask.tolist(), strict=True)
    ]
    assert SameTime()(first, second, mask).item() == pytest.approx(sum(expected) / 2)
    assert SameTime()(first[0], second[0]).item() == pytest.approx(expected[0])


def test_arrays_that_are_no_tensors_are_named():
    with pytest.raises(SeehearError, match="torch tensors, not ndarray"):
        sh.losses.MTSC()(np.ones((2, 3, 4)), np.ones((2, 3, 4)))
