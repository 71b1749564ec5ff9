"""The weakly supervised loss against its definition in loops."""

import math

import pytest
import torch

from seehear.errors import SeehearError
from seehear.fusion.pooling import Output
from seehear.losses import WeakLoss, weak_loss


def cross_entropy(p, y):
    return -(y * math.log(p) + (1 - y) * math.log(1 - p))


def output(clips=3, modalities=2, classes=4):
    torch.manual_seed(0)
    return Output(
        torch.rand(clips, 5, modalities, classes), torch.rand(clips, classes), torch.rand(clips, modalities, classes)
    )


@pytest.mark.parametrize("confidence", [(1.0, 0.9), (0.5, 0.0)])
def test_loss_is_the_loop(confidence):
    out, labels = output(), torch.tensor([[1.0, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])

    expected = 0.0
    for n in range(3):
        for c in range(4):
            y = labels[n, c].item()
            expected += cross_entropy(out.clip[n, c].item(), y) / 12
            for m, trust in enumerate(confidence):
                smoothed = trust * y + (1 - trust) * 0.5
                expected += cross_entropy(out.modality_clip[n, m, c].item(), smoothed) / 12
    assert weak_loss(out, labels, confidence).item() == pytest.approx(expected, rel=1e-5)
    assert WeakLoss(confidence)(tuple(out), labels).item() == weak_loss(out, labels, confidence).item()


def test_one_confidence_for_all_modalities():
    out, labels = output(), torch.tensor([[1.0, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])
    assert weak_loss(out, labels, 0.8).item() == pytest.approx(weak_loss(out, labels, [0.8, 0.8]).item())
    assert WeakLoss(0.8)(out, labels).item() == weak_loss(out, labels, 0.8).item()
    assert WeakLoss()(out, labels).item() == weak_loss(out, labels, [1.0, 1.0]).item()


def test_bad_confidences_are_named():
    with pytest.raises(SeehearError, match=r"confidence is in \[0, 1\].*1\.5"):
        WeakLoss([1.0, 1.5])
    with pytest.raises(SeehearError, match="2 modalities and 3 confidences"):
        WeakLoss([1.0, 1.0, 1.0])(output(), torch.zeros(3, 4))


def test_certain_and_wrong_has_finite_loss():
    out = Output(torch.zeros(1, 1, 1, 2), torch.tensor([[0.0, 1.0]]), torch.tensor([[[1.0, 0.0]]]))
    assert torch.isfinite(weak_loss(out, torch.tensor([[1.0, 0.0]]), [1.0]))
    assert weak_loss(out, torch.tensor([[1.0, 0.0]]), [1.0]) > 10


def test_right_and_certain_has_loss_0():
    labels = torch.tensor([[1.0, 0.0]])
    out = Output(torch.zeros(1, 1, 2, 2), labels, labels[:, None].expand(1, 2, 2))
    assert weak_loss(out, labels, [1.0, 1.0]).item() == pytest.approx(0, abs=1e-5)


def test_a_missing_modality_is_left_out_of_the_mean():
    out, labels = output(), torch.tensor([[1.0, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])
    available = torch.tensor([[True, True], [False, True], [True, False]])
    expected = 0.0
    for c in range(4):
        expected += sum(cross_entropy(out.clip[n, c].item(), labels[n, c].item()) for n in range(3)) / 12
        for m, trust in enumerate((1.0, 0.9)):
            having = [n for n in range(3) if available[n, m]]
            for n in having:
                smoothed = trust * labels[n, c].item() + (1 - trust) * 0.5
                expected += cross_entropy(out.modality_clip[n, m, c].item(), smoothed) / (4 * len(having))
    assert weak_loss(out, labels, (1.0, 0.9), available).item() == pytest.approx(expected, rel=1e-5)
    assert WeakLoss((1.0, 0.9))(out, labels, available).item() == pytest.approx(expected, rel=1e-5)
    everything = weak_loss(out, labels, 1.0, torch.ones(3, 2, dtype=torch.bool))
    assert everything.item() == pytest.approx(weak_loss(out, labels, 1.0).item())
    only_visual = weak_loss(out, labels, 1.0, torch.tensor([[False, True]] * 3))
    assert torch.isfinite(only_visual)
