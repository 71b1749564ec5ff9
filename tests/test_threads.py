"""Threads: one variable governs all libraries, and threads that wait leave the core to others."""

import os

import pytest
import torch

from seehear import device
from seehear.errors import SeehearError


@pytest.fixture
def threads():
    """Leave torch as many threads as it had."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def test_the_variable_governs_torch(threads, monkeypatch):
    monkeypatch.setenv("SEEHEAR_THREADS", str(threads + 1))
    device.limit_torch()
    assert torch.get_num_threads() == device.thread_count() == threads + 1


def test_without_the_variable_torch_keeps_its_number(threads, monkeypatch):
    monkeypatch.delenv("SEEHEAR_THREADS", raising=False)
    torch.set_num_threads(3)
    device.limit_torch()
    assert torch.get_num_threads() == 3
    assert device.thread_count() == device.core_count()


@pytest.mark.parametrize("wrong", ["0", "-1", "many", "1.5"])
def test_a_number_that_is_none(threads, monkeypatch, wrong):
    monkeypatch.setenv("SEEHEAR_THREADS", wrong)
    with pytest.raises(SeehearError, match="SEEHEAR_THREADS must be a whole number of threads"):
        device.limit_torch()


def test_waiting_threads_sleep_soon_unless_the_user_says_otherwise(monkeypatch):
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    device.sleep_while_waiting()
    assert os.environ["GOMP_SPINCOUNT"] == device.FEW_SPINS
    monkeypatch.setenv("GOMP_SPINCOUNT", "5")
    device.sleep_while_waiting()
    assert os.environ["GOMP_SPINCOUNT"] == "5"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    device.sleep_while_waiting()
    assert "GOMP_SPINCOUNT" not in os.environ
