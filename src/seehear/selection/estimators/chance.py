"""A control: a random number per collocation, which every estimator must beat."""

from __future__ import annotations

import hashlib

from seehear.selection.collocation import Collocation
from seehear.selection.estimators.interface import ClosedForm
from seehear.selection.evidence import Evidence


def score(evidence: Evidence, collocation: Collocation) -> float:
    """Return a number in [0, 1) that depends on the collocation's name alone: the same on every machine."""
    digest = hashlib.sha256(collocation.argument.encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53  # 53 bits fill a float's mantissa


ESTIMATORS = (ClosedForm("chance", "a random number", "a control", "none", score),)
