"""The width of the features: what an estimator must beat that claims to see more in them than their number."""

from __future__ import annotations

from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import ClosedForm
from seehear.selection.evidence import Evidence


def score(evidence: Evidence, collocation: Collocation) -> float:
    """Features of all networks of the collocation, a whole number."""
    return float(sum(evidence.widths[network] for network in collocation.networks))


ESTIMATORS = (ClosedForm("width", "number of features", "a baseline", "none", score),)
