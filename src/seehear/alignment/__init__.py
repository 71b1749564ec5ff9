"""Alignment: how well the embeddings of two modalities agree in meaning, measured by retrieval.

    align({"baseline": runs, "mtsc": others}, test)
    align_arrays({"audio": audio, "visual": visual}, truth)

Each segment of one modality is a query. All segments of another modality, or of its own, are ranked by the cosine of
their embeddings (Wu et al., Tables 1 and 2).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seehear.alignment.measure import align, align_arrays
    from seehear.alignment.result import AlignedSystem, Alignment
    from seehear.alignment.search import Search, between, within

_MODULES = {
    "align": "measure",
    "align_arrays": "measure",
    "AlignedSystem": "result",
    "Alignment": "result",
    "Search": "search",
    "between": "search",
    "within": "search",
}
__all__ = ["AlignedSystem", "Alignment", "Search", "align", "align_arrays", "between", "within"]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
