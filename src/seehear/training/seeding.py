"""Random draws of an epoch depend on the run's seed and the epoch's number alone, whichever process trains it."""

from __future__ import annotations

import numpy as np
import torch


def seed_torch(*numbers: int) -> None:
    """Seed torch's generator, which dropout draws from, by these numbers."""
    seed_generators(int(np.random.default_rng(numbers).integers(1 << 62)))


def seed_generators(number: int) -> None:
    """Seed torch's generators of the processor and of the GPUs, if there are any.

    `torch.manual_seed` would, each time, note where it was called from for kinds of devices that nobody has.
    """
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(number)
