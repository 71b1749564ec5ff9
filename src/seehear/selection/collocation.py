"""Collocations: for each modality the networks that feed it. And the grid of all collocations to choose from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from seehear.errors import SeehearError

Option = tuple[str, ...]  # the networks that feed one modality, together


def option_name(option: Option) -> str:
    """Name an option: yamnet, or yamnet+aisfx if several networks feed a modality together."""
    return "+".join(option)


@dataclass(frozen=True, repr=False)
class Collocation(Mapping[str, list[str]]):
    """One option per modality, in the grid's order of modalities.

    It is a mapping of modality to names of networks, as `Dataset.with_networks` takes it.

    Attributes:
        options: (modality, its networks) for each modality.
    """

    options: tuple[tuple[str, Option], ...]

    @staticmethod
    def of(chosen: Mapping[str, Iterable[str]]) -> Collocation:
        """Make a collocation from modality -> networks."""
        return Collocation(tuple((modality, tuple(networks)) for modality, networks in chosen.items()))

    def __repr__(self) -> str:
        return f"Collocation({self.argument.replace(' ', ', ')})"

    def __str__(self) -> str:
        return " × ".join(option_name(option) for _, option in self.options)

    def __getitem__(self, modality: str) -> list[str]:
        return list(dict(self.options)[modality])

    def __iter__(self) -> Iterator[str]:
        return (modality for modality, _ in self.options)

    def __len__(self) -> int:
        return len(self.options)

    @property
    def argument(self) -> str:
        """The collocation as `seehear train --collocation` takes it."""
        return " ".join(f"{modality}={option_name(option)}" for modality, option in self.options)

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of all networks, modality by modality."""
        return tuple(network for _, option in self.options for network in option)

    def as_json(self) -> dict[str, list[str]]:
        """Return modality -> names of its networks."""
        return {modality: list(option) for modality, option in self.options}


@dataclass(frozen=True)
class Grid:
    """All collocations to choose from: M options in each of N modalities make M^N collocations.

    Attributes:
        options: modality -> its options.
    """

    options: Mapping[str, tuple[Option, ...]]

    @staticmethod
    def over(networks: Mapping[str, Sequence[str]], together: int = 1) -> Grid:
        """Make the grid of all collocations of some networks.

        Args:
            networks: modality -> candidates. A name that is given twice counts once.
            together: Every set of at most so many networks is an option of its modality.

        Raises:
            SeehearError: There is no modality, or one has no network.
        """
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
            raise SeehearError("a selection needs at least one modality, and at least one network per modality")

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
        """Names of the modalities."""
        return tuple(self.options)

    @property
    def has_pairs(self) -> bool:
        """Whether at least two modalities have a choice."""
        return sum(count > 1 for count in self.shape) > 1

    @cached_property
    def collocations(self) -> tuple[Collocation, ...]:
        """All collocations, in the order of an array of `shape`: the last modality's option changes fastest."""
        return tuple(
            Collocation(tuple(zip(self.options, chosen, strict=True)))
            for chosen in itertools.product(*self.options.values())
        )

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of all networks, each once."""
        return tuple(dict.fromkeys(name for options in self.options.values() for option in options for name in option))
