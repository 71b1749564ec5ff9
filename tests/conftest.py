"""What all tests share."""

import gc
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

# A busy machine is no fault. What is rare is left to `make fuzz`.
settings.register_profile("without a clock", deadline=None, max_examples=50)
settings.load_profile("without a clock")

# Tests train tiny models, which more threads only make slower; subprocesses inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A job in the background ignores Ctrl-C, and so would the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

sys.path.insert(0, str(Path(__file__).parent))  # so that `make_media` can be imported from anywhere


TOGETHER = "tests/engines"  # one process runs these: each would start a cluster of its own
# Files that take longest. Each runs in one process: if one began last, the others would wait for it.
LONGEST = (
    "test_notebooks.py",
    "engines",
    "selection/test_select.py",
    "paper/test_reproduce.py",
    "test_faults.py",
    "selection/test_trainings.py",
    "test_bad_input.py",
    "selection/test_api.py",
    "training/test_refined.py",
    "test_tutorial.py",
    "test_guide.py",
    "training/test_train.py",
    "training/test_memory.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, places.get(item.path.parent, len(places))))


class Scheduling(LoadFileScheduling):
    """A file's tests run in one process, and all tests of a cluster."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER if nodeid.startswith(TOGETHER) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Distribute the tests over processes."""
    return Scheduling(config, log)


def pytest_collection_finish() -> None:
    """Leave the millions of objects that collecting made out of every later look for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def no_flush():
    """Tests write thousands of files, which no loss of power threatens. On a busy disk a flush takes up to a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="module")
def few_draws():
    """For tests of a module in which intervals are not what is looked at."""
    from seehear.scoring import intervals

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "DRAWS", 20)
        yield
