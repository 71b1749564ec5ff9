"""What trained systems that are compared differ in, and that they are several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seehear.errors import SeehearError
from seehear.training.run import Run, differences_but_seed

MOST = 8  # settings that are listed


def of_settings(first: Run, other: Run) -> str:
    """What two systems differ in besides their seeds."""
    found = differences_but_seed(first, other)
    if not found:
        return "trained alike"
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    return f"differs in {'; '.join(found[:MOST])}{more}"


def check_apart(systems: Mapping[str, Sequence[Run]]) -> None:
    """Raises SeehearError for a run that is in two systems."""
    home: dict[str, str] = {}
    for name, runs in systems.items():
        for run in runs:
            other = home.setdefault(str(run.path.resolve()), name)
            if other != name:
                raise SeehearError(f"{run.path} is in {other} and in {name}: a run can't be compared with itself")
