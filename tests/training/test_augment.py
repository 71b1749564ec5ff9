"""Clips that are made from others, each part against a loop over clips."""

import math

import numpy as np
import pytest
import torch

from seehear.training.augment import Example, augmented, joined, mixed, recombined
from seehear.training.recipe import Recipe

LENGTHS = (4, 3, 4, 2, 4)


def batch(modalities=("audio", "visual"), clips=5, classes=3, seed=0, lacking=False):
    """Clips of different length. Clip n holds the number n in the first column of every feature.

    lacking: the second clip lacks the first modality, the third all others.
    """
    generator = torch.Generator().manual_seed(seed)
    features = {name: torch.rand(clips, 4, 2 + m, generator=generator) for m, name in enumerate(modalities)}
    for x in features.values():
        x[:, :, 0] = torch.arange(clips)[:, None]
    weak = (torch.rand(clips, len(modalities), classes, generator=generator) < 0.4).float()
    segments = weak[:, None] * (torch.rand(clips, 4, len(modalities), classes, generator=generator) < 0.6)
    segments[0, 1, 0, 0] = math.nan
    present = torch.arange(4) < torch.tensor(LENGTHS[:clips])[:, None]
    available = torch.ones(clips, len(modalities), dtype=torch.bool) if lacking else None
    if lacking:
        available[1, 0] = available[2, 1:] = False
    return Example(features, present, available, weak.amax(dim=1), weak, segments)


def same(one, other):
    return all(
        torch.equal(a.nan_to_num(nan=-1), b.nan_to_num(nan=-1))
        for a, b in zip(tensors(one), tensors(other), strict=True)
    )


def tensors(example):
    masks = [mask.float() for mask in (example.present, example.available) if mask is not None]
    return [*example.features.values(), *masks, example.labels, example.weak, example.segments]


@pytest.mark.parametrize("share", [0.4, 1.0, 2.0])
@pytest.mark.parametrize("disjoint", [0.0, 1.0])
@pytest.mark.parametrize("modalities", [("audio", "visual"), ("audio", "visual", "smell")])
@pytest.mark.parametrize("lacking", [False, True])
def test_recombined_is_the_loop(share, disjoint, modalities, lacking):
    given = batch(modalities, lacking=lacking)
    made = recombined(given, share, disjoint, np.random.default_rng(0))
    assert len(made.labels) == round(share * 5)
    first = made.features["audio"][:, 0, 0].int().tolist()  # clips are marked by their number
    other = made.features["visual"][:, 0, 0].int().tolist()
    for k, (one, two) in enumerate(zip(first, other, strict=True)):
        assert one != two or disjoint or lacking
        if lacking:
            has = [bool(given.available[one, 0]), *given.available[two, 1:].tolist()]
            assert made.available[k].tolist() == has
            assert any(has)
        for m, name in enumerate(modalities):
            source = one if m == 0 else two
            assert torch.equal(made.features[name][k], given.features[name][source])
            assert torch.equal(made.weak[k, m], given.weak[source, m])
            assert torch.equal(made.segments[k, :, m].nan_to_num(9), given.segments[source, :, m].nan_to_num(9))
        assert made.present[k].tolist() == [t < min(LENGTHS[one], LENGTHS[two]) for t in range(4)]
        for c in range(3):
            assert made.labels[k, c] == max(made.weak[k, m, c] for m in range(len(modalities)))
    if share == 1.0:
        assert sorted(first) == [0, 1, 2, 3, 4]  # the sound of every clip is used once


def test_partners_without_a_common_class():
    for seed in range(5):
        given = batch(clips=5, seed=seed)
        made = recombined(given, 2.0, 1.0, np.random.default_rng(seed))
        for k in range(10):
            one, two = (int(made.features[name][k, 0, 0]) for name in ("audio", "visual"))
            common = [(given.labels[one] * given.labels[n]).any() for n in range(5)]
            assert not common[two] or all(common)


@pytest.mark.parametrize("lacking", [False, True])
def test_mixed_is_the_loop(lacking):
    given, alpha = batch(lacking=lacking), 1.7
    made = mixed(given, alpha, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    partners, drawn = rng.permutation(5), rng.beta(alpha, alpha, size=5)
    for n, (partner, share) in enumerate(zip(partners.tolist(), drawn.tolist(), strict=True)):
        share = max(share, 1 - share)  # a clip stays more itself than the other
        if lacking:
            both = given.available[n] & given.available[partner]
            partner = partner if both.any() else n  # a mixture has at least one modality
            assert torch.equal(made.available[n], given.available[n] & given.available[partner])
        for name in ("labels", "weak", "segments"):
            before, after = getattr(given, name), getattr(made, name)
            expected = share * before[n] + (1 - share) * before[partner]
            torch.testing.assert_close(after[n], expected, equal_nan=True, atol=1e-6, rtol=1e-5)
        for name, x in given.features.items():
            expected = share * x[n] + (1 - share) * x[partner]
            torch.testing.assert_close(made.features[name][n], expected, atol=1e-6, rtol=1e-5)
        assert made.present[n].tolist() == [t < min(LENGTHS[n], LENGTHS[partner]) for t in range(4)]
    assert made.segments.isnan().any()


def test_a_batch_of_one_clip():
    alone = batch(clips=1)
    made = recombined(alone, 1.0, 0.5, np.random.default_rng(0))
    assert same(made, alone._replace(labels=alone.weak.amax(dim=1)))
    assert same(mixed(alone, 1.0, np.random.default_rng(0)), alone)


def test_joined_clips_come_one_after_another():
    one, two = batch(), batch(seed=1)
    both = joined(one, two)
    assert same(both.take(torch.arange(5)), one)
    assert same(both.take(torch.arange(5, 10)), two)


def test_the_recipe_decides():
    given = batch()
    rng = np.random.default_rng
    assert augmented(given, Recipe(), rng(0)) is given
    twice = augmented(given, Recipe(recombine=1.0), rng(0))
    assert same(twice.take(torch.arange(5)), given)
    assert same(twice.take(torch.arange(5, 10)), recombined(given, 1.0, 0.0, rng(0)))
    assert len(augmented(given, Recipe(recombine=0.4, mixup=1.0), rng(0)).labels) == 7
    assert same(augmented(given, Recipe(mixup=1.0), rng(1)), mixed(given, 1.0, rng(1)))
    assert not same(augmented(given, Recipe(mixup=1.0), rng(1)), augmented(given, Recipe(mixup=1.0), rng(2)))


def test_clips_of_one_length_have_no_mask():
    given = batch()._replace(present=None)
    made = augmented(given, Recipe(recombine=1.0, mixup=1.0), np.random.default_rng(0))
    assert made.present is None
    assert len(made.labels) == 10
