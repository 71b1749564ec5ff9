"""What all tests share."""

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("without a clock", deadline=None)  # a busy machine is no fault
settings.load_profile("without a clock")

# Tests train tiny models, which more threads only make slower; subprocesses inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A job in the background ignores Ctrl-C, and so would the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

sys.path.insert(0, str(Path(__file__).parent))  # so that `make_media` can be imported from anywhere


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
