"""What a comparison shows: better, worse, or inconclusive."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """How a score compares with a baseline."""

    BETTER = "better"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"

    @staticmethod
    def from_interval(low: float, high: float) -> Verdict:
        """Return the verdict on a difference by its interval: inconclusive if the interval contains 0."""
        return Verdict.BETTER if low > 0 else Verdict.WORSE if high < 0 else Verdict.INCONCLUSIVE
