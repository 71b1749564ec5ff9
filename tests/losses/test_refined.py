"""The loss of labels per modality against its definition in loops."""

import math

import pytest
import torch

from seehear.fusion.pooling import Output
from seehear.losses import RefinedLoss, refined_loss, weak_loss

LENGTHS = (5, 3, 4)


def batch(modalities=2, classes=4):
    """Probabilities, weak labels, refined labels, pseudo-labels with gaps, and which segments lie within their clip."""
    generator = torch.Generator().manual_seed(0)
    shape = (3, 5, modalities, classes)
    output = Output(*(torch.rand(size, generator=generator) for size in (shape, (3, classes), (3, *shape[2:]))))
    labels = (torch.rand(3, classes, generator=generator) < 0.5).float()
    weak = labels[:, None] * (torch.rand(3, *shape[2:], generator=generator) < 0.7)
    segments = (torch.rand(shape, generator=generator) * weak[:, None]).round(decimals=1)
    segments[0, 1, 0, 2] = segments[2, :, 1, 0] = math.nan
    mask = torch.arange(5) < torch.tensor(LENGTHS)[:, None]
    return output, labels, weak, segments, mask


def cross_entropy(p, y):
    return -(y * math.log(p) + (1 - y) * math.log(1 - p))


def loop(output, labels, weak, segments, lengths, segment_weight=1.0, positive_weight=None):
    clips, _, modalities, classes = segments.shape
    total = 0.0
    for n in range(clips):
        for c in range(classes):
            total += cross_entropy(output.clip[n, c].item(), labels[n, c].item()) / (clips * classes)
            for m in range(modalities):
                total += cross_entropy(output.modality_clip[n, m, c].item(), weak[n, m, c].item()) / (clips * classes)
    for m in range(modalities):
        terms = []
        for n in range(clips):
            for t in range(lengths[n]):
                for c in range(classes):
                    y = segments[n, t, m, c].item()
                    if not math.isnan(y):
                        extra = 1 if positive_weight is None else 1 + (positive_weight[m, c].item() - 1) * y
                        terms.append(extra * cross_entropy(output.segment[n, t, m, c].item(), y))
        total += segment_weight * (sum(terms) / len(terms) if terms else 0.0)
    return total


@pytest.mark.parametrize("segment_weight", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("balanced", [False, True])
def test_loss_is_the_loop(segment_weight, balanced):
    *arguments, mask = batch()
    positive = torch.rand(2, 4) * 5 if balanced else None
    options = {"segment_weight": segment_weight, "positive_weight": positive}
    expected = loop(*arguments, LENGTHS, **options)
    assert refined_loss(*arguments, mask, **options).item() == pytest.approx(expected, rel=1e-5)


def test_without_a_mask_every_segment_counts():
    *arguments, _ = batch()
    assert refined_loss(*arguments).item() == pytest.approx(loop(*arguments, (5, 5, 5)), rel=1e-5)


def test_module_is_the_function():
    output, *arguments = batch()
    found = RefinedLoss(0.5)(tuple(output), *arguments)
    assert found.item() == refined_loss(output, *arguments, segment_weight=0.5).item()
    assert repr(RefinedLoss(0.5)) == "RefinedLoss(segment_weight=0.5)"


def test_with_the_weak_labels_in_every_modality_it_is_the_weak_loss():
    output, labels, _, segments, mask = batch()
    found = refined_loss(output, labels, labels[:, None].expand(3, 2, 4), segments, mask, segment_weight=0)
    assert found.item() == pytest.approx(weak_loss(output, labels, 1.0).item(), rel=1e-6)


def test_where_nothing_is_known_nothing_is_learnt():
    output, labels, weak, segments, mask = batch()
    segment = output.segment.clone().requires_grad_()
    refined_loss(output._replace(segment=segment), labels, weak, segments, mask).backward()
    counted = mask[..., None, None] & ~segments.isnan()
    assert segment.grad.isfinite().all()
    assert not segment.grad[~counted].any()
    assert segment.grad[counted].all()
    unknown = torch.full_like(segments, math.nan)
    assert refined_loss(output, labels, weak, unknown, mask).item() == pytest.approx(
        refined_loss(output, labels, weak, segments, mask, segment_weight=0).item()
    )


def test_certain_and_wrong_has_finite_loss():
    zero, one = torch.zeros(1, 2, 1, 1), torch.ones(1, 1)
    output = Output(zero, one * 0, one[None] * 0)
    assert refined_loss(output, one, one[None], zero + 1).isfinite()


def test_a_modality_that_a_clip_lacks_does_not_count():
    output, labels, weak, segments, mask = batch()
    available = torch.tensor([[True, True], [True, False], [False, True]])
    expected = 0.0
    for n in range(3):
        for c in range(4):
            expected += cross_entropy(output.clip[n, c].item(), labels[n, c].item()) / 12
    for m in range(2):
        having = [n for n in range(3) if available[n, m]]
        terms, known = [], []
        for n in having:
            for c in range(4):
                terms.append(cross_entropy(output.modality_clip[n, m, c].item(), weak[n, m, c].item()))
                for t in range(LENGTHS[n]):
                    y = segments[n, t, m, c].item()
                    if not math.isnan(y):
                        known.append(cross_entropy(output.segment[n, t, m, c].item(), y))
        expected += sum(terms) / len(terms) + sum(known) / len(known)
    found = refined_loss(output, labels, weak, segments, mask, available)
    assert found.item() == pytest.approx(expected, rel=1e-5)
    assert RefinedLoss()(output, labels, weak, segments, mask, available).item() == found.item()
