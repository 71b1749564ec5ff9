"""Which pairs count, and their mean."""

import torch

from seehear.losses.contrastive.reduction import counting, mask, mean_where

PRESENT = torch.tensor([[True, False, True], [False, True, False]])


def test_pairs_of_what_is_there():
    assert counting(PRESENT).nonzero().tolist() == [[0, 0, 0], [0, 0, 2], [0, 2, 0], [0, 2, 2], [1, 1, 1]]
    assert counting(PRESENT, "others").nonzero().tolist() == [[0, 0, 2], [0, 2, 0]]
    assert counting(PRESENT, "part").nonzero().tolist() == [[0, 0, 0], [0, 2, 2], [1, 1, 1]]


def test_all_segments_are_there_unless_said_otherwise():
    there = mask(torch.zeros(2, 3, 5), None)
    assert there.shape == (2, 3)
    assert there.dtype == torch.bool
    assert there.all()
    assert mask(torch.zeros(2, 3, 5), PRESENT) is PRESENT


def test_mean_is_of_what_counts():
    values = torch.tensor([[1.0, torch.nan, 3.0], [torch.inf, 5.0, torch.nan], [7.0, 7.0, 7.0]])
    counts = torch.cat([PRESENT, torch.zeros(1, 3, dtype=torch.bool)])
    assert mean_where(values, counts).tolist() == [2, 5, 0]


def test_mean_over_more_than_one_axis():
    values = torch.arange(8.0).view(1, 2, 2, 2)
    assert mean_where(values, values > 3).tolist() == [5.5]
