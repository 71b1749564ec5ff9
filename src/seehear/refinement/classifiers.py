"""The classifiers of a data set's networks, where they can be had."""

from __future__ import annotations

from collections.abc import Sequence

from seehear import networks
from seehear.errors import SeehearError
from seehear.features.store import NetworkInfo
from seehear.networks.spec import Classifier


def classifiers_of(infos: Sequence[NetworkInfo]) -> tuple[list[Classifier | None], list[str]]:
    """Return the classifier of each network, None where there is none; and notes on networks that can't be loaded.

    Imported features and arrays have no network. A network of the user's own is not loaded, since that runs its code.
    """
    found: list[Classifier | None] = []
    notes: list[str] = []
    for info in infos:
        spec = networks.REGISTRY.get(info.reference)
        classifier = None
        if spec is not None and spec.sample_class:
            try:
                classifier = networks.load(spec, device="cpu").classifier()
            except SeehearError as error:
                notes.append(f"the classifier of {info.name} can't be used: {error}")
            if classifier is not None and classifier.width != info.width:
                classifier = None
        found.append(classifier)
    return found, notes
