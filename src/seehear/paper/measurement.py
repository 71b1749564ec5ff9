"""What an experiment measured: scores of systems, per seed and clip if they are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seehear.scoring.comparison import Difference, difference
from seehear.scoring.intervals import bootstrap

NAN = float("nan")


@dataclass(frozen=True)
class Measurement:
    """A score of a system.

    Attributes:
        value: Per cent, unless the score's name says otherwise.
        low: Lower end of the 95 % interval; NaN if it is not known.
        high: Upper end.
        values: (S, N), one value per seed and clip, of which `value` is the mean; None if they are not known.
        seeds: Of the trainings; empty if nothing is drawn at random.
        p: Of the test that the score is 0; NaN if there is none.
        chance: Chance level; NaN if there is none.
    """

    value: float
    low: float = NAN
    high: float = NAN
    values: NDArray[np.float64] | None = field(default=None, repr=False)
    seeds: tuple[int, ...] = ()
    p: float = NAN
    chance: float = NAN

    @staticmethod
    def of(values: NDArray[np.float64], seeds: Sequence[int] = (), chance: float = NAN) -> Measurement:
        """Return the mean of values and its bootstrap interval.

        Args:
            values: (S, N), one per seed and clip; one row without seeds is over clips alone.
            seeds: Of the S rows.
            chance: Chance level.
        """
        mean = bootstrap(values)
        return Measurement(mean.mean, mean.low, mean.high, values, tuple(seeds), chance=chance)

    def minus(self, other: Measurement) -> Difference | None:
        """Return the difference of two scores; None if they are not known for the same clips."""
        if self.values is None or other.values is None or self.values.shape[1] != other.values.shape[1]:
            return None
        seeds = (self.seeds, other.seeds) if self.seeds and other.seeds else None
        return difference(self.values, other.values, seeds)


@dataclass
class Findings:
    """What an experiment measured.

    Attributes:
        systems: row -> column -> measurement.
        signature: How the numbers were computed.
        controls: Rows that the paper does not have.
        notes: What a user should know.
        missing: Labelled clips without features.
        figures: Files that were written.
    """

    systems: Mapping[str, Mapping[str, Measurement]]
    signature: str
    controls: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    missing: Sequence[str] = ()
    figures: Sequence[Path] = ()

    def get(self, system: str, score: str) -> Measurement | None:
        """Return a measurement, or None."""
        return self.systems.get(system, {}).get(score)
