"""How much two segments of a clip have to do with each other, by the time between them (T of Wu et al., Eqs. 5, 6).

The paper's T = 1/|i−j|^5 is undefined for i = j. Two readings: the first neighbours count as much as the segment
itself (`clamped`), or all lags count from one (`shifted`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

READINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "clamped": lambda lag: lag.clamp(min=1),
    "shifted": lambda lag: lag + 1,
}


def lag_weights(
    length: int, reading: str = "clamped", exponent: float = 5.0, device: torch.device | None = None
) -> Tensor:
    """Weights in (0, 1] of all pairs of a clip's segments, (T, T); symmetric, 1 on the diagonal."""
    time = torch.arange(length, device=device)
    lag = (time[:, None] - time).abs()  # (T, T)
    return READINGS[reading](lag).float() ** -exponent
