"""Things by name; an unknown name raises an error that lists similar names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from seehear.errors import unknown


class Named(Protocol):
    """Has a name."""

    @property
    def name(self) -> str:
        """Return the name."""


T = TypeVar("T", bound=Named)


class Registry(dict[str, T]):
    """A dictionary by name, in a fixed order. `registry[name]` raises SeehearError naming close names."""

    def __init__(self, what: str, items: Iterable[T], hint: str = "") -> None:
        """Register items under their `name`.

        Args:
            what: What they are, as in `network`, for the error.
            items: In the order in which they are listed.
            hint: A sentence for the error, saying what else may be named.
        """
        super().__init__((item.name, item) for item in items)
        self._what, self._hint = what, hint

    def __missing__(self, name: str) -> T:
        raise unknown(self._what, name, self, self._hint)
