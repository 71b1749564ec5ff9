"""How far similarity is from its target: the bracket of Wu et al., Eq. 6.

As printed, `literal`, it cannot be meant: the target passes no gradient, so it falls as every similarity falls, the
target notwithstanding, down to −1. The text wants similarity at its target, hence the other two.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

RESIDUALS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "squared": lambda similarity, target: (similarity - target) ** 2,
    "absolute": lambda similarity, target: (similarity - target).abs(),
    "literal": lambda similarity, target: similarity - target,
}
