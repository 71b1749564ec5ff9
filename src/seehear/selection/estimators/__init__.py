"""Estimators by name. A new one is a file beside this with `ESTIMATORS`, and a line here."""

from __future__ import annotations

from seehear.errors import SeehearError, unknown
from seehear.selection.estimators import (
    chance,
    cka,
    cross_fitted,
    halving,
    hscore,
    knn,
    logme,
    parc,
    ridge,
    short_run,
    traversal,
    two_stage,
    unimodal,
    upper_bound,
    width,
)
from seehear.selection.estimators.interface import ClosedForm, Estimator

REGISTRY: dict[str, Estimator] = {
    estimator.name: estimator
    for estimators in (
        two_stage.ESTIMATORS,
        logme.ESTIMATORS,
        ridge.ESTIMATORS,
        hscore.ESTIMATORS,
        knn.ESTIMATORS,
        parc.ESTIMATORS,
        cka.ESTIMATORS,
        unimodal.ESTIMATORS,
        width.ESTIMATORS,
        chance.ESTIMATORS,
        short_run.ESTIMATORS,
        halving.ESTIMATORS,
        cross_fitted.ESTIMATORS,
        upper_bound.ESTIMATORS,
        traversal.ESTIMATORS,
    )
    for estimator in estimators
}
CLOSED_FORM: dict[str, ClosedForm] = {
    name: estimator for name, estimator in REGISTRY.items() if isinstance(estimator, ClosedForm)
}
DEFAULT = two_stage.ESTIMATORS[0].name
TRAVERSAL = traversal.ESTIMATORS[0].name
UPPER_BOUNDS = upper_bound.ESTIMATORS
PAPER = "upper-bound-weak-segment-final"
PAPER_WITHOUT_TRUTH = "upper-bound-weak-clip-final"
ALL = "all"
SPLITS = ("train", "val")


def find(names: str) -> list[tuple[Estimator, str]]:
    """Estimators by name, with commas between, and the sample each is asked about: NAME@train, NAME@val, or its home.

    Closed forms are at home on the training clips, which are many; what trains, on the validation clips. `all` is
    every one but traversal. Raises SeehearError where there is none of that name.
    """
    if "," in names:
        return [pair for each in names.split(",") for pair in find(each)]
    name = names.strip()
    if name == ALL:
        return [pair for each in REGISTRY if each != TRAVERSAL for pair in find(each)]
    bare, at, split = name.partition("@")
    if bare not in REGISTRY:
        raise unknown("estimator", bare, [*REGISTRY, ALL])
    if at and split not in SPLITS:
        raise SeehearError(f"{name!r}: an estimator looks at {' or '.join(SPLITS)}, as in {bare}@val")
    estimator = REGISTRY[bare]
    return [(estimator, split or ("train" if isinstance(estimator, ClosedForm) else "val"))]
