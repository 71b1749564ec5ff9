"""The known data sets, by name."""

from __future__ import annotations

from seehear.datasets import folder, llp
from seehear.datasets.spec import DataSet
from seehear.errors import unknown

REGISTRY: dict[str, DataSet] = {spec.name: spec for spec in (llp.SPEC, folder.SPEC)}


def get(name: str | DataSet) -> DataSet:
    """Return the data set of that name; a DataSet is returned as it is.

    Raises:
        SeehearError: If there is none.
    """
    if isinstance(name, DataSet):
        return name
    if name in REGISTRY:
        return REGISTRY[name]
    raise unknown("data set", name, REGISTRY, "Lay out the tables of your own as in `folder`.")
