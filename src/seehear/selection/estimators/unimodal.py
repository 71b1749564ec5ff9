"""A control: each modality's networks scored alone, and the scores added up.

It chooses the best network of each modality, independently of the others. An estimator that looks at collocations is
worth its cost only if it does better.
"""

from __future__ import annotations

from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import ClosedForm
from seehear.selection.estimators.ridge import score_alone
from seehear.selection.evidence import Evidence


def score(evidence: Evidence, collocation: Collocation) -> float:
    """Return the sum over modalities of the out-of-fold R² of their networks alone."""
    return sum(score_alone(evidence, modality, option) for modality, option in collocation.options)


ESTIMATORS = (ClosedForm("unimodal", "linear models of each modality alone, out of fold", "a control", "weak", score),)
