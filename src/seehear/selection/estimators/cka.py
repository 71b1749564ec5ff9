"""Debiased linear CKA (Nguyen et al. 2021, ICLR) between modalities: whether they find the same clips alike.

Without the correction (Song et al. 2012) any two networks seem to agree once they are wider than there are
clips. No label is looked at: agreement may be about what is in the clips, or about anything else.
"""

from __future__ import annotations

import itertools

import numpy as np

from seehear.errors import SeehearError
from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import ClosedForm
from seehear.selection.evidence import FLAT, Array, Evidence


def off_centre(gram: Array) -> Array:
    """The matrix without its diagonal, rows and columns summing to 0, (N, N) (Székely and Rizzo 2014).

    The mean product of two such over N(N - 3) is Song's unbiased HSIC of their Gram matrices. N >= 3.
    """
    n = len(gram)
    without = gram - np.diag(np.diag(gram))
    row = without.sum(axis=1) / (n - 2)
    centred = without - row - row[:, None] + without.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    return centred


def cka(one: Array, other: Array) -> float:
    """Of two Gram matrices, (N, N), N >= 4: in [-1, 1], about 0 where they have nothing to do with each other.

    Raises SeehearError where one of them has no structure but its diagonal.
    """
    a, b = off_centre(one), off_centre(other)
    length = np.linalg.norm(a) * np.linalg.norm(b)
    if length <= FLAT * np.linalg.norm(one) * np.linalg.norm(other):
        raise SeehearError("all pairs of clips are equally alike: nothing for modalities to agree about")
    return float((a * b).sum() / length)


def score(evidence: Evidence, collocation: Collocation) -> float:
    """Mean over pairs of modalities, in [-1, 1]. Raises SeehearError for one modality, or fewer than 4 clips."""
    if len(collocation.options) < 2:
        raise SeehearError("agreement between modalities needs two of them")
    if len(evidence) < 4:
        raise SeehearError(f"debiased CKA needs at least 4 clips, and there are {len(evidence)}")
    pairs = list(itertools.combinations([evidence.of_option(option) for _, option in collocation.options], 2))
    evidence.flops += 16.0 * len(evidence) ** 2 * len(pairs)
    return float(np.mean([cka(one, other) for one, other in pairs]))


ESTIMATORS = (ClosedForm("cka", "agreement between modalities", "debiased CKA, Nguyen et al. 2021", "none", score),)
