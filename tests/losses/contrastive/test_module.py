"""The loss by its settings: over pairs of modalities and clips."""

import pytest
import torch
from torch.testing import assert_close

from losses.contrastive import oracle
from losses.contrastive.clips import Batch, generic
from seehear.losses.contrastive.module import ContrastiveLoss
from seehear.losses.contrastive.settings import LOSSES, ContrastSettings

NAMES = ("audio", "visual", "smell")
LABELS = torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 1, 0]])
PRESENT = torch.tensor([[True] * 5, [True, True, True, False, False], [True, True, True, True, False]])
EMBEDDINGS = generic(clips=3, length=5, modalities=3)
LOOPS = {"simclr": oracle.simclr, "time-weighted": oracle.time_weighted, "mtsc": oracle.mtsc}


def loss_of(modalities=3, labels=LABELS, order=(0, 1, 2), **options):
    loss = ContrastiveLoss(ContrastSettings(**{"loss": "mtsc", **options}), NAMES[:modalities])
    order = list(order)
    return loss(EMBEDDINGS[:modalities, order], labels[order], PRESENT[order]).item()


def expected(pairs, loop=oracle.mtsc, follow=False, weight=0.0):
    """Mean over pairs of modalities, numbered, and clips."""
    found = []
    for m, n in pairs:
        batch = Batch(EMBEDDINGS[m], EMBEDDINGS[n], PRESENT)
        losses = batch.each(loop)
        if follow:
            losses = [x * share for x, share in zip(losses, batch.each(oracle.agreement), strict=True)]
        apart = oracle.disjoint(EMBEDDINGS[m].tolist(), EMBEDDINGS[n].tolist(), LABELS.tolist(), PRESENT.tolist())
        found += [x + weight * y for x, y in zip(losses, apart, strict=True)]
    return pytest.approx(sum(found) / len(found), rel=1e-5)


@pytest.mark.parametrize("name", list(LOOPS))
@pytest.mark.parametrize(("modalities", "pairs"), [(2, [(0, 1)]), (3, [(0, 1), (0, 2), (1, 2)])])
def test_mean_over_pairs_of_modalities_and_clips(name, modalities, pairs):
    assert loss_of(modalities, loss=name) == expected(pairs, LOOPS[name])


def test_between_picks_pairs_and_their_order():
    assert loss_of(between=("smell+audio", "audio+visual")) == expected([(2, 0), (0, 1)])
    assert loss_of(between=("visual+audio",)) == expected([(1, 0)])
    assert loss_of(between=("visual+audio",)) != expected([(0, 1)])  # the target is the first one's


def test_follow_weighs_clips_by_agreement():
    pairs = [(0, 1), (0, 2), (1, 2)]
    assert loss_of(follow="agreement") == expected(pairs, follow=True)
    assert 0 < loss_of(follow="agreement") < loss_of()


@pytest.mark.parametrize("follow", [False, True])
def test_disjoint_is_added_by_its_weight_and_follows_nothing(follow):
    options = {"follow": "agreement"} if follow else {}
    assert loss_of(2, disjoint=0.7, **options) == expected([(0, 1)], follow=follow, weight=0.7)
    common = torch.ones_like(LABELS)
    assert loss_of(2, labels=common, disjoint=0.7, **options) == loss_of(2, **options)


@pytest.mark.parametrize("name", list(LOSSES))
def test_order_of_clips_does_not_matter(name):
    options = {"loss": name, "disjoint": 0.5, "follow": "agreement"}
    assert loss_of(order=(2, 0, 1), **options) == pytest.approx(loss_of(**options))


def test_readings_reach_the_loss():
    soft, lagging = "mtsc-soft", {"time-weighted", "mtsc", "mtsc-soft"}
    for reading, reached in (
        ({"temperature": 0.5}, {"simclr", "time-weighted", soft}),
        ({"lag": "shifted"}, lagging),
        ({"exponent": 1.0}, lagging),
        ({"within": "both"}, {"mtsc", soft}),
        ({"pairs": "part"}, {"mtsc"}),
        ({"residual": "absolute"}, {"mtsc"}),
        ({"weight": 9.0}, set()),
    ):
        assert {name for name in {*LOOPS, soft} if loss_of(loss=name, **reading) != loss_of(loss=name)} == reached


def test_all_clips_of_one_length():
    loss = ContrastiveLoss(ContrastSettings(loss="mtsc"), NAMES[:2])
    everything = torch.ones_like(PRESENT)
    assert_close(loss(EMBEDDINGS[:2], LABELS), loss(EMBEDDINGS[:2], LABELS, everything))
    assert loss(EMBEDDINGS[:2], LABELS).shape == ()


def test_has_no_parameters():
    loss = ContrastiveLoss(ContrastSettings(loss="mtsc"), NAMES)
    assert not [*loss.parameters(), *loss.buffers()]
