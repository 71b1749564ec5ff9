"""What there is to choose from: for each modality some options, and all ways to take one of each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from seehear.errors import SeehearError

Option = tuple[str, ...]  # the networks that feed one modality, together


def spell(option: Option) -> str:
    """yamnet, or yamnet+aisfx where a modality is fed by several."""
    return "+".join(option)


@dataclass(frozen=True)
class Collocation:
    """One option per modality, in the grid's order of modalities."""

    options: tuple[tuple[str, Option], ...]

    @staticmethod
    def of(chosen: Mapping[str, Iterable[str]]) -> Collocation:
        return Collocation(tuple((modality, tuple(networks)) for modality, networks in chosen.items()))

    def __str__(self) -> str:
        return " × ".join(spell(option) for _, option in self.options)

    @property
    def argument(self) -> str:
        """As `seehear train --collocation` takes it."""
        return " ".join(f"{modality}={spell(option)}" for modality, option in self.options)

    @property
    def networks(self) -> tuple[str, ...]:
        return tuple(network for _, option in self.options for network in option)

    def as_json(self) -> dict[str, list[str]]:
        return {modality: list(option) for modality, option in self.options}


@dataclass(frozen=True)
class Grid:
    """modality -> its options. M options in each of N modalities make M^N collocations."""

    options: Mapping[str, tuple[Option, ...]]

    @staticmethod
    def over(networks: Mapping[str, Sequence[str]], together: int = 1) -> Grid:
        """Every set of at most `together` networks is an option of its modality; a name given twice counts once."""
        return Grid(
            {
                modality: tuple(
                    option
                    for size in range(1, together + 1)
                    for option in itertools.combinations(dict.fromkeys(names), size)
                )
                for modality, names in networks.items()
            }
        )

    def __post_init__(self) -> None:
        if not self.options or not all(self.options.values()):
            raise SeehearError("a selection needs at least one modality, and each at least one network")

    def __len__(self) -> int:
        return math.prod(self.shape)

    def __iter__(self) -> Iterator[Collocation]:
        return iter(self.collocations)

    @property
    def shape(self) -> tuple[int, ...]:
        """Options per modality."""
        return tuple(len(options) for options in self.options.values())

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.options)

    @cached_property
    def collocations(self) -> tuple[Collocation, ...]:
        """All of them, the last modality's option changing fastest: as an array of `shape` is laid out."""
        return tuple(
            Collocation(tuple(zip(self.options, chosen, strict=True)))
            for chosen in itertools.product(*self.options.values())
        )

    @property
    def networks(self) -> tuple[str, ...]:
        """Every network, once."""
        return tuple(dict.fromkeys(name for options in self.options.values() for option in options for name in option))
