"""Classes that a system never finds: they occur in the ground truth, and no run has a true positive of them."""

from __future__ import annotations

from collections.abc import Sequence

from seehear.scoring.f1 import LEVELS
from seehear.scoring.scores import ClassRow


def never_found(runs: Sequence[Sequence[ClassRow]], modality: str) -> dict[str, int]:
    """Return the classes that occur in a modality and of which no run predicted a single segment right.

    Args:
        runs: The rows of the classes of each run.
        modality: The modality.

    Returns:
        Class -> its segments in the ground truth, those with most segments first.
    """
    missed: dict[str, int] = {}
    found = set()
    for row in (row for rows in runs for row in rows if (row.level, row.kind) == (LEVELS[0], modality)):
        if row.support and row.recall == 0:
            missed[row.label] = row.support
        elif row.support:
            found.add(row.label)
    return {label: missed[label] for label in sorted(missed, key=lambda label: -missed[label]) if label not in found}
