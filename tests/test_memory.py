"""Arrays in memory, in temporary files, and in blocks."""

import numpy as np
import pytest

from seehear.errors import SeehearError
from seehear.features.rows import SomeRows, part_of
from seehear.memory import BLOCK, blocks, memory_limit, taken, zeros


@pytest.mark.parametrize("limit", ["0", "1"])
@pytest.mark.parametrize("shape", [(3, 4, 2), (0, 4), (5, 0), (9,)])
@pytest.mark.parametrize("dtype", [np.float32, np.bool_])
def test_zeros_and_some_rows_are_those_of_numpy(limit, shape, dtype, monkeypatch):
    monkeypatch.setenv("SEEHEAR_MEMORY", limit)
    found, expected = zeros(shape, dtype), np.zeros(shape, dtype)
    for array in (found, expected):
        array[1::2] = 1
    np.testing.assert_array_equal(found, expected)
    assert (type(found), found.dtype) == (type(expected), expected.dtype)
    numbers = np.array([2, 0, 2])[: len(expected)]
    np.testing.assert_array_equal(taken(found, numbers), expected[numbers])


@pytest.mark.parametrize("width", [1, 3, 1000, 2 * BLOCK])
@pytest.mark.parametrize("times", [0, 0.001, 0.999, 1, 1.001, 1.999, 2, 5.01])
def test_blocks_cover_each_row_once_and_none_is_small(times, width):
    step = max(1, BLOCK // width)
    count = round(times * step)
    parts = list(blocks(count, width))
    ends = [0, *(part.stop for part in parts)]
    assert ends[-1] == count
    assert [part.start for part in parts] == ends[:-1]
    assert all(min(count, step) <= part.stop - part.start < 2 * step for part in parts)


@pytest.mark.parametrize(("given", "expected"), [("", 4 << 30), ("0", 0), ("0.5", 1 << 29), ("64", 64 << 30)])
def test_the_memory_for_features_is_set_by_a_variable(given, expected, monkeypatch):
    monkeypatch.setenv("SEEHEAR_MEMORY", given)
    assert memory_limit() == expected
    part = part_of(np.zeros((4, 2), np.float32), np.array([1, 3]))
    assert isinstance(part, SomeRows) == (expected == 0)
    assert (zeros((4, 2)).base is not None) == (expected == 0)


@pytest.mark.parametrize("given", ["-1", "nan", "inf", "much"])
def test_a_memory_that_is_none(given, monkeypatch):
    monkeypatch.setenv("SEEHEAR_MEMORY", given)
    with pytest.raises(SeehearError, match=f"SEEHEAR_MEMORY must be a number of GiB, 0 or more, not '{given}'"):
        memory_limit()
