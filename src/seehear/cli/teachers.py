"""seehear teachers: what can refine weak labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seehear.results import Result, table

if TYPE_CHECKING:
    from seehear.refinement.teachers import Teacher


@dataclass
class Teachers(Result):
    """The registered teachers."""

    teachers: Sequence[Teacher]

    def text(self) -> str:
        """Return a table with one line per teacher."""
        header = ["name", "looks at", "what it is"]
        return table([header, *([row["name"], row["space"], row["summary"]] for row in self.as_json())], right_from=3)

    def as_json(self) -> Any:
        """Return one object per teacher: its name, what it looks at, and what it is."""
        return [{"name": each.name, "space": str(each.space), "summary": each.description} for each in self.teachers]


def teachers() -> Teachers:
    """List what `seehear labels refine --teacher` and the setting refine.teacher can name.

    Returns:
        Every teacher, and what it looks at.
    """
    from seehear.refinement.teachers import REGISTRY

    return Teachers(list(REGISTRY.values()))
