"""What grids that were trained in full say about a new one: the numbers of `belief.Belief`, as they are stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import IntEnum
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Kind(IntEnum):
    """What a training shows."""

    FULL = 1
    PILOT = 2


@dataclass(frozen=True)
class Slope:
    """Points of score per unit of a closed form: the mean over grids, and the SD between them."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class Prior:
    """SDs in points of score, of grids of one kind.

    Attributes:
        slopes: Closed form -> how much of the score it explains.
        network: Of what a network adds beyond the closed forms.
        pairing: Of what a pairing adds.
        pilot_network: Of how far a network's score in pilot trainings is off.
        pilot_pairing: Likewise of a pairing.
        seed, pilot_seed: Between seeds of full and of pilot trainings.
        clip: Of a clip's score, in its differences between collocations.
        freedom: Degrees of freedom: how alike grids are.
    """

    slopes: Mapping[str, Slope]
    network: float
    pairing: float
    pilot_network: float
    pilot_pairing: float
    seed: float
    pilot_seed: float
    clip: float
    freedom: float

    def seed_variance(self, kind: Kind) -> float:
        """Return the variance of one training's score between seeds."""
        return (self.pilot_seed if kind is Kind.PILOT else self.seed) ** 2

    def as_json(self) -> dict[str, Any]:
        """Return a value that `json.dumps` takes."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Prior:
        """Read what `as_json` returned."""
        slopes = {name: Slope(**slope) for name, slope in content["slopes"].items()}
        return Prior(**{**content, "slopes": slopes})


def clip_deviation(values: Array) -> float:
    """Return the SD of a clip's score in its differences between collocations, of values (n, N), n at least 2."""
    differences = values - values.mean(axis=0)
    n = len(values)
    return float(np.sqrt(differences.var(axis=1, ddof=1).mean() * n / (n - 1)))


@cache
def stored() -> Mapping[str, Mapping[str, Prior]]:
    """Return the priors that come with seehear: kind of grid -> estimator, with its split -> prior."""
    content = json.loads(resources.files(__package__).joinpath("priors.json").read_text(encoding="utf-8"))
    return {
        kind: {name: Prior.from_json(each) for name, each in of_kind.items()}
        for kind, of_kind in content["priors"].items()
    }


def kind_of(metric: str, scaled: bool) -> str:
    """Return the kind of a grid: what its clips are scored by, and whether its networks are brought to one size."""
    return f"{metric}, {'scaled' if scaled else 'as they are'}"
