"""What an experiment found: measures of systems, as far as they go down to seeds and clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seehear.scoring.comparison import Difference, difference
from seehear.scoring.intervals import bootstrap


@dataclass(frozen=True)
class Measured:
    """A score of a system.

    value: per cent, unless its name says otherwise. low, high: its 95 % interval, NaN where there is none. values:
    (S, N), what value is the mean of: one for each seed and clip; None where it doesn't go down to these. seeds: none
    where nothing is drawn. p: that there is nothing, where that is known. chance: what knowing nothing comes to.
    """

    value: float
    low: float = float("nan")
    high: float = float("nan")
    values: NDArray[np.float64] | None = field(default=None, repr=False)
    seeds: tuple[int, ...] = ()
    p: float = float("nan")
    chance: float = float("nan")

    @staticmethod
    def of(values: NDArray[np.float64], seeds: Sequence[int] = (), chance: float = float("nan")) -> Measured:
        """values: (S, N); with one row and no seeds, of clips alone."""
        found = bootstrap(values)
        return Measured(found.mean, found.low, found.high, values, tuple(seeds), chance=chance)

    def minus(self, other: Measured) -> Difference | None:
        """How far apart the two are; None where that isn't known clip by clip."""
        if self.values is None or other.values is None or self.values.shape[1] != other.values.shape[1]:
            return None
        seeds = (self.seeds, other.seeds) if self.seeds and other.seeds else None
        return difference(self.values, other.values, seeds)


@dataclass
class Findings:
    """systems: row -> column -> what was measured. ours: rows that the paper does not have, as controls.

    signature: how the numbers came about. missing: labelled clips without features.
    """

    systems: Mapping[str, Mapping[str, Measured]]
    signature: str
    ours: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)

    def get(self, system: str, score: str) -> Measured | None:
        return self.systems.get(system, {}).get(score)
