"""The fully supervised loss against its definition in loops."""

import pytest
import torch

from losses.test_weak import cross_entropy, output
from seehear.fusion.pooling import Output
from seehear.losses import DenseLoss, dense_loss


def test_loss_is_the_loop():
    out = output()
    truth = (torch.rand(3, 5, 2, 4) < 0.3).float()
    expected = 0.0
    for n in range(3):
        for c in range(4):
            active = [max(truth[n, t, m, c].item() for t in range(5)) for m in range(2)]
            expected += cross_entropy(out.clip[n, c].item(), max(active)) / 12
            for m in range(2):
                expected += cross_entropy(out.modality_clip[n, m, c].item(), active[m]) / 12
                for t in range(5):
                    expected += cross_entropy(out.segment[n, t, m, c].item(), truth[n, t, m, c].item()) / 120
    assert dense_loss(out, truth).item() == pytest.approx(expected, rel=1e-5)
    assert DenseLoss()(tuple(out), truth).item() == dense_loss(out, truth).item()


def test_right_and_certain_has_loss_0():
    truth = torch.zeros(1, 3, 2, 2)
    truth[0, 1, 0, 1] = 1
    by_modality = truth.amax(dim=1)
    out = Output(truth, by_modality.amax(dim=1), by_modality)
    assert dense_loss(out, truth).item() == pytest.approx(0, abs=1e-5)
    assert dense_loss(out, 1 - truth).item() > 10


def test_a_missing_modality_is_left_out_of_the_means():
    out = output()
    truth = (torch.rand(3, 5, 2, 4) < 0.3).float()
    available = torch.tensor([[True, True], [False, True], [True, False]])
    expected = 0.0
    for n in range(3):
        for c in range(4):
            active = [max(truth[n, t, m, c].item() for t in range(5)) for m in range(2)]
            expected += cross_entropy(out.clip[n, c].item(), max(active)) / 12
            for m in range(2):
                if available[n, m]:  # each modality has two clips, of four classes
                    expected += cross_entropy(out.modality_clip[n, m, c].item(), active[m]) / 8
                    for t in range(5):
                        expected += cross_entropy(out.segment[n, t, m, c].item(), truth[n, t, m, c].item()) / 80
    assert dense_loss(out, truth, available).item() == pytest.approx(expected, rel=1e-5)
    assert DenseLoss()(out, truth, available).item() == pytest.approx(expected, rel=1e-5)
