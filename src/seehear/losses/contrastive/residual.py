"""The difference between a similarity and its target: the bracket of Wu et al., Eq. 6.

`literal` is the bracket as printed. The authors cannot have used it: the target passes no gradient, so the loss falls
as every similarity falls to −1, whatever the target. By the text each similarity should approach its target, as with
the other two.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from seehear.errors import unknown

RESIDUALS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "squared": lambda similarity, target: (similarity - target) ** 2,
    "absolute": lambda similarity, target: (similarity - target).abs(),
    "literal": lambda similarity, target: similarity - target,
}


def residual_of(similarity: Tensor, target: Tensor, residual: str = "squared") -> Tensor:
    """Return the residual of each pair, shaped as `similarity` and `target`.

    Args:
        similarity: Between the modalities, (B, T, T) in [-1, 1].
        target: Shaped as `similarity`.
        residual: `squared`, `absolute` or `literal`.

    Raises:
        SeehearError: If the residual is unknown.
    """
    if residual not in RESIDUALS:
        raise unknown("residual", residual, RESIDUALS)
    return RESIDUALS[residual](similarity, target)
