"""Estimators by name. A new one is a file in this folder with `ESTIMATORS`, and a line here."""

from __future__ import annotations

from collections.abc import Sequence

from seehear.errors import SeehearError, unknown
from seehear.selection.estimators import (
    chance,
    explained,
    halving,
    logme,
    pilots,
    ridge,
    shared,
    short_run,
    static,
    teachers,
    traversal,
    unimodal,
    upper_bound,
)
from seehear.selection.estimators.interface import ClosedForm, Estimator, Separate

REGISTRY: dict[str, Estimator] = {
    estimator.name: estimator
    for estimators in (
        pilots.ESTIMATORS,
        logme.ESTIMATORS,
        ridge.ESTIMATORS,
        unimodal.ESTIMATORS,
        teachers.ESTIMATORS,
        explained.ESTIMATORS,
        static.ESTIMATORS,
        chance.ESTIMATORS,
        short_run.ESTIMATORS,
        shared.ESTIMATORS,
        halving.ESTIMATORS,
        upper_bound.ESTIMATORS,
        traversal.ESTIMATORS,
    )
    for estimator in estimators
}
CLOSED_FORM: dict[str, ClosedForm] = {
    name: estimator for name, estimator in REGISTRY.items() if isinstance(estimator, ClosedForm)
}
DEFAULT = pilots.ESTIMATORS[0].name
TRAVERSAL = traversal.ESTIMATORS[0]
UPPER_BOUNDS = upper_bound.ESTIMATORS
PAPER = "upper-bound-weak-segment-final"
PAPER_WITHOUT_TRUTH = "upper-bound-weak-clip-final"
ALL = "all"
SPLITS = ("train", "val")

EstimatorOn = tuple[Estimator, str]  # an estimator, and the split whose clips it looks at


def find(names: str | Sequence[str]) -> list[EstimatorOn]:
    """Find estimators by name.

    Args:
        names: Names, in a list or with commas between them. NAME@train or NAME@val states the split. Otherwise closed
            forms look at the training clips, which are many, and estimators that train look at the validation clips.
            `all` stands for every estimator but traversal.

    Returns:
        Each estimator with its split.

    Raises:
        SeehearError: For a name or a split that does not exist.
    """
    if isinstance(names, str):
        names = names.split(",")
    if len(names) != 1 or "," in names[0]:
        return [pair for each in names for pair in find(each)]
    name = names[0].strip()
    if name == ALL:
        return [pair for each in REGISTRY if each != TRAVERSAL.name for pair in find(each)]
    bare, at, split = name.partition("@")
    if bare not in REGISTRY:
        raise unknown("estimator", bare, [*REGISTRY, ALL])
    if at and split not in SPLITS:
        raise SeehearError(f"{name!r}: an estimator looks at the clips of {' or '.join(SPLITS)}, as in {bare}@val")
    estimator = REGISTRY[bare]
    return [(estimator, split or _usual_split(estimator))]


def _usual_split(estimator: Estimator) -> str:
    if isinstance(estimator, Separate):
        return estimator.split
    return "train" if isinstance(estimator, ClosedForm) else "val"


def list_estimators() -> list[str]:
    """Return names of all estimators, as `select(by=...)` takes them."""
    return list(REGISTRY)
