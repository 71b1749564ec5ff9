"""A network of one's own, as FILE.py:NAME. Clips that sound a certain tone do something to its process."""

import contextlib
import os
import resource
import signal
import time
from pathlib import Path

import numpy as np

from seehear.networks import network

RATE = 8000
KILL, CRASH, EAT = 1000, 2000, 3000  # Hz


def tones(waves):
    """The loudest frequency of each window, Hz."""
    spectrum = np.abs(np.fft.rfft(waves, axis=1))
    return spectrum.argmax(axis=1)[:, None] * RATE / waves.shape[1]


def eat():
    """Take memory until there is no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGE_SIZE") + (64 << 20), hard))
    try:
        held = []
        while True:
            held.append(np.ones(1 << 20))
    finally:
        with contextlib.suppress(ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def wait():
    """Wait as long as a file beside this one says, which tests write: processes of a cluster have its environment."""
    pause = Path(__file__).with_name("pause")
    if pause.exists():
        time.sleep(float(pause.read_text()))


@network(name="tones", modality="audio", width=2, rate=RATE, window=1.0)
def heard(waves):
    wait()
    found = tones(waves)
    if (np.abs(found - KILL) < 20).any():
        os.kill(os.getpid(), signal.SIGKILL)
    if (np.abs(found - CRASH) < 20).any():
        os.kill(os.getpid(), signal.SIGSEGV)
    if (np.abs(found - EAT) < 20).any():
        eat()
    return np.concatenate([found, np.abs(waves).mean(axis=1)[:, None]], axis=1)
