"""seehear: what is heard, what is seen, and both, second by second, from clip-level labels.

Every command of the command line is a function here, with the same name and the same options:
prepare, extract, select, judge, train, evaluate, compare, align, parse, view, export, score, networks, check_networks,
check_labels, import_labels, import_features, export_features, generate_features, recipes, estimators. Each returns a
result with .text() and .as_json(). `network` turns a function of yours into a network.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from seehear.version import __version__

if TYPE_CHECKING:
    from seehear import losses, networks, paper  # noqa: F401
    from seehear.alignment import Alignment, align, align_arrays
    from seehear.checking import check_network
    from seehear.evaluation import compare, evaluate, score
    from seehear.extraction import extract
    from seehear.feature_arrays import Extraction, Features
    from seehear.importing import export_features, import_features
    from seehear.loaded import LoadedNetwork, load_network
    from seehear.networks import list_networks
    from seehear.networks.function import network
    from seehear.paper import reproduce
    from seehear.training.recipe import Recipe, list_recipes, load_recipe
    from seehear.verbs.estimators import estimators
    from seehear.verbs.export import export
    from seehear.verbs.features import generate_features
    from seehear.verbs.judge import judge
    from seehear.verbs.labels import check_labels, import_labels
    from seehear.verbs.networks import check_networks
    from seehear.verbs.parse import parse
    from seehear.verbs.prepare import prepare
    from seehear.verbs.recipes import recipes
    from seehear.verbs.select import select
    from seehear.verbs.train import train
    from seehear.verbs.view import view

# Imported when first used: torch alone takes longer than `seehear --help` may.
_MODULES = ("losses", "networks", "paper")
_HOMES = {
    "Extraction": "seehear.feature_arrays",
    "Features": "seehear.feature_arrays",
    "LoadedNetwork": "seehear.loaded",
    "check_network": "seehear.checking",
    "list_networks": "seehear.networks",
    "load_network": "seehear.loaded",
    "Recipe": "seehear.training.recipe",
    "Alignment": "seehear.alignment",
    "align": "seehear.alignment",
    "align_arrays": "seehear.alignment",
    "check_labels": "seehear.verbs.labels",
    "check_networks": "seehear.verbs.networks",
    "compare": "seehear.evaluation",
    "estimators": "seehear.verbs.estimators",
    "evaluate": "seehear.evaluation",
    "export": "seehear.verbs.export",
    "export_features": "seehear.importing",
    "extract": "seehear.extraction",
    "generate_features": "seehear.verbs.features",
    "import_features": "seehear.importing",
    "import_labels": "seehear.verbs.labels",
    "judge": "seehear.verbs.judge",
    "list_recipes": "seehear.training.recipe",
    "load_recipe": "seehear.training.recipe",
    "network": "seehear.networks.function",
    "parse": "seehear.verbs.parse",
    "prepare": "seehear.verbs.prepare",
    "recipes": "seehear.verbs.recipes",
    "reproduce": "seehear.paper",
    "score": "seehear.evaluation",
    "select": "seehear.verbs.select",
    "train": "seehear.verbs.train",
    "view": "seehear.verbs.view",
}
__all__ = [
    "Alignment",
    "Extraction",
    "Features",
    "LoadedNetwork",
    "Recipe",
    "__version__",
    "align",
    "align_arrays",
    "check_labels",
    "check_network",
    "check_networks",
    "compare",
    "estimators",
    "evaluate",
    "export",
    "export_features",
    "extract",
    "generate_features",
    "import_features",
    "import_labels",
    "judge",
    "list_networks",
    "list_recipes",
    "load_network",
    "load_recipe",
    "losses",
    "network",
    "networks",
    "parse",
    "prepare",
    "recipes",
    "reproduce",
    "score",
    "select",
    "train",
    "view",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
