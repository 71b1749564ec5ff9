"""How related two segments of a clip are, by the time between them (T of Wu et al., Eqs. 5 and 6).

The paper's T = 1/|i−j|^5 is undefined for i = j. There are two readings. `clamped` gives lag 0 the weight of lag 1;
`shifted` counts lags from 1.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from seehear.errors import unknown

READINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "clamped": lambda lag: lag.clamp(min=1),
    "shifted": lambda lag: lag + 1,
}


def lag_weights(
    length: int, reading: str = "clamped", exponent: float = 5.0, device: torch.device | None = None
) -> Tensor:
    """Return the weight of every pair of segments in a clip, (T, T) in (0, 1].

    The weights are symmetric, and 1 on the diagonal.

    Args:
        length: Segments in the clip, T.
        reading: `clamped`, 1/max(lag, 1)^exponent, or `shifted`, 1/(lag + 1)^exponent.
        exponent: At least 0; 5 in the paper. With 0, all weights are 1.
        device: Where to put the weights.

    Raises:
        SeehearError: If the reading is unknown.
    """
    if reading not in READINGS:
        raise unknown("reading of the lag", reading, READINGS)
    time = torch.arange(length, device=device)
    lag = (time[:, None] - time).abs()  # (T, T)
    return READINGS[reading](lag).float() ** -float(exponent)
