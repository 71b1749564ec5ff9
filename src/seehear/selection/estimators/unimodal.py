"""Each modality's networks judged alone and added up: what is left of a selection if modalities need not match.

The choice that it makes is the best network of each modality, whatever the others are.
"""

from __future__ import annotations

from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import ClosedForm
from seehear.selection.estimators.ridge import alone
from seehear.selection.evidence import Evidence


def score(evidence: Evidence, collocation: Collocation) -> float:
    """Sum over modalities of the out-of-fold R² of their networks alone, at most the number of modalities."""
    return sum(alone(evidence, modality, option) for modality, option in collocation.options)


ESTIMATORS = (ClosedForm("unimodal", "linear models of each modality alone, out of fold", "a baseline", "weak", score),)
