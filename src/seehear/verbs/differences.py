"""How differences between trained systems are told: in the same words wherever they are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seehear.errors import SeehearError
from seehear.scoring.comparison import LEVEL, Difference
from seehear.training.run import Run, apart_from_seeds

MOST = 8  # settings that are listed
READ = (
    "this − first; 95 % intervals by bootstrap, p by permutation, both over clips and, where each system has several, "
    "seeds",
    "p is the stricter: it takes every difference between seeds for luck. Where an interval leaves out 0 and p is "
    f"{LEVEL:g} or more, the question is open",
)


def of_seeds(found: Difference, one: Sequence[int], other: Sequence[int]) -> str:
    """How a system's seeds were compared with the first's, and what follows from their number."""
    ones, others = (", ".join(map(str, seeds)) for seeds in (one, other))
    if not found.over_seeds:
        return f"seeds {ones} beside {others}: one run says nothing of other seeds; interval and p are of clips alone"
    how = f"seeds {ones}, paired" if found.paired_seeds else f"seeds {ones} beside {others}, not the same: not paired"
    return how + (f"; so few that p can't be under {found.floor:.3f}" if found.floor > LEVEL / 5 else "")


def of_settings(first: Run, other: Run) -> str:
    """What two systems differ in besides their seeds."""
    found = apart_from_seeds(first, other)
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
