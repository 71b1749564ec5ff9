"""The contrastive loss as a recipe sets it: over pairs of modalities and clips."""

import pytest
import torch
from torch.testing import assert_close

from losses.contrastive import oracle
from losses.contrastive.clips import Batch, generic
from seehear.errors import SeehearError
from seehear.losses import ContrastiveLoss, ContrastSettings
from seehear.losses.contrastive.registry import LOSSES

NAMES = ("audio", "visual", "smell")
LABELS = torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 1, 0]])
MASK = torch.tensor([[True] * 5, [True, True, True, False, False], [True, True, True, True, False]])
EMBEDDINGS = generic(clips=3, length=5, modalities=3)
LOOPS = {"simclr": oracle.simclr, "time-weighted": oracle.time_weighted, "mtsc": oracle.mtsc}


def loss_of(modalities=3, labels=LABELS, order=(0, 1, 2), **options):
    loss = ContrastiveLoss({"loss": "mtsc", **options}, NAMES[:modalities])
    order = list(order)
    return loss(EMBEDDINGS[:modalities, order], labels[order], MASK[order]).item()


def expected(pairs, loop=oracle.mtsc, weight=0.0):
    """Return the mean over pairs of modalities, by index, and clips."""
    found = []
    for m, n in pairs:
        losses = Batch(EMBEDDINGS[m], EMBEDDINGS[n], MASK).each(loop)
        negatives = oracle.disjoint(EMBEDDINGS[m].tolist(), EMBEDDINGS[n].tolist(), LABELS.tolist(), MASK.tolist())
        found += [x + weight * y for x, y in zip(losses, negatives, strict=True)]
    return pytest.approx(sum(found) / len(found), rel=1e-5)


@pytest.mark.parametrize("name", list(LOOPS))
@pytest.mark.parametrize(("modalities", "pairs"), [(2, [(0, 1)]), (3, [(0, 1), (0, 2), (1, 2)])])
def test_mean_over_pairs_of_modalities_and_clips(name, modalities, pairs):
    assert loss_of(modalities, loss=name) == expected(pairs, LOOPS[name])


def test_between_picks_pairs_and_their_order():
    assert loss_of(between=("smell+audio", "audio+visual")) == expected([(2, 0), (0, 1)])
    assert loss_of(between=("visual+audio",)) == expected([(1, 0)])
    assert loss_of(between=("visual+audio",)) != expected([(0, 1)])  # the target comes from the first one


def test_disjoint_is_added_by_its_weight():
    assert loss_of(2, disjoint=0.7) == expected([(0, 1)], weight=0.7)
    common = torch.ones_like(LABELS)
    assert loss_of(2, labels=common, disjoint=0.7) == loss_of(2)


@pytest.mark.parametrize("name", list(LOSSES))
def test_order_of_clips_does_not_matter(name):
    options = {"loss": name, "disjoint": 0.5}
    assert loss_of(order=(2, 0, 1), **options) == pytest.approx(loss_of(**options))


@pytest.mark.parametrize(
    ("reading", "reached"),
    [
        ({"temperature": 0.5}, {"simclr", "time-weighted"}),
        ({"lag": "shifted"}, {"time-weighted", "mtsc"}),
        ({"exponent": 1.0}, {"time-weighted", "mtsc"}),
        ({"within": "both"}, {"mtsc"}),
        ({"pairs": "part"}, {"mtsc"}),
        ({"residual": "absolute"}, {"mtsc"}),
        ({"weight": 9.0}, set()),
    ],
)
def test_readings_reach_the_loss(reading, reached):
    assert {name for name in LOOPS if loss_of(loss=name, **reading) != loss_of(loss=name)} == reached


def test_all_clips_of_one_length():
    loss = ContrastiveLoss(ContrastSettings(loss="mtsc"), NAMES[:2])
    everything = torch.ones_like(MASK)
    assert_close(loss(EMBEDDINGS[:2], LABELS), loss(EMBEDDINGS[:2], LABELS, everything))
    assert loss(EMBEDDINGS[:2], LABELS).shape == ()


def test_has_no_parameters():
    loss = ContrastiveLoss(ContrastSettings(loss="mtsc", disjoint=1.0), NAMES)
    assert not [*loss.parameters(), *loss.buffers()]


@pytest.mark.parametrize("loss", [ContrastiveLoss(), ContrastiveLoss(ContrastSettings()), ContrastiveLoss({})])
def test_without_a_loss_it_is_zero(loss):
    embeddings = EMBEDDINGS[:2].clone().requires_grad_()
    value = loss(embeddings, LABELS, MASK)
    assert value.item() == 0
    value.backward()
    total = embeddings.square().sum() + value
    total.backward()
    assert_close(embeddings.grad, 2 * embeddings.detach())


def test_settings_as_an_object_a_mapping_or_keywords():
    value = loss_of(2, exponent=1.0, disjoint=0.5)
    settings = ContrastSettings(loss="mtsc", exponent=1.0)
    for loss in (
        ContrastiveLoss(settings, disjoint=0.5),
        ContrastiveLoss({"loss": "mtsc", "disjoint": 0.5}, exponent=1.0),
        ContrastiveLoss(loss="mtsc", exponent=1.0, disjoint=0.5),
    ):
        assert loss(EMBEDDINGS[:2], LABELS, MASK).item() == value
    text = repr(ContrastiveLoss(settings))
    assert text == "ContrastiveLoss(ContrastSettings(loss='mtsc', exponent=1.0), modalities=('audio', 'visual'))"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "mstc"}, "no contrastive loss 'mstc': did you mean mtsc"),
        ({"los": "mtsc"}, "no setting 'los': did you mean loss"),
        ({"loss": "mtsc", "exponent": -1}, "exponent: .*greater than or equal to 0"),
        ({"loss": "mtsc", "modalities": ["audio"]}, "compares two modalities"),
    ],
)
def test_mistakes_are_named(options, message):
    with pytest.raises(SeehearError, match=message):
        ContrastiveLoss(**options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([EMBEDDINGS], r"M the modalities audio, visual; these have \(3, 3, 5, 3\)"),
        ([EMBEDDINGS[0]], r"must have shape \(M, B, T, d\)"),
        ([EMBEDDINGS[:2]], "needs the clips' weak labels"),
        ([EMBEDDINGS[:2], LABELS[:2]], "one row per clip"),
        ([EMBEDDINGS[:2], LABELS, MASK[:, :2]], "mask must be bool"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(SeehearError, match=message):
        ContrastiveLoss(loss="mtsc", disjoint=1.0)(*arguments)


@pytest.mark.parametrize("disjoint", [0.0, 0.5])
def test_clips_that_lack_a_modality_take_no_part(disjoint):
    """The loss of a pair of modalities is that of the clips that have both; others get no gradient."""
    available = torch.tensor([[True, True, False], [True, False, False], [True, True, True]])
    embeddings = EMBEDDINGS.clone().requires_grad_()
    loss = ContrastiveLoss({"loss": "mtsc", "disjoint": disjoint, "between": ["audio+visual"]}, NAMES)
    found = loss(embeddings, LABELS, MASK, available)
    assert found.item() == pytest.approx(loss(EMBEDDINGS[:, [0, 2]], LABELS[[0, 2]], MASK[[0, 2]]).item(), rel=1e-5)
    found.backward()
    assert not embeddings.grad[:, 1].any()
    assert embeddings.grad.isfinite().all()


def test_no_clip_with_both_modalities():
    embeddings = EMBEDDINGS[:2].clone().requires_grad_()
    available = torch.tensor([[True, False], [False, True], [True, False]])
    found = ContrastiveLoss({"loss": "mtsc"}, NAMES[:2])(embeddings, LABELS, MASK, available)
    found.backward()
    assert found.item() == 0
    assert not embeddings.grad.any()
