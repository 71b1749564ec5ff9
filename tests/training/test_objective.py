"""The parts of a recipe's loss that follow from labels per modality, against loops."""

import math

import numpy as np
import pytest
import torch

from seehear.training.objective import _positive_weight, _targets, fitted_labels


def loop(probabilities, weak, share):
    """One modality and class at a time: leave out the labels that fit worst here and better elsewhere."""
    kept = weak.clone()
    clips, modalities, classes = weak.shape
    loss = -probabilities.log()
    for m in range(modalities):
        for c in range(classes):
            having = [n for n in range(clips) if weak[n, m, c]]
            excess = {}
            for n in having:
                elsewhere = [float(loss[n, k, c]) for k in range(modalities) if k != m and weak[n, k, c]]
                excess[n] = float(loss[n, m, c]) - min(elsewhere) if elsewhere else -math.inf
            worst = sorted(having, key=lambda n: -excess[n])[: math.floor(share * len(having))]
            for n in worst:
                if excess[n] > 0:
                    kept[n, m, c] = 0
    return kept


@pytest.mark.parametrize("share", [0.1, 0.3, 0.9])
@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_fitted_labels_are_the_loop(share, modalities):
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        probabilities = torch.rand(12, modalities, 3, generator=generator).clamp(min=0.01)
        weak = (torch.rand(12, modalities, 3, generator=generator) < 0.6).float()
        kept = fitted_labels(probabilities, weak, share)
        assert torch.equal(kept, loop(probabilities, weak, share))
        assert torch.equal(kept.amax(dim=1), weak.amax(dim=1))  # never left out of every modality
        assert (kept <= weak).all()
    assert modalities == 1 or share < 0.3 or not torch.equal(kept, weak)


def test_probabilities_of_0_and_1_are_labels_as_any_other():
    probabilities, weak = torch.tensor([[[0.0], [1.0]], [[0.0], [0.0]]]), torch.ones(2, 2, 1)
    kept = fitted_labels(probabilities, weak, 0.5)
    assert kept.tolist() == [[[0], [1]], [[1], [1]]]


def test_targets_are_soft_or_0_and_1():
    confidence = torch.tensor([0.2, 0.5, 0.9, math.nan])
    assert _targets(confidence, soft=True) is confidence
    hard = _targets(confidence, soft=False)
    assert hard[:3].tolist() == [0, 1, 1]
    assert hard[3].isnan()


@pytest.mark.parametrize("balance", [0.5, 1.0])
@pytest.mark.parametrize("soft", [False, True])
def test_the_weight_of_positives_is_the_loop(balance, soft, monkeypatch):
    monkeypatch.setattr("seehear.training.objective.COUNTED", 4)
    rng = np.random.default_rng(0)
    confidence = torch.from_numpy((rng.random((6, 4, 2, 3)) * [0.6, 0.9, 0.4]).astype(np.float32))
    confidence[2, :, 0, 1] = math.nan
    found = _positive_weight(confidence, balance, soft)
    for m in range(2):
        for c in range(3):
            known = [value for value in confidence[:, :, m, c].flatten().tolist() if not math.isnan(value)]
            share = sum(value if soft else value >= 0.5 for value in known) / len(known)
            share = min(max(share, 1e-3), 1 - 1e-3)
            assert found[m, c].item() == pytest.approx(((1 - share) / share) ** balance, rel=1e-5)
    assert _positive_weight(confidence, 0.0, soft) is None
    assert _positive_weight(None, 1.0, soft) is None
