"""Data sets whose label tables, feature folders and naming seehear knows.

annotations(get("llp"), "folder of its tables")
"""

from seehear.datasets import folder, llp
from seehear.datasets.spec import SPLITS, Annotations, DataSet, FeatureFolder, annotations
from seehear.errors import unknown

__all__ = ["REGISTRY", "SPLITS", "Annotations", "DataSet", "FeatureFolder", "annotations", "get"]

REGISTRY: dict[str, DataSet] = {
    spec.name: spec
    for spec in (
        llp.SPEC,
        folder.SPEC,
    )
}


def get(name: str) -> DataSet:
    """The data set of that name. Raises SeehearError where there is none."""
    if name in REGISTRY:
        return REGISTRY[name]
    raise unknown("data set", name, REGISTRY, "For your own, lay its tables out as `folder`.")
