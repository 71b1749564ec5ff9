"""Pages: results as single HTML files, which open from disk and need nothing but a browser."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seehear.pages import comparison, evaluation, folder, parse, refinement, selection

__all__ = ["comparison", "evaluation", "folder", "parse", "refinement", "selection"]


def __getattr__(name: str) -> ModuleType:
    """Import a page when it is first used: that of a selection loads far more than that of a parsed clip needs."""
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
