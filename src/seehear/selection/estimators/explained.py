"""How many weak labels does a modality's teacher explain, and how evenly are they heard, seen, or both?

A weak label is explained if a segment passes the teacher's threshold in at least one modality, out of fold. The balance
is the entropy of the shares that are explained in one modality alone or in several, at most 1. Networks that explain
every label by one modality leave nothing to fuse.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import Separate
from seehear.selection.estimators.teachers import refined
from seehear.selection.task import Task


def look(task: Task, split: str, alone: Collocation) -> NDArray[np.bool_]:
    """Return which weak labels of the split's clips a modality's teacher explains, (number of labels,)."""
    refinement = refined(task, split, alone)
    (modality,) = alone
    margins = np.nan_to_num(refinement.margins[modality], nan=0.0)  # (N, C); unknown counts as not explained
    explained: NDArray[np.bool_] = margins[refinement.labels > 0] > 0
    return explained


def score(task: Task, split: str, looks: Sequence[NDArray[np.bool_]]) -> NDArray[np.float64]:
    """Return the share of explained labels plus the balance of their modalities, (1,), in [0, 2].

    Raises:
        SeehearError: There is no label.
    """
    explained = np.stack(looks)  # (M, labels)
    if not explained.size:
        raise SeehearError("no clip has a label")
    count = explained.sum(axis=0)
    kinds = np.array([*((count == 1) & explained).sum(axis=1), (count > 1).sum()], dtype=np.float64)  # (M + 1,)
    shares = kinds[kinds > 0] / max(1.0, kinds.sum())
    balance = float(-(shares * np.log(shares)).sum() / np.log(len(kinds))) if len(looks) > 1 else 0.0
    return np.array([(count > 0).mean() + balance])


ESTIMATORS = (Separate("explained", "weak labels that a teacher explains, and their balance", "", "weak", look, score),)
