"""Batches of bags against the features they are cut from."""

import numpy as np
import pytest
import torch

from seehear.features.packed import Packed
from seehear.training.bags import Bags

LENGTHS = (3, 5, 1)


def packs(lengths=LENGTHS):
    rng = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return {
        "audio": [Packed(rng.normal(size=(sum(lengths), 2)).astype(np.float32), offsets, "")],
        "visual": [Packed(rng.normal(size=(sum(lengths), w)).astype(np.float32), offsets, "") for w in (3, 4)],
    }


@pytest.mark.parametrize("in_memory", [1 << 30, 0])
def test_batches_are_the_loop(in_memory):
    given = packs()
    batch = Bags(given, in_memory=in_memory).batch(np.array([2, 0]))
    assert batch.present is not None
    assert batch.present.tolist() == [[True, False, False], [True, True, True]]
    assert batch.features["visual"].shape == (2, 3, 7)
    for row, clip in enumerate([2, 0]):
        for t in range(LENGTHS[clip]):
            for modality, of_modality in given.items():
                expected = np.concatenate([one.rows[one.offsets[clip] + t] for one in of_modality])
                np.testing.assert_array_equal(batch.features[modality][row, t].numpy(), expected)


def test_clips_of_one_length_need_no_mask():
    assert Bags(packs((4, 4))).batch(np.array([0, 1])).present is None


def lacking(given, modality, clip):
    """The same, but a clip lacks a modality."""
    available = np.arange(len(LENGTHS)) != clip
    packs = []
    for one in given[modality]:
        rows = one.rows.copy()
        rows[one.offsets[clip] : one.offsets[clip + 1]] = 0
        packs.append(Packed(rows, one.offsets, "", available=available))
    return {**given, modality: packs}


@pytest.mark.parametrize("in_memory", [1 << 30, 0])
def test_batches_say_which_modalities_clips_lack(in_memory):
    bags = Bags(lacking(packs(), "visual", 1), in_memory=in_memory)
    assert bags.available.tolist() == [[True, True], [True, False], [True, True]]
    batch = bags.batch(np.array([1, 2]))
    assert batch.available.tolist() == [[True, False], [True, True]]
    assert bags.windows(np.array([5, 0]), np.array([2, 3])).available.tolist() == [[True, False], [True, True]]
    assert bags.batch(np.array([2, 0])).available is None
    assert Bags(packs()).available is None


@pytest.mark.parametrize("in_memory", [1 << 30, 0])
def test_moments_are_those_of_the_features_that_are_there(in_memory):
    given = lacking(packs(), "visual", 1)
    mean, deviation = Bags(given, in_memory=in_memory).moments()["visual"]
    rows = np.concatenate([np.delete(one.rows, slice(3, 8), axis=0) for one in given["visual"]], axis=1)
    torch.testing.assert_close(mean, torch.from_numpy(rows.mean(0)))
    torch.testing.assert_close(deviation, torch.from_numpy(rows.std(0)))


@pytest.mark.parametrize("in_memory", [1 << 30, 0])
def test_moments(in_memory):
    given = packs()
    for modality, (mean, deviation) in Bags(given, in_memory=in_memory).moments().items():
        rows = np.concatenate([one.rows for one in given[modality]], axis=1)
        torch.testing.assert_close(mean, torch.from_numpy(rows.mean(0)))
        torch.testing.assert_close(deviation, torch.from_numpy(rows.std(0)))
