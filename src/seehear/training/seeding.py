"""Random draws of an epoch depend on the run's seed and the epoch's number alone, whichever process trains it."""

from __future__ import annotations

import numpy as np
import torch


def seed_torch(*numbers: int) -> None:
    """Seed torch's generator, which dropout draws from, by these numbers."""
    torch.manual_seed(int(np.random.default_rng(numbers).integers(1 << 62)))
