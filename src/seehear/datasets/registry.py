"""The known data sets, by name."""

from __future__ import annotations

from seehear.datasets import audioset_strong, ave, desed, folder, lfav, llp, ov_avebench, unav100, vggsounder
from seehear.datasets.spec import DataSet
from seehear.errors import unknown

MODULES = (llp, lfav, ave, unav100, ov_avebench, vggsounder, audioset_strong, desed, folder)
REGISTRY: dict[str, DataSet] = {module.SPEC.name: module.SPEC for module in MODULES}


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
