"""PARC (Bolya et al. 2021, NeurIPS): whether pairs of clips are alike in features as they are in labels.

The paper correlates the rows of features, standardised over clips, and the rows of labels. Here both are centred
over clips and compared by the cosine: a kernel has no columns to centre rows over, and a clip without any label,
or with all, whose row has no correlation with any other, is like other such clips.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import ClosedForm
from seehear.selection.evidence import Array, Evidence, cosine


def spearman(one: Array, other: Array) -> float:
    """Rank correlation of two symmetric matrices below their diagonals, in [-1, 1]; ties have their mean rank.

    Raises SeehearError where all pairs are equal in either.
    """
    below = np.tril_indices(len(one), -1)
    ranks = [rankdata(matrix[below]) for matrix in (one, other)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        raise SeehearError("all pairs of clips are equally alike: nothing to tell networks apart by")
    return float(np.corrcoef(ranks)[0, 1])


def score(evidence: Evidence, collocation: Collocation) -> float:
    """Rank correlation over pairs of clips of how alike their features and their labels are, in [-1, 1]."""
    targets, n = evidence.targets, len(evidence)
    pairs = n * (n - 1) / 2
    evidence.flops += 2.0 * n * targets.size + 2 * pairs * np.log2(max(pairs, 2))  # sorting: n log n comparisons
    return spearman(cosine(evidence.kernel(collocation)), cosine(targets @ targets.T))


ESTIMATORS = (ClosedForm("parc", "alike in features, alike in labels", "PARC, Bolya et al. 2021", "weak", score),)
