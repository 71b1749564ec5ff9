"""The benchmarks of speed, on sizes so small that nothing but their running is tested."""

import importlib.util
import sys
from pathlib import Path

import pytest

from seehear.results import table

FOLDER = Path(__file__).parents[1] / "benchmarks"
PROCESSES = {"extraction", "parsing"}  # they need weights of networks, and minutes


@pytest.fixture(scope="module")
def run():
    spec = importlib.util.spec_from_file_location("benchmarks_run", FOLDER / "run.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


def test_every_row_has_its_floor(run):
    from speed.row import HEADER, TINY

    found = run.measure([name for name in run.SECTIONS if name not in PROCESSES], TINY)
    assert all(found.values())
    for name, rows in found.items():
        for row in rows:
            assert row.what
            assert row.found
            assert name == "floors" or (row.floor and row.share.endswith(" %"))
    lines = table([HEADER, *(row for rows in found.values() for row in rows)]).splitlines()
    assert max(map(len, lines)) <= 120


def test_durations_and_shares_are_short():
    from speed.row import duration, percent

    assert [duration(value) for value in (12.34, 0.0123, 4.56e-5)] == ["12.3 s", "12.3 ms", "45.6 µs"]
    assert [percent(share) for share in (0.456, 0.0123)] == ["46 %", "1 %"]
