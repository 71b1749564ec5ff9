"""seehear: what is heard, what is seen, and both, second by second, from clip-level labels.

    import seehear as sh

    sh.parse("new.mp4", ["Dog", "Speech"]).to_frame()  # without training

    train = sh.Dataset.from_tables("train.csv", store="STORE", collocation={"audio": "yamnet", "visual": "open-nsfw"})
    parser = sh.Parser(recipe="small").fit(train)
    parser.parse("new.mp4").to_frame()

Functions and classes below take arrays and objects, and paths where a file is meant. Nothing is written unless asked.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from seehear import device, telemetry
from seehear.version import __version__

telemetry.switch_off()
device.sleep_while_waiting()

if TYPE_CHECKING:
    from seehear import datasets, formats, labelling, labels, losses, networks, pages, paper, vocabulary
    from seehear.alignment import Alignment, align, align_arrays
    from seehear.data import Dataset
    from seehear.decoding import Decoding
    from seehear.errors import SeehearError
    from seehear.evaluation import Benchmark, Comparison, Evaluation, benchmark, compare, evaluate, score
    from seehear.events import Activity
    from seehear.features.arrays import Extraction, Features
    from seehear.features.check import check_network
    from seehear.features.extraction import extract
    from seehear.features.loaded import LoadedNetwork, load_network
    from seehear.features.npy import export_features, import_features
    from seehear.networks import list_networks
    from seehear.networks.function import network
    from seehear.parsing.clip import ParsedClip, ParsedEvent
    from seehear.parsing.packaged import PackagedParser
    from seehear.parsing.parser import Parser, load, train
    from seehear.parsing.untrained import Untrained, parse
    from seehear.pseudo import PseudoLabels
    from seehear.refinement.judge import judge_labels
    from seehear.refinement.judgement import LabelJudgement
    from seehear.refinement.refine import refine
    from seehear.refinement.result import Refinement
    from seehear.refinement.teachers import list_teachers
    from seehear.scoring.scores import Scores
    from seehear.selection.estimators import list_estimators
    from seehear.selection.result import Selection
    from seehear.selection.select import select
    from seehear.training.recipe import Recipe, list_recipes, load_recipe

# Imported when first used: torch alone takes longer than `seehear --help` may.
_MODULES = ("datasets", "formats", "labelling", "labels", "losses", "networks", "pages", "paper", "vocabulary")
_HOMES = {
    "Activity": "seehear.events",
    "Alignment": "seehear.alignment",
    "Benchmark": "seehear.evaluation",
    "Comparison": "seehear.evaluation",
    "Dataset": "seehear.data",
    "Decoding": "seehear.decoding",
    "Evaluation": "seehear.evaluation",
    "Extraction": "seehear.features.arrays",
    "Features": "seehear.features.arrays",
    "LabelJudgement": "seehear.refinement.judgement",
    "LoadedNetwork": "seehear.features.loaded",
    "PackagedParser": "seehear.parsing.packaged",
    "ParsedClip": "seehear.parsing.clip",
    "ParsedEvent": "seehear.parsing.clip",
    "Parser": "seehear.parsing.parser",
    "PseudoLabels": "seehear.pseudo",
    "Recipe": "seehear.training.recipe",
    "Refinement": "seehear.refinement.result",
    "Scores": "seehear.scoring.scores",
    "SeehearError": "seehear.errors",
    "Selection": "seehear.selection.result",
    "Untrained": "seehear.parsing.untrained",
    "align": "seehear.alignment",
    "align_arrays": "seehear.alignment",
    "benchmark": "seehear.evaluation",
    "check_network": "seehear.features.check",
    "compare": "seehear.evaluation",
    "evaluate": "seehear.evaluation",
    "export_features": "seehear.features.npy",
    "extract": "seehear.features.extraction",
    "import_features": "seehear.features.npy",
    "judge_labels": "seehear.refinement.judge",
    "list_estimators": "seehear.selection.estimators",
    "list_networks": "seehear.networks",
    "list_recipes": "seehear.training.recipe",
    "list_teachers": "seehear.refinement.teachers",
    "load": "seehear.parsing.parser",
    "load_network": "seehear.features.loaded",
    "load_recipe": "seehear.training.recipe",
    "network": "seehear.networks.function",
    "parse": "seehear.parsing.untrained",
    "refine": "seehear.refinement.refine",
    "score": "seehear.evaluation",
    "select": "seehear.selection.select",
    "train": "seehear.parsing.parser",
}
__all__ = [
    "Activity",
    "Alignment",
    "Benchmark",
    "Comparison",
    "Dataset",
    "Decoding",
    "Evaluation",
    "Extraction",
    "Features",
    "LabelJudgement",
    "LoadedNetwork",
    "PackagedParser",
    "ParsedClip",
    "ParsedEvent",
    "Parser",
    "PseudoLabels",
    "Recipe",
    "Refinement",
    "Scores",
    "SeehearError",
    "Selection",
    "Untrained",
    "__version__",
    "align",
    "align_arrays",
    "benchmark",
    "check_network",
    "compare",
    "datasets",
    "evaluate",
    "export_features",
    "extract",
    "formats",
    "import_features",
    "judge_labels",
    "labelling",
    "labels",
    "list_estimators",
    "list_networks",
    "list_recipes",
    "list_teachers",
    "load",
    "load_network",
    "load_recipe",
    "losses",
    "network",
    "networks",
    "pages",
    "paper",
    "parse",
    "refine",
    "score",
    "select",
    "train",
    "vocabulary",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return _imported(f"{__name__}.{name}")
    if name in _HOMES:
        return getattr(_imported(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _imported(module: str) -> Any:
    from seehear.errors import needing_train

    return needing_train(importlib.import_module)(module)


def __dir__() -> list[str]:
    return __all__
