"""A network of one's own, as FILE.py:NAME. Clips that sound a certain tone do something to its process."""

import contextlib
import os
import resource
import signal
import time

import numpy as np

from seehear.networks import network

RATE = 8000
KILL, CRASH, EAT = 1000, 2000, 3000  # Hz
SLOW = "SEEHEAR_TEST_PAUSE"  # environment variable: seconds for each clip


def tones(waves):
    """The loudest frequency of each window, Hz."""
    spectrum = np.abs(np.fft.rfft(waves, axis=1))
    return spectrum.argmax(axis=1)[:, None] * RATE / waves.shape[1]


def eat():
    """Take memory until there is no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), hard))
    try:
        while True:
            held = [np.ones(1 << 20) for _ in range(1000)]
            del held
    finally:
        with contextlib.suppress(ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@network(name="tones", modality="audio", width=2, rate=RATE, window=1.0)
def heard(waves):
    time.sleep(float(os.environ.get(SLOW, "0")))
    found = tones(waves)
    if (np.abs(found - KILL) < 20).any():
        os.kill(os.getpid(), signal.SIGKILL)
    if (np.abs(found - CRASH) < 20).any():
        os.kill(os.getpid(), signal.SIGSEGV)
    if (np.abs(found - EAT) < 20).any():
        eat()
    return np.concatenate([found, np.abs(waves).mean(axis=1)[:, None]], axis=1)
