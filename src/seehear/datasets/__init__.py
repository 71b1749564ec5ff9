"""Data sets whose label tables, feature folders and naming seehear knows.

annotations(get("llp"), "folder of its tables")
"""

import difflib

from seehear.datasets import folder, llp
from seehear.datasets.spec import SPLITS, Annotations, DataSet, FeatureFolder, annotations
from seehear.errors import SeehearError

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
    close = difflib.get_close_matches(name.lower(), REGISTRY, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(sorted(REGISTRY))}."
    raise SeehearError(f"no data set is called {name!r}: {hint} For your own, lay its tables out as `folder`.")
