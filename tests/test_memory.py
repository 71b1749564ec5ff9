"""Arrays in memory, in temporary files, and in blocks."""

import numpy as np
import pytest

from seehear import memory
from seehear.errors import SeehearError
from seehear.features.rows import SomeRows, part_of
from seehear.memory import BLOCK, blocks, free_memory, memory_limit, taken, zeros


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


def test_free_memory_is_some_of_the_machines():
    free = free_memory()
    assert free is None or 0 <= free <= 1 << 50


@pytest.mark.parametrize(
    ("limit", "used", "expected"), [("max", 500, 10 * 1024), ("4000", 3500, 500 + 200), ("4000", 9000, 0)]
)
def test_free_memory_heeds_the_control_group(monkeypatch, tmp_path, limit, used, expected):
    """Of a machine with 10 KiB: cached files of the group, 200 bytes, count as free."""
    files = {
        "/proc/meminfo": "MemTotal:       99 kB\nMemAvailable:   10 kB\n",
        "/sys/fs/cgroup/memory.max": f"{limit}\n",
        "/sys/fs/cgroup/memory.current": f"{used}\n",
        "/sys/fs/cgroup/memory.stat": "anon 7\ninactive_file 200\n",
    }
    monkeypatch.setattr(memory, "Path", lambda name: tmp_path / name.strip("/"))
    assert free_memory() is None
    for name, content in files.items():
        file = tmp_path / name.strip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    assert free_memory() == expected
