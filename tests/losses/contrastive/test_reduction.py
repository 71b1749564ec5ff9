"""Which pairs count, and their mean."""

import pytest
import torch

from seehear.errors import SeehearError
from seehear.losses.contrastive.reduction import mean_where, pair_mask, segment_mask

MASK = torch.tensor([[True, False, True], [False, True, False]])


def test_pairs_of_segments_in_the_mask():
    assert pair_mask(MASK).nonzero().tolist() == [[0, 0, 0], [0, 0, 2], [0, 2, 0], [0, 2, 2], [1, 1, 1]]
    assert pair_mask(MASK, "others").nonzero().tolist() == [[0, 0, 2], [0, 2, 0]]
    assert pair_mask(MASK, "part").nonzero().tolist() == [[0, 0, 0], [0, 2, 2], [1, 1, 1]]
    with pytest.raises(SeehearError, match="'all'"):
        pair_mask(MASK, "all")


def test_without_a_mask_all_segments_count():
    inside = segment_mask(torch.zeros(2, 3, 5), None)
    assert inside.shape == (2, 3)
    assert inside.dtype == torch.bool
    assert inside.all()
    assert segment_mask(torch.zeros(2, 3, 5), MASK) is MASK


def test_mean_of_what_counts():
    values = torch.tensor([[1.0, torch.nan, 3.0], [torch.inf, 5.0, torch.nan], [7.0, 7.0, 7.0]])
    mask = torch.cat([MASK, torch.zeros(1, 3, dtype=torch.bool)])
    assert mean_where(values, mask).tolist() == [2, 5, 0]


def test_mean_over_more_than_one_axis():
    values = torch.arange(8.0).view(1, 2, 2, 2)
    assert mean_where(values, values > 3).tolist() == [5.5]
